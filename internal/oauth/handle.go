package oauth

import (
	"encoding/hex"
	"strings"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/secret"
)

// Codes and refresh tokens are one text of hex digits: the id of their authorization,
// which finds it and is no secret; random bytes, which prove it; and a seal, which
// tells one that we made, however long ago, from one that somebody made up. So a
// spent token that comes back is known for what it is, though the store keeps the
// hashes of the last two alone.
const (
	handleSize = 16
	proofSize  = 18
	sealSize   = 8
)

// newHandleToken returns a code or refresh token of the authorization under id.
func (s *Service) newHandleToken(id headykey.ID) string {
	text := strings.ReplaceAll(string(id), "-", "") + secret.Token(proofSize)
	return text + s.sealOf(text)
}

// sealOf is the seal of what stands before it.
func (s *Service) sealOf(text string) string {
	mac := s.Sealer.MAC("oauth handle token", []byte(text))
	return hex.EncodeToString(mac[:sealSize])
}

// handleOf returns the authorization that a code or refresh token names, if it is one
// that we made.
func (s *Service) handleOf(text string) (headykey.ID, bool) {
	const bare = 2 * (handleSize + proofSize)
	if len(text) != bare+2*sealSize || !secret.Equal([]byte(text[bare:]), []byte(s.sealOf(text[:bare]))) {
		return "", false
	}
	id, err := headykey.ParseID(text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:32])
	return id, err == nil
}

// codeHash and refreshHash name a token in the store. They differ, so that a code
// never passes for a refresh token.
func codeHash(code string) []byte {
	h := secret.Hash("code " + code)
	return h[:]
}

func refreshHash(token string) []byte {
	h := secret.Hash("refresh " + token)
	return h[:]
}
