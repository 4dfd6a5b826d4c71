package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// walk is the blocks of commands in docs/oauth.md that run as they stand, up to where
// a person must sit at a browser.
func walk(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/oauth.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, _ := strings.Cut(string(text), "\n## A walk in curl\n")
	part, _, _ = strings.Cut(part, "\n## ")
	blocks := fences.FindAllStringSubmatch(part, -1)
	if len(blocks) != 5 {
		t.Fatalf("the walk has %d blocks of commands", len(blocks))
	}
	return blocks[1][2] + blocks[2][2] + blocks[3][2] // not the server's, nor what follows the browser
}

// The walk of docs/oauth.md gets a program its token, and a person to the sign-in page.
func TestTheWalkThroughOAuth(t *testing.T) {
	script := walk(t)
	serving(t, config{}, func(t *testing.T, s *server) {
		cmd := exec.Command("sh", "-euc", strings.ReplaceAll(script, "http://127.0.0.1:1618", s.URL))
		cmd.Dir = t.TempDir()
		cmd.Env = append(s.Environment(), "HEADYKEY_DATA="+s.Data, "HEADYKEY_DATABASE="+s.DSN,
			"PATH="+filepath.Dir(bench.binary)+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		for _, want := range []string{`"scope":"reports.read"`, `{"active":true,`, `{"active":false}`, "ada@example.com"} {
			if !strings.Contains(string(out), want) {
				t.Errorf("there is no %s in\n%s", want, out)
			}
		}
		back := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		got, err := back.Get(lines[len(lines)-1] + "&heady_bounced=1")
		if err != nil {
			t.Fatal(err)
		}
		_ = got.Body.Close()
		if to := got.Header.Get("Location"); !strings.HasPrefix(to, "/sign-in?request=") {
			t.Errorf("the browser is sent to %q, status %d", to, got.StatusCode)
		}
	})
}
