package faults

import (
	"net/url"
	"testing"
	"time"
)

// What stands on something that one node ended is worth nothing on the other.
func TestEveryNodeStopsProgramsAtOnce(t *testing.T) {
	a, b := twoNodes(t, config{})
	admin, watcher := a.admin(t), a.home.program(t, "--serves", base+"/api/v1")
	const offline = "openid email offline_access"
	tests := []struct {
		name, scope string
		end         func(t *testing.T, jane person, app program, one held)
	}{
		{"consent withdrawn", offline, func(t *testing.T, jane person, app program, _ held) {
			a.as(jane).do(t, "DELETE", "/api/auth/consents/"+app.id, nil, 200)
		}},
		{"refresh token revoked", offline, func(t *testing.T, _ person, app program, one held) {
			a.nobody().form(app, oauthEndPath, url.Values{"token": {one.refresh}})
		}},
		{"refresh token used again", offline, func(t *testing.T, _ person, app program, one held) {
			next := a.nobody().renew(app, one.refresh).text("refresh_token")
			a.nobody().renew(app, next)
			a.nobody().renew(app, one.refresh)
		}},
		{"code used again", offline, func(_ *testing.T, _ person, app program, one held) { a.nobody().redeem(app, one.code) }},
		{"access token revoked", offline, func(t *testing.T, _ person, app program, one held) {
			a.nobody().form(app, oauthEndPath, url.Values{"token": {one.access}})
		}},
		{"signed out", "openid email", func(t *testing.T, jane person, _ program, _ held) { a.as(jane).do(t, "POST", logoutPath, nil, 200) }},
		{"person disabled", offline, func(t *testing.T, jane person, _ program, _ held) {
			a.as(admin).do(t, "PATCH", "/api/admin/users/"+jane.id, obj{"disabled": true}, 200)
		}},
		{"client disabled", offline, func(t *testing.T, _ person, app program, _ held) {
			a.as(admin).do(t, "PATCH", "/api/admin/clients/"+app.id, obj{"disabled": true}, 200)
		}},
		{"client deleted", offline, func(t *testing.T, _ person, app program, _ held) {
			a.as(admin).do(t, "DELETE", "/api/admin/clients/"+app.id, nil, 200)
		}},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			app, jane := a.home.program(t), a.register(t, "jane"+string(rune('a'+i)))
			one := a.letIn(t, jane, app, tt.scope)
			c := b.nobody()
			info := watchingBy(t, func() answer { return c.bearer(one.access).try("GET", userinfoPath, nil) }, func(a answer) bool { return a.status == 200 })
			told := watchingBy(t, func() answer { return c.introspect(watcher, one.access) }, isActive)
			tt.end(t, jane, app, one)
			ended := time.Now()
			info.judge(t, ended)
			told.judge(t, ended)
			if isActive(a.nobody().introspect(watcher, one.access)) {
				t.Error("the node that ended it still says that it is active")
			}
		})
	}
}
