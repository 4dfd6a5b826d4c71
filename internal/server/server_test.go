package server_test

import (
	"bufio"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/fetch"
	"headykey.com/headykey/internal/server"
)

func TestAServerMakesWhatItNeedsAndServes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := run(t, settings(dir), slog.New(slog.DiscardHandler))
	status, health := s.ask(t, "GET", "/health", "")
	if status != http.StatusOK || health["status"] != "ok" || health["database"] != "sqlite" || health["cors_origins"] != 23.0 || health["version"] != server.Version {
		t.Errorf("got %d %v", status, health)
	}
	if status, ready := s.ask(t, "GET", "/health/ready", ""); status != http.StatusOK || ready["status"] != "ready" {
		t.Errorf("got %d %v", status, ready)
	}
	for name, want := range map[string]os.FileMode{"": 0o700 | os.ModeDir, server.MasterKeyFile: 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		check(t, err)
		if info.Mode() != want {
			t.Errorf("%q has the mode %v, want %v", name, info.Mode(), want)
		}
	}
}

// What the OpenAPI document promises is there.
func TestEveryDocumentedRouteAnswers(t *testing.T) {
	c := settings(t.TempDir())
	c.Dev = true // the mailbox is in the document, too
	s := run(t, c, slog.New(slog.DiscardHandler))
	_, doc := s.ask(t, "GET", "/openapi.json", "")
	paths, _ := doc["paths"].(map[string]any)
	for path, methods := range paths {
		request, err := http.NewRequestWithContext(t.Context(), "OPTIONS", s.Base+strings.ReplaceAll(path, "{id}", "x"), nil)
		check(t, err)
		answer, err := http.DefaultClient.Do(request)
		check(t, err)
		check(t, answer.Body.Close())
		allowed := strings.Split(answer.Header.Get("Allow"), ", ")
		for method := range methods.(map[string]any) {
			if upper := strings.ToUpper(method); slices.Contains([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, upper) && !slices.Contains(allowed, upper) {
				t.Errorf("%s %s is promised; there is %v", upper, path, allowed)
			}
		}
	}
	if len(paths) < 20 {
		t.Errorf("%d paths are documented", len(paths))
	}
}

func TestTwoServersDoNotShareOneDirectory(t *testing.T) {
	dir := t.TempDir()
	first := run(t, settings(dir), slog.New(slog.DiscardHandler))
	_, err := server.Start(t.Context(), settings(dir), slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), first.Address()) || !strings.Contains(err.Error(), "another --data") {
		t.Fatalf("got %v", err)
	}
	if status, _ := first.ask(t, "GET", "/health/ready", ""); status != http.StatusOK {
		t.Errorf("the first one: got %d", status)
	}
	check(t, first.stop())
	run(t, settings(dir), slog.New(slog.DiscardHandler))
}

func TestWhatCannotStartSaysWhyAndLeavesNothingBehind(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer func() { check(t, taken.Close()) }()
	file := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(file, nil, 0o600))
	for name, c := range map[string]struct {
		change func(*server.Config)
		says   string
	}{
		"a port in use":            {func(c *server.Config) { c.Listen = taken.Addr().String() }, "another program"},
		"no certificate":           {func(c *server.Config) { c.TLSCert, c.TLSKey = file, file }, "TLS certificate"},
		"a file for a directory":   {func(c *server.Config) { c.Data = file }, "data directory"},
		"a metrics port in use":    {func(c *server.Config) { c.MetricsListen = taken.Addr().String() }, "metrics"},
		"no roots":                 {func(c *server.Config) { c.ExtraCA = file + "s" }, "extra_ca cannot be read"},
		"roots that are not":       {func(c *server.Config) { c.ExtraCA = file }, "no certificate in PEM"},
		"no client authorities":    {func(c *server.Config) { c.TLSClientCA = file + "s" }, "tls_client_ca cannot be read"},
		"authorities that are not": {func(c *server.Config) { c.TLSClientCA = file }, "no certificate in PEM"},
		"a master key that is not": {func(c *server.Config) { c.MasterKey = []byte("short") }, "master key"},
	} {
		config := settings(t.TempDir())
		c.change(config)
		if _, err := server.Start(t.Context(), config, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v", name, err)
		}
		if config.Data != file {
			run(t, settings(config.Data), slog.New(slog.DiscardHandler))
		}
	}
}

