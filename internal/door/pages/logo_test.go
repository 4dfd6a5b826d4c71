package pages_test

import (
	"bytes"
	"crypto/x509"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/fetch"
	"headykey.com/headykey/internal/oauth"
)

// The picture comes from us, and nothing else comes with it.
func TestALogoIsServedByUs(t *testing.T) {
	var picture bytes.Buffer
	check(t, png.Encode(&picture, image.NewGray(image.Rect(0, 0, 4, 4))))
	asked := 0
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.URL.Path != "/logo" || len(r.Cookies()) > 0 {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "image/png")
		w.Header().Set("Set-Cookie", "track=1")
		_, _ = w.Write(picture.Bytes())
	}))
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	out, err := fetch.New(fetch.Config{Allow: []string{"127.0.0.1"}, Roots: roots})
	check(t, err)
	defer out.Close()
	h := build(t, plan{})
	h.oauth.Fetch = out
	h.person(t, email)

	with := func(logo string) *headykey.Client {
		return h.app(t, func(w *oauth.ClientWish) { w.Details.LogoURI = logo })
	}
	c, b := with(s.URL+"/logo"), h.visitor()
	at := "/client-logo/" + string(c.ID) + "/" + oauth.LogoVersion(c)
	_, signIn := b.follow(t, asking(c))
	signIn.lacks(t, "client-logo")
	_, page := h.visitor().atConsent(t, c)
	page.want(t, http.StatusOK, `<span aria-hidden="true">AN</span><img src="`+at+`" alt="Acme Notes"`, "Unverified", "Nobody has checked this name and logo.")
	if asked != 0 {
		t.Errorf("the page waits for the client's server")
	}
	a := b.get(at)
	if a.Code != http.StatusOK || a.Body.String() != picture.String() {
		t.Fatalf("got %d, %d bytes", a.Code, a.Body.Len())
	}
	for name, want := range map[string]string{
		"Content-Type": "image/png", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'",
		"Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "private, max-age=3600", "Set-Cookie": "",
	} {
		if got := strings.Join(a.Header().Values(name), ", "); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	gone := with(s.URL + "/gone")
	for _, path := range []string{
		"/client-logo/" + string(gone.ID) + "/" + oauth.LogoVersion(gone), "/client-logo/" + string(c.ID) + "/0", "/client-logo/x/y",
	} {
		if a := b.get(path).want(t, http.StatusNotFound); a.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: kept %q", path, a.Header().Get("Cache-Control"))
		}
	}
}
