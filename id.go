package headykey

import (
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// An ID names one thing for ever: a UUID (RFC 9562) in its canonical text of 36
// lower-case characters. The zero ID names nothing.
type ID string

// ErrBadID reports text that is not a canonical UUID.
var ErrBadID = errors.New("not an id")

// NewID returns a random ID (UUIDv4) that tells nothing of when it was made.
func NewID() ID { return ID(uuid.NewString()) }

// NewOrderedID returns an ID (UUIDv7) that sorts after those made before it, for
// rows that are read and written in order of time.
func NewOrderedID() ID { return ID(uuid.Must(uuid.NewV7()).String()) }

// ParseID returns the ID spelled s. Only the canonical spelling is accepted, so
// that one thing never has two names.
func ParseID(s string) (ID, error) {
	u, err := uuid.Parse(s)
	if err != nil || u.String() != s {
		return "", fmt.Errorf("%w: %.40q", ErrBadID, s)
	}
	return ID(s), nil
}

// String returns the canonical text.
func (id ID) String() string { return string(id) }
