package store

import (
	"time"

	"headykey.com/headykey"
)

// A HeldRequest is an authorization request that waits.
type HeldRequest struct {
	Hash    []byte // SHA-256 of its kind and id
	Kind    string // pushed, page
	Client  headykey.ID
	Request []byte // JSON
	Created time.Time
	Expires time.Time
	Used    time.Time // zero: not yet
}

// InsertRequest adds r.
func (tx *Tx) InsertRequest(r HeldRequest) error {
	return tx.do("insert authorization request", `
		INSERT INTO authorization_requests (hash, kind, client_id, request, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6)`, r.Hash, r.Kind, r.Client, string(r.Request), at(r.Created), at(r.Expires))
}

// HeldRequest returns the request of kind under hash, run out or not, or
// headykey.ErrNotFound.
func (tx *Tx) HeldRequest(kind string, hash []byte) (HeldRequest, error) {
	r := HeldRequest{Hash: hash, Kind: kind}
	return r, tx.one("select authorization request",
		[]any{&r.Client, &r.Request, when{&r.Created}, when{&r.Expires}, when{&r.Used}}, `
		SELECT client_id, request, created_at, expires_at, used_at FROM authorization_requests
		WHERE hash = $1 AND kind = $2`, hash, kind)
}

// ChangeRequest puts another text in the place of a request that was not used, or
// returns headykey.ErrNotFound.
func (tx *Tx) ChangeRequest(kind string, hash, request []byte) error {
	return found(tx.exec("change authorization request", `
		UPDATE authorization_requests SET request = $3 WHERE hash = $1 AND kind = $2 AND used_at IS NULL`,
		hash, kind, string(request)))
}

// UseRequest marks a request as used. It reports whether it had not been: of two
// that complete one request, one gets true.
func (tx *Tx) UseRequest(kind string, hash []byte) (bool, error) {
	n, err := tx.exec("use authorization request", `
		UPDATE authorization_requests SET used_at = $3 WHERE hash = $1 AND kind = $2 AND used_at IS NULL`,
		hash, kind, at(tx.Now))
	return n > 0, err
}

// SpendName notes that a name, which may be used once, was used. It reports whether
// it is fresh. After expires it is forgotten.
func (tx *Tx) SpendName(hash []byte, expires time.Time) (bool, error) {
	n, err := tx.exec("spend name", `
		INSERT INTO spent_names (hash, expires_at) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING`, hash, at(expires))
	return n > 0, err
}

// PruneRequests deletes up to limit each of the requests, polls and names that ran
// out before t. It returns how many it deleted of the kind that had most.
func (tx *Tx) PruneRequests(t time.Time, limit int) (most int64, err error) {
	for _, table := range []string{"authorization_requests", "polls", "spent_names"} {
		n, err := tx.exec("prune "+table, `DELETE FROM `+table+` WHERE hash IN (
			SELECT hash FROM `+table+` WHERE expires_at < $1 LIMIT $2)`, at(t), limit)
		if err != nil {
			return most, err
		}
		most = max(most, n)
	}
	return most, nil
}
