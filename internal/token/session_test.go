package token_test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/token"
)

const projectSecret = "a secret of a project that moves here"

// legacy is h's service with a secret that apps share.
func (h *house) legacy(secret string) *token.Service {
	c := lives
	c.ProjectSecret = []byte(secret)
	return token.New(h.db, h.ring, c)
}

// sessionClaims is what a session token of the house's person says, with changes.
func (h *house) sessionClaims(t testing.TB, change func(map[string]any)) []byte {
	t.Helper()
	a := &headykey.Account{User: h.proof.User, Profile: headykey.NewProfile()}
	text, err := h.SessionClaims(h.proof.Holder(), a)
	check(t, err)
	var members map[string]any
	check(t, json.Unmarshal(text, &members))
	if change != nil {
		change(members)
	}
	out, err := json.Marshal(members)
	check(t, err)
	return out
}

func (h *house) sessionToken(t testing.TB, s *token.Service) string {
	t.Helper()
	text, err := s.SignSession(h.sessionClaims(t, nil))
	check(t, err)
	return text
}

// forge signs claims with k as a token of type typ.
func forge(t testing.TB, k jose.Key, typ string, claims []byte) string {
	t.Helper()
	s, err := jose.NewSigner(k, typ)
	check(t, err)
	text, err := s.Sign(claims)
	check(t, err)
	return text
}

func TestASessionTokenSaysWhoAppsDealWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, nil)
		a := &headykey.Account{User: h.proof.User, Profile: headykey.NewProfile()}
		a.Type, a.Profile.Phone, a.Profile.UserData = headykey.Agent, "4930123456", jsontext.Value(`{"n":1}`)
		a.Profile.AppData = jsontext.Value(`{"plan":"pro"}`)
		a.Identities = []headykey.Identity{{Provider: "email"}, {Provider: "google"}, {Provider: "email"}}
		holder := h.proof.Holder()
		holder.Ways = []headykey.Way{{Method: headykey.ByPassword, At: 7}}
		claims, err := h.SessionClaims(holder, a)
		check(t, err)
		text, err := h.SignSession(claims)
		check(t, err)
		got, err := h.ReadSession(text)
		check(t, err)
		want := token.SessionAccess{
			Issuer: base + "/auth/v1", Subject: a.ID, Audience: "authenticated", Expires: time.Now().Add(time.Hour).Unix(), Issued: time.Now().Unix(),
			Email: a.Email, Phone: "4930123456", AppData: jsontext.Value(`{"plan":"pro","provider":"email","providers":["email","google"]}`),
			UserData: jsontext.Value(`{"n":1}`), Role: "authenticated", AAL: "aal1", Ways: holder.Ways, Session: h.proof.Session.ID, Type: headykey.Agent,
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		time.Sleep(time.Hour)
		if _, err := h.ReadSession(text); !errors.Is(err, headykey.ErrTokenExpired) {
			t.Errorf("an hour later: got %v", err)
		}
	})
}

