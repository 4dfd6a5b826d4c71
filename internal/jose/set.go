package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of what others send.
const (
	maxSet     = 256 << 10 // bytes of a key set
	maxKeys    = 34        // in a set
	maxTries   = 5         // keys that one token is tried with
	minRSA     = 2048      // bits
	maxRSA     = 8192      // bits
	maxNesting = 21        // of objects and lists in JSON
)

// ErrKeySet reports a key set that cannot be used; its text says why.
var ErrKeySet = errors.New("not a set of public keys")

// A Set is the public keys of somebody else (RFC 7517 §5). It is safe for
// concurrent use.
type Set struct{ keys []foreignKey }

// A foreignKey is one public key of somebody else with what may be done with it.
type foreignKey struct {
	id         string
	algorithm  string   // empty: any that fits
	use        string   // sig, enc; empty: either
	operations []string // RFC 7517 §4.3; empty: any
	public     crypto.PublicKey
}

// jwk is the members of a key that matter here (RFC 7517 §4, RFC 7518 §6).
type jwk struct {
	Type       string   `json:"kty"`
	Use        string   `json:"use"`
	Operations []string `json:"key_ops"`
	Algorithm  string   `json:"alg"`
	ID         string   `json:"kid"`
	Curve      string   `json:"crv"`
	X          string   `json:"x"`
	Y          string   `json:"y"`
	N          string   `json:"n"`
	E          string   `json:"e"`
	secrets
}

// secrets are the members that no public key has.
type secrets struct {
	D    jsontext.Value `json:"d"`
	P    jsontext.Value `json:"p"`
	Q    jsontext.Value `json:"q"`
	DP   jsontext.Value `json:"dp"`
	DQ   jsontext.Value `json:"dq"`
	QI   jsontext.Value `json:"qi"`
	Oth  jsontext.Value `json:"oth"`
	K    jsontext.Value `json:"k"`
	Priv jsontext.Value `json:"priv"`
}

func (s secrets) any() bool {
	return len(s.D)+len(s.P)+len(s.Q)+len(s.DP)+len(s.DQ)+len(s.QI)+len(s.Oth)+len(s.K)+len(s.Priv) > 0
}

// ParseSet reads a JWK set of at most 34 keys. Keys of a kind that we do not know
// are passed over (RFC 7517 §5); a private or symmetric key, a broken one, RSA of
// fewer than 2048 or more than 8192 bits, or no key at all fails with ErrKeySet.
func ParseSet(text []byte) (*Set, error) {
	var doc struct {
		Keys []jwk `json:"keys"`
	}
	if len(text) > maxSet || !plainObject(text) || json.Unmarshal(text, &doc) != nil {
		return nil, fmt.Errorf("%w: it is not plain JSON with a list of keys", ErrKeySet)
	}
	if len(doc.Keys) > maxKeys {
		return nil, fmt.Errorf("%w: it has more than %d keys", ErrKeySet, maxKeys)
	}
	s := &Set{}
	for i, j := range doc.Keys {
		public, err := j.public()
		if err != nil {
			return nil, fmt.Errorf("%w: key %d %v", ErrKeySet, i+1, err)
		}
		if public != nil {
			s.keys = append(s.keys, foreignKey{j.ID, j.Algorithm, j.Use, j.Operations, public})
		}
	}
	if len(s.keys) == 0 {
		return nil, fmt.Errorf("%w: it has no key of a kind known here", ErrKeySet)
	}
	return s, nil
}

// Has reports whether the set has a key named kid. Where it has not, a fresher
// copy of the set may.
func (s *Set) Has(kid string) bool {
	return slices.ContainsFunc(s.keys, func(k foreignKey) bool { return k.id == kid })
}

// HasKey reports whether public, of a certificate say, is a key of the set that may be
// used for signatures.
func (s *Set) HasKey(public crypto.PublicKey) bool {
	return slices.ContainsFunc(s.keys, func(k foreignKey) bool {
		same, ok := k.public.(interface{ Equal(crypto.PublicKey) bool })
		return ok && k.use != "enc" && same.Equal(public)
	})
}

// public returns the key itself, or nil if it is of a kind that we do not know.
func (j jwk) public() (crypto.PublicKey, error) {
	if j.secrets.any() || j.Type == "oct" {
		return nil, errors.New("is not public")
	}
	var public crypto.PublicKey
	var err error
	switch {
	case j.Type == "":
		return nil, errors.New("has no kty")
	case j.Type == "RSA":
		public, err = j.rsa()
	case j.Type == "EC" && j.curve() != nil:
		public, err = j.ec()
	case j.Type == "OKP" && j.Curve == "Ed25519":
		public, err = j.ed25519()
	default:
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if _, err := Thumbprint(public); err != nil { // low-order points, too
		return nil, errors.New("is broken")
	}
	return public, nil
}

func (j jwk) rsa() (*rsa.PublicKey, error) {
	n, e := new(big.Int).SetBytes(number(j.N)), new(big.Int).SetBytes(number(j.E))
	switch {
	case n.BitLen() < minRSA || n.BitLen() > maxRSA:
		return nil, fmt.Errorf("is not of %d to %d bits", minRSA, maxRSA)
	case n.Bit(0) == 0 || e.Bit(0) == 0 || e.BitLen() < 2 || e.BitLen() > 31:
		return nil, errors.New("is broken")
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

// curve returns the curve of an elliptic key; nil if we do not know it.
func (j jwk) curve() elliptic.Curve {
	switch j.Curve {
	case "P-256":
		return elliptic.P256()
	case "P-384":
		return elliptic.P384()
	case "P-521":
		return elliptic.P521()
	}
	return nil
}

// ec reads a point, each coordinate in full length (RFC 7518 §6.2.1.2).
func (j jwk) ec() (*ecdsa.PublicKey, error) {
	x, y := number(j.X), number(j.Y)
	if len(x) != len(y) {
		return nil, errors.New("is broken")
	}
	// Uncompressed (SEC 1 §2.3.3): 4, x, y.
	public, err := ecdsa.ParseUncompressedPublicKey(j.curve(), slices.Concat([]byte{4}, x, y))
	if err != nil {
		return nil, errors.New("is not on its curve")
	}
	return public, nil
}

func (j jwk) ed25519() (ed25519.PublicKey, error) {
	x := number(j.X)
	if len(x) != ed25519.PublicKeySize {
		return nil, errors.New("is broken")
	}
	return ed25519.PublicKey(x), nil
}

// number decodes base64url; nil if it is none.
func number(text string) []byte {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil
	}
	return b
}

// verifies reports whether k may verify signatures made with algorithm.
func (k foreignKey) verifies(algorithm string) bool {
	return (k.algorithm == "" || k.algorithm == algorithm) && (k.use == "" || k.use == "sig") &&
		(len(k.operations) == 0 || slices.Contains(k.operations, "verify")) && fits(algorithm, k.public)
}

// plainObject reports whether text is one JSON object that no two readers
// understand differently: no member comes twice, all text is UTF-8, nothing
// follows. Its nesting is bounded.
func plainObject(text []byte) bool {
	d := jsontext.NewDecoder(bytes.NewReader(text))
	if d.PeekKind() != '{' {
		return false
	}
	for {
		_, err := d.ReadToken()
		if err != nil || d.StackDepth() > maxNesting {
			return false
		}
		if d.StackDepth() == 0 {
			_, err := d.ReadToken()
			return errors.Is(err, io.EOF)
		}
	}
}
