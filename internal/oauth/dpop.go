package oauth

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/secret"
)

// proofType is the typ of a DPoP proof (RFC 9449 §4.2).
const proofType = "dpop+jwt"

// ProofAlgorithms lists what DPoP proofs may be signed with: those of FAPI 2.0
// §5.4.1, for everybody.
var ProofAlgorithms = []string{jose.ES256, jose.EdDSA, jose.PS256}

// Bounds of a DPoP proof.
const (
	maxProof   = 8 << 10 // bytes
	maxProofID = 233     // bytes of its jti
	// proofAge is how old a proof may be, proofAhead how far the clock of who made it
	// may be ahead: ten seconds, as FAPI 2.0 §5.3.2.1 has it, and what clocks lose
	// over ten seconds.
	proofAge   = time.Minute
	proofAhead = 13 * time.Second
	// nonceWindow is for how long one nonce is given. It counts through the next
	// window, too.
	nonceWindow = 144 * time.Second
)

// A KeyProof is a DPoP proof and the request that it came with.
type KeyProof struct {
	JWT    string
	Method string // of the request
	Path   string // of the request, escaped, without the query
	Access string // the access token of the request; "": none
	// NeedsNonce refuses a proof without a nonce of ours. Without it such a proof is
	// as good as any, but a nonce that is there must be right.
	NeedsNonce bool
}

// proofClaims is what a proof says (RFC 9449 §4.2, §9; RFC 7519 §4.1).
type proofClaims struct {
	ID     string   `json:"jti"`
	Method string   `json:"htm"`
	URL    string   `json:"htu"`
	Issued *float64 `json:"iat"` // seconds since 1970, as the two below
	Since  *float64 `json:"nbf"`
	Until  *float64 `json:"exp"`
	Access string   `json:"ath"`
	Nonce  *string  `json:"nonce"`
}

// ProveKey returns the thumbprint of the key that p was made with, if p is good for
// its request and was not used before on this node (RFC 9449 §4.3). It fails with
// headykey.ErrUseNonce if its nonce is not one of ours, or too old, and with
// headykey.ErrBadProof.
func (s *Service) ProveKey(p KeyProof) (jkt string, err error) {
	foreign, jkt, err := jose.VerifyEmbedded(p.JWT, maxProof, ProofAlgorithms)
	var c proofClaims
	if err != nil || foreign.Header.Type != proofType || json.Unmarshal(foreign.Claims, &c) != nil {
		return "", headykey.ErrBadProof
	}
	now := time.Now()
	switch {
	case c.ID == "" || len(c.ID) > maxProofID:
		return "", headykey.ErrBadProof.Saying("The jti of the DPoP proof is missing or too long.")
	case c.Method != p.Method:
		return "", headykey.ErrBadProof.Saying("The DPoP proof is for another method.")
	case !sameTarget(c.URL, s.base+p.Path):
		return "", headykey.ErrBadProof.Saying("The DPoP proof is for another address.")
	case p.Access != "" && !secret.Equal([]byte(c.Access), []byte(accessHash(p.Access))):
		return "", headykey.ErrBadProof.Saying("The DPoP proof is for another access token.")
	case c.Nonce == nil && p.NeedsNonce, c.Nonce != nil && !s.gave(*c.Nonce, now):
		return "", headykey.ErrUseNonce
	case !c.timely(now):
		return "", headykey.ErrBadProof.Saying("The DPoP proof is too old, or the clock of its maker is wrong.")
	case !s.proofs.first(sha256.Sum256([]byte(jkt+" "+c.ID)), now):
		return "", headykey.ErrBadProof.Saying("The DPoP proof was used before.")
	}
	return jkt, nil
}

// timely reports whether a proof counts at now.
func (c *proofClaims) timely(now time.Time) bool {
	at := float64(now.UnixMilli()) / 1000
	ahead := proofAhead.Seconds()
	return c.Issued != nil && *c.Issued >= at-proofAge.Seconds() && *c.Issued <= at+ahead &&
		(c.Since == nil || *c.Since <= at+ahead) && (c.Until == nil || *c.Until > at)
}

// accessHash is the ath of an access token (RFC 9449 §4.2).
func accessHash(access string) string {
	sum := sha256.Sum256([]byte(access))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Nonce returns the nonce that proofs should carry now (RFC 9449 §8). Every node
// gives the same, and keeps nothing for it.
func (s *Service) Nonce() string { return s.nonceAt(time.Now()) }

func (s *Service) nonceAt(t time.Time) string {
	window := uint64(t.UnixNano()) / uint64(nonceWindow)
	mac := s.Sealer.MAC("DPoP nonce", binary.BigEndian.AppendUint64(nil, window))
	return base64.RawURLEncoding.EncodeToString(mac[:])
}

// gave reports whether nonce is that of this window or the one before; or of the
// next, for the clock of another node may be ahead.
func (s *Service) gave(nonce string, now time.Time) bool {
	for _, by := range []time.Duration{0, -nonceWindow, nonceWindow} {
		if secret.Equal([]byte(nonce), []byte(s.nonceAt(now.Add(by)))) {
			return true
		}
	}
	return false
}
