package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// oneByOne is how many clients per flush get a receipt of their own for the tokens
// issued to them; the rest share one, so that a busy server's receipts cost no
// more than a quiet one's.
const oneByOne = 34

func (s *Service) noteIssue(client headykey.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issued[client]++
}

// FlushIssued writes the receipts of the tokens issued since the last time. A
// background job calls it at least once a second, and once more when the server
// stops. What cannot be written is kept for the next time.
func (s *Service) FlushIssued(ctx context.Context) error {
	s.mu.Lock()
	issued := s.issued
	s.issued = map[headykey.ID]int64{}
	s.mu.Unlock()
	if len(issued) == 0 {
		return nil
	}
	err := s.DB.Update(ctx, func(tx *store.Tx) error { return s.tellIssued(tx, issued) })
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		for client, n := range issued {
			s.issued[client] += n
		}
	}
	return err
}

func (s *Service) tellIssued(tx *store.Tx, issued map[headykey.ID]int64) error {
	all := slices.Sorted(maps.Keys(issued))
	few := all[:min(len(all), oneByOne)]
	for _, client := range few {
		_, err := s.Receipts.Append(tx, "", headykey.Act{
			Type: "token.issued", By: headykey.Caller{Client: client, Method: headykey.ByClient},
			Object: headykey.Party{Type: "client", ID: string(client)}, Details: map[string]any{"count": issued[client]},
		})
		if err != nil {
			return err
		}
	}
	rest := all[len(few):]
	if len(rest) == 0 {
		return nil
	}
	digest := sha256.New()
	var count int64
	for _, client := range rest {
		count += issued[client]
		digest.Write([]byte("cli_" + string(client) + " " + strconv.FormatInt(issued[client], 10) + "\n"))
	}
	_, err := s.Receipts.Append(tx, "", headykey.Act{
		Type: "token.issued", By: headykey.System, Object: headykey.Party{Type: "clients", ID: hex.EncodeToString(digest.Sum(nil))},
		Details: map[string]any{"count": count, "clients": len(rest)},
	})
	return err
}
