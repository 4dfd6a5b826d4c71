package outbox

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"headykey.com/headykey/internal/store"
)

// Run delivers parcels, up to three at once, until ctx ends; then it begins no
// more, and returns when those under way have ended. That takes as long as a
// delivery may, 21 seconds; whoever cannot wait may exit: a parcel whose outcome
// was not noted is delivered again.
func (o *Outbox) Run(ctx context.Context) {
	if len(o.send) == 0 {
		<-ctx.Done()
		return
	}
	var under sync.WaitGroup
	defer under.Wait()
	busy := make(chan struct{}, carriers)
	timer := time.NewTimer(0)
	defer timer.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-o.wake:
		}
		due, wait, err := o.take(ctx, cap(busy)-len(busy))
		if err != nil && !failing && ctx.Err() == nil {
			o.log.Warn("cannot look for parcels; mail waits until it works again", "error", err)
		}
		failing = err != nil
		for _, p := range due {
			busy <- struct{}{}
			under.Go(func() {
				o.deliver(context.WithoutCancel(ctx), p)
				<-busy
				o.kick() // there is a free place
			})
		}
		timer.Reset(wait)
	}
}

// take leases up to limit parcels that are due, and says when to look again. It
// reads before it writes: an idle outbox costs one indexed read a second.
func (o *Outbox) take(ctx context.Context, limit int) (due []store.Parcel, wait time.Duration, err error) {
	if limit == 0 || ctx.Err() != nil {
		return nil, pollEvery, nil
	}
	var next time.Time
	err = o.db.View(ctx, func(tx *store.Tx) (err error) {
		next, err = tx.NextParcel(o.kinds...)
		return err
	})
	if err != nil || next.IsZero() {
		return nil, pollEvery, err
	}
	if wait := time.Until(next); wait > 0 {
		return nil, min(wait, pollEvery), nil
	}
	err = o.db.Update(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.TakeParcels(limit, lease, o.kinds...)
		return err
	})
	if err != nil {
		// The lease may hold even so; after it the parcels are due again.
		return nil, pollEvery, err
	}
	return due, pollEvery, nil
}

// deliver tries one leased parcel and notes the outcome.
func (o *Outbox) deliver(ctx context.Context, p store.Parcel) {
	ctx, cancel := context.WithTimeout(ctx, lease)
	defer cancel()
	log := o.log.With("parcel", p.ID, "kind", p.Kind, "attempt", p.Attempts+1)
	failure := o.attempt(ctx, p)
	if failure == nil {
		log.Debug("parcel delivered")
		o.note(ctx, p, func(tx *store.Tx) error { return tx.Delivered(p.ID) })
		return
	}
	why := reason(failure)
	attempts := p.Attempts + 1
	dead := errors.Is(failure, ErrPermanent) || attempts >= maxAttempts
	if dead {
		log.Error("parcel given up", "reason", why)
	} else {
		log.Warn("parcel not delivered; it is tried again", "reason", why, "after", pause(attempts).String())
	}
	o.note(ctx, p, func(tx *store.Tx) error {
		return tx.Undelivered(p.ID, why, tx.Now.Add(pause(attempts)), dead)
	})
}

// attempt opens p and hands it to its sender.
func (o *Outbox) attempt(ctx context.Context, p store.Parcel) (err error) {
	// Another node may know the kind, or hold the key: neither failure is final.
	send, ok := o.send[p.Kind]
	if !ok {
		return errNoSender
	}
	payload, err := o.sealer.Open(purpose, p.Payload)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: %T", errPanic, v)
		}
	}()
	return send(ctx, payload)
}

// note writes an outcome, again and again while the lease lasts: one that is not
// noted means a letter twice.
func (o *Outbox) note(ctx context.Context, p store.Parcel, outcome func(*store.Tx) error) {
	for {
		err := o.db.Update(ctx, outcome)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			o.log.Error("the outcome of a delivery was not noted; it happens again", "parcel", p.ID, "kind", p.Kind, "error", err)
			return
		case <-time.After(pollEvery):
		}
	}
}
