package supabase

import "net/http"

// The failures of a browser that comes back from a provider.
var (
	errNoState  = &failure{status: http.StatusBadRequest, code: "bad_oauth_callback", text: "OAuth state parameter missing"}
	errBadState = &failure{status: http.StatusBadRequest, code: "bad_oauth_state", text: "OAuth state is unknown or has expired"}
)

// callback serves GET and POST /auth/v1/callback. No sign-in at a provider begins
// here, so that no state is known: the browser goes to the site.
func (d *Door) callback(w http.ResponseWriter, c *call) error {
	c.Body = http.MaxBytesReader(w, c.Body, maxBody)
	refusal := errBadState
	if c.FormValue("state") == "" {
		refusal = errNoState
	}
	w.Header().Set("Location", withFailure(d.Targets.Accept(""), refusal))
	w.WriteHeader(http.StatusSeeOther)
	return nil
}
