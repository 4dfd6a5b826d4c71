package faults

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// A statement is a receipt as the verifier of these tests reads it. It shares no
// code with the server.
type statement struct {
	id, kind, object string
	body             obj
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

// jcs returns v in RFC 8785 form, for the values that receipts hold: integers
// stand for numbers.
func jcs(v any) string {
	switch v := v.(type) {
	case []any:
		parts := make([]string, len(v))
		for i, x := range v {
			parts[i] = jcs(x)
		}
		return "[" + strings.Join(parts, ",") + "]"
	case obj:
		names := slices.SortedFunc(maps.Keys(v), func(a, b string) int { // §3.2.3: by UTF-16 code units
			return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
		})
		for i, name := range names {
			names[i] = jcsString(name) + ":" + jcs(v[name])
		}
		return "{" + strings.Join(names, ",") + "}"
	case string:
		return jcsString(v)
	case json.Number:
		return v.String()
	}
	text, _ := json.Marshal(v) // true, false, null
	return string(text)
}

// jcsString writes only what must be escaped (RFC 8785 §3.2.2.2).
func jcsString(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // strings always encode
	return strings.NewReplacer(`\u2028`, "\u2028", `\u2029`, "\u2029").Replace(strings.TrimSuffix(b.String(), "\n"))
}

// receiptKeys returns the keys that the server shows to everybody.
func (s *server) receiptKeys(t *testing.T) map[string]ed25519.PublicKey {
	t.Helper()
	var reply struct {
		Keys []struct{ KeyID, PublicKey string }
	}
	if err := json.Unmarshal(s.nobody().do(t, "GET", "/.well-known/receipt-keys", nil, 200).body, &reply); err != nil {
		t.Fatal(err)
	}
	keys := map[string]ed25519.PublicKey{}
	for _, k := range reply.Keys {
		raw, err := hex.DecodeString(k.PublicKey)
		if err != nil || len(raw) != ed25519.PublicKeySize {
			t.Fatalf("public key %v", k)
		}
		keys[k.KeyID] = raw
	}
	return keys
}

// receipts returns all receipts since then, each verified.
func (s *server) receipts(t *testing.T, admin person, since time.Time) []statement {
	t.Helper()
	keys := s.receiptKeys(t)
	var all []statement
	path := "/api/admin/receipts?since=" + since.UTC().Format(time.RFC3339)
	for _, raw := range s.as(admin).pages(t, path, "receipts") {
		all = append(all, verified(t, raw, keys))
	}
	return all
}

// verified returns the statement of an envelope and marks the test failed unless
// one of keys signed it as it stands.
func verified(t *testing.T, raw []byte, keys map[string]ed25519.PublicKey) statement {
	t.Helper()
	var e struct {
		Receipt   json.RawMessage
		Signature struct{ Value, KeyID, CanonicalHash string }
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatalf("not an envelope: %v\n%.300s", err, raw)
	}
	body, _ := parse(t, e.Receipt).(obj)
	object, _ := body["object"].(obj)
	st := statement{body: body}
	st.id, _ = body["id"].(string)
	st.kind, _ = body["type"].(string)
	st.object, _ = object["id"].(string)

	text := []byte(jcs(body))
	sum := sha256.Sum256(text)
	sig, err := hex.DecodeString(e.Signature.Value)
	key := keys[e.Signature.KeyID]
	switch {
	case key == nil:
		t.Errorf("%s is signed by the unknown key %q", st.id, e.Signature.KeyID)
	case hex.EncodeToString(sum[:]) != e.Signature.CanonicalHash:
		t.Errorf("%s (%s): the canonical hash is not that of its text", st.id, st.kind)
	case err != nil || !ed25519.Verify(key, text, sig):
		t.Errorf("%s (%s): the signature is not good", st.id, st.kind)
	}
	return st
}

// ended returns the sessions that a receipt says were ended.
func (st statement) ended() []string {
	details, _ := st.body["details"].(obj)
	list, _ := details["revoked"].([]any)
	var ids []string
	for _, entry := range list {
		o, _ := entry.(obj)
		if id, _ := o["id"].(string); o["type"] == "session" {
			ids = append(ids, id)
		}
	}
	return ids
}
