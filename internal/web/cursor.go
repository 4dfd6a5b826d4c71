package web

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"headykey.com/headykey"
)

const (
	defaultLimit = 21   // rows of a page: fib 8
	maxLimit     = 100  // rows of a page, by contract
	cursorMAC    = 16   // bytes of the MAC that a cursor carries
	maxCursor    = 4096 // characters of a cursor that we look at
)

// Cursors makes and reads the opaque marks by which lists are paged. A mark is
// signed, since its parts go into a query: nobody makes one but us, and one made
// for a list is good for that list alone.
type Cursors struct {
	mac func(data []byte) []byte
}

// NewCursors returns Cursors signed with mac, a keyed function of at least 16
// bytes of output (HMAC-SHA-256, say) whose key serves nothing else.
func NewCursors(mac func(data []byte) []byte) Cursors { return Cursors{mac} }

// Encode returns the mark that says parts to the list called kind. It is plain
// text for a URL: A to Z, a to z, 0 to 9, - and _.
func (c Cursors) Encode(kind string, parts ...string) string {
	var data []byte
	for _, p := range parts {
		data = appendText(data, p)
	}
	return base64.RawURLEncoding.EncodeToString(append(c.sign(kind, data), data...))
}

// Decode returns the parts of a mark that Encode made for the same kind; anything
// else is ErrInvalidCursor about "cursor".
func (c Cursors) Decode(kind, cursor string) ([]string, error) {
	invalid := headykey.ErrInvalidCursor.About("cursor")
	if len(cursor) > maxCursor || strings.ContainsAny(cursor, "\r\n") { // base64 skips line ends
		return nil, invalid
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) < cursorMAC {
		return nil, invalid
	}
	sum, data := raw[:cursorMAC], raw[cursorMAC:]
	if subtle.ConstantTimeCompare(sum, c.sign(kind, data)) != 1 {
		return nil, invalid
	}
	var parts []string
	for len(data) > 0 {
		n, size := binary.Uvarint(data)
		if size <= 0 || n > uint64(len(data)-size) {
			return nil, invalid
		}
		end := size + int(n)
		parts, data = append(parts, string(data[size:end])), data[end:]
	}
	return parts, nil
}

// sign returns the first 16 bytes of the MAC over kind and data.
func (c Cursors) sign(kind string, data []byte) []byte {
	return c.mac(append(appendText(nil, kind), data...))[:cursorMAC:cursorMAC]
}

// appendText appends s behind its length, so that no two lists of texts read alike.
func appendText(to []byte, s string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(s))), s...)
}

// Limit returns how many rows the query parameter "limit" asks for: 21 if it is
// absent, at most 100 whatever it says. A limit that is no positive whole number,
// or is given twice, is ErrInvalid about "limit".
func Limit(r *http.Request) (int, error) {
	values, asked := r.URL.Query()["limit"]
	if !asked {
		return defaultLimit, nil
	}
	n, err := strconv.ParseUint(values[0], 10, 32)
	if errors.Is(err, strconv.ErrRange) {
		n, err = maxLimit, nil
	}
	if err != nil || n < 1 || len(values) > 1 {
		return 0, headykey.ErrInvalid.Saying("The limit is a whole number from 1 to 100.").About("limit")
	}
	return int(min(n, maxLimit)), nil
}
