package auth_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/door/supabase"
	"headykey.com/headykey/internal/hook"
	"headykey.com/headykey/internal/outbox"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

// hookSecret signs what hooks get.
var hookSecret = "v1,whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 32))

// A hookVisit is what an operator's endpoint got.
type hookVisit struct {
	name hook.Name
	in   map[string]jsontext.Value
}

// A hookAnswer is what it says to that.
type hookAnswer func(in map[string]jsontext.Value) (status int, body string)

// A hookHouse is a house whose operator has hooks.
type hookHouse struct {
	*house
	mu      sync.Mutex
	answers map[hook.Name]hookAnswer
	visits  []hookVisit
	arrived chan hookVisit
}

// buildHooked returns a house with the hooks of answers, each asked at a server of its
// own. Letters go to the mailbox, but for those that are the hook's.
func buildHooked(t *testing.T, answers map[hook.Name]hookAnswer, change ...func(*auth.Config)) *hookHouse {
	t.Helper()
	h := &hookHouse{house: build(t, change...), answers: answers, arrived: make(chan hookVisit, 100)}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	configs := map[hook.Name]hook.Config{}
	for name := range answers {
		configs[name] = hook.Config{URI: server.URL + "/" + string(name), Secrets: []string{hookSecret}}
	}
	log := slog.New(slog.DiscardHandler)
	hooks, err := hook.New(configs, nil, log)
	check(t, err)
	t.Cleanup(hooks.Close)
	t.Cleanup(h.Close)
	sealer, err := secret.NewSealer(bytes.Repeat([]byte{7}, secret.MasterKeySize))
	check(t, err)
	h.box = outbox.New(h.db, sealer, log, map[string]outbox.Sender{
		"mail": h.send, auth.LetterKind: h.SendLetter, auth.KnockKind: h.AnswerKnock,
	})
	h.Outbox, h.Hooks, h.Spell = h.box, hooks, supabase.Settings{AutoConfirm: true}.UserJSON
	return h
}

func (h *hookHouse) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := hookVisit{name: hook.Name(strings.TrimPrefix(r.URL.Path, "/")), in: map[string]jsontext.Value{}}
	if err := json.UnmarshalRead(r.Body, &v.in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	h.visits = append(h.visits, v)
	answer := h.answers[v.name]
	h.mu.Unlock()
	status, body := answer(v.in)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
	h.arrived <- v
}

// say makes the hook called name answer otherwise from now on.
func (h *hookHouse) say(name hook.Name, answer hookAnswer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answers[name] = answer
}

// seen returns how often the hook called name was asked.
func (h *hookHouse) seen(name hook.Name) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, v := range h.visits {
		if v.name == name {
			n++
		}
	}
	return n
}

// next returns the next visit to the hook called name.
func (h *hookHouse) next(t *testing.T, name hook.Name) hookVisit {
	t.Helper()
	for {
		select {
		case v := <-h.arrived:
			if v.name == name {
				return v
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("nobody asked the hook %s", name)
		}
	}
}

// work runs the outbox until the function it returns is called.
func (h *hookHouse) work(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); h.box.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return stop
}

// exists reports whether there is an account with this address.
func (h *hookHouse) exists(t *testing.T, email string) bool {
	t.Helper()
	err := h.db.View(t.Context(), func(tx *store.Tx) error { _, err := tx.UserByKey(email); return err })
	if err != nil && !headykey.Explain(err).Is(headykey.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

// liveSessions returns how many sessions user has.
func (h *hookHouse) liveSessions(t *testing.T, user headykey.ID) int {
	t.Helper()
	var all []*headykey.Session
	check(t, h.db.View(t.Context(), func(tx *store.Tx) (err error) {
		all, err = store.Collect(tx.LiveSessions(user))
		return err
	}))
	return len(all)
}

// saying answers the same to everything.
func saying(status int, body string) hookAnswer {
	return func(map[string]jsontext.Value) (int, string) { return status, body }
}

var (
	hookMute    = saying(http.StatusNoContent, "")
	hookRefuses = saying(http.StatusOK, `{"error":{"http_code":403,"message":"Not on a Sunday."}}`)
	hookFails   = saying(http.StatusInternalServerError, `{}`)
)

// claimsWith answers with the claims that came, changed: null takes one away.
func claimsWith(t *testing.T, patch string) hookAnswer {
	return func(in map[string]jsontext.Value) (int, string) {
		var claims, changes map[string]jsontext.Value
		if json.Unmarshal(in["claims"], &claims) != nil || json.Unmarshal([]byte(patch), &changes) != nil {
			t.Error("the claims or the patch are no object")
		}
		for name, v := range changes {
			if v.Kind() == 'n' {
				delete(claims, name)
				continue
			}
			claims[name] = v
		}
		out, err := json.Marshal(map[string]any{"claims": claims})
		if err != nil {
			t.Error(err)
		}
		return http.StatusOK, string(out)
	}
}

// saysOf returns what a JWT says.
func saysOf(t *testing.T, jwt string) map[string]any {
	t.Helper()
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no JWT", jwt)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	check(t, err)
	var claims map[string]any
	check(t, json.Unmarshal(text, &claims))
	return claims
}
