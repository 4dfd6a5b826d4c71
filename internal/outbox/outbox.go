// Package outbox delivers what a transaction promised: mail, and later webhooks.
// A parcel is written with the act that causes it, so that neither exists without
// the other, and is carried outside any transaction. Each parcel arrives at least
// once; without a crash or a lost database, exactly once.
package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/phi"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

// ErrPermanent, in the chain of a sender's error, says that the same parcel will
// never be taken: it is not tried again.
var ErrPermanent = errors.New("refused for good")

// purpose is what payloads are sealed for: letters hold links that open accounts.
const purpose = "outbox"

const (
	carriers  = 3                // deliveries at once
	deadline  = 21 * time.Second // of one delivery
	lease     = 34 * time.Second // for which no other node takes a parcel: longer than the deadline and the note of its outcome
	pollEvery = time.Second      // for parcels that other nodes wrote

	// maxAttempts bounds the tries of a parcel. Their pauses are 1, 1, 2, 3, 5, 8
	// seconds and on, up to 8 hours: 21 hours from the first to the last.
	maxAttempts = 24
)

// A Sender carries one payload, the JSON of what was posted. It returns once the
// other side has taken it, and gives up when ctx ends. Its error may say anything:
// neither the log nor the database is shown its text.
type Sender = func(ctx context.Context, payload []byte) error

// An Outbox holds parcels and delivers them. It is safe for concurrent use.
type Outbox struct {
	db     *store.DB
	sealer *secret.Sealer
	log    *slog.Logger
	send   map[string]Sender
	kinds  []string // that send has; the others wait for a server that can
	wake   chan struct{}
}

// New returns the outbox of db with a sender for each kind of parcel. Parcels of
// kinds without a sender wait until a server that has one runs. A nil log is
// slog.Default().
func New(db *store.DB, sealer *secret.Sealer, log *slog.Logger, send map[string]Sender) *Outbox {
	if log == nil {
		log = slog.Default()
	}
	kinds := slices.Sorted(maps.Keys(send))
	return &Outbox{db: db, sealer: sealer, log: log, send: send, kinds: kinds, wake: make(chan struct{}, 1)}
}

// Post adds a parcel of a kind to tx: payload as JSON, sealed. It leaves as soon as
// the transaction is durable.
func (o *Outbox) Post(tx *store.Tx, kind string, payload any) error {
	plain, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("post %s: %w", kind, err)
	}
	tx.AfterCommit(o.kick)
	return tx.Post(store.Parcel{ID: headykey.NewOrderedID(), Kind: kind, Payload: o.sealer.Seal(purpose, plain)})
}

// kick makes Run look for parcels at once. It never blocks.
func (o *Outbox) kick() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// Dead returns up to limit parcels that are no longer tried, the newest first,
// each with the reason of its last failure and without its payload.
func (o *Outbox) Dead(ctx context.Context, limit int) ([]store.Parcel, error) {
	var dead []store.Parcel
	err := o.db.View(ctx, func(tx *store.Tx) (err error) {
		dead, err = tx.DeadParcels(limit)
		return err
	})
	return dead, err
}

// pause returns how long to wait after so many failed attempts.
func pause(attempts int) time.Duration { return phi.Seconds(attempts) }
