package jose

import (
	"crypto/ed25519"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// minSecret is how long a secret that signs must be, in bytes (RFC 7518 §3.2).
const minSecret = 32

// ForeignAlgorithms are those that signatures of others may be made with: all
// asymmetric, the ones to prefer first.
var ForeignAlgorithms = []string{
	ES256, EdDSA, Ed25519, PS256, RS256, "ES384", "ES512", "PS384", "PS512", "RS384", "RS512",
}

// A ForeignHeader is what the header of somebody else's token says.
type ForeignHeader struct {
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"` // may be empty
	Type      string `json:"typ"` // may be empty; for the caller to compare
}

// A Foreign is a verified token of somebody else. Claims is a JSON object in which
// no member comes twice; what it says is for the caller to judge.
type Foreign struct {
	Header ForeignHeader
	Claims []byte
}

// An opened token is one that is well formed and not verified.
type opened struct {
	header ForeignHeader
	jwk    jsontext.Value // the key in the header; nil: there is none
	claims []byte
	text   string
}

func open(token string, limit int) (opened, error) {
	parts, ok := split(token, limit)
	if !ok || len(parts[2]) == 0 || !plainObject(parts[0]) || !plainObject(parts[1]) {
		return opened{}, ErrToken
	}
	var h struct {
		ForeignHeader
		Key       jsontext.Value `json:"jwk"`
		Critical  jsontext.Value `json:"crit"` // we understand no extension (RFC 7515 §4.1.11)
		Unencoded jsontext.Value `json:"b64"`  // RFC 7797
	}
	if json.Unmarshal(parts[0], &h) != nil || h.Algorithm == "" || h.Critical != nil || h.Unencoded != nil {
		return opened{}, ErrToken
	}
	return opened{h.ForeignHeader, h.Key, parts[1], token}, nil
}

// verify tries the keys in turn.
func (o opened) verify(keys ...any) (*Foreign, error) {
	jws, err := jose.ParseSignedCompact(o.text, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(o.header.Algorithm)})
	if err != nil || len(jws.Signatures) != 1 {
		return nil, ErrToken
	}
	for _, key := range keys {
		if public, ok := key.(ed25519.PublicKey); ok {
			key = edwards(public)
		}
		if claims, err := jws.Verify(key); err == nil {
			return &Foreign{o.header, claims}, nil
		}
	}
	return nil, ErrToken
}

// edwards verifies under both names of its algorithm; the library knows one.
type edwards ed25519.PublicKey

// VerifyPayload returns nil if signature is one of payload by e.
func (e edwards) VerifyPayload(payload, signature []byte, alg jose.SignatureAlgorithm) error {
	if alg != jose.EdDSA && alg != Ed25519 || !ed25519.Verify(ed25519.PublicKey(e), payload, signature) {
		return ErrToken
	}
	return nil
}

// Peek returns what a compact token of at most limit bytes says, UNVERIFIED: it
// serves to find out whose keys are to verify it, and nothing else. It fails with
// ErrToken.
func Peek(token string, limit int) (ForeignHeader, []byte, error) {
	o, err := open(token, limit)
	return o.header, o.claims, err
}

// Verify returns a token of at most limit bytes that is signed by a key of the set
// with one of algorithms. A token that names a key is tried with keys of that name
// alone; each key serves only for what fits its kind and its alg, use and key_ops.
// At most five keys are tried. All failures are ErrToken.
func (s *Set) Verify(token string, limit int, algorithms []string) (*Foreign, error) {
	o, err := open(token, limit)
	if err != nil || !slices.Contains(algorithms, o.header.Algorithm) {
		return nil, ErrToken
	}
	var keys []any
	for _, k := range s.keys {
		named := o.header.KeyID == "" || o.header.KeyID == k.id
		if named && k.verifies(o.header.Algorithm) && len(keys) < maxTries {
			keys = append(keys, k.public)
		}
	}
	return o.verify(keys...)
}

// VerifySecret returns a token of at most limit bytes that is signed with HS256
// and secret, which must have 32 bytes or more. All failures are ErrToken.
func VerifySecret(token string, limit int, secret []byte) (*Foreign, error) {
	o, err := open(token, limit)
	if err != nil || o.header.Algorithm != HS256 || len(secret) < minSecret {
		return nil, ErrToken
	}
	return o.verify(secret)
}

// VerifyEmbedded returns a token of at most limit bytes that is signed, with one
// of algorithms, by the public key that it carries itself (jwk; RFC 9449 §4.2), and
// the RFC 7638 thumbprint (SHA-256, base64url) of that key. It proves that the
// sender has the key and nothing more. The jwk may have RSA keys of 2048 to 4096
// bits. All failures are ErrToken.
func VerifyEmbedded(token string, limit int, algorithms []string) (f *Foreign, thumbprint string, err error) {
	o, err := open(token, limit)
	if err != nil || !slices.Contains(algorithms, o.header.Algorithm) {
		return nil, "", ErrToken
	}
	var j jwk
	if o.jwk.Kind() != '{' || json.Unmarshal(o.jwk, &j) != nil {
		return nil, "", ErrToken
	}
	public, err := j.public()
	if err != nil || !(foreignKey{j.ID, j.Algorithm, j.Use, j.Operations, public}).verifies(o.header.Algorithm) {
		return nil, "", ErrToken
	}
	if f, err = o.verify(public); err != nil {
		return nil, "", ErrToken
	}
	if thumbprint, err = Thumbprint(public); err != nil {
		return nil, "", ErrToken
	}
	return f, thumbprint, nil
}
