package e2e

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// A statement is a receipt envelope as the verifier of this test reads it. It
// shares no code with the server.
type statement struct {
	raw       []byte // the whole envelope
	id, kind  string
	receipt   any
	signature struct{ Algorithm, Value, KeyID, SignedAt, CanonicalHash string }
}

// parse returns JSON as Go values with numbers kept as text.
func parse(t *testing.T, text []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("not JSON: %v\n%.300s", err, text)
	}
	return v
}

// canonical returns v in RFC 8785 form, for the values that receipts hold:
// integers stand for numbers.
func canonical(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return jcs(t, parse(t, text))
}

func jcs(t *testing.T, v any) string {
	t.Helper()
	switch v := v.(type) {
	case []any:
		parts := make([]string, len(v))
		for i, x := range v {
			parts[i] = jcs(t, x)
		}
		return "[" + strings.Join(parts, ",") + "]"
	case obj:
		return jcsObject(t, v)
	case string:
		return jcsString(t, v)
	case json.Number:
		return v.String()
	}
	text, _ := json.Marshal(v) // true, false, null
	return string(text)
}

// jcsObject orders members by their UTF-16 code units (RFC 8785 §3.2.3).
func jcsObject(t *testing.T, o obj) string {
	t.Helper()
	names := make([]string, 0, len(o))
	for name := range o {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
	})
	for i, name := range names {
		names[i] = jcsString(t, name) + ":" + jcs(t, o[name])
	}
	return "{" + strings.Join(names, ",") + "}"
}

// jcsString writes only what must be escaped (RFC 8785 §3.2.2.2).
func jcsString(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		t.Fatal(err)
	}
	text := strings.TrimSuffix(b.String(), "\n")
	return strings.NewReplacer(`\u2028`, "\u2028", `\u2029`, "\u2029").Replace(text)
}

// publicKeys returns the receipt keys that the server shows to everybody.
func (s *server) publicKeys(t *testing.T) map[string]ed25519.PublicKey {
	t.Helper()
	keys := map[string]ed25519.PublicKey{}
	for _, k := range s.nobody().get(t, "/.well-known/receipt-keys").want(t, http.StatusOK).list(t, "keys") {
		raw, err := hex.DecodeString(k["publicKey"].(string))
		if err != nil || len(raw) != ed25519.PublicKeySize {
			t.Fatalf("public key %v", k)
		}
		keys[k["keyId"].(string)] = raw
	}
	return keys
}

func readStatement(t *testing.T, raw []byte) statement {
	t.Helper()
	st := statement{raw: raw}
	whole := parse(t, raw).(obj)
	st.receipt = whole["receipt"]
	body := whole["receipt"].(obj)
	st.id, st.kind = body["id"].(string), body["type"].(string)
	sig, err := json.Marshal(whole["signature"])
	if err == nil {
		err = json.Unmarshal(sig, &st.signature)
	}
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// verified marks the test failed unless one of keys signed st as it stands.
func (st statement) verified(t *testing.T, keys map[string]ed25519.PublicKey) {
	t.Helper()
	key, ok := keys[st.signature.KeyID]
	if !ok {
		t.Errorf("%s is signed by the unknown key %q", st.id, st.signature.KeyID)
		return
	}
	text := []byte(jcs(t, st.receipt))
	sum := sha256.Sum256(text)
	if got := hex.EncodeToString(sum[:]); got != st.signature.CanonicalHash {
		t.Errorf("%s: canonical hash %s, want %s", st.id, st.signature.CanonicalHash, got)
	}
	sig, err := hex.DecodeString(st.signature.Value)
	if err != nil || !ed25519.Verify(key, text, sig) {
		t.Errorf("%s (%s): the signature is not good", st.id, st.kind)
	}
}

// about returns a string of the receipt's body at a dotted path.
func (st statement) about(path string) string {
	at := st.receipt
	for _, name := range strings.Split(path, ".") {
		o, _ := at.(obj)
		at = o[name]
	}
	s, _ := at.(string)
	return s
}

// receipts returns the page of receipts at path that c sees, each verified.
func (s *server) receipts(t *testing.T, c client, path string) []statement {
	t.Helper()
	var page struct{ Receipts []json.RawMessage }
	c.get(t, path).want(t, http.StatusOK).into(t, &page)
	keys := s.publicKeys(t)
	out := make([]statement, len(page.Receipts))
	for i, raw := range page.Receipts {
		out[i] = readStatement(t, raw)
		out[i].verified(t, keys)
	}
	return out
}

// receiptOf returns the newest of p's receipts of the type.
func (s *server) receiptOf(t *testing.T, c client, kind string) statement {
	t.Helper()
	all := s.receipts(t, c, "/api/receipts?type="+url.QueryEscape(kind))
	if len(all) == 0 {
		t.Fatalf("no receipt of type %s", kind)
	}
	return all[0]
}
