package web_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/web"
)

type order struct {
	Dish  string `json:"dish"`
	Count int    `json:"count"`
	Guest struct {
		Name string `json:"name"`
	} `json:"guest"`
	Role role `json:"role"`
}

// A role decodes itself, and blames the field in the core's own words.
type role struct{ headykey.Role }

func (r *role) UnmarshalText(text []byte) (err error) {
	r.Role, err = headykey.ParseRole(string(text))
	return err
}

type bill struct {
	Text  string   `json:"text"`
	Items []string `json:"items"`
}

var stranger = web.Door{Fail: web.FailJSON}

func serveOrder(*http.Request, headykey.Caller, order) (bill, error) {
	return bill{Text: "<b>&"}, nil
}

func TestJSONBodies(t *testing.T) {
	const (
		ok      = `{"text":"<b>&","items":[]}`
		invalid = `{"error":"The body is not one valid JSON object.","code":"invalid_json","requestId":""}`
		media   = `{"error":"Send the body as application/json in UTF-8.","code":"unsupported_media_type","requestId":""}`
		large   = `{"error":"The body is too large.","code":"body_too_large","requestId":""}`
	)
	wrong := func(field string) string {
		text := "A field has a value of the wrong type."
		return fmt.Sprintf(`{"error":%q,"code":"invalid_json","requestId":"","fields":[{"name":%q,"code":"invalid_json","message":%q}]}`, text, field, text)
	}
	tests := []struct {
		name, body, contentType string
		status                  int
		want                    string
	}{
		{"an object", `{"dish":"soup"}`, "application/json", 201, ok},
		{"charset in capitals", `{}`, "application/json; charset=UTF-8", 201, ok},
		{"unknown member", `{"fork":1}`, "application/json", 201, ok},
		{"name in capitals is another name", `{"DISH":1}`, "application/json", 201, ok},
		{"white space around", " \n{}\t", "application/json", 201, ok},
		{"other charset", `{}`, "application/json; charset=latin1", 415, media},
		{"a form", `dish=soup`, "application/x-www-form-urlencoded", 415, media},
		{"a cousin of JSON", `{}`, "application/ld+json", 415, media},
		{"no type", `{}`, "", 415, media},
		{"empty", ``, "application/json", 400, invalid},
		{"only white space", ` `, "application/json", 400, invalid},
		{"null", `null`, "application/json", 400, invalid},
		{"null far away", strings.Repeat(" ", 99) + `null`, "application/json", 400, invalid},
		{"an array", `[{}]`, "application/json", 400, invalid},
		{"a text", `"{}"`, "application/json", 400, invalid},
		{"cut short", `{"dish":`, "application/json", 400, invalid},
		{"two objects", `{}{}`, "application/json", 400, invalid},
		{"a field twice", `{"dish":"a","dish":"b"}`, "application/json", 400, invalid},
		{"an unknown field twice", `{"x":1,"x":2}`, "application/json", 400, invalid},
		{"broken UTF-8", "{\"dish\":\"\xff\"}", "application/json", 400, invalid},
		{"half a surrogate pair", `{"dish":"\ud800"}`, "application/json", 400, invalid},
		{"wrong type", `{"dish":7}`, "application/json", 400, wrong("dish")},
		{"number too large", `{"count":1e99}`, "application/json", 400, wrong("count")},
		{"wrong type inside", `{"guest":{"name":[]}}`, "application/json", 400, wrong("guest.name")},
		{"a decoder's own words", `{"role":"king"}`, "application/json", 400,
			`{"error":"A role is guest, user, operator or admin.","code":"invalid_value","requestId":"","fields":[{"name":"role","code":"invalid_value","message":"A role is guest, user, operator or admin."}]}`},
		{"64 KiB", `{"dish":"` + strings.Repeat("x", 64<<10-11) + `"}`, "application/json", 201, ok},
		{"one byte more", `{"dish":"` + strings.Repeat("x", 64<<10-10) + `"}`, "application/json", 413, large},
	}
	h := web.JSON(stranger, http.StatusCreated, serveOrder)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", strings.NewReader(tt.body))
			r.Header.Set("Content-Type", tt.contentType)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			expect(t, w, tt.status, tt.want)

			r = httptest.NewRequest("POST", "/", strings.NewReader(tt.body))
			r.Header.Set("Content-Type", tt.contentType)
			r.ContentLength = -1 // chunked
			w = httptest.NewRecorder()
			h.ServeHTTP(w, r)
			expect(t, w, tt.status, tt.want)
		})
	}
}

