package receipt

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
)

const (
	// retireGrace is how long after its retirement a key's signatures still count:
	// other nodes need a moment to hear of it.
	retireGrace = 21 * time.Second
	maxEnvelope = 64 << 10 // bytes
)

// An Envelope is a receipt as it is shown and passed on.
type Envelope struct {
	Receipt      jsontext.Value `json:"receipt"`
	Signature    Signature      `json:"signature"`
	Verification Verification   `json:"verification"`
}

// A Signature is the signature over the RFC 8785 text of a receipt.
type Signature struct {
	Algorithm     string `json:"algorithm"`
	Value         string `json:"value"` // hex
	KeyID         string `json:"keyId"`
	SignedAt      string `json:"signedAt"`
	CanonicalHash string `json:"canonicalHash"` // hex SHA-256 of the signed text
}

// Verification says how to check the signature.
type Verification struct {
	Algorithm         string `json:"algorithm"`
	KeyID             string `json:"keyId"`
	DataEncoding      string `json:"dataEncoding"`
	SignatureEncoding string `json:"signatureEncoding"`
}

// A PublicKey is one entry of the published key list.
type PublicKey struct {
	ID        string  `json:"keyId"`
	Algorithm string  `json:"algorithm"`
	Key       string  `json:"publicKey"` // hex
	NoteKey   string  `json:"noteKey"`   // verifier key of a C2SP signed note by the log
	NotBefore string  `json:"notBefore"` // RFC 3339
	NotAfter  *string `json:"notAfter"`  // RFC 3339; null: it still signs
}

// Seal returns the envelope of r.
func Seal(r *headykey.Receipt) Envelope {
	sum := sha256.Sum256(r.Body)
	return Envelope{
		Receipt: jsontext.Value(r.Body),
		Signature: Signature{
			Algorithm: "Ed25519", Value: hex.EncodeToString(r.Sig), KeyID: r.KeyID,
			SignedAt: r.SignedAt.Format(timeFormat), CanonicalHash: hex.EncodeToString(sum[:]),
		},
		Verification: Verification{
			Algorithm: "Ed25519", KeyID: r.KeyID, DataEncoding: "canonical-json-utf8", SignatureEncoding: "hex",
		},
	}
}

// Entry returns what the log holds of r: the SHA-256 of the RFC 8785 text of its
// envelope.
func Entry(r *headykey.Receipt) ([]byte, error) {
	text, err := canonical(Seal(r))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	return sum[:], nil
}

// A Check is one question about an envelope and its answer.
type Check struct {
	Name   string  `json:"name"`
	OK     bool    `json:"ok"`
	Detail *string `json:"detail"` // what is wrong; null if nothing is
}

// Verify asks, in this order, schema, canonical_hash, key_known,
// key_valid_at_time and signature of one envelope in JSON. It stops at the first
// question whose answer the next ones need. ok is true if all are.
func Verify(text []byte, keys []PublicKey) (checks []Check, ok bool) {
	v := verifier{keys: keys}
	for _, step := range []struct {
		name string
		ask  func() error
	}{
		{"schema", func() error { return v.schema(text) }},
		{"canonical_hash", v.canonicalHash},
		{"key_known", v.keyKnown},
		{"key_valid_at_time", v.keyValidAtTime},
		{"signature", v.signature},
	} {
		err := step.ask()
		check := Check{Name: step.name, OK: err == nil}
		if err != nil {
			detail := err.Error()
			check.Detail = &detail
		}
		checks = append(checks, check)
		if err != nil && (step.name == "schema" || step.name == "key_known") {
			return checks, false
		}
	}
	for _, c := range checks {
		if !c.OK {
			return checks, false
		}
	}
	return checks, true
}

// A verifier carries what one question found to the next.
type verifier struct {
	keys     []PublicKey
	envelope Envelope
	text     []byte // the signed bytes
	at       time.Time
	key      PublicKey
}

func (v *verifier) schema(text []byte) error {
	if len(text) > maxEnvelope {
		return fmt.Errorf("longer than %d bytes", maxEnvelope)
	}
	if err := json.Unmarshal(text, &v.envelope); err != nil {
		return errors.New("not an envelope: " + short(err))
	}
	var body Body
	if err := json.Unmarshal(v.envelope.Receipt, &body, json.RejectUnknownMembers(true)); err != nil {
		return errors.New("not a receipt: " + short(err))
	}
	at, err := time.Parse(time.RFC3339, v.envelope.Signature.SignedAt)
	if err != nil {
		return errors.New("signedAt is not a time")
	}
	v.at = at
	s, how := v.envelope.Signature, v.envelope.Verification
	switch {
	case body.Version != 1:
		return fmt.Errorf("version %d is not known here", body.Version)
	case s.Algorithm != "Ed25519" || how.Algorithm != "Ed25519":
		return errors.New("the algorithm is not Ed25519")
	case how.KeyID != s.KeyID || how.DataEncoding != "canonical-json-utf8" || how.SignatureEncoding != "hex":
		return errors.New("verification does not fit the signature")
	case body.At != s.SignedAt:
		return errors.New("it was not signed at the time it tells")
	}
	v.text = v.envelope.Receipt.Clone()
	c := jsontext.Value(v.text)
	if err := c.Canonicalize(); err != nil {
		return errors.New("the receipt has no canonical form: " + short(err))
	}
	v.text = c
	return nil
}

func (v *verifier) canonicalHash() error {
	sum := sha256.Sum256(v.text)
	if v.envelope.Signature.CanonicalHash != hex.EncodeToString(sum[:]) {
		return errors.New("the receipt does not have this hash: it was changed")
	}
	return nil
}

func (v *verifier) keyKnown() error {
	for _, k := range v.keys {
		if k.ID == v.envelope.Signature.KeyID {
			v.key = k
			return nil
		}
	}
	return fmt.Errorf("no key %q is in the list", v.envelope.Signature.KeyID)
}

func (v *verifier) keyValidAtTime() error {
	from, err := time.Parse(time.RFC3339, v.key.NotBefore)
	if err != nil {
		return errors.New("the key list is damaged: notBefore")
	}
	// The time in a receipt has milliseconds, the key's has more.
	if v.at.Before(from.Truncate(time.Millisecond)) {
		return errors.New("signed before the key was in use")
	}
	if v.key.NotAfter == nil {
		return nil
	}
	until, err := time.Parse(time.RFC3339, *v.key.NotAfter)
	if err != nil {
		return errors.New("the key list is damaged: notAfter")
	}
	if v.at.After(until) {
		return errors.New("signed after the key was retired")
	}
	return nil
}

func (v *verifier) signature() error {
	key, err := hex.DecodeString(v.key.Key)
	if err != nil || len(key) != ed25519.PublicKeySize || v.key.Algorithm != "Ed25519" {
		return errors.New("the key list is damaged: publicKey")
	}
	sig, err := hex.DecodeString(v.envelope.Signature.Value)
	if err != nil || hex.EncodeToString(sig) != v.envelope.Signature.Value || !ed25519.Verify(key, v.text, sig) {
		return errors.New("the signature is not by this key over this receipt")
	}
	return nil
}

// short keeps a parser's complaint to one readable line.
func short(err error) string {
	text := err.Error()
	if len(text) > 200 {
		text = text[:200] + "…"
	}
	return text
}
