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

	keyed("GET", "/user/oauth/grants", serve(d, someone, http.StatusOK, d.clientGrants))
	keyed("DELETE", "/user/oauth/grants", d.handle(someone, d.withdrawGrant))
	keyed("GET", "/admin/oauth/clients", serve(d, admin, http.StatusOK, d.oauthClients))
	keyed("POST", "/admin/oauth/clients", serve(d, admin, http.StatusCreated, d.addClient))
	keyed("GET", "/admin/oauth/clients/{id}", serve(d, admin, http.StatusOK, d.oauthClient))
	keyed("PUT", "/admin/oauth/clients/{id}", serve(d, admin, http.StatusOK, d.changeClient))
	keyed("DELETE", "/admin/oauth/clients/{id}", d.handle(admin, d.removeClient))
	keyed("POST", "/admin/oauth/clients/{id}/regenerate_secret", serve(d, admin, http.StatusOK, d.renewSecret))
	d.mountOpen(rt)
}

// mountOpen hangs what pages of other origins than our apps' may send here, too.
func (d *Door) mountOpen(rt *web.Router) {
	add := func(method, path string, origins web.Policy, h http.Handler) {
		rt.Add(web.Route{Method: method, Pattern: prefix + path, Handler: h, Origins: origins})
	}
	back := d.handle(anybody, d.callback)
	add("GET", "/callback", web.Policy{Forms: true}, back)
	add("POST", "/callback", web.Policy{Forms: true}, back)
	add("POST", "/oauth/clients/register", web.Policy{Public: true}, d.limited(serve(d, anybody, http.StatusCreated, d.registerClient)))

	const waiting = "/oauth/authorizations/{id}"
	judged := d.Policy() // and refused by ofKnownPage, in the words of this API
	judged.Forms = true
	add("GET", waiting, judged, d.keyed(serve(d, someone, http.StatusOK, d.waitingRequest)))
	add("POST", waiting+"/consent", judged, d.keyed(serve(d, someone, http.StatusOK, d.answerRequest)))
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
