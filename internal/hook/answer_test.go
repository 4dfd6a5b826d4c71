package hook

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/fetch"
)

// A hook's no reaches the person in the hook's words, from every hook.
func TestRefusals(t *testing.T) {
	own := headykey.ErrHookRefused.Text
	tests := []struct {
		name   string
		status int
		answer string
		want   Refusal
	}{
		{"with a status", 200, `{"error":{"http_code":403,"message":"Not from here."}}`, Refusal{403, "Not from here."}},
		{"accepted", 202, `{"error":{"http_code":429,"message":"Later."}}`, Refusal{429, "Later."}},
		{"of the client's fault", 400, `{"error":{"http_code":422,"message":"No."}}`, Refusal{422, "No."}},
		{"while busy for good", 503, `{"error":{"http_code":503,"message":"Closed."}}`, Refusal{503, "Closed."}},
		{"without a status", 200, `{"error":{"message":"No."}}`, Refusal{500, "No."}},
		{"with a yes", 200, `{"error":{"http_code":200,"message":"No."},"decision":"continue","claims":{}}`, Refusal{500, "No."}},
		{"with a status that is none", 200, `{"error":{"http_code":600,"message":"No."}}`, Refusal{500, "No."}},
		{"with a negative one", 200, `{"error":{"http_code":-1,"message":"No."}}`, Refusal{500, "No."}},
		{"without words", 200, `{"error":{"http_code":403}}`, Refusal{403, own}},
		{"with words that are not seen", 200, `{"error":{"http_code":403,"message":"\u202e\u0000"}}`, Refusal{403, own}},
		{"with control characters", 200, `{"error":{"http_code":403,"message":"\u001b[1mNo\r\nSet-Cookie: \u202ex\u0000"}}`, Refusal{403, "[1mNo Set-Cookie: x"}},
		{"at length", 200, `{"error":{"http_code":403,"message":"` + strings.Repeat("ä", 200) + `"}}`, Refusal{403, strings.Repeat("ä", 200)}},
		{"at greater length", 200, `{"error":{"http_code":403,"message":"` + strings.Repeat("ä", 201) + `"}}`, Refusal{403, strings.Repeat("ä", 199) + "…"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, _ := serve(t, say(tt.status, tt.answer)).hooks(t)
			defer h.Close()
			for name, err := range asked(t, h) {
				got, ok := errors.AsType[*Refusal](err)
				if !ok || *got != tt.want {
					t.Errorf("%s: got %+v, %v; want %+v", name, got, err, tt.want)
				}
				e := headykey.Explain(err)
				if !errors.Is(err, headykey.ErrHookRefused) || e.Kind != headykey.Forbidden || e.Text != tt.want.Message {
					t.Errorf("%s: the caller is told %v", name, e)
				}
			}
		})
	}
}

func TestWhatIsNoRefusal(t *testing.T) {
	for _, answer := range []string{`{"error":null}`, `{"error":{}}`, `{"error":{"message":""}}`, `{"Error":{"message":"No."}}`} {
		h, _ := serve(t, say(http.StatusOK, answer)).hooks(t)
		if err := h.BeforeUserCreated(t.Context(), home, user); err != nil {
			t.Errorf("%s: %v", answer, err)
		}
		h.Close()
	}
}

// Whatever a hook says, its refusals can be shown, a verdict is clear, and claims
// that are taken are whole.
func FuzzAnswer(f *testing.F) {
	f.Add(200, "application/json", []byte(`{"error":{"http_code":403,"message":"No."}}`))
	f.Add(400, "application/json; charset=utf-8", []byte("{\"error\":{\"message\":\"\u202e\\u0000\"}}"))
	f.Add(204, "", []byte(nil))
	f.Add(202, "application/json", []byte(`{"decision":"reject","message":"No.","should_logout_user":true}`))
	f.Add(200, "application/json", []byte(claims))
	f.Fuzz(func(t *testing.T, status int, kind string, body []byte) {
		got, err := content(fetch.Answer{Status: status, ContentType: kind, Body: body}, nil)
		if no, ok := errors.AsType[*Refusal](err); ok {
			presentable(t, no.Message)
			if no.Status < 400 || no.Status > 599 || got != nil {
				t.Errorf("%q: %+v with %q", body, no, got)
			}
		}
		v, err := verdict(body)
		if v.Reject {
			presentable(t, v.Message)
		}
		if v != (Verdict{}) && (err != nil || !v.Reject) {
			t.Errorf("%q: %+v, %v", body, v, err)
		}
		if keepsRequired(body) == nil && !strings.Contains(string(body), "{") {
			t.Errorf("%q are claims", body)
		}
	})
}

// presentable fails the test unless s is one short line.
func presentable(t *testing.T, s string) {
	t.Helper()
	if s == "" || !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxMessage || strings.ContainsFunc(s, unicode.IsControl) {
		t.Errorf("%q is shown", s)
	}
}