func TestReplyHeaders(t *testing.T) {
	w := ask(web.JSON(stranger, 200, serveOrder), "POST", "/", `{}`)
	want := http.Header{"Content-Type": {"application/json"}, "Content-Length": {"26"}}
	if got := w.Header(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestADoorMayTakeLargerBodies(t *testing.T) {
	body := `{"dish":"` + strings.Repeat("x", 64<<10) + `"}`
	d := web.Door{Fail: web.FailJSON, MaxBody: 1 << 20}
	expect(t, ask(web.JSON(d, 200, serveOrder), "POST", "/", body), 200, `{"text":"<b>&","items":[]}`)
}

func TestOptionalBodyMayBeAbsent(t *testing.T) {
	h := web.Optional(stranger, 200, func(_ *http.Request, _ headykey.Caller, in order) (bill, error) {
		return bill{Text: in.Dish}, nil
	})
	expect(t, ask(h, "POST", "/", ""), 200, `{"text":"","items":[]}`)
	expect(t, ask(h, "POST", "/", `{"dish":"soup"}`), 200, `{"text":"soup","items":[]}`)
	if w := ask(h, "POST", "/", `null`); w.Code != 400 {
		t.Errorf("null: got %d, want 400", w.Code)
	}
}

func TestStructlessInputIsNotRead(t *testing.T) {
	h := web.JSON(stranger, 200, func(*http.Request, headykey.Caller, struct{}) (bill, error) {
		return bill{Text: "hi"}, nil
	})
	expect(t, ask(h, "POST", "/", `not JSON at all`), 200, `{"text":"hi","items":[]}`)
}

func TestIdentityComesFirst(t *testing.T) {
	d := web.Door{Fail: web.FailJSON, Identify: func(*http.Request) (headykey.Caller, error) {
		return headykey.Caller{}, headykey.ErrInvalidToken
	}}
	w := ask(web.JSON(d, 200, serveOrder), "POST", "/", `broken`)
	expect(t, w, 401, `{"error":"This token is not valid. Sign in again.","code":"invalid_token","requestId":""}`)

	h := web.Handle(d, func(http.ResponseWriter, *http.Request, headykey.Caller) error {
		t.Error("a stranger with a bad token was let in")
		return nil
	})
	if w := ask(h, "GET", "/", ""); w.Code != 401 {
		t.Errorf("Handle: got %d, want 401", w.Code)
	}
}

func TestHandleWritesItsOwnBytes(t *testing.T) {
	jane := headykey.Caller{User: "jane"}
	d := web.Door{Fail: spelling, Identify: func(*http.Request) (headykey.Caller, error) { return jane, nil }}
	h := web.Handle(d, func(w http.ResponseWriter, r *http.Request, by headykey.Caller) error {
		if r.Method == "POST" {
			return headykey.ErrConflict
		}
		web.ReplyBytes(w, 200, []byte(`{"user":"`+string(by.User)+`"}`))
		return nil
	})
	expect(t, ask(h, "GET", "/", ""), 200, `{"user":"jane"}`)
	expect(t, ask(h, "POST", "/", ""), 409, "spelled: conflict\n")
}

// A ticket dresses its own answer.
type ticket struct {
	chosen int
	ID     string `json:"id"`
}

func (t ticket) Headers(h http.Header) { h.Set("Location", "/tickets/"+t.ID) }
func (t ticket) Status() int           { return t.chosen }

func TestAnswersMayChooseStatusAndHeaders(t *testing.T) {
	for _, tt := range []struct{ chosen, want int }{{0, 201}, {202, 202}, {204, 204}} {
		h := web.JSON(stranger, 201, func(*http.Request, headykey.Caller, struct{}) (ticket, error) {
			return ticket{tt.chosen, "7"}, nil
		})
		w := ask(h, "POST", "/", "")
		if w.Code != tt.want || w.Header().Get("Location") != "/tickets/7" {
			t.Errorf("chose %d: got %d %v, want %d", tt.chosen, w.Code, w.Header(), tt.want)
		}
		if tt.want == 204 && w.Body.Len() != 0 {
			t.Errorf("a 204 has the body %q", w.Body)
		}
	}
}

func TestExplain(t *testing.T) {
	tests := []struct {
		name   string
		err    error
		want   *headykey.Error
		logged bool
	}{
		{"a failure", headykey.ErrEmailTaken, headykey.ErrEmailTaken, false},
		{"a wrapped failure", fmt.Errorf("register: %w", headykey.ErrEmailTaken), headykey.ErrEmailTaken, false},
		{"a bug", errors.New("disk on fire"), headykey.ErrInternal, true},
		{"a wrapped bug", fmt.Errorf("disk on fire: %w", headykey.ErrInternal), headykey.ErrInternal, true},
		{"a client that left", fmt.Errorf("select: %w", context.Canceled), headykey.ErrUnavailable, false},
		{"a deadline", fmt.Errorf("select: %w", context.DeadlineExceeded), headykey.ErrUnavailable, false},
		{"a form too large", fmt.Errorf("parse form: %w", &http.MaxBytesError{Limit: 1}), web.ErrBodyTooLarge, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			log := captureLog(t)
			ctx := headykey.WithRequestID(t.Context(), "req1")
			if got := web.Explain(ctx, tt.err); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			logged := strings.Contains(log.String(), "disk on fire") && strings.Contains(log.String(), "req1")
			if logged != tt.logged || !tt.logged && log.Len() > 0 {
				t.Errorf("log: %q, want logged %t", log, tt.logged)
			}
		})
	}
}

func TestStatuses(t *testing.T) {
	tests := map[*headykey.Error]int{
		headykey.ErrInternal:        500,
		headykey.ErrInvalid:         400,
		headykey.ErrNotSignedIn:     401,
		headykey.ErrCSRF:            403,
		headykey.ErrNotFound:        404,
		headykey.ErrConflict:        409,
		headykey.ErrRateLimited:     429,
		headykey.ErrBusy:            503,
		web.ErrMethodNotAllowed:     405,
		web.ErrBodyTooLarge:         413,
		web.ErrUnsupportedMediaType: 415,
		{Kind: 200, Code: "new"}:    500,
	}
	for e, want := range tests {
		if got := web.StatusOf(e); got != want {
			t.Errorf("%s: got %d, want %d", e.Code, got, want)
		}
	}
}

func TestFailJSONSaysWhenToComeAgain(t *testing.T) {
	for after, want := range map[time.Duration]string{
		0: "", time.Millisecond: "1", time.Second: "1", time.Second + 1: "2", time.Minute: "60",
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/", nil)
		r = r.WithContext(headykey.WithRequestID(r.Context(), "req1"))
		web.FailJSON(w, r, headykey.ErrRateLimited.Later(after))
		expect(t, w, 429, `{"error":"Too many tries. Wait a little and try again.","code":"rate_limited","requestId":"req1"}`)
		if got := w.Header().Get("Retry-After"); got != want {
			t.Errorf("%v: Retry-After %q, want %q", after, got, want)
		}
	}
}

func TestAnUnwritableAnswerIsA500(t *testing.T) {
	log := captureLog(t)
	w := httptest.NewRecorder()
	web.Reply(w, 200, func() {})
	expect(t, w, 500, `{"error":"`+headykey.ErrInternal.Text+`","code":"internal"}`)
	if !strings.Contains(log.String(), "reply") {
		t.Errorf("log: %q", log)
	}
}

// Whatever comes in, the answer is one of ours, and what is accepted was an object.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{}`, `{"dish":"soup","count":3,"guest":{"name":"j"}}`, `[]`, `null`, `{"a":{"a":[1,{}]}}`, "\ufeff{}", `{"role":"user"}`} {
		f.Add([]byte(s), "application/json")
	}
	f.Add([]byte(`{}`), "application/json;charset=\"utf-8\"")
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(string(body)))
		r.Header.Set("Content-Type", contentType)
		w := httptest.NewRecorder()
		web.JSON(stranger, 201, serveOrder).ServeHTTP(w, r)
		switch w.Code {
		case 201:
			if strings.Trim(string(body), " \t\r\n")[0] != '{' {
				t.Errorf("accepted %q", body)
			}
		case 400, 413, 415:
		default:
			t.Errorf("%q: got %d", body, w.Code)
		}
	})
}
