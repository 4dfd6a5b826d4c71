package compat_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"headykey.com/headykey/test/house"
)

// An elsewhere is whom the server asks: an issuer of ID tokens, the hooks of its
// operator, and who tells people from robots.
type elsewhere struct {
	*httptest.Server
	public, private map[string]string // JWK of the issuer

	mu      sync.Mutex
	created []string        // addresses of new accounts
	watched map[string]bool // accounts whose passwords no longer count
	letters []object        // that a hook was to send
}

// hookSecret is what the hooks know the server by.
const hookSecret = "v1,whsec_dGlkZXMgbGVhdmUgdGhlIHNhbmQgaW4gd2F2ZXMgb2YgZ2xhc3M="

// issuerClient is the app that the issuer knows the server as.
const issuerClient = "headykey-at-elsewhere"

// object is JSON whose members we need not know.
type object = map[string]any

func newElsewhere(t *testing.T, cert house.Certificate) *elsewhere {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	d, err := key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString
	e := &elsewhere{watched: map[string]bool{}, public: map[string]string{
		"kty": "EC", "crv": "P-256", "x": text(point[1:33]), "y": text(point[33:]), "kid": "elsewhere", "alg": "ES256", "use": "sig",
	}}
	e.private = maps.Clone(e.public)
	e.private["d"] = text(d)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", e.serve(func(*http.Request, object) any {
		return object{"issuer": e.URL, "jwks_uri": e.URL + "/keys"}
	}))
	mux.HandleFunc("GET /keys", e.serve(func(*http.Request, object) any { return object{"keys": []any{e.public}} }))
	mux.HandleFunc("GET /created", e.serve(func(*http.Request, object) any { return e.created }))
	mux.HandleFunc("POST /watched/{id}", e.serve(func(r *http.Request, _ object) any {
		e.watched[r.PathValue("id")] = true
		return object{}
	}))
	mux.HandleFunc("POST /custom_access_token", e.serve(e.changeToken))
	mux.HandleFunc("POST /before_user_created", e.serve(e.judgeUser))
	mux.HandleFunc("POST /after_user_created", e.serve(e.noteUser))
	mux.HandleFunc("POST /password_verification_attempt", e.serve(e.judgePassword))
	mux.HandleFunc("POST /send_email", e.serve(e.keepLetter))
	mux.HandleFunc("GET /letters", e.serve(func(*http.Request, object) any { return e.letters }))
	mux.HandleFunc("POST /siteverify", e.serve(func(r *http.Request, _ object) any {
		return object{"success": r.FormValue("secret") == "hush" && r.FormValue("response") == "a person"}
	}))
	e.Server = httptest.NewUnstartedServer(mux)
	e.TLS = &tls.Config{Certificates: []tls.Certificate{cert.Certificate}}
	e.StartTLS()
	t.Cleanup(e.Close)
	return e
}

// serve returns what answers with JSON, one request at a time.
func (e *elsewhere) serve(answer func(r *http.Request, in object) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in object
		if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
			if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer(r, in)) // whoever asked is gone
	}
}

// of returns a member that is an object; an empty one where there is none.
func of(in object, name string) object {
	out, _ := in[name].(object)
	return out
}

// changeToken says in the token what somebody says of their plan, and tries to make
// it somebody else's for those who forge.
func (*elsewhere) changeToken(_ *http.Request, in object) any {
	claims := of(in, "claims")
	switch plan := of(claims, "user_metadata")["plan"]; plan {
	case nil:
	case "forge":
		claims["sub"] = "34d5f2a8-1597-4c6c-9e32-2b4c8d0d8f55"
	default:
		claims["plan"] = plan
	}
	return object{"claims": claims}
}

// judgeUser refuses who has an address that begins with blocked.
func (*elsewhere) judgeUser(_ *http.Request, in object) any {
	email, _ := of(in, "user")["email"].(string)
	if strings.HasPrefix(email, "blocked") {
		return object{"error": object{"http_code": http.StatusForbidden, "message": "Not from there."}}
	}
	return object{}
}

func (e *elsewhere) noteUser(_ *http.Request, in object) any {
	email, _ := of(in, "user")["email"].(string)
	e.created = append(e.created, email)
	return object{}
}

// judgePassword refuses whoever is watched, and has their sessions end.
func (e *elsewhere) judgePassword(_ *http.Request, in object) any {
	id, _ := in["user_id"].(string)
	if e.watched[id] {
		return object{"decision": "reject", "message": "Call us first.", "should_logout_user": true}
	}
	return object{"decision": "continue"}
}

func (e *elsewhere) keepLetter(_ *http.Request, in object) any {
	e.letters = append(e.letters, in)
	return object{}
}

// hook are the settings of one hook.
func (e *elsewhere) hook(name string) []string {
	setting := "HEADYKEY_HOOKS__" + strings.ToUpper(name)
	return []string{setting + "__URI=" + e.URL + "/" + name, setting + "__SECRETS=" + hookSecret}
}

// asIssuerAndJudge are the settings of a server that knows the issuer, and asks the
// hooks but the one that sends letters.
func (e *elsewhere) asIssuerAndJudge() []string {
	issuers, _ := json.Marshal([]object{{"provider": "google", "issuer": e.URL, "client_ids": []string{issuerClient}}}) // strings alone
	return slices.Concat([]string{"HEADYKEY_ID_TOKEN__ISSUERS=" + string(issuers)}, e.hook("custom_access_token"),
		e.hook("before_user_created"), e.hook("after_user_created"), e.hook("password_verification_attempt"))
}

// asPostman are the settings of a server whose letters are sent by a hook.
func (e *elsewhere) asPostman() []string { return e.hook("send_email") }

// asPuzzle are the settings of a server that asks whether people are people.
func (e *elsewhere) asPuzzle() []string {
	return []string{"HEADYKEY_CAPTCHA__PROVIDER=turnstile", "HEADYKEY_CAPTCHA__SECRET=hush", "HEADYKEY_CAPTCHA__URL=" + e.URL + "/siteverify"}
}

// forScripts is what the scripts know of it.
func (e *elsewhere) forScripts() []string {
	key, _ := json.Marshal(e.private) // strings alone
	return []string{"HEADYKEY_ELSEWHERE=" + e.URL, "HEADYKEY_ELSEWHERE_KEY=" + string(key), "HEADYKEY_ELSEWHERE_CLIENT=" + issuerClient}
}