func TestASessionTokenMustBeWhole(t *testing.T) {
	h := build(t, nil)
	key, _ := h.ring.Signing(keyring.Session)
	for name, change := range map[string]func(map[string]any){
		"no session":          func(m map[string]any) { delete(m, "session_id") },
		"a session as sid":    func(m map[string]any) { m["sid"] = m["session_id"]; delete(m, "session_id") },
		"an odd session":      func(m map[string]any) { m["session_id"] = "x" },
		"no person":           func(m map[string]any) { delete(m, "sub") },
		"an odd person":       func(m map[string]any) { m["sub"] = "ada" },
		"no role":             func(m map[string]any) { delete(m, "role") },
		"an empty role":       func(m map[string]any) { m["role"] = "" },
		"no audience":         func(m map[string]any) { delete(m, "aud") },
		"a list as audience":  func(m map[string]any) { m["aud"] = []string{"authenticated"} },
		"another issuer":      func(m map[string]any) { m["iss"] = base },
		"no issuer":           func(m map[string]any) { delete(m, "iss") },
		"of tomorrow":         func(m map[string]any) { m["iat"] = time.Now().Add(24 * time.Hour).Unix() },
		"a text as exp":       func(m map[string]any) { m["exp"] = "never" },
		"members in capitals": func(m map[string]any) { m["SESSION_ID"] = m["session_id"]; delete(m, "session_id") },
	} {
		text := forge(t, key.JOSE(), "JWT", h.sessionClaims(t, change))
		if got, err := h.ReadSession(text); !errors.Is(err, headykey.ErrInvalidToken) || !reflect.DeepEqual(got, token.SessionAccess{}) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	twice := strings.Replace(string(h.sessionClaims(t, nil)), "{", `{"role":"service_role",`, 1)
	if _, err := h.ReadSession(forge(t, key.JOSE(), "JWT", []byte(twice))); !errors.Is(err, headykey.ErrInvalidToken) {
		t.Errorf("a member twice: got %v", err)
	}
	over := forge(t, key.JOSE(), "JWT", h.sessionClaims(t, func(m map[string]any) { delete(m, "exp") }))
	if _, err := h.ReadSession(over); !errors.Is(err, headykey.ErrTokenExpired) {
		t.Errorf("without an end: got %v", err)
	}
}

// Every token is read by one reader.
func TestNoTokenPassesForAnother(t *testing.T) {
	h := build(t, nil)
	old := h.legacy(projectSecret)
	key, _ := h.ring.Signing(keyring.Session)
	project, _ := h.ring.Signing(keyring.Project)
	keys, err := h.ProjectKeys()
	check(t, err)
	oldKeys, err := old.ProjectKeys()
	check(t, err)
	access, err := h.MakeAccess(h.proof.Holder())
	check(t, err)
	client, err := h.MakeClientAccess(token.ClientAccess{Subject: string(h.proof.User.ID), Audience: token.Audience{"authenticated"}, Client: headykey.NewID(), Session: h.proof.Session.ID})
	check(t, err)
	now := time.Now()
	idToken := forge(t, key.JOSE(), "JWT", marshal(t, map[string]any{
		"iss": base + "/auth/v1", "sub": h.proof.User.ID, "aud": headykey.NewID(), "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "sid": h.proof.Session.ID, "email": "ada@example.com",
	}))
	claims := h.sessionClaims(t, nil)
	tests := map[string]struct{ text, readers string }{
		"a HeadyKey token":                        {access, "access"},
		"a client's token":                        {client, "client"},
		"a session token":                         {h.sessionToken(t, h.Service), "session old-session"},
		"a session token by the shared secret":    {h.sessionToken(t, old), "old-session"},
		"an ID token":                             {idToken, ""},
		"an anon key":                             {keys.Anon, "project old-project"},
		"a service key":                           {keys.ServiceRole, "project old-project"},
		"a publishable key":                       {keys.Publishable, "project old-project"},
		"a secret key":                            {keys.Secret, "project old-project"},
		"an anon key by the shared secret":        {oldKeys.Anon, "old-project"},
		"a service key by the shared secret":      {oldKeys.ServiceRole, "old-project"},
		"session claims as an access token":       {forge(t, key.JOSE(), "at+jwt", claims), ""},
		"session claims by a project key":         {forge(t, project.JOSE(), "JWT", claims), ""},
		"session claims by a stranger":            {forge(t, keyring.GenerateSession(jose.ES256).JOSE(), "JWT", claims), ""},
		"session claims by a session key, no kid": {forge(t, jose.Key{Algorithm: jose.ES256, Private: key.Signer}, "JWT", claims), ""},
		"the shared secret under our kid":         {forge(t, jose.Key{ID: key.ID, Algorithm: jose.HS256, Secret: []byte(projectSecret)}, "JWT", claims), ""},
		"the shared secret under a project's kid": {forge(t, jose.Key{ID: project.ID, Algorithm: jose.HS256, Secret: []byte(projectSecret)}, "JWT", claims), ""},
		"another secret":                          {forge(t, jose.Key{Algorithm: jose.HS256, Secret: []byte(strings.Repeat("x", 40))}, "JWT", claims), ""},
		"the shared secret as an access token":    {forge(t, jose.Key{Algorithm: jose.HS256, Secret: []byte(projectSecret)}, "at+jwt", claims), ""},
		"a role by a session key":                 {forge(t, key.JOSE(), "JWT", []byte(`{"role":"service_role","exp":99999999999}`)), ""},
		"nothing":                                 {"", ""},
		"two dots":                                {"..", ""},
	}
	readers := map[string]func(string) error{
		"access":      func(s string) error { _, err := h.ReadAccess(s); return err },
		"client":      func(s string) error { _, err := h.ReadClientAccess(s); return err },
		"session":     func(s string) error { _, err := h.ReadSession(s); return err },
		"project":     func(s string) error { _, err := h.ReadProjectKey(s); return err },
		"old-access":  func(s string) error { _, err := old.ReadAccess(s); return err },
		"old-session": func(s string) error { _, err := old.ReadSession(s); return err },
		"old-project": func(s string) error { _, err := old.ReadProjectKey(s); return err },
	}
	for name, tt := range tests {
		for reader, read := range readers {
			want := slices.Contains(strings.Fields(tt.readers), reader) || tt.readers == "access" && reader == "old-access"
			if err := read(tt.text); (err == nil) != want || !want && !errors.Is(err, headykey.ErrInvalidToken) {
				t.Errorf("%s, read as %s: got %v", name, reader, err)
			}
		}
	}
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	check(t, err)
	return text
}

func TestProjectKeysSayWhoseTheyAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, nil)
		keys, err := h.ProjectKeys()
		check(t, err)
		if again, err := h.ProjectKeys(); err != nil || again != keys {
			t.Errorf("shown again: got %+v, %v", again, err)
		}
		roles := map[string]string{keys.Anon: "anon", keys.Publishable: "anon", keys.ServiceRole: "service_role", keys.Secret: "service_role"}
		for key, want := range roles {
			if got, err := h.ReadProjectKey(key); err != nil || got != want {
				t.Errorf("%s: got %s, %v", key, got, err)
			}
			flipped := key[:len(key)-1] + string(key[len(key)-1]^1)
			for _, bad := range []string{flipped, key + "A", " " + key, key[:len(key)-1], strings.ToUpper(key)} {
				if got, err := h.ReadProjectKey(bad); got == want && err == nil || !errors.Is(err, headykey.ErrInvalidToken) {
					t.Errorf("%s: got %s, %v", bad, got, err)
				}
			}
		}
		swapped := "sb_secret_" + strings.TrimPrefix(keys.Publishable, "sb_publishable_")
		if _, err := h.ReadProjectKey(swapped); !errors.Is(err, headykey.ErrInvalidToken) {
			t.Errorf("a publishable key as a secret one: got %v", err)
		}

		old, _ := h.ring.Signing(keyring.Project)
		fresh := old.Successor()
		h.update(t, func(tx *store.Tx) error { return h.ring.Replace(tx, fresh, time.Hour) })
		now, err := h.ProjectKeys()
		check(t, err)
		if now == keys {
			t.Error("a new secret makes the same keys")
		}
		for key, want := range roles {
			if got, err := h.ReadProjectKey(key); err != nil || got != want {
				t.Errorf("within the hour: got %s, %v", got, err)
			}
		}
		time.Sleep(time.Hour)
		for key := range roles {
			if got, err := h.ReadProjectKey(key); !errors.Is(err, headykey.ErrInvalidToken) {
				t.Errorf("after it: got %s, %v", got, err)
			}
		}
	})
}

