package directory

import (
	"context"
	"slices"
	"strings"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/receipt"
	"headykey.com/headykey/internal/store"
)

// maxAuthors bounds how many accounts one search for an author may mean.
const maxAuthors = 34

// services are the authors of receipts that are nobody.
var services = []string{string(headykey.ByService), "headykey"}

// An AuditFilter narrows a list of what was done; zero fields do not.
type AuditFilter struct {
	Types  []string // of receipts
	Author string   // beginning of the address or name of who did it, or of "service_role" or "headykey"
	Offset int
	Limit  int
}

// An Audited is one thing that was done.
type Audited struct {
	Receipt *headykey.Receipt
	Actor   headykey.Party // in the spelling of receipts
	User    *headykey.User // who that is; nil: nobody, or nobody any more
}

// Audit returns a page of what was done, newest first, and how much there is on all
// pages.
func (s *Service) Audit(ctx context.Context, by headykey.Caller, f AuditFilter) (page []Audited, total int64, err error) {
	if err := by.Need(headykey.RoleOperator, "admin.read"); err != nil {
		return nil, 0, err
	}
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		page, total = nil, 0
		actors, err := actorsOf(tx, f.Author)
		if err != nil || f.Author != "" && len(actors) == 0 {
			return err
		}
		r := headykey.ReceiptFilter{Types: f.Types, Actors: actors, Offset: f.Offset, Limit: f.Limit}
		if total, err = tx.CountReceipts(r); err != nil {
			return err
		}
		receipts, err := store.Collect(tx.ReceiptsPage(r))
		if err != nil {
			return err
		}
		page, err = attribute(tx, receipts)
		return err
	})
	return page, total, err
}

// actorsOf returns how receipts spell whom author may mean.
func actorsOf(tx *store.Tx, author string) ([]string, error) {
	if author == "" {
		return nil, nil
	}
	users, err := store.Collect(tx.Users(headykey.UserFilter{Query: headykey.Fold(author), Limit: maxAuthors}))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, u := range users {
		out = append(out, receipt.UserPrefix+string(u.ID))
	}
	for _, name := range services {
		if strings.HasPrefix(name, headykey.Fold(author)) {
			out = append(out, name)
		}
	}
	return out, nil
}

// attribute looks up who did what receipts tell of.
func attribute(tx *store.Tx, receipts []*headykey.Receipt) ([]Audited, error) {
	var out []Audited
	var ids []string
	for _, r := range receipts {
		actor, err := receipt.ActorOf(r)
		if err != nil {
			return nil, err
		}
		out = append(out, Audited{Receipt: r, Actor: actor})
		if id := receipt.UserIn(actor); id != "" && !slices.Contains(ids, string(id)) {
			ids = append(ids, string(id))
		}
	}
	users, err := tx.UsersByID(ids)
	for i := range out {
		out[i].User = users[receipt.UserIn(out[i].Actor)]
	}
	return out, err
}
