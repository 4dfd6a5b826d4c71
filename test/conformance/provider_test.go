package conformance

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const patience = 55 * time.Second // for one process to start or stop on a busy machine

type obj = map[string]any

// A house is where one provider keeps its things.
type house struct {
	data string
	dsn  string // "": SQLite in the data directory
}

func (h house) flags() []string {
	f := []string{"--data", h.data}
	if h.dsn != "" {
		f = append(f, "--database", h.dsn)
	}
	return f
}

// each runs test in a fresh house on every engine at hand.
func each(t *testing.T, test func(t *testing.T, h house)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		test(t, house{data: t.TempDir()})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		test(t, house{data: t.TempDir(), dsn: freshDatabase(t)})
	})
}

// freshDatabase returns the DSN of an empty database that is dropped when the test
// ends; without a PostgreSQL at hand it skips the test.
func freshDatabase(t *testing.T) string {
	t.Helper()
	super := os.Getenv("HEADYKEY_TEST_POSTGRES")
	if super == "" {
		t.Skip("HEADYKEY_TEST_POSTGRES is not set: nothing was tried on PostgreSQL")
	}
	at, err := url.Parse(super)
	if err != nil || !strings.HasPrefix(at.Scheme, "postgres") {
		t.Fatal("HEADYKEY_TEST_POSTGRES must be a postgres:// URL")
	}
	name := "headykey_" + strings.ToLower(rand.Text())
	execute(t, super, "CREATE DATABASE "+name)
	t.Cleanup(func() { execute(t, super, "DROP DATABASE "+name+" WITH (FORCE)") })
	at.Path = "/" + name
	return at.String()
}

func execute(t *testing.T, dsn, sql string) {
	t.Helper()
	ctx := context.Background() // clean-up runs after the test's own context has ended
	db, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(fmt.Errorf("connect to PostgreSQL: %w", err))
	}
	defer db.Close(ctx)
	if _, err := db.Exec(ctx, sql); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", sql, err))
	}
}

// A provider is one running headykey, and all that is known of it: its metadata.
type provider struct {
	house house
	url   string
	meta  obj
	http  *http.Client // trusts the authority, follows no redirect
	site  *site        // the server of its clients
	admin string       // access token of an administrator

	cookies map[string]*http.Cookie // of a browser in which ada is signed in

	log   logbook
	cmd   *exec.Cmd
	ended chan struct{}
}

// A logbook keeps what a process writes and tells when it is ready.
type logbook struct {
	mu    sync.Mutex
	text  bytes.Buffer
	ready chan struct{} // closed at the ready line
	once  sync.Once
}

// start runs a provider over TLS until the test ends. Its address is part of its
// name, so the port is chosen first; if somebody else takes it, another is tried.
func start(t *testing.T, h house) *provider {
	t.Helper()
	for range 5 {
		p := launch(t, h)
		select {
		case <-p.log.ready:
			p.prepare(t)
			return p
		case <-p.ended:
			t.Logf("the server ended before it was ready:\n%s", p.log.String())
		case <-time.After(patience):
			t.Fatalf("the server is not ready:\n%s", p.log.String())
		}
	}
	t.Fatal("the server does not start")
	return nil
}

func launch(t *testing.T, h house) *provider {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close() // the port is free again
	p := &provider{house: h, url: "https://" + address, ended: make(chan struct{})}
	p.log.ready = make(chan struct{})
	p.cmd = command(append([]string{
		"serve", "--listen", address, "--url", p.url, "--no-confirm-email", "--rate-limit", "off", "--registration", "open",
		"--tls-cert", bench.pki.certFile, "--tls-key", bench.pki.keyFile,
		"--extra-ca", bench.pki.caFile, "--fetch-allow", "127.0.0.0/8",
	}, h.flags()...)...)
	out, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.watch(out)
	t.Cleanup(func() { p.stop(t) })
	return p
}

// command is one call of the binary, which sees nothing of the tester's settings.
func command(args ...string) *exec.Cmd {
	cmd := exec.Command(bench.binary, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent"}
	for _, v := range os.Environ() {
		if strings.HasPrefix(v, "GORACE=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	return cmd
}

func (p *provider) watch(from io.Reader) {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		p.log.add(line)
		if err != nil {
			break
		}
	}
	_ = p.cmd.Wait() // the exit code is read from ProcessState
	close(p.ended)
}

func (l *logbook) add(line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(line)
	var entry struct{ Msg string }
	if json.Unmarshal(line, &entry) == nil && entry.Msg == "ready" {
		l.once.Do(func() { close(l.ready) })
	}
}

// String returns the warnings and errors that were logged so far, and lines of no form.
func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out strings.Builder
	for line := range strings.Lines(l.text.String()) {
		if !strings.Contains(line, `"level":"INFO"`) {
			out.WriteString(line)
		}
	}
	return out.String()
}

func (p *provider) stop(t *testing.T) {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may be gone already
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Error("the server does not stop on SIGTERM")
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	if t.Failed() {
		t.Logf("what the server complained of:\n%s", p.log.String())
	}
}

// prepare learns what the provider says of itself, and makes its people.
func (p *provider) prepare(t *testing.T) {
	t.Helper()
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: bench.pki.roots, MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 8,
	}
	t.Cleanup(transport.CloseIdleConnections)
	p.http = &http.Client{
		Transport: transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	p.site = newSite(t)
	p.meta = p.get(t, p.url+"/.well-known/openid-configuration/auth/v1").want(t, http.StatusOK).object(t)
	p.run(t, password+"\n", "users", "create", "--email", "admin@example.com", "--role", "admin", "--password-stdin")
	login := p.send(t, "POST", p.url+"/api/auth/login", `{"email":"admin@example.com","password":"`+password+`"}`,
		"Content-Type: application/json").want(t, http.StatusOK).object(t)
	p.admin = text(t, login, "accessToken")
	p.run(t, ada.password+"\n", "users", "create", "--email", ada.email, "--name", "Ada Example", "--password-stdin")
	b := p.stranger()
	b.stop = "none"
	if a := b.walk(t, b.visit(t, p.url+"/sign-in", byHand)); !slices.Contains(a.seen, "sign-in") || len(b.cookies) < 2 {
		t.Fatalf("ada cannot sign in: %v", a.seen)
	}
	p.cookies = b.cookies
}

// run calls the command line beside the running provider.
func (p *provider) run(t *testing.T, in string, args ...string) []byte {
	t.Helper()
	cmd := command(append(append(args, "--json"), p.house.flags()...)...)
	cmd.Stdin = strings.NewReader(in)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("headykey %s: %v\n%s", strings.Join(args, " "), err, said.Bytes())
	}
	return out
}

// at returns an endpoint by its name in the metadata.
func (p *provider) at(t *testing.T, member string) string {
	t.Helper()
	u, ok := p.meta[member].(string)
	if !ok || !strings.HasPrefix(u, "https://") {
		t.Fatalf("the metadata has %s %v, want an https URL", member, p.meta[member])
	}
	return u
}
