package hook

import (
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"headykey.com/headykey"
)

func TestWhatEachHookGets(t *testing.T) {
	ctx := t.Context()
	tests := []struct {
		name Name
		ask  func(*Hooks)
		want string
	}{
		{CustomAccessToken, func(h *Hooks) { _, _ = h.CustomAccessToken(ctx, home, jane, claims, "password") },
			`{"authentication_method":"password","claims":` + string(claims) + `,"user_id":"` + string(jane) + `"}`},
		{SendEmail, func(h *Hooks) {
			_, _ = h.SendEmail(ctx, home, user, EmailData{"123456", "hash", "https://app.test", "signup", "https://id.test", "654321", "new", "old@id.test", "1", "email", "totp"})
		}, `{"email_data":{"token":"123456","token_hash":"hash","redirect_to":"https://app.test","email_action_type":"signup","site_url":"https://id.test","token_new":"654321","token_hash_new":"new","old_email":"old@id.test","old_phone":"1","provider":"email","factor_type":"totp"},"user":{"email":"jane@id.test"}}`},
		{PasswordVerificationAttempt, func(h *Hooks) { _, _ = h.PasswordVerificationAttempt(ctx, home, jane, false) },
			`{"user_id":"` + string(jane) + `","valid":false}`},
		{BeforeUserCreated, func(h *Hooks) { _ = h.BeforeUserCreated(ctx, home, user) }, `{"user":{"email":"jane@id.test"}}`},
		{AfterUserCreated, func(h *Hooks) { h.AfterUserCreated(ctx, home, user) }, `{"user":{"email":"jane@id.test"}}`},
	}
	for _, tt := range tests {
		t.Run(string(tt.name), func(t *testing.T) {
			o := serve(t, say(http.StatusNoContent, ""))
			h, _ := o.hooks(t)
			defer h.Close()
			tt.ask(h)
			visits := o.seen()
			if len(visits) != 1 {
				t.Fatalf("%d visits, want 1", len(visits))
			}
			got := visits[0]
			meta, rest := take(t, got.body)
			if rest != tt.want {
				t.Errorf("got  %s\nwant %s", rest, tt.want)
			}
			if age := time.Since(meta.Time); age < 0 || age > time.Minute {
				t.Errorf("made at %v", meta.Time)
			}
			if want := (metadata{headykey.ID(got.header.Get("Webhook-Id")), meta.Time, tt.name, "192.0.2.7"}); meta != want {
				t.Errorf("metadata: got %+v, want %+v", meta, want)
			}
			if got.path != "/"+string(tt.name) || got.header.Get("Content-Type") != "application/json" || got.header.Get("User-Agent") != "HeadyKey" {
				t.Errorf("got %s with %v", got.path, got.header)
			}
		})
	}
}

// take parts a payload from its metadata.
func take(t *testing.T, body []byte) (meta metadata, rest string) {
	t.Helper()
	var all map[string]jsontext.Value
	if err := json.Unmarshal(body, &all); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(all["metadata"], &meta, json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}
	delete(all, "metadata")
	plain, err := json.Marshal(all, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return meta, string(plain)
}

// The command line has no address.
func TestAnAddressIsToldIfThereIsOne(t *testing.T) {
	o := serve(t, say(http.StatusNoContent, ""))
	h, _ := o.hooks(t)
	defer h.Close()
	h.AfterUserCreated(t.Context(), headykey.From{}, user)
	if body := string(o.seen()[0].body); strings.Contains(body, "ip_address") {
		t.Errorf("got %s", body)
	}
}

// While a secret is replaced, who knows the old one and who knows the new one can
// both tell that it was us; nobody else can.
func TestEverySecretSigns(t *testing.T) {
	o := serve(t, say(http.StatusOK, "{}"))
	h, _ := o.hooks(t, secret(1), secret(2))
	defer h.Close()
	h.AfterUserCreated(t.Context(), home, user)
	got := o.seen()[0]
	for b, want := range map[byte]bool{1: true, 2: true, 3: false} {
		key, err := standardwebhooks.NewWebhook(strings.TrimPrefix(secret(b), "v1,"))
		if err != nil {
			t.Fatal(err)
		}
		if err := key.Verify(got.body, got.header); (err == nil) != want {
			t.Errorf("secret %d: %v", b, err)
		}
		if err := key.Verify(append(got.body, ' '), got.header); err == nil {
			t.Errorf("secret %d vouches for another body", b)
		}
	}
}

func TestNoHookChangesNothing(t *testing.T) {
	empty, err := New(map[Name]Config{SendEmail: {}}, nil, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	for name, h := range map[string]*Hooks{"nil": nil, "not configured": empty} {
		t.Run(name, func(t *testing.T) {
			for _, name := range everyHook {
				if h.Wants(name) {
					t.Errorf("it wants %s", name)
				}
			}
			if got, err := h.CustomAccessToken(t.Context(), home, jane, claims, "password"); string(got) != string(claims) || err != nil {
				t.Errorf("claims: %s, %v", got, err)
			}
			if taken, err := h.SendEmail(t.Context(), home, user, EmailData{}); taken || err != nil {
				t.Errorf("letter: %v, %v", taken, err)
			}
			if v, err := h.PasswordVerificationAttempt(t.Context(), home, jane, true); v != (Verdict{}) || err != nil {
				t.Errorf("attempt: %+v, %v", v, err)
			}
			if err := h.BeforeUserCreated(t.Context(), home, user); err != nil {
				t.Errorf("account: %v", err)
			}
			h.AfterUserCreated(t.Context(), home, user)
			h.Close()
		})
	}
}

func TestClaimsAreChanged(t *testing.T) {
	more := strings.Replace(string(claims), "{", `{"groups":["a"],`, 1)
	type story struct {
		name   string
		answer http.HandlerFunc
		want   string // empty: an internal failure
	}
	tests := []story{
		{"one more", say(http.StatusOK, `{"claims":`+more+`}`), more},
		{"later", say(http.StatusAccepted, ` {"claims":`+more+`,"unknown":1}`), more},
		{"no change", say(http.StatusNoContent, ""), string(claims)},
		{"none", say(http.StatusOK, `{}`), ""},
		{"null", say(http.StatusOK, `{"claims":null}`), ""},
		{"a list", say(http.StatusOK, `{"claims":[`+more+`]}`), ""},
		{"text", say(http.StatusOK, `{"claims":"{}"}`), ""},
		{"with an empty one", say(http.StatusOK, `{"claims":`+strings.Replace(more, `"jane"`, "null", 1)+`}`), ""},
		{"twice", say(http.StatusOK, `{"claims":`+more+`,"claims":`+more+`}`), ""},
		{"one claim twice", say(http.StatusOK, `{"claims":`+strings.Replace(more, "{", `{"sub":"x",`, 1)+`}`), ""},
	}
	for _, name := range required {
		without := strings.Replace(more, `"`+name+`":`, `"x`+name+`":`, 1)
		tests = append(tests, story{"without " + name, say(http.StatusOK, `{"claims":`+without+`}`), ""})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, log := serve(t, tt.answer).hooks(t)
			defer h.Close()
			got, err := h.CustomAccessToken(t.Context(), home, jane, claims, "password")
			if string(got) != tt.want || (err == nil) != (tt.want != "") || err != nil && headykey.Explain(err) != headykey.ErrInternal {
				t.Errorf("got %s, %v", got, err)
			}
			if strings.Contains(log.String(), "jane") {
				t.Errorf("the log says %s", log)
			}
		})
	}
}

