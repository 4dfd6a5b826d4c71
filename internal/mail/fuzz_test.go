package mail

import (
	"bytes"
	"errors"
	"maps"
	"mime"
	netmail "net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"headykey.com/headykey"
)

// Whatever recipient, subject and text are accepted, the mail has our headers
// and no others, one recipient, and the subject as it was given.
func FuzzCompose(f *testing.F) {
	f.Add("ada@example.org", "Grüße", "Hello\r\n.\r\n", "<p>Hello")
	f.Add("ada@example.org\r\nBcc: mallory@example.net", "Hello", "Text", "")
	f.Add("ada@example.org", "Hello\r\nBcc: mallory@example.net", "Text", "")
	f.Add("ada@example.org", strings.Repeat("long ", 46), "\r\n\r\n--\r\nContent-Type: x", "")
	f.Add("ada@example.org", "=?UTF-8?q?forged?=", "Text", "")
	s, err := NewSMTP(Config{Server: "127.0.0.1:1", From: "HeadyKey <no-reply@id.example>"})
	if err != nil {
		f.Fatal(err)
	}
	headers := []string{
		"Auto-Submitted", "Content-Transfer-Encoding", "Content-Type", "Date", "From", "Message-Id", "Mime-Version",
		"Subject", "To", "X-Auto-Response-Suppress",
	}
	f.Fuzz(func(t *testing.T, to, subject, text, html string) {
		letter, err := s.compose(Message{To: to, Subject: subject, Text: text, HTML: html})
		if err != nil {
			if !errors.Is(err, ErrUnsendable) {
				t.Errorf("got %v", err)
			}
			return
		}
		var wire bytes.Buffer
		if _, err := letter.WriteTo(&wire); err != nil {
			t.Fatal(err)
		}
		for l := range bytes.SplitSeq(wire.Bytes(), []byte("\r\n")) {
			if len(l) > 998 || bytes.ContainsAny(l, "\r\n\x00") {
				t.Errorf("not a line of RFC 5322 §2.1.1: %.99q", l)
			}
		}
		m, err := netmail.ReadMessage(&wire)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range slices.Sorted(maps.Keys(m.Header)) {
			if !slices.Contains(headers, name) || len(m.Header[name]) != 1 {
				t.Errorf("header %s: %q", name, m.Header[name])
			}
		}
		if list, err := m.Header.AddressList("To"); err != nil || len(list) != 1 || list[0].Address != to {
			t.Errorf("to %q: got %v, %v", to, list, err)
		}
		got, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		if err != nil || strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(subject), " ") {
			t.Errorf("subject %q: got %q, %v", subject, got, err)
		}
	})
}

// Whatever a stranger types at sign-up, the mail can be sent, is short, and has
// the same tags as any other.
func FuzzConfirmAddress(f *testing.F) {
	f.Add("Ada", "curl/8", "req_1")
	f.Add("<script>", "</td><img>", "\r\n\r\n")
	f.Add("\xff\u202e", "Firefox/\u2028", strings.Repeat("é", 300))
	proof := Proof{Link: "https://id.example/confirm", Code: "618033", Life: time.Hour}
	usual := ConfirmAddress("ada@example.org", "", proof, Occasion{RequestID: "1"})
	f.Fuzz(func(t *testing.T, name, agent, request string) {
		m := ConfirmAddress("ada@example.org", name, proof,
			Occasion{From: headykey.From{Agent: agent}, RequestID: "1" + request})
		if err := m.check(); err != nil {
			t.Error(err)
		}
		if strings.Count(m.Text, "\n") > 34 {
			t.Errorf("too long: %s", m.Text)
		}
		if strings.Count(m.HTML, "<") != strings.Count(usual.HTML, "<") {
			t.Errorf("a tag too many or too few: %s", m.HTML)
		}
	})
}