// What the server reads from strangers' hosts, it reads from a private one only
// if told so, and believes its certificate only if told by whom.
func TestPrivateHostsAreReachedWhenAllowed(t *testing.T) {
	private := httptest.NewUnstartedServer(http.NotFoundHandler())
	private.Config.ErrorLog = log.New(io.Discard, "", 0) // one handshake is broken off
	private.StartTLS()
	defer private.Close()
	file := filepath.Join(t.TempDir(), "roots.pem")
	check(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: private.Certificate().Raw}), 0o600))
	for name, tt := range map[string]struct {
		allow []string
		ca    string
		want  error
	}{
		"neither":      {nil, "", fetch.ErrRefused},
		"vouched for":  {nil, file, fetch.ErrRefused},
		"allowed":      {[]string{"127.0.0.1"}, "", fetch.ErrUnreachable},
		"both is fine": {[]string{"127.0.0.1"}, file, fetch.ErrStatus},
	} {
		c := settings(t.TempDir())
		c.FetchAllow, c.ExtraCA = tt.allow, tt.ca
		core, err := server.Open(t.Context(), c, "https://id.example.com", slog.New(slog.DiscardHandler))
		check(t, err)
		if _, err := core.Fetch.Get(t.Context(), private.URL, 1, ""); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
		check(t, core.Close())
	}
}

func TestAnotherMasterKeyIsRefused(t *testing.T) {
	dir := t.TempDir()
	check(t, run(t, settings(dir), slog.New(slog.DiscardHandler)).stop())
	c := settings(dir)
	c.MasterKey = make([]byte, 32)
	if _, err := server.Start(t.Context(), c, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "another master key") {
		t.Errorf("got %v", err)
	}
}

// A request that has begun is answered although the server is told to stop; then
// nobody listens any more.
func TestStoppingFinishesWhatHasBegun(t *testing.T) {
	s := run(t, settings(t.TempDir()), slog.New(slog.DiscardHandler))
	conn, err := net.Dial("tcp", s.Address())
	check(t, err)
	defer func() { _ = conn.Close() }()
	const body = `{"email":"nobody@example.com","password":"x"}`
	_, err = fmt.Fprintf(conn, "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", len(body))
	check(t, err)
	in := bufio.NewReader(conn)
	line, err := in.ReadString('\n') // the handler reads the body, so it has begun
	if err != nil || !strings.Contains(line, "100") {
		t.Fatalf("got %q, %v", line, err)
	}
	_, err = in.ReadString('\n')
	check(t, err)
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	for err = nil; err == nil; { // until it takes no new connections
		var more net.Conn
		if more, err = net.Dial("tcp", s.Address()); err == nil {
			_ = more.Close()
		}
	}
	_, err = fmt.Fprint(conn, body)
	check(t, err)
	answer, err := http.ReadResponse(in, nil)
	check(t, err)
	if answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("got %s", answer.Status)
	}
	check(t, answer.Body.Close())
	check(t, <-stopped)
}

// What was only in memory when the server was told to stop is on disk after.
func TestStoppingWritesDownWhatWasGathered(t *testing.T) {
	dir := t.TempDir()
	s := run(t, settings(dir), slog.New(slog.DiscardHandler))
	_, made := s.ask(t, "POST", "/api/auth/register", `{"email":"ada@example.com","password":"`+password+`"}`)
	status, _ := s.ask(t, "POST", "/api/auth/refresh", fmt.Sprintf(`{"refreshToken":%q}`, made["refreshToken"]))
	if status != http.StatusOK {
		t.Fatalf("got %d for %v", status, made)
	}
	check(t, s.stop())
	core, err := server.Open(t.Context(), settings(dir), s.Base, slog.New(slog.DiscardHandler))
	check(t, err)
	defer func() { check(t, core.Close()) }()
	told, err := core.Receipts.List(t.Context(), headykey.System, headykey.ReceiptFilter{Type: "token.issued", Limit: 9})
	if err != nil || len(told) != 1 {
		t.Errorf("got %+v, %v", told, err)
	}
	if _, bad, err := core.Receipts.CheckNewest(t.Context(), 100); bad != "" || err != nil {
		t.Errorf("receipt %q does not verify, %v", bad, err)
	}
}

