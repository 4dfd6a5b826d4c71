package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// fences finds the code blocks of a Markdown file.
var fences = regexp.MustCompile("(?s)```(sh|json)\n(.*?)```")

// volatile is what differs from run to run in the answers that the README shows.
var volatile = []struct {
	find *regexp.Regexp
	put  string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "ID"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z`), "TIME"},
	{regexp.MustCompile(`"accessToken":"eyJhbGciOiJIUzI1NiIs[^"]*"`), `"accessToken":"TOKEN"`},
	{regexp.MustCompile(`"refreshToken":"[0-9a-f]{16}[^"]*"`), `"refreshToken":"TOKEN"`},
	{regexp.MustCompile(`"key":"hdy_[0-9a-f]{16}[^"]*"`), `"key":"KEY"`},
	{regexp.MustCompile(`"prefix":"hdy_[0-9a-f]{8}"`), `"prefix":"PREFIX"`},
}

func steady(text string) string {
	for _, v := range volatile {
		text = v.find.ReplaceAllString(text, v.put)
	}
	return text
}

// The five calls of the README answer what it says they answer.
func TestReadmeCalls(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := fences.FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 3 || blocks[1][1] != "sh" || blocks[2][1] != "json" {
		t.Fatal("the README has lost its calls or their answers")
	}
	serving(t, config{}, func(t *testing.T, s *server) {
		script := strings.ReplaceAll(blocks[1][2], "http://127.0.0.1:1618", s.URL)
		script = regexp.MustCompile(`(?m)$`).ReplaceAllString(strings.TrimSpace(script), "; echo")
		cmd := exec.Command("bash", "-euo", "pipefail", "-c", script)
		cmd.Dir = t.TempDir()
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if got, want := steady(string(out)), steady(blocks[2][2]); got != want {
			t.Errorf("the README says\n%s\nthe server says\n%s", want, got)
		}
	})
}
