package pages

import (
	"net/http"
	"strconv"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
)

// logoPath is where the logos of clients are: below it come the client's id and the
// version.
const logoPath = "/client-logo/"

// logoOf is the path of c's logo; "": it has none. The page only names it: nobody waits
// for the client's server but who asks for the picture.
//
// A logo can be as false as the name beside it, and the specification wants that of a
// client that registered itself shown all the same (OpenID Connect Registration §2).
// So that of a client that nobody vouched for stands on the consent page alone, under
// the badge and the warning that say so, with the address at which the person ends up:
// never on the sign-in page, where it would ask for a password. See known.
func logoOf(c *headykey.Client) string {
	version := oauth.LogoVersion(c)
	if version == "" {
		return ""
	}
	return logoPath + string(c.ID) + "/" + version
}

// known is q without the logo that nobody vouched for, for the pages where no address
// tells whose app it is.
func (q question) known() question {
	if !q.Vouched {
		q.Logo = ""
	}
	return q
}

// logo serves GET /client-logo/{client}/{version}.
func (d *door) logo(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	l, err := d.OAuth.Logo(r.Context(), r.PathValue("client"), r.PathValue("version"))
	if err != nil {
		return err
	}
	h := w.Header()
	private(h)
	h.Set("Cache-Control", "private, max-age=3600")
	h.Set("Content-Type", l.Type)
	h.Set("Content-Length", strconv.Itoa(len(l.Body)))
	h.Set("Content-Security-Policy", "default-src 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(l.Body) // the client is gone: nobody is left to tell
	return nil
}
