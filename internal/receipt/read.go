package receipt

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// List returns a page of receipts, newest first: the caller's own, or for an
// administrator those that the filter says.
func (l *Ledger) List(ctx context.Context, by headykey.Caller, f headykey.ReceiptFilter) ([]*headykey.Receipt, error) {
	if err := by.Need(headykey.RoleGuest, "receipts.read"); err != nil {
		return nil, err
	}
	if by.Role < headykey.RoleAdmin {
		f.Subject = by.User
	}
	return l.list(ctx, f)
}

// ListAll returns a page of everybody's receipts to an operator, newest first.
func (l *Ledger) ListAll(ctx context.Context, by headykey.Caller, f headykey.ReceiptFilter) ([]*headykey.Receipt, error) {
	if err := by.Need(headykey.RoleOperator, "admin.read"); err != nil {
		return nil, err
	}
	return l.list(ctx, f)
}

func (l *Ledger) list(ctx context.Context, f headykey.ReceiptFilter) ([]*headykey.Receipt, error) {
	var all []*headykey.Receipt
	err := l.db.View(ctx, func(tx *store.Tx) (err error) {
		all, err = store.Collect(tx.Receipts(f))
		return err
	})
	return all, err
}

// Show returns one receipt: the caller's own, or any for an operator. Otherwise
// headykey.ErrNotFound.
func (l *Ledger) Show(ctx context.Context, by headykey.Caller, id string) (*headykey.Receipt, error) {
	if err := by.Need(headykey.RoleGuest, "receipts.read"); err != nil {
		return nil, err
	}
	key, err := headykey.ParseID(strings.TrimPrefix(id, IDPrefix))
	if err != nil || !strings.HasPrefix(id, IDPrefix) {
		return nil, headykey.ErrNotFound
	}
	var r *headykey.Receipt
	err = l.db.View(ctx, func(tx *store.Tx) (err error) {
		r, err = tx.Receipt(key)
		return err
	})
	if err == nil && r.Subject != by.User && by.Role < headykey.RoleOperator {
		return nil, headykey.ErrNotFound
	}
	return r, err
}

// UserPrefix begins the id of a user where a receipt names one.
const UserPrefix = "usr_"

// ActorOf returns who did what r tells of, as r spells them.
func ActorOf(r *headykey.Receipt) (headykey.Party, error) {
	var body struct {
		Actor headykey.Party `json:"actor"`
	}
	if err := json.Unmarshal(r.Body, &body); err != nil {
		return headykey.Party{}, fmt.Errorf("receipt: %w", err)
	}
	return body.Actor, nil
}

// UserIn returns the user whom a receipt names as p; zero: p is none.
func UserIn(p headykey.Party) headykey.ID {
	text, ok := strings.CutPrefix(p.ID, UserPrefix)
	id, err := headykey.ParseID(text)
	if !ok || err != nil {
		return ""
	}
	return id
}

// CheckNewest verifies the newest receipts, up to limit, and returns how many it
// looked at and the id of the first that does not verify ("": all do).
func (l *Ledger) CheckNewest(ctx context.Context, limit int) (checked int, bad string, err error) {
	all, err := l.list(ctx, headykey.ReceiptFilter{Limit: limit})
	if err != nil {
		return 0, "", err
	}
	keys := l.Keys()
	for _, r := range all {
		text, err := json.Marshal(Seal(r))
		if err != nil {
			return checked, "", fmt.Errorf("receipt: %w", err)
		}
		if _, ok := Verify(text, keys); !ok {
			return checked, IDPrefix + string(r.ID), nil
		}
		checked++
	}
	return checked, "", nil
}
