package e2e

import (
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func serveArgs(h house, more ...string) []string {
	return config{limits: true, more: more}.args(h) // off is a warning of its own
}

func TestWrongCommandLines(t *testing.T) {
	for _, args := range [][]string{{"dance"}, {"serve", "--no-such-flag"}, {"users", "create"}, {"serve", "--rate-limit", "maybe"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) { run(t, "", args...).must(t, 2) })
	}
	run(t, "", "version").must(t, 0)
	run(t, "", "--help").must(t, 0)
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
			h := house{data: filepath.Join(t.TempDir(), "data")}
			run(t, "", serveArgs(h, more...)...).refusal(t)
			if _, err := os.Stat(h.data); err == nil {
				t.Error("a refused start left a data directory")
			}
		})
	}
}

func TestUnknownSettingsAreNamed(t *testing.T) {
	h := house{data: t.TempDir()}
	for name, text := range map[string]string{"lisen": "lisen = \"127.0.0.1:0\"\n", "acess": "[lifetimes]\nacess = \"1h\"\n"} {
		file := filepath.Join(t.TempDir(), "headykey.toml")
		write(t, file, text)
		run(t, "", serveArgs(h, "--config", file)...).refusal(t, name, file)
	}
	file := filepath.Join(t.TempDir(), "headykey.toml")
	write(t, file, "listen = \n")
	run(t, "", serveArgs(h, "--config", file)...).refusal(t, file)
}

func TestDamagedDatabaseIsLeftAlone(t *testing.T) {
	h := house{data: t.TempDir()}
	s := start(t, h, config{})
	s.register(t, "jane")
	s.stop(t)

	files, err := filepath.Glob(filepath.Join(h.data, "*.db"))
	if err != nil || len(files) != 1 {
		t.Fatalf("databases %v, %v, want one", files, err)
	}
	noise := strings.Repeat("this is no database. ", 4096)
	write(t, files[0], noise)
	run(t, "", serveArgs(h)...).refusal(t, filepath.Base(files[0]))
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
	runAs(t, asNobody(t), "", serveArgs(house{data: data})...).refusal(t, data)
}

// asNobody returns a command that runs another without root's rights; nil where
// we have none.
func asNobody(t *testing.T) []string {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	path, err := exec.LookPath("setpriv")
	if err != nil {
		t.Skip("root may write everywhere, and there is no setpriv")
	}
	return []string{path, "--reuid=65534", "--regid=65534", "--clear-groups"}
}

func TestTakenPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	args := append([]string{"serve", "--dev", "--listen", l.Addr().String()}, house{data: t.TempDir()}.flags()...)
	run(t, "", args...).refusal(t, l.Addr().String())
}

func TestOneServerPerDataDirectory(t *testing.T) {
	s := start(t, house{data: t.TempDir()}, config{})
	run(t, "", serveArgs(s.house)...).refusal(t, s.house.data)
	s.nobody().get(t, "/health/ready").want(t, 200)
	s.stop(t)
	start(t, s.house, config{})
}

// The lock dies with its process, however that ends, and what was answered is kept.
func TestKilledServerStartsAgain(t *testing.T) {
	c := config{more: []string{"--url", "http://127.0.0.1:1618"}} // tokens are good at one address
	each(t, func(t *testing.T, h house) {
		s := start(t, h, c)
		jane := s.register(t, "jane")
		gone := s.login(t, jane)
		s.as(gone).post(t, logoutPath, nil).want(t, 200)
		s.kill()
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
	r := run(t, "", serveArgs(house{data: t.TempDir(), dsn: at.String()})...)
	r.refusal(t)
	if strings.Contains(r.stderr+r.stdout, password) {
		t.Error("the refusal shows the password of the database")
	}
}

func TestCommandsWorkBeforeAndBesideTheServer(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		admin := h.create(t, "admin", "admin")
		s := start(t, h, config{})
		if now := s.login(t, admin); now.id != admin.id {
			t.Errorf("the command made %q, and %q signed in", admin.id, now.id)
		}
		s.login(t, h.create(t, "jane", "user"))
		args := []string{"users", "create", "--email", admin.email, "--role", "admin", "--password-stdin", "--json"}
		run(t, goodPassword+"\n", append(args, h.flags()...)...).must(t, 1)
		args[3], args[5] = address("john"), "emperor"
		if r := run(t, goodPassword+"\n", append(args, h.flags()...)...); r.code == 0 {
			t.Error("made a user with a role that is none")
		}
	})
}

func TestRateLimitOffIsLogged(t *testing.T) {
	s := start(t, house{data: t.TempDir()}, config{})
	if log := s.log.String(); !strings.Contains(log, `"level":"WARN"`) || !strings.Contains(log, "rate") {
		t.Error("no warning that the rate limits are off")
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
