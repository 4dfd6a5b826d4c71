package mail_test

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/mail"
)

var update = flag.Bool("update", false, "write the golden files anew")

var occasion = mail.Occasion{
	At: time.Date(2026, 11, 22, 21, 58, 0, 0, time.FixedZone("", 3600)),
	From: headykey.From{
		Address: netip.MustParseAddr("203.0.113.7"),
		Agent:   "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
	},
	RequestID: "0193b1c2-7d51-7c7e-9d0a-5f1f6a1f2a3b",
}

const link = "https://id.example/confirm?token=Xq3v9&next=%2Faccount"

// Each mail as its reader gets it: testdata/<name>.txt and .html. Run the test
// with -update after a change of wording, and read the difference.
func TestLetters(t *testing.T) {
	letters := map[string]mail.Message{
		"confirm": mail.ConfirmAddress("ada@example.org", "Ada Lovelace",
			mail.Proof{Link: link, Life: 24 * time.Hour}, occasion),
		"confirm-code": mail.ConfirmAddress("ada@example.org", "",
			mail.Proof{Link: link, Code: "618033", Life: 55*time.Minute + 30*time.Second}, occasion),
		"taken": mail.AddressTaken("ada@example.org",
			"https://id.example/sign-in", "https://id.example/reset", occasion),
		"identity": mail.IdentityAdded("ada@example.org", "Ada Lovelace", "Google", occasion),
		"asked": mail.AskedToAct("ada@example.org", "Bank of <b>Ada</b>", "https://id.example/approvals",
			610*time.Second, occasion),
		"full": mail.Render(mail.Content{
			To: "ada@example.org", Subject: "<b>Bold & brave</b>", Heading: "<script>alert(1)</script>",
			Paragraphs: []string{"One & two < three", `"Quoted" 'words'` + "\r\nBcc: mallory@example.net"},
			Code:       "<i>618</i>",
			Button:     mail.Link{Label: "<u>Go</u>", URL: "https://id.example/?a='onclick=alert(1)&amp;b=1"},
			Also:       mail.Link{Label: "Not followed", URL: "javascript:alert(1)"},
			Facts:      []mail.Fact{{Name: "<Who>", Value: strings.Repeat("<img src=//evil.example>", 21)}},
			NotYou:     mail.Link{Label: "If this was not you, tell us", URL: "https://id.example/not-me"},
			RequestID:  "<r>\n\nForged",
		}),
	}
	for name, m := range letters {
		t.Run(name, func(t *testing.T) {
			golden(t, name+".txt", "To: "+m.To+"\nSubject: "+m.Subject+"\n\n"+m.Text)
			golden(t, name+".html", m.HTML)
			if n := strings.Count(m.Text, "\n"); n > 34 {
				t.Errorf("%d lines of text, want at most 34", n)
			}
			for _, remote := range []string{"<img", "url(", "@import", "<link", "<script", "javascript:"} {
				if strings.Contains(m.HTML, remote) {
					t.Errorf("the HTML has %s", remote)
				}
			}
			if err := mail.NewMailbox("no-reply@id.example").Send(t.Context(), m); err != nil {
				t.Error(err)
			}
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs: got\n%s", path, got)
	}
}

// Whoever signs up with somebody else's address chooses the name in the mail.
// Only what is plainly a name gets in.
func TestOnlyNamesAreGreeted(t *testing.T) {
	tests := []struct{ name, want string }{
		{"Ada", "Hello Ada,"},
		{"  Ada  ", "Hello Ada,"},
		{"Anne-Marie O’Neill Jr.", "Hello Anne-Marie O’Neill Jr.,"},
		{"Antoine de St. Exupéry", "Hello Antoine de St. Exupéry,"},
		{"محمد", "Hello محمد,"},
		{"山田 太郎", "Hello 山田 太郎,"},
		{"", "Hello,"},
		{" ", "Hello,"},
		{"Win at evil.example", "Hello,"},
		{"https://evil.example", "Hello,"},
		{"Call 0900 123", "Hello,"},
		{"mallory@example.net", "Hello,"},
		{"Ada\r\nBcc: mallory", "Hello,"},
		{"Ada\u202eadA", "Hello,"},
		{"<b>Ada</b>", "Hello,"},
		{strings.Repeat("a", 56), "Hello,"},
	}
	for _, tt := range tests {
		m := mail.ConfirmAddress("ada@example.org", tt.name, mail.Proof{Link: link, Life: time.Hour}, occasion)
		if got := strings.Split(m.Text, "\n")[2]; got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestWhere(t *testing.T) {
	const mozilla = "Mozilla/5.0 "
	tests := []struct{ agent, address, want string }{
		{mozilla + "(Windows NT 10.0; Win64; x64) Chrome/156.0 Safari/537.36 Edg/156.0", "203.0.113.7", "Edge on Windows, 203.0.113.7"},
		{mozilla + "(iPhone; CPU iPhone OS 26_1 like Mac OS X) Version/26.1 Mobile Safari/604.1", "::ffff:203.0.113.7", "Safari on iPhone, 203.0.113.7"},
		{mozilla + "(Macintosh; Intel Mac OS X 15.1) Gecko/20100101 Firefox/145.0", "2001:db8::1", "Firefox on macOS, 2001:db8::1"},
		{"curl/8.17.0", "fe80::1%eth0", "curl, fe80::1"},
		{"Visit evil.example now", "", "Unknown device"},
		{"", "", "Unknown device"},
	}
	for _, tt := range tests {
		o := occasion
		o.From = headykey.From{Agent: tt.agent}
		if tt.address != "" {
			o.From.Address = netip.MustParseAddr(tt.address)
		}
		m := mail.AddressTaken("ada@example.org", link, link, o)
		if !strings.Contains(m.Text, "\nWhere: "+tt.want+"\n") {
			t.Errorf("%q from %q: want %q in\n%s", tt.agent, tt.address, tt.want, m.Text)
		}
	}
}

func TestLifeIsNeverOverstated(t *testing.T) {
	tests := map[time.Duration]string{
		time.Minute:                     "1 minute",
		10 * time.Minute:                "10 minutes",
		97*time.Minute + 59*time.Second: "97 minutes",
		3 * time.Hour:                   "3 hours",
		24 * time.Hour:                  "24 hours",
		71 * time.Hour:                  "2 days",
	}
	for life, want := range tests {
		m := mail.ConfirmAddress("ada@example.org", "", mail.Proof{Link: link, Life: life}, occasion)
		if !strings.Contains(m.Text, "The link works once, for "+want+".") {
			t.Errorf("%v: want %q in\n%s", life, want, m.Text)
		}
	}
}

func TestOnlyWebLinksAreLinked(t *testing.T) {
	for _, bad := range []string{
		"javascript:alert(1)", "data:text/html,x", "//evil.example", "/reset", "https:///x", "mailto:a@b.example",
		"https://user@evil.example/", "https://id.example/\r\nBcc: x", "https://id.example/a b", "https://bücher.example/",
		`https://id.example/"><script>`, `https://id.example\@evil.example/`, "",
	} {
		m := mail.Render(mail.Content{To: "ada@example.org", Subject: "S", Heading: "H", Button: mail.Link{Label: "Go", URL: bad}})
		if m.Text != "H\n\nHeadyKey\n" || strings.Contains(m.HTML, "href") {
			t.Errorf("%q: got %s", bad, m.Text)
		}
	}
}
