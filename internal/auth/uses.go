package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

const (
	// keyEventEvery samples the "used" lines of a key's history.
	keyEventEvery = time.Hour
	// oneByOne is how many sessions per flush get a receipt of their own for the
	// tokens issued to them; the rest share one, so that a busy server's receipts
	// cost no more than a quiet one's.
	oneByOne = 34
)

// uses gathers what happened without a transaction of its own: last uses, and
// tokens issued from what was granted before. A job writes it within a second.
type uses struct {
	mu       sync.Mutex
	sessions map[headykey.ID]store.Use
	keys     map[headykey.ID]store.Use
	issued   map[headykey.ID]store.Use // by session
}

// noteUse notes the use of a credential, at most once in noteUseEvery.
func (s *Service) noteUse(p *proven, from headykey.From) {
	now := time.Now()
	last := p.noted.Load()
	if now.Unix()-last < int64(noteUseEvery/time.Second) || !p.noted.CompareAndSwap(last, now.Unix()) {
		return
	}
	use := store.Use{User: p.caller.User, ID: p.caller.Session, At: now, Address: addressText(from), Agent: from.Agent}
	s.uses.mu.Lock()
	defer s.uses.mu.Unlock()
	if p.caller.Key != "" {
		use.ID = p.caller.Key
		put(&s.uses.keys, use)
		return
	}
	put(&s.uses.sessions, use)
}

// noteIssue notes that tokens were issued for a session.
func (s *Service) noteIssue(h *headykey.Holder) {
	s.uses.mu.Lock()
	defer s.uses.mu.Unlock()
	use := store.Use{User: h.User, ID: h.Session, At: time.Now(), Count: 1}
	use.Count += s.uses.issued[use.ID].Count
	put(&s.uses.issued, use)
	if use.At.Sub(h.LastUsed) >= noteUseEvery {
		put(&s.uses.sessions, use)
	}
}

func put(m *map[headykey.ID]store.Use, u store.Use) {
	if *m == nil {
		*m = map[headykey.ID]store.Use{}
	}
	(*m)[u.ID] = u
}

// FlushUses writes down what was gathered. A background job calls it at least
// once a second, and once more when the server stops.
func (s *Service) FlushUses(ctx context.Context) error {
	s.uses.mu.Lock()
	sessions, keys, issued := s.uses.sessions, s.uses.keys, s.uses.issued
	s.uses.sessions, s.uses.keys, s.uses.issued = nil, nil, nil
	s.uses.mu.Unlock()

	// Receipts first: last uses may be lost, what was issued must be told.
	if len(issued) > 0 {
		err := s.DB.Update(ctx, func(tx *store.Tx) error { return s.tellIssued(tx, ordered(issued)) })
		if err != nil {
			s.issuedAgain(issued)
			return err
		}
	}
	for batch := range slices.Chunk(ordered(sessions), maxBatch) {
		err := s.DB.Update(ctx, func(tx *store.Tx) error { return each(batch, tx.NoteSessionUse) })
		if err != nil {
			return err
		}
	}
	for batch := range slices.Chunk(ordered(keys), maxBatch) {
		err := s.DB.Update(ctx, func(tx *store.Tx) error {
			return each(batch, func(u store.Use) error { return noteKeyUse(tx, u) })
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// issuedAgain puts back what could not be told, for the next time.
func (s *Service) issuedAgain(issued map[headykey.ID]store.Use) {
	s.uses.mu.Lock()
	defer s.uses.mu.Unlock()
	for id, use := range issued {
		use.Count += s.uses.issued[id].Count
		put(&s.uses.issued, use)
	}
}

// ordered returns the uses in one order of users, so that two nodes that write
// down the same ones do not wait for each other crosswise.
func ordered(m map[headykey.ID]store.Use) []store.Use {
	all := make([]store.Use, 0, len(m))
	for _, u := range m {
		all = append(all, u)
	}
	slices.SortFunc(all, func(a, b store.Use) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return all
}

func each(uses []store.Use, f func(store.Use) error) error {
	for _, u := range uses {
		if err := f(u); err != nil {
			return err
		}
	}
	return nil
}

func noteKeyUse(tx *store.Tx, u store.Use) error {
	key, err := tx.APIKey(u.ID)
	if err != nil {
		return ignoreMissing(err)
	}
	newest, err := store.Collect(tx.KeyEvents(u.User, key.ID, 1))
	if err != nil {
		return err
	}
	if len(newest) == 0 || newest[0].Type != "used" || u.At.Sub(newest[0].At) >= keyEventEvery {
		err := tx.InsertKeyEvent(u.User, u.ID, headykey.KeyEvent{At: u.At, Type: "used", Address: u.Address, Agent: u.Agent})
		if err != nil {
			return err
		}
	}
	return tx.NoteKeyUse(u)
}

func ignoreMissing(err error) error {
	if headykey.Explain(err).Is(headykey.ErrNotFound) {
		return nil
	}
	return err
}

// tellIssued writes the receipts of tokens issued: one for each of the first
// sessions, and one for all others with their number and a digest of them.
func (s *Service) tellIssued(tx *store.Tx, issued []store.Use) error {
	few := issued[:min(len(issued), oneByOne)]
	for _, u := range few {
		_, err := s.Receipts.Append(tx, "", headykey.Act{
			Type: "token.issued", By: headykey.Caller{User: u.User, Role: headykey.RoleUser, Method: headykey.ByToken},
			Subject: u.User, Object: headykey.Party{Type: "session", ID: string(u.ID)},
			Details: map[string]any{"count": u.Count},
		})
		if err != nil {
			return err
		}
	}
	rest := issued[len(few):]
	if len(rest) == 0 {
		return nil
	}
	digest := sha256.New()
	var count int64
	for _, u := range rest {
		count += u.Count
		digest.Write([]byte("ses_" + string(u.ID) + " " + strconv.FormatInt(u.Count, 10) + "\n"))
	}
	_, err := s.Receipts.Append(tx, "", headykey.Act{
		Type: "token.issued", By: headykey.System, Object: headykey.Party{Type: "sessions", ID: hex.EncodeToString(digest.Sum(nil))},
		Details: map[string]any{"count": count, "sessions": len(rest)},
	})
	return err
}
