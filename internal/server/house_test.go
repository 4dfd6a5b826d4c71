package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/server"
)

const password = "verdigris under brass"

// settings are those of a server in dir, on any free port of this machine.
func settings(dir string) *server.Config {
	return &server.Config{
		Data: dir, Listen: "127.0.0.1:0", SignUp: true, RateLimit: true, CORSOrigins: []string{server.CORSPreset}, Registration: server.RegistrationToken,
		IdleTimeout: 89 * time.Second, Shutdown: 21 * time.Second,
		Lifetimes: headykey.Lifetimes{
			Access: time.Hour, Refresh: 30 * 24 * time.Hour, Session: 8 * time.Hour, SessionMax: 89 * 24 * time.Hour, KeyGrace: 34 * time.Hour,
			SetupLink: 34 * time.Minute, EmailLink: 21 * time.Minute, JWTSecretRotation: 144 * 24 * time.Hour, JWTSecretOverlap: 21 * 24 * time.Hour,
			SessionKey: 21 * 24 * time.Hour, SessionKeyGrace: 34 * time.Hour,
		},
	}
}

// A book is a log that can be read while it is written.
type book struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// logger writes everything into b.
func (b *book) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// A running server; stop drains it and returns what Serve did.
type running struct {
	*server.Server
	stop func() error
}

// run starts a server and serves until stop, or the end of the test.
func run(t *testing.T, c *server.Config, log *slog.Logger) *running {
	t.Helper()
	check(t, c.Validate())
	s, err := server.Start(t.Context(), c, log)
	check(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	stop := sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { check(t, stop()) })
	return &running{s, stop}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ask sends one request and returns the status and the members of the answer.
func (r *running) ask(t *testing.T, method, path, body string, headers ...string) (int, map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, r.Base+path, strings.NewReader(body))
	check(t, err)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		request.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(request)
	check(t, err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	check(t, err)
	out := map[string]any{}
	_ = json.Unmarshal(text, &out)
	return answer.StatusCode, out
}
