package e2e

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"headykey.com/headykey/test/house"
)

func serveArgs(h home, more ...string) []string {
	return h.Serve(config{limits: true, more: more}.flags()...) // off is a warning of its own
}

func TestWrongCommandLines(t *testing.T) {
	for _, args := range [][]string{{"dance"}, {"serve", "--no-such-flag"}, {"users", "create"}, {"serve", "--rate-limit", "maybe"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) { run(t, "", args...).Must(t, 2) })
	}
	run(t, "", "version").Must(t, 0)
	run(t, "", "--help").Must(t, 0)
}

func TestWrongSettingsAreRefused(t *testing.T) {
	tests := map[string][]string{
		"a star as origin":       {"--cors-origins", "*"},
		"an origin with a slash": {"--cors-origins", "https://a.example/"},
		"an origin with a path":  {"--cors-origins", "https://a.example/x"},
		"a plain http origin":    {"--cors-origins", "http://a.example"},
		"a database of no kind":  {"--database", "mongodb://x"},
		"no address":             {"--listen", "nowhere"},
		"a URL with a query":     {"--url", "https://id.example.com/?a=b"},
		"a plain http URL":       {"--url", "http://id.example.com"},
		"a span of no unit":      {"--shutdown", "soon"},
	}
	for name, more := range tests {
		t.Run(name, func(t *testing.T) {
			h := homeIn(filepath.Join(t.TempDir(), "data"))
			run(t, "", serveArgs(h, more...)...).Refusal(t)
			if _, err := os.Stat(h.Data); err == nil {
				t.Error("a refused start left a data directory")
			}
		})
	}
}

func TestUnknownSettingsAreNamed(t *testing.T) {
	h := homeIn(t.TempDir())
	for name, text := range map[string]string{"lisen": "lisen = \"127.0.0.1:0\"\n", "acess": "[lifetimes]\nacess = \"1h\"\n"} {
		file := filepath.Join(t.TempDir(), "headykey.toml")
		write(t, file, text)
		run(t, "", serveArgs(h, "--config", file)...).Refusal(t, name, file)
	}
	file := filepath.Join(t.TempDir(), "headykey.toml")
	write(t, file, "listen = \n")
	run(t, "", serveArgs(h, "--config", file)...).Refusal(t, file)
}

func TestDamagedDatabaseIsLeftAlone(t *testing.T) {
	h := homeIn(t.TempDir())
	s := start(t, h, config{})
	s.register(t, "jane")
	s.Stop(t, patience)

	files, err := filepath.Glob(filepath.Join(h.Data, "*.db"))
	if err != nil || len(files) != 1 {
		t.Fatalf("databases %v, %v, want one", files, err)
	}
	noise := strings.Repeat("this is no database. ", 4096)
	write(t, files[0], noise)
	run(t, "", serveArgs(h)...).Refusal(t, filepath.Base(files[0]))
	if got, err := os.ReadFile(files[0]); err != nil || string(got) != noise {
		t.Errorf("the damaged file was changed (%v)", err)
	}
}

func TestReadOnlyDataIsRefused(t *testing.T) {
	dir, err := os.MkdirTemp("", "headykey-e2e-") // others must be able to come here
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o555); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	h := homeIn(data)
	house.Finish(t, house.AsNobody(t, h.Command(t, serveArgs(h)...)), "", patience).Refusal(t, data)
}

func TestTakenPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	args := append([]string{"serve", "--dev", "--listen", l.Addr().String()}, homeIn(t.TempDir()).Flags()...)
	run(t, "", args...).Refusal(t, l.Addr().String())
}

func TestOneServerPerDataDirectory(t *testing.T) {
	s := start(t, homeIn(t.TempDir()), config{})
	run(t, "", serveArgs(s.home)...).Refusal(t, s.Data)
	s.nobody().get(t, "/health/ready").want(t, 200)
	s.Stop(t, patience)
	start(t, s.home, config{})
}

// The lock dies with its process, however that ends, and what was answered is kept.
func TestKilledServerStartsAgain(t *testing.T) {
	c := config{more: []string{"--url", "http://127.0.0.1:1618"}} // tokens are good at one address
	each(t, func(t *testing.T, h home) {
		s := start(t, h, c)
		jane := s.register(t, "jane")
		gone := s.login(t, jane)
		s.as(gone).post(t, logoutPath, nil).want(t, 200)
		s.Kill()
		s = start(t, h, c)
		s.as(jane).get(t, mePath).want(t, 200)
		s.signedOut(t, gone)
	})
}

func TestMissingPostgres(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := l.Addr().String()
	l.Close() // nobody answers here now
	const password = "a-password-nobody-may-read"
	at := url.URL{Scheme: "postgres", User: url.UserPassword("nobody", password), Host: dead, Path: "/none"}
	h := homeIn(t.TempDir())
	h.DSN = at.String()
	r := run(t, "", serveArgs(h)...)
	r.Refusal(t)
	if strings.Contains(r.Stderr+r.Stdout, password) {
		t.Error("the refusal shows the password of the database")
	}
}

func TestCommandsWorkBeforeAndBesideTheServer(t *testing.T) {
	each(t, func(t *testing.T, h home) {
		admin := h.create(t, "admin", "admin")
		s := start(t, h, config{})
		if now := s.login(t, admin); now.id != admin.id {
			t.Errorf("the command made %q, and %q signed in", admin.id, now.id)
		}
		s.login(t, h.create(t, "jane", "user"))
		args := []string{"users", "create", "--email", admin.email, "--role", "admin", "--password-stdin", "--json"}
		run(t, goodPassword+"\n", append(args, h.Flags()...)...).Must(t, 1)
		args[3], args[5] = address("john"), "emperor"
		if r := run(t, goodPassword+"\n", append(args, h.Flags()...)...); r.Code == 0 {
			t.Error("made a user with a role that is none")
		}
	})
}

func TestRateLimitOffIsLogged(t *testing.T) {
	s := start(t, homeIn(t.TempDir()), config{})
	if log := s.Log(); !strings.Contains(log, `"level":"WARN"`) || !strings.Contains(log, "rate") {
		t.Error("no warning that the rate limits are off")
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
