package supabase

import (
	"net/http"

	"headykey.com/headykey/internal/web"
)

// Mount hangs the API on rt, but for the three addresses that it shares with OAuth:
// see Door.Authorize, Door.Token and Door.User.
func (d *Door) Mount(rt *web.Router) {
	h := hanger{d, rt}
	h.mountPublic()
	h.mountUser()
	h.mountAdmin()
	d.mountOff(h.add)
	d.mountOpen(rt)
}

// A hanger hangs routes that pages of our apps may use.
type hanger struct {
	*Door
	rt *web.Router
}

func (d hanger) add(method, path string, h http.Handler) {
	d.rt.Add(web.Route{Method: method, Pattern: prefix + path, Handler: h, Origins: d.Policy()})
}

// keyed hangs what needs a project key, guarded what has a budget besides.
func (d hanger) keyed(method, path string, h http.Handler)   { d.add(method, path, d.Door.keyed(h)) }
func (d hanger) guarded(method, path string, h http.Handler) { d.keyed(method, path, d.limited(h)) }

// mountPublic hangs what anybody may ask.
func (d hanger) mountPublic() {
	d.add("GET", "/health", serve(d.Door, anybody, http.StatusOK, d.health))
	d.keyed("GET", "/settings", serve(d.Door, anybody, http.StatusOK, d.settings))
	d.guarded("POST", "/signup", serve(d.Door, anybody, http.StatusOK, d.signUp))
	d.guarded("POST", "/otp", serve(d.Door, anybody, http.StatusOK, d.otp))
	d.guarded("POST", "/magiclink", serve(d.Door, anybody, http.StatusOK, d.otp))
	d.guarded("POST", "/recover", serve(d.Door, anybody, http.StatusOK, d.recover))
	d.guarded("POST", "/resend", serve(d.Door, anybody, http.StatusOK, d.resend))
	d.add("GET", "/verify", d.handle(anybody, d.letterLink))
	d.add("POST", "/verify", d.limited(d.either(d.handle(anybody, d.verified), serve(d.Door, anybody, http.StatusOK, d.verify))))
}

// mountUser hangs what people may do with their own account.
func (d hanger) mountUser() {
	d.guarded("PUT", "/user", serve(d.Door, someone, http.StatusOK, d.changeMe))
	d.guarded("GET", "/reauthenticate", serve(d.Door, someone, http.StatusOK, d.reauthenticate))
	d.keyed("POST", "/logout", d.handle(someone, d.logout))
	d.keyed("GET", "/user/sessions", serve(d.Door, someone, http.StatusOK, d.devices))
	d.keyed("DELETE", "/user/sessions/{id}", d.handle(someone, d.endDevice))
	d.guarded("GET", "/user/identities/authorize", serve(d.Door, someone, http.StatusOK, d.linkByBrowser))
	d.guarded("DELETE", "/user/identities/{id}", serve(d.Door, someone, http.StatusOK, d.unlink))
	d.keyed("GET", "/user/oauth/grants", serve(d.Door, someone, http.StatusOK, d.clientGrants))
	d.keyed("DELETE", "/user/oauth/grants", d.handle(someone, d.withdrawGrant))
}

// mountAdmin hangs what operators may do for others.
func (d hanger) mountAdmin() {
	d.keyed("GET", "/admin/users", serve(d.Door, admin, http.StatusOK, d.users))
	d.keyed("POST", "/admin/users", serve(d.Door, admin, http.StatusOK, d.createUser))
	d.keyed("GET", "/admin/users/{id}", serve(d.Door, admin, http.StatusOK, d.oneUser))
	d.keyed("PUT", "/admin/users/{id}", serve(d.Door, admin, http.StatusOK, d.changeUser))
	d.keyed("DELETE", "/admin/users/{id}", serve(d.Door, admin, http.StatusOK, d.deleteUser))
	d.keyed("GET", "/admin/users/{id}/factors", serve(d.Door, admin, http.StatusOK, d.factors))
	d.keyed("PUT", "/admin/users/{id}/factors/{factor}", serve(d.Door, admin, http.StatusOK, d.factor))
	d.keyed("DELETE", "/admin/users/{id}/factors/{factor}", serve(d.Door, admin, http.StatusOK, d.factor))
	d.keyed("GET", "/admin/users/{id}/passkeys", serve(d.Door, admin, http.StatusOK, d.passkeys))
	d.keyed("DELETE", "/admin/users/{id}/passkeys/{passkey}", serve(d.Door, admin, http.StatusOK, d.passkey))
	d.keyed("POST", "/invite", serve(d.Door, admin, http.StatusOK, d.invite))
	d.keyed("POST", "/admin/generate_link", serve(d.Door, admin, http.StatusOK, d.makeLink))
	d.keyed("GET", "/admin/audit", serve(d.Door, admin, http.StatusOK, d.audit))
	d.keyed("GET", "/admin/custom-providers", serve(d.Door, admin, http.StatusOK, d.providers))
	d.keyed("POST", "/admin/custom-providers", serve(d.Door, admin, http.StatusCreated, d.addProvider))
	d.keyed("GET", "/admin/custom-providers/{name}", serve(d.Door, admin, http.StatusOK, d.provider))
	d.keyed("PUT", "/admin/custom-providers/{name}", serve(d.Door, admin, http.StatusOK, d.changeProvider))
	d.keyed("DELETE", "/admin/custom-providers/{name}", d.handle(admin, d.dropProvider))
	d.keyed("GET", "/admin/oauth/clients", serve(d.Door, admin, http.StatusOK, d.oauthClients))
	d.keyed("POST", "/admin/oauth/clients", serve(d.Door, admin, http.StatusCreated, d.addClient))
	d.keyed("GET", "/admin/oauth/clients/{id}", serve(d.Door, admin, http.StatusOK, d.oauthClient))
	d.keyed("PUT", "/admin/oauth/clients/{id}", serve(d.Door, admin, http.StatusOK, d.changeClient))
	d.keyed("DELETE", "/admin/oauth/clients/{id}", d.handle(admin, d.removeClient))
	d.keyed("POST", "/admin/oauth/clients/{id}/regenerate_secret", serve(d.Door, admin, http.StatusOK, d.renewSecret))
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