func TestALetterIsTaken(t *testing.T) {
	for _, answer := range []http.HandlerFunc{say(http.StatusOK, "{}"), say(http.StatusNoContent, "")} {
		h, _ := serve(t, answer).hooks(t)
		if taken, err := h.SendEmail(t.Context(), home, user, EmailData{}); !taken || err != nil {
			t.Errorf("got %v, %v", taken, err)
		}
		h.Close()
	}
}

func TestVerdicts(t *testing.T) {
	tests := []struct {
		name, answer string
		want         Verdict
		fails        bool
	}{
		{"nothing said", `{}`, Verdict{}, false},
		{"continue", `{"decision":"continue","message":"x","should_logout_user":true}`, Verdict{}, false},
		{"reject", `{"decision":"reject","message":"Not\ntoday.","should_logout_user":true}`, Verdict{true, "Not today.", true}, false},
		{"reject in silence", `{"decision":"reject"}`, Verdict{true, headykey.ErrHookRefused.Text, false}, false},
		{"another word", `{"decision":"Reject"}`, Verdict{}, true},
		{"no word", `{"decision":false}`, Verdict{}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, log := serve(t, say(http.StatusOK, tt.answer)).hooks(t)
			defer h.Close()
			got, err := h.PasswordVerificationAttempt(t.Context(), home, jane, true)
			if got != tt.want || (err != nil) != tt.fails {
				t.Errorf("got %+v, %v; want %+v", got, err, tt.want)
			}
			if noted := log.Len() > 0; noted != (tt.fails || tt.want.Reject) {
				t.Errorf("the log says %q", log)
			}
		})
	}
}

// Failures and refusals are told of with what is needed to find them, and nothing of
// what was said.
func TestTheLog(t *testing.T) {
	answers := map[string]http.HandlerFunc{
		"refused with status 403": say(http.StatusOK, `{"error":{"http_code":403,"message":"jane is not welcome"}}`),
		"must be":                 say(http.StatusOK, `{"error":"jane@id.test"}`),
		"status 500":              say(http.StatusInternalServerError, `jane@id.test`),
	}
	for want, answer := range answers {
		h, log := serve(t, answer).hooks(t)
		ctx := headykey.WithRequestID(t.Context(), "0123456789abcdef")
		h.AfterUserCreated(ctx, home, user)
		var line map[string]any
		if err := json.Unmarshal(log.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		said := fmt.Sprint(line["error"])
		_, timed := line["duration"].(float64)
		delete(line, "time")
		delete(line, "duration")
		delete(line, "error")
		expected := map[string]any{"level": "WARN", "msg": "a hook refused or failed", "requestId": "0123456789abcdef", "hook": "after-user-created"}
		if !timed || !strings.Contains(said, want) || !reflect.DeepEqual(line, expected) {
			t.Errorf("got %v; error %s", line, said)
		}
		if strings.Contains(said, "jane") {
			t.Errorf("the log says %s", said)
		}
		h.Close()
	}
}
