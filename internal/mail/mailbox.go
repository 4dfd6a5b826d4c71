package mail

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"headykey.com/headykey"
)

// mailboxSize is how many mails the development mailbox keeps.
const mailboxSize = 233

// A Captured is a mail in the development mailbox.
type Captured struct {
	ID      headykey.ID `json:"-"`
	From    string      `json:"from"`
	To      string      `json:"to"`
	Subject string      `json:"subject"`
	Text    string      `json:"text"`
	HTML    string      `json:"html"`
	At      time.Time   `json:"at"`
}

// A Mailbox is the development mailbox: it keeps the 233 newest mails in memory
// and sends none. It is safe for concurrent use.
type Mailbox struct {
	from  string
	mu    sync.Mutex
	mails []Captured // oldest first
}

// NewMailbox returns an empty mailbox whose mails come from the address from.
func NewMailbox(from string) *Mailbox { return &Mailbox{from: from} }

// Send puts m into the mailbox. It fails with ErrUnsendable where SMTP would, and
// with ctx's error if ctx has ended.
func (b *Mailbox) Send(ctx context.Context, m Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := m.check(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.mails) == mailboxSize {
		b.mails = slices.Delete(b.mails, 0, 1)
	}
	b.mails = append(b.mails, Captured{
		ID: headykey.NewID(), From: b.from, To: m.To,
		Subject: m.Subject, Text: m.Text, HTML: m.HTML, At: time.Now().UTC(),
	})
	return nil
}

// List returns the mails to the address to, in any case of letters, newest
// first; with an empty to, all of them. The list is never nil.
func (b *Mailbox) List(to string) []Captured {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := []Captured{}
	for _, m := range slices.Backward(b.mails) {
		if to == "" || strings.EqualFold(m.To, to) {
			list = append(list, m)
		}
	}
	return list
}

// Get returns the mail called id, and whether it is still here.
func (b *Mailbox) Get(id headykey.ID) (Captured, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.mails, func(m Captured) bool { return m.ID == id })
	if i < 0 {
		return Captured{}, false
	}
	return b.mails[i], true
}

// Clear empties the mailbox.
func (b *Mailbox) Clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mails = nil
}