// A whole day of use in the most talkative log: nothing in it opens a door or
// names a person.
func TestTheLogHoldsNoSecretAndNobodysName(t *testing.T) {
	log := &book{}
	before := slog.Default()
	slog.SetDefault(log.logger())
	defer slog.SetDefault(before)
	c := settings(t.TempDir())
	c.Dev, c.JWTSecret = true, []byte("a configured secret of more than 32 bytes")
	s := run(t, c, log.logger())

	_, made := s.ask(t, "POST", "/api/auth/register", `{"email":"ada.lovelace@example.com","name":"Augusta King","password":"`+password+`"}`, "User-Agent: curl/8 secret-agent")
	bearer := fmt.Sprintf("Authorization: Bearer %v", made["accessToken"])
	_, key := s.ask(t, "POST", "/api/auth/api-keys", `{"description":"Lovelace's laptop"}`, bearer)
	s.ask(t, "GET", "/api/auth/verify?access_token=hunter2hunter2", "", "X-API-Key: "+fmt.Sprint(key["key"]))
	s.ask(t, "GET", "/api/nowhere/hunter2hunter2", "", bearer)
	s.ask(t, "POST", "/api/auth/login", `{"email":"ada.lovelace@example.com","password":"hunter2hunter2"}`)
	s.ask(t, "POST", "/api/auth/login", `{"email":"ada.lovelace@example.com","password":`)
	s.ask(t, "POST", "/api/receipts/verify", `{"receipt":"hunter2hunter2"}`)
	_, fresh := s.ask(t, "POST", "/api/auth/refresh", fmt.Sprintf(`{"refreshToken":%q}`, made["refreshToken"]))
	s.ask(t, "POST", "/api/auth/logout", fmt.Sprintf(`{"refreshToken":%q}`, fresh["refreshToken"]))
	check(t, s.stop())

	text := log.String()
	if !strings.Contains(text, `"msg":"ready"`) || !strings.Contains(text, "POST /api/auth/login") || !strings.Contains(text, `"msg":"stopped"`) {
		t.Fatalf("the search does not see what is logged: %s", text)
	}
	secrets := []string{"ada.lovelace", "Augusta", "hunter2", password, "secret-agent", "Lovelace's", string(c.JWTSecret)}
	for _, members := range []map[string]any{made, key, fresh} {
		for _, name := range []string{"accessToken", "refreshToken", "key"} {
			if value, ok := members[name].(string); ok {
				secrets = append(secrets, value)
			}
		}
	}
	for _, s := range secrets {
		if strings.Contains(text, s) {
			t.Errorf("the log tells %q", s)
		}
	}
	if len(secrets) != 12 {
		t.Errorf("%d secrets were looked for, want 12: %v %v %v", len(secrets), made, key, fresh)
	}
}

func TestMetricsHaveAListenerOfTheirOwn(t *testing.T) {
	log := &book{}
	c := settings(t.TempDir())
	c.MetricsListen = "127.0.0.1:0"
	s := run(t, c, log.logger())
	if status, _ := s.ask(t, "GET", "/metrics", ""); status != http.StatusNotFound {
		t.Errorf("for the world: got %d", status)
	}
	_, rest, found := strings.Cut(log.String(), `"msg":"metrics","address":"`)
	address, _, _ := strings.Cut(rest, `"`)
	if !found {
		t.Fatal(log.String())
	}
	answer, err := http.Get("http://" + address + "/metrics")
	check(t, err)
	defer func() { _ = answer.Body.Close() }()
	lines := bufio.NewScanner(answer.Body)
	names := map[string]bool{}
	for lines.Scan() {
		name, _, _ := strings.Cut(strings.TrimPrefix(lines.Text(), "# HELP "), " ")
		names[name] = true
	}
	for _, name := range []string{"headykey_password_queue", "headykey_requests_in_flight", "go_goroutines"} {
		if !names[name] {
			t.Errorf("%s is not counted", name)
		}
	}
}
