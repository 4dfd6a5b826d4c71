package supabase

import (
	"net/http"

	"headykey.com/headykey/internal/web"
)

// Mount hangs the API on rt, but for the three addresses that it shares with OAuth:
// see Door.Authorize, Door.Token and Door.User.
func (d *Door) Mount(rt *web.Router) {
	add := func(method, path string, h http.Handler) {
		rt.Add(web.Route{Method: method, Pattern: prefix + path, Handler: h, Origins: d.Policy()})
	}
	keyed := func(method, path string, h http.Handler) { add(method, path, d.keyed(h)) }
	guarded := func(method, path string, h http.Handler) { keyed(method, path, d.limited(h)) }

	add("GET", "/health", serve(d, anybody, http.StatusOK, d.health))
	keyed("GET", "/settings", serve(d, anybody, http.StatusOK, d.settings))
	guarded("POST", "/signup", serve(d, anybody, http.StatusOK, d.signUp))
	guarded("POST", "/otp", serve(d, anybody, http.StatusOK, d.otp))
	guarded("POST", "/magiclink", serve(d, anybody, http.StatusOK, d.otp))
	guarded("POST", "/recover", serve(d, anybody, http.StatusOK, d.recover))
	guarded("POST", "/resend", serve(d, anybody, http.StatusOK, d.resend))
	add("POST", "/verify", d.limited(d.either(d.handle(anybody, d.verified), serve(d, anybody, http.StatusOK, d.verify))))
	add("GET", "/verify", d.handle(anybody, d.letterLink))
	guarded("PUT", "/user", serve(d, someone, http.StatusOK, d.changeMe))
	guarded("GET", "/reauthenticate", serve(d, someone, http.StatusOK, d.reauthenticate))
	keyed("POST", "/logout", d.handle(someone, d.logout))
	keyed("GET", "/user/sessions", serve(d, someone, http.StatusOK, d.devices))
	keyed("DELETE", "/user/sessions/{id}", d.handle(someone, d.endDevice))

	keyed("GET", "/admin/users", serve(d, admin, http.StatusOK, d.users))
	keyed("POST", "/admin/users", serve(d, admin, http.StatusOK, d.createUser))
	keyed("GET", "/admin/users/{id}", serve(d, admin, http.StatusOK, d.oneUser))
	keyed("PUT", "/admin/users/{id}", serve(d, admin, http.StatusOK, d.changeUser))
	keyed("DELETE", "/admin/users/{id}", serve(d, admin, http.StatusOK, d.deleteUser))
	keyed("GET", "/admin/users/{id}/factors", serve(d, admin, http.StatusOK, d.factors))
	keyed("PUT", "/admin/users/{id}/factors/{factor}", serve(d, admin, http.StatusOK, d.factor))
	keyed("DELETE", "/admin/users/{id}/factors/{factor}", serve(d, admin, http.StatusOK, d.factor))
	keyed("GET", "/admin/users/{id}/passkeys", serve(d, admin, http.StatusOK, d.passkeys))
	keyed("DELETE", "/admin/users/{id}/passkeys/{passkey}", serve(d, admin, http.StatusOK, d.passkey))
	keyed("POST", "/invite", serve(d, admin, http.StatusOK, d.invite))
	keyed("POST", "/admin/generate_link", serve(d, admin, http.StatusOK, d.makeLink))
	keyed("GET", "/admin/audit", serve(d, admin, http.StatusOK, d.audit))
	guarded("GET", "/user/identities/authorize", serve(d, someone, http.StatusOK, d.linkByBrowser))
	guarded("DELETE", "/user/identities/{id}", serve(d, someone, http.StatusOK, d.unlink))
	keyed("GET", "/admin/custom-providers", serve(d, admin, http.StatusOK, d.providers))
	keyed("POST", "/admin/custom-providers", serve(d, admin, http.StatusCreated, d.addProvider))
	keyed("GET", "/admin/custom-providers/{name}", serve(d, admin, http.StatusOK, d.provider))
	keyed("PUT", "/admin/custom-providers/{name}", serve(d, admin, http.StatusOK, d.changeProvider))
	keyed("DELETE", "/admin/custom-providers/{name}", d.handle(admin, d.dropProvider))
	d.mountOff(add)
}

// either serves forms of our page by one handler, and what apps send by the other.
func (d *Door) either(form, app http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if web.DeclaresForm(r) {
			form.ServeHTTP(w, r)
			return
		}
		app.ServeHTTP(w, r)
	})
}

// Policy is what the pages of other origins may do: those of our apps use tokens,
// never a cookie.
func (d *Door) Policy() web.Policy {
	return web.Policy{Also: func(_ *http.Request, origin string) bool { return d.Targets.Owns(origin) }}
}
