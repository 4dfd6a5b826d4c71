package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"headykey.com/headykey/internal/fetch"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/outbox"
)

// What a client answers to a ping ends it, whatever it is: only a client that is not
// well is told again.
func TestPing(t *testing.T) {
	tests := []struct {
		name    string
		status  int
		until   time.Duration
		told    int
		want    bool // it counts as delivered
		forGood bool // it is not tried again
	}{
		{"taken", 204, time.Minute, 1, true, false},
		{"with a body", 200, time.Minute, 1, true, false},
		{"a redirect is not followed", 301, time.Minute, 1, false, true},
		{"not authorized", 401, time.Minute, 1, false, true},
		{"forbidden", 403, time.Minute, 1, false, true},
		{"not well", 503, time.Minute, 1, false, false},
		{"too late", 200, -time.Minute, 0, true, false},
	}
	for _, tt := range tests {
		told := 0
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			told++
			body, _ := io.ReadAll(r.Body)
			if r.Method != "POST" || r.URL.Path != "/ping" || string(body) != `{"auth_req_id":"id1"}` ||
				r.Header.Get("Authorization") != "Bearer token1" || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: got %s %s %s %v", tt.name, r.Method, r.URL, body, r.Header)
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(tt.status)
			if tt.status != http.StatusNoContent {
				_, _ = io.WriteString(w, "{}")
			}
		}))
		out, err := fetch.New(fetch.Config{Allow: []string{"127.0.0.1"}})
		if err != nil {
			t.Fatal(err)
		}
		payload, err := json.Marshal(oauth.Ping{URL: s.URL + "/ping", Token: "token1", ID: "id1", Until: time.Now().Add(tt.until).Unix()})
		if err != nil {
			t.Fatal(err)
		}
		err = ping(out)(context.Background(), payload)
		if (err == nil) != tt.want || errors.Is(err, outbox.ErrPermanent) != tt.forGood || told != tt.told {
			t.Errorf("%s: got %v after %d requests", tt.name, err, told)
		}
		out.Close()
		s.Close()
	}
}

func TestPingNeverReachesInside(t *testing.T) {
	out, err := fetch.New(fetch.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	payload, err := json.Marshal(oauth.Ping{URL: "https://127.0.0.1/ping", Until: time.Now().Add(time.Hour).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	if err := ping(out)(t.Context(), payload); !errors.Is(err, outbox.ErrPermanent) {
		t.Errorf("got %v", err)
	}
}
