package pages

import (
	"net/http"
	"net/url"
	"strings"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/mail"
	"headykey.com/headykey/internal/web"
)

const (
	// framing is the policy of the one page that shows another inside it.
	framing = policy + "; frame-src 'self'"
	// letterPolicy lets a letter's own colours in and nothing else: it runs no
	// script, fetches nothing and leads nowhere, even opened by itself.
	letterPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)

// clearForm empties the mailbox.
var clearForm = form{Name: "Clear mailbox", Action: "/mailbox/clear", Submit: "Clear mailbox"}

// A letter is a captured mail with what its reader wants from it.
type letter struct {
	mail.Captured
	Link string // the page it leads to; may be empty
	Code string // to type in; may be empty
}

// letters serves GET /mailbox.
func (d *door) letters(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	return d.show(w, r, http.StatusOK, "mailbox", page{
		Title: "Mailbox", Status: d.told(w, r).Status,
		Form: d.filled(w, r, clearForm, flash{}), Data: d.Mailbox.List(""),
	})
}

// lettersJSON serves GET /mailbox.json?to=, for tests.
func (d *door) lettersJSON(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	web.Reply(w, http.StatusOK, d.Mailbox.List(r.URL.Query().Get("to")))
	return nil
}

// letter serves GET /mailbox/{id}.
func (d *door) letter(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	m, ok := d.Mailbox.Get(headykey.ID(r.PathValue("id")))
	if !ok {
		return headykey.ErrNotFound
	}
	link, code := proofs(m.Text)
	return d.show(w, r, http.StatusOK, "letter", page{Title: m.Subject, Policy: framing, Data: letter{m, link, code}})
}

// letterHTML serves GET /mailbox/{id}/html, the inside of a frame without rights.
func (d *door) letterHTML(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	m, ok := d.Mailbox.Get(headykey.ID(r.PathValue("id")))
	if !ok || m.HTML == "" {
		return headykey.ErrNotFound
	}
	h := w.Header()
	private(h)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", letterPolicy)
	h.Set("X-Frame-Options", "SAMEORIGIN")
	_, _ = w.Write([]byte(m.HTML)) // the client is gone: nobody is left to tell
	return nil
}

// clearMailbox serves POST /mailbox/clear.
func (d *door) clearMailbox(w http.ResponseWriter, _ *http.Request, _ url.Values) (string, error) {
	d.Mailbox.Clear()
	d.tell(w, flash{For: "/mailbox", Status: "The mailbox is empty now."})
	return "/mailbox", nil
}

// proofs finds the first web address that has a line of a letter's text to
// itself, and the first code.
func proofs(text string) (link, code string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if u, err := url.Parse(line); link == "" && err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") {
			link = line
		}
		if rest, ok := strings.CutPrefix(line, "Code: "); ok && code == "" {
			code = rest
		}
	}
	return link, code
}