func TestProjectClaimsMustBeThoseOfAKey(t *testing.T) {
	h := build(t, nil)
	project, _ := h.ring.Signing(keyring.Project)
	for claims, want := range map[string]string{
		`{"role":"anon","exp":99999999999}`:                      "anon",
		`{"role":"supabase_admin","exp":99999999999}`:            "supabase_admin",
		`{"role":"authenticated","exp":99999999999}`:             "",
		`{"role":"","exp":99999999999}`:                          "",
		`{"exp":99999999999}`:                                    "",
		`{"role":"service_role"}`:                                "",
		`{"role":"service_role","exp":1}`:                        "",
		`{"role":"service_role","sub":"ada","exp":99999999999}`:  "",
		`{"role":["service_role"],"exp":99999999999}`:            "",
		`{"role":"anon","role":"service_role","exp":9999999999}`: "",
		`{"Role":"service_role","exp":99999999999}`:              "",
		`[]`: "",
	} {
		got, err := h.ReadProjectKey(forge(t, project.JOSE(), "JWT", []byte(claims)))
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %q, %v", claims, got, err)
		}
	}
}

// Whatever text is shown, it is read as what we made or not at all.
func FuzzReadSessionAndProjectKey(f *testing.F) {
	h := build(f, nil)
	old := h.legacy(rand.Text() + rand.Text()) // another in each process: the seeds of one are strangers in the next
	keys, err := old.ProjectKeys()
	check(f, err)
	own, legacy := h.sessionToken(f, h.Service), h.sessionToken(f, old)
	made := map[string]bool{own: true, legacy: true, keys.Anon: true, keys.ServiceRole: true, keys.Publishable: true, keys.Secret: true}
	for text := range made {
		f.Add(text)
		f.Add(text + "=")
	}
	f.Add("sb_secret_")
	f.Add("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.e30.")
	f.Fuzz(func(t *testing.T, text string) {
		_, session := old.ReadSession(text)
		role, key := old.ReadProjectKey(text)
		if (session == nil || key == nil) && !made[text] || session == nil && key == nil {
			t.Errorf("%q is taken: %v, %v", text, session, key)
		}
		if key != nil && role != "" {
			t.Errorf("%q is refused and has the role %q", text, role)
		}
	})
}
