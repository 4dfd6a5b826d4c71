package pages

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"headykey.com/headykey/internal/web"
)

const (
	flashLife    = 89 * time.Second
	flashPurpose = "pages flash"
	maxFlash     = 2584 // bytes before sealing: browsers drop cookies of 4096
)

// A flash is what one page says to the next: it travels in a sealed cookie, so
// that nothing that a person typed is in an address or on a disk of ours.
type flash struct {
	For    string            `json:"for"`             // the path that may read it
	Until  int64             `json:"until"`           // unix seconds
	Status string            `json:"status,omitzero"` // good news
	Code   string            `json:"code,omitzero"`   // of the failure
	Alert  string            `json:"alert,omitzero"`  // the failure, in a sentence
	Faults map[string]string `json:"faults,omitzero"` // by the name of the field
	Values map[string]string `json:"values,omitzero"` // what was typed, but no secret
	HTTP   int               `json:"http,omitzero"`   // status of the page, if the failure passes by itself
	Again  int64             `json:"again,omitzero"`  // when a try makes sense again, unix seconds
}

// fault is the status of the page that tells f. What passes by itself keeps its
// status and Retry-After through the redirect.
func (f flash) fault(h http.Header) int {
	if f.Again > 0 {
		web.SetRetryAfter(h, max(time.Until(time.Unix(f.Again, 0)), time.Second))
	}
	return cmp.Or(f.HTTP, http.StatusOK)
}

// cookie returns a cookie of ours. The prefix (RFC 6265bis §4.1.3.2) keeps other
// hosts of the domain from planting one.
func (d *door) cookie(name, value string, same http.SameSite) *http.Cookie {
	return &http.Cookie{
		Name: d.cookieName(name), Value: value, Path: "/",
		HttpOnly: true, Secure: d.Secure, SameSite: same,
	}
}

func (d *door) cookieName(name string) string {
	if d.Secure {
		return "__Host-heady_" + name
	}
	return "__heady_" + name
}

// tell hands f to the page at f.For. What was typed is left behind if it is too
// long to carry.
func (d *door) tell(w http.ResponseWriter, f flash) {
	f.Until = time.Now().Add(flashLife).Unix()
	plain, _ := json.Marshal(f) // strings and a number can always be written
	if len(plain) > maxFlash {
		f.Values = nil
		plain, _ = json.Marshal(f)
	}
	value := base64.RawURLEncoding.EncodeToString(d.Seal(flashPurpose, plain))
	c := d.cookie("flash", value, http.SameSiteStrictMode)
	c.MaxAge = int(flashLife / time.Second)
	http.SetCookie(w, c)
}

// told returns the flash for this page, if there is one, and makes the browser
// forget it.
func (d *door) told(w http.ResponseWriter, r *http.Request) flash {
	c, err := r.Cookie(d.cookieName("flash"))
	if err != nil {
		return flash{}
	}
	f, ok := d.unseal(c.Value)
	if ok && f.For != r.URL.Path {
		return flash{} // it waits for its own page
	}
	gone := d.cookie("flash", "", http.SameSiteStrictMode)
	gone.MaxAge = -1
	http.SetCookie(w, gone)
	if !ok {
		return flash{}
	}
	return f
}

func (d *door) unseal(value string) (f flash, ok bool) {
	sealed, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		return flash{}, false
	}
	plain, err := d.Open(flashPurpose, sealed)
	if err != nil {
		return flash{}, false
	}
	if json.Unmarshal(plain, &f) != nil || time.Now().Unix() >= f.Until {
		return flash{}, false
	}
	return f, true
}
