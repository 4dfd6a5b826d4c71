package mail_test

import (
	"errors"
	"strings"
	"testing"

	"headykey.com/headykey/internal/mail"
)

func TestUnsendable(t *testing.T) {
	with := func(change func(*mail.Message)) mail.Message {
		m := letter
		change(&m)
		return m
	}
	to := func(s string) mail.Message { return with(func(m *mail.Message) { m.To = s }) }
	subject := func(s string) mail.Message { return with(func(m *mail.Message) { m.Subject = s }) }
	tests := map[string]mail.Message{
		"no recipient":               to(""),
		"no domain":                  to("ada"),
		"header behind the address":  to("ada@example.org\r\nBcc: mallory@example.net"),
		"header before the address":  to("Bcc: mallory@example.net\r\nada@example.org"),
		"bare line feed":             to("ada@example.org\nX: y"),
		"second recipient":           to("ada@example.org, mallory@example.net"),
		"second RCPT":                to("ada@example.org>\r\nRCPT TO:<mallory@example.net"),
		"display name":               to("Ada <ada@example.org>"),
		"comment":                    to("ada@example.org (Ada)"),
		"quoted line break":          to("\"ada\r\nBcc: mallory\"@example.org"),
		"quoted space":               to(`"ada lovelace"@example.org`),
		"domain literal":             to("ada@[127.0.0.1]"),
		"source route":               to("<@relay.example:ada@example.org>"),
		"local part of 65 bytes":     to(strings.Repeat("a", 65) + "@example.org"),
		"address of 255 bytes":       to("ada@" + strings.Repeat("a.", 124) + "org"),
		"no subject":                 subject(""),
		"header behind the subject":  subject("Hello\r\nBcc: mallory@example.net"),
		"body behind the subject":    subject("Hello\r\n\r\nForged"),
		"bare carriage return":       subject("Hello\rBcc: mallory@example.net"),
		"line separator":             subject("Hello\u2028Bcc: mallory@example.net"),
		"right-to-left override":     subject("Hello \u202egnp"),
		"encoded word":               subject("=?UTF-8?q?=0D=0ABcc:_mallory?="),
		"not UTF-8":                  subject("Hello \xff"),
		"subject longer than a line": subject(strings.Repeat("a", 234)),
		"no text":                    with(func(m *mail.Message) { m.Text = "" }),
		"text beyond the bound":      with(func(m *mail.Message) { m.Text = strings.Repeat("a", 233<<10+1) }),
		"NUL in HTML":                with(func(m *mail.Message) { m.HTML = "a\x00b" }),
	}
	smtpSender := newSMTP(t, mail.Config{Server: "127.0.0.1:1"}) // never dialled
	box := mail.NewMailbox("no-reply@id.example")
	for name, m := range tests {
		for _, err := range []error{smtpSender.Send(t.Context(), m), box.Send(t.Context(), m)} {
			if !errors.Is(err, mail.ErrUnsendable) || !mail.Permanent(err) {
				t.Errorf("%s: got %v, want %v", name, err, mail.ErrUnsendable)
			}
		}
	}
	if list := box.List(""); len(list) != 0 {
		t.Errorf("the mailbox kept %+v", list)
	}
}
