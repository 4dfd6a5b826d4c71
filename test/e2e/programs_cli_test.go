package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// What an operator does before the first start is there when the server starts.
func TestProgramsAreRegisteredBeforeTheFirstStart(t *testing.T) {
	each(t, func(t *testing.T, h home) {
		app := h.app(t, "--trusted", "--id-token-alg", "ES256", "--auth-method", "client_secret_basic", "--profile", "oauth21")
		token := strings.Fields(run(t, "", append([]string{"registration-token", "--ttl", "1h"}, h.Flags()...)...).Must(t, 0).Stdout)[0]
		run(t, "", append([]string{"clients", "verify", app.ID}, h.Flags()...)...).Must(t, 0)
		run(t, "", append([]string{"keys", "rotate", "--use", "id"}, h.Flags()...)...).Must(t, 0)

		s := start(t, h, config{more: []string{"--registration", "token"}})
		sameJSON(t, "alg", parseToken(t, s.signsIn(t, s.register(t, "jane"), app).id).header["alg"], "ES256")
		shown := s.as(s.member(t, "admin", "admin")).get(t, clientsPath+"/"+app.ID).want(t, http.StatusOK)
		if shown.text(t, "client.verified_at") == "" || shown.text(t, "client.profile") != "oauth21" {
			t.Errorf("the client is %s", shown.body)
		}
		s.nobody().bearer(token).post(t, programsPath, obj{"redirect_uris": []string{callback}}).want(t, http.StatusCreated)
	})
}

// Beside a running server the operator's word counts within a second.
func TestOperatorsManageProgramsBesideTheServer(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		app, jane := s.home.app(t), s.register(t, "jane")
		asks := func() string {
			to := s.visitor(jane).get(t, authorization(app)).want(t, http.StatusSeeOther).header.Get("Location")
			return string(s.visitor(jane).get(t, to).want(t, http.StatusOK).body)
		}
		const warning = "Nobody has checked this name."
		for _, step := range []struct {
			verb string
			warn bool
		}{{"verify", false}, {"unverify", true}} {
			run(t, "", append([]string{"clients", step.verb, app.ID}, s.Flags()...)...).Must(t, 0)
			within(t, step.verb, func() bool { return strings.Contains(asks(), warning) == step.warn })
		}

		kid := func(one held) any { return parseToken(t, one.id).header["kid"] }
		s.keySet(t, 8) // and no more to come
		old := s.signsIn(t, jane, app)
		access := parseToken(t, old.access).header["kid"]
		run(t, "", append([]string{"keys", "rotate", "--use", "id"}, s.Flags()...)...).Must(t, 0)
		var fresh held
		within(t, "rotation", func() bool {
			fresh = s.signsIn(t, jane, app)
			return kid(fresh) != kid(old)
		})
		sameJSON(t, "the key of access tokens", parseToken(t, fresh.access).header["kid"], access)
		known := map[any]bool{}
		for _, k := range s.keySet(t, 11) { // RS256, PS256 and EdDSA have three
			known[k["kid"]] = true
		}
		if !known[kid(old)] || !known[kid(fresh)] {
			t.Errorf("keys %v lack %v or %v", known, kid(old), kid(fresh))
		}
	})
}
