// Package receipt is the ledger of trust receipts: signed statements that
// something happened to somebody's access, written in the transaction of the act
// itself and verifiable by anyone, offline, with the published keys.
package receipt

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"golang.org/x/mod/sumdb/note"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/store"
)

// IDPrefix begins the id of every receipt; a UUID follows.
const IDPrefix = "rcp_"

// timeFormat is RFC 3339 in UTC with milliseconds.
const timeFormat = "2006-01-02T15:04:05.000Z"

// A Ledger appends and shows receipts. It is safe for concurrent use.
type Ledger struct {
	db     *store.DB
	ring   *keyring.Ring
	origin string
}

// New returns the ledger in db that signs with the receipt keys of ring. host is
// the public host of the server, by which its log is named.
func New(db *store.DB, ring *keyring.Ring, host string) *Ledger {
	return &Ledger{db, ring, host + "/log"}
}

// A Body is the statement itself (contract: the envelope).
type Body struct {
	Version int              `json:"v"`
	ID      string           `json:"id"`
	At      string           `json:"ts"`
	Type    string           `json:"type"`
	Actor   headykey.Party   `json:"actor"`
	Act     []headykey.Party `json:"act"` // who acted for the actor, nearest first
	Subject string           `json:"subject"`
	Client  string           `json:"client"`
	Object  headykey.Party   `json:"object"`
	Outcome string           `json:"outcome"`
	Reason  *string          `json:"reason"`
	Request string           `json:"request"`
	Details map[string]any   `json:"details"`
}

// Append writes the receipt of act in tx, signed with the present receipt key,
// and returns its id. request is the request's id, if there is one.
func (l *Ledger) Append(tx *store.Tx, request string, act headykey.Act) (headykey.ID, error) {
	key, ok := l.ring.Signing(keyring.Receipt)
	if !ok {
		return "", errors.New("there is no key to sign receipts with")
	}
	return l.appendWith(tx, key, request, act)
}

func (l *Ledger) appendWith(tx *store.Tx, key keyring.Key, request string, act headykey.Act) (headykey.ID, error) {
	id := headykey.NewOrderedID()
	body, err := l.body(tx, id, request, act)
	if err != nil {
		return "", err
	}
	text, err := canonical(body)
	if err != nil {
		return "", err
	}
	r := &headykey.Receipt{
		ID: id, At: tx.Now, Type: act.Type, Subject: act.Subject,
		Object: act.Object.Type + ":" + act.Object.ID, Body: text,
		Sig: ed25519.Sign(key.Private, text), KeyID: key.ID, SignedAt: tx.Now,
	}
	entry, err := Entry(r)
	if err != nil {
		return "", err
	}
	return id, tx.InsertReceipt(r, request, entry)
}

func (l *Ledger) body(tx *store.Tx, id headykey.ID, request string, act headykey.Act) (Body, error) {
	b := Body{
		Version: 1, ID: IDPrefix + string(id), At: tx.Now.Format(timeFormat), Type: act.Type,
		Actor: actor(act.By), Act: []headykey.Party{}, Subject: typed("usr", act.Subject),
		Client: typed("cli", act.By.Client),
		Object: spell(act.Object), Outcome: act.Outcome, Request: request, Details: map[string]any{},
	}
	if b.Outcome == "" {
		b.Outcome = headykey.Done
	}
	if act.Reason != "" {
		b.Reason = &act.Reason
	}
	for k, v := range act.Details {
		b.Details[k] = v
	}
	if len(act.Personal) == 0 || act.Subject == "" {
		return b, nil
	}
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh) // never fails (crypto/rand)
	salt, err := tx.Salt(act.Subject, fresh)
	if err != nil {
		return b, err
	}
	for k, v := range act.Personal {
		if v != "" {
			b.Details[k] = Conceal(salt, v)
		}
	}
	return b, nil
}

// Conceal returns how a personal value appears in a receipt.
func Conceal(salt []byte, value string) string {
	m := hmac.New(sha256.New, salt)
	m.Write([]byte(value))
	return "hmac-sha256:" + hex.EncodeToString(m.Sum(nil))
}

// actor is who did it, as a receipt names them. Who proved nothing is unknown.
func actor(by headykey.Caller) headykey.Party {
	switch {
	case by.Method == headykey.BySystem:
		return headykey.Party{Type: "system", ID: "headykey"}
	case by.Method == headykey.ByService:
		return headykey.Party{Type: "operator", ID: string(headykey.ByService)}
	case by.Method == headykey.ByClient:
		return spell(headykey.Party{Type: "client", ID: string(by.Client)})
	case by.User == "":
		return headykey.Party{Type: "user", ID: "unknown"}
	case by.Role >= headykey.RoleOperator:
		return headykey.Party{Type: "operator", ID: typed("usr", by.User)}
	}
	return headykey.Party{Type: "user", ID: typed("usr", by.User)}
}

// prefixes are the typed spellings of ids in receipts: a receipt is read far from
// the database, so each id says what it names.
var prefixes = map[string]string{"user": "usr", "session": "ses", "api_key": "key", "client": "cli"}

func spell(p headykey.Party) headykey.Party {
	if prefix, ok := prefixes[p.Type]; ok {
		p.ID = typed(prefix, headykey.ID(p.ID))
	}
	return p
}

func typed(prefix string, id headykey.ID) string {
	if id == "" {
		return ""
	}
	return prefix + "_" + string(id)
}

// canonical returns the RFC 8785 text of v.
func canonical(v any) ([]byte, error) {
	text, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	c := jsontext.Value(text)
	if err := c.Canonicalize(); err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	return c, nil
}

// RotateKey retires the present receipt key for a fresh one and leaves the
// receipt of it: signed by the old key, with the new key's own signature in it,
// so that each vouches for the other.
func (l *Ledger) RotateKey(tx *store.Tx, fresh keyring.Key, request string, by headykey.Caller) error {
	old, ok := l.ring.Signing(keyring.Receipt)
	if !ok {
		return errors.New("there is no receipt key to replace")
	}
	statement := []byte("headykey receipt key\n" + old.ID + "\n" + fresh.ID + "\n" + hex.EncodeToString(fresh.Public) + "\n")
	_, err := l.appendWith(tx, old, request, headykey.Act{
		Type: "key.rotated", By: by, Object: headykey.Party{Type: "signing_key", ID: old.ID},
		Details: map[string]any{
			"use": keyring.Receipt, "successor": fresh.ID, "successorKey": hex.EncodeToString(fresh.Public),
			"successorSignature": hex.EncodeToString(ed25519.Sign(fresh.Private, statement)),
		},
	})
	if err != nil {
		return err
	}
	return l.ring.Replace(tx, fresh, 0)
}

// Keys lists every key that ever signed a receipt.
func (l *Ledger) Keys() []PublicKey {
	var keys []PublicKey
	for _, k := range l.ring.All(keyring.Receipt) {
		p := PublicKey{
			ID: k.ID, Algorithm: k.Algorithm, Key: hex.EncodeToString(k.Public), NotBefore: k.Created.Format(time.RFC3339Nano),
		}
		p.NoteKey, _ = note.NewEd25519VerifierKey(l.origin, k.Public) // fails for keys of another length only
		if !k.Retired.IsZero() {
			end := k.Retired.Add(retireGrace).Format(time.RFC3339Nano)
			p.NotAfter = &end
		}
		keys = append(keys, p)
	}
	return keys
}
