package receipt_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gowebpki/jcs"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/receipt"
	"headykey.com/headykey/internal/store"
)

// rehash makes the hash fit a body that was changed.
func rehash(t *testing.T, text []byte) []byte {
	t.Helper()
	var e receipt.Envelope
	check(t, json.Unmarshal(text, &e))
	canonical, err := jcs.Transform(e.Receipt)
	check(t, err)
	sum := sha256.Sum256(canonical)
	return edit(t, text, "signature.canonicalHash", hex.EncodeToString(sum[:]))
}

// signedBy is a receipt that k signed at a time of the tester's choice.
func signedBy(t *testing.T, k keyring.Key, at time.Time) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"v": 1, "id": "rcp_x", "ts": at.UTC().Format("2006-01-02T15:04:05.000Z"), "type": "role.changed", "subject": "", "client": "",
		"actor": headykey.Party{}, "act": []any{}, "object": headykey.Party{}, "outcome": "done", "reason": nil, "request": "", "details": map[string]any{},
	})
	check(t, err)
	body, err = jcs.Transform(body)
	check(t, err)
	return envelope(t, &headykey.Receipt{Body: body, Sig: ed25519.Sign(k.Private, body), KeyID: k.ID, SignedAt: at.UTC()})
}

// Two canonicalisers that share no code must give the same bytes.
func TestTheSignedTextIsRFC8785(t *testing.T) {
	h := build(t)
	for name, details := range map[string]map[string]any{
		"nothing":         {},
		"numbers":         {"a": 0, "b": math.Copysign(0, -1), "c": 1e21, "d": 1e-7, "e": 333333333.33333329, "f": 4.50, "g": 2e-3, "h": 1e30, "i": math.MaxFloat64, "j": 5e-324, "k": 9007199254740992.0, "l": 123456789012345680000.0},
		"integers":        {"big": int64(1) << 53, "small": -int64(1) << 53, "count": uint64(144)},
		"unicode":         {"euro": "\u20ac", "emoji": "\U0001f600", "control": "\u000f\n\t\"\\", "del": "\u007f", "separators": "\u2028\u2029", "bom": "\ufeff", "html": "<script>&</script>"},
		"names by UTF-16": {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7},
		"nesting":         {"z": []any{[]any{}, map[string]any{}, map[string]any{"b": []any{map[string]any{"y": 1, "x": nil}}, "a": false}}, "a": map[string]any{"": ""}},
		"composed":        {"e\u0301": "e\u0301", "\u00e9": "\u00e9"},
	} {
		r := h.leave(t, headykey.Act{Type: "account.changed", By: headykey.System, Details: details})
		want, err := jcs.Transform(r.Body)
		check(t, err)
		if !bytes.Equal(r.Body, want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, r.Body, want)
		}
		if failed, ok := verdict(envelope(t, r), h.Keys()); !ok {
			t.Errorf("%s: %s", name, failed)
		}
	}
}

// The sample of RFC 8785 §3.2.2, canonical as §3.2.3 has it.
func TestRFC8785Sample(t *testing.T) {
	h := build(t)
	r := h.leave(t, headykey.Act{Type: "x", By: headykey.System, Details: map[string]any{
		"numbers":  []any{333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001},
		"string":   "\u20ac$\u000f\nA'B\"\\\\\"/",
		"literals": []any{nil, true, false},
	}})
	const want = `"details":{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],` +
		`"string":"€$\u000f\nA'B\"\\\\\"/"}`
	if !strings.Contains(string(r.Body), want) {
		t.Errorf("got %s, want in it %s", r.Body, want)
	}
}

// The vectors of RFC 8032 §7.1 (tests 1 to 3) hold for the keys and signatures
// that we write in hex.
func TestRFC8032Vectors(t *testing.T) {
	for name, v := range map[string][4]string{
		"test 1": {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
			"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
		"test 2": {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
			"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
		"test 3": {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
			"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
	} {
		seed, _ := hex.DecodeString(v[0])
		message, _ := hex.DecodeString(v[2])
		key := ed25519.NewKeyFromSeed(seed)
		if got := hex.EncodeToString(key.Public().(ed25519.PublicKey)); got != v[1] {
			t.Errorf("%s: got the key %s", name, got)
		}
		if got := hex.EncodeToString(ed25519.Sign(key, message)); got != v[3] {
			t.Errorf("%s: got the signature %s", name, got)
		}
	}
}

// The log holds the SHA-256 of the canonical envelope, and nothing of a log is in
// it.
func TestTheEntryOfTheLog(t *testing.T) {
	h := build(t)
	r := h.leave(t, act(h.person(t, "ada@example.com")))
	var whole map[string]json.RawMessage
	check(t, json.Unmarshal(envelope(t, r), &whole))
	delete(whole, "log")
	text, err := json.Marshal(whole)
	check(t, err)
	text, err = jcs.Transform(text)
	check(t, err)
	want := sha256.Sum256(text)
	if got, err := receipt.Entry(r); err != nil || !bytes.Equal(got, want[:]) {
		t.Errorf("got %x, %v, want %x", got, err, want)
	}
}

func TestABodySaysWhoDidWhatToWhom(t *testing.T) {
	h := build(t)
	ada, object := h.person(t, "ada@example.com"), headykey.NewID()
	tests := []struct {
		name   string
		by     headykey.Caller
		actor  string
		object headykey.Party
		thing  string
	}{
		{"a client", headykey.Caller{Client: object, Method: headykey.ByClient}, "client cli_" + string(object), headykey.Party{Type: "client", ID: string(object)}, "client cli_" + string(object)},
		{"a person", headykey.Caller{User: ada, Role: headykey.RoleUser, Method: headykey.ByToken}, "user usr_" + string(ada), headykey.Party{Type: "session", ID: string(object)}, "session ses_" + string(object)},
		{"an operator", headykey.Caller{User: ada, Role: headykey.RoleOperator, Method: headykey.ByToken}, "operator usr_" + string(ada), headykey.Party{Type: "api_key", ID: string(object)}, "api_key key_" + string(object)},
		{"the system", headykey.System, "system headykey", headykey.Party{Type: "signing_key", ID: "k"}, "signing_key k"},
		{"a stranger", headykey.Caller{}, "user unknown", headykey.Party{Type: "user"}, "user "},
	}
	for _, tt := range tests {
		r := h.leave(t, headykey.Act{Type: "x", By: tt.by, Subject: ada, Object: tt.object, Outcome: headykey.Refused, Reason: "because"})
		var b receipt.Body
		check(t, json.Unmarshal(r.Body, &b))
		if b.Actor.Type+" "+b.Actor.ID != tt.actor || b.Object.Type+" "+b.Object.ID != tt.thing {
			t.Errorf("%s: got %+v and %+v", tt.name, b.Actor, b.Object)
		}
		form := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)
		if b.Version != 1 || b.ID != "rcp_"+string(r.ID) || b.Subject != "usr_"+string(ada) || b.Outcome != "refused" ||
			*b.Reason != "because" || b.Request != "4f2a" || !form.MatchString(b.At) {
			t.Errorf("%s: got %s", tt.name, r.Body)
		}
	}
}

func TestAPersonalValueIsAPseudonymUntilTheAccountIsErased(t *testing.T) {
	h := build(t)
	ada, eve := h.person(t, "ada@example.com"), h.person(t, "eve@example.com")
	address := func(who headykey.ID) string {
		r := h.leave(t, act(who))
		var b receipt.Body
		check(t, json.Unmarshal(r.Body, &b))
		got, _ := b.Details["address"].(string)
		if bytes.Contains(r.Body, []byte("198.51.100.7")) || len(got) != len("hmac-sha256:")+64 {
			t.Fatalf("got %s", r.Body)
		}
		return got
	}
	first := address(ada)
	if address(ada) != first {
		t.Error("the same value of one person has two pseudonyms")
	}
	if address(eve) == first {
		t.Error("the same value of two people has one pseudonym")
	}
	var salt []byte
	check(t, h.db.Update(t.Context(), func(tx *store.Tx) (err error) {
		salt, err = tx.Salt(ada, bytes.Repeat([]byte{1}, 32))
		return err
	}))
	m := hmac.New(sha256.New, salt)
	m.Write([]byte("198.51.100.7"))
	if want := "hmac-sha256:" + hex.EncodeToString(m.Sum(nil)); first != want {
		t.Errorf("got %s, want %s", first, want)
	}

	before := h.leave(t, act(ada))
	check(t, h.db.Update(t.Context(), func(tx *store.Tx) error { return tx.DeleteUser(ada) }))
	again, err := h.Show(t.Context(), headykey.System, "rcp_"+string(before.ID))
	check(t, err)
	if failed, ok := verdict(envelope(t, again), h.Keys()); !ok {
		t.Errorf("after the erasure: %s", failed)
	}
	for range 2 {
		if address(ada) == first {
			t.Error("a receipt after the erasure can be linked to those before")
		}
	}
}

func TestOnesOwnReceiptsAreShownAndNobodyElses(t *testing.T) {
	h := build(t)
	ada, eve := h.person(t, "ada@example.com"), h.person(t, "eve@example.com")
	hers, others := h.leave(t, act(ada)), h.leave(t, act(eve))
	person := headykey.Caller{User: ada, Role: headykey.RoleUser, Method: headykey.ByToken}
	operator := headykey.Caller{User: eve, Role: headykey.RoleOperator, Method: headykey.ByToken}
	narrow := person
	narrow.Scopes = []string{"profile.read"}
	tests := []struct {
		name string
		by   headykey.Caller
		id   string
		want error
	}{
		{"her own", person, "rcp_" + string(hers.ID), nil},
		{"another's", person, "rcp_" + string(others.ID), headykey.ErrNotFound},
		{"an operator, another's", operator, "rcp_" + string(hers.ID), nil},
		{"a stranger", headykey.Caller{}, "rcp_" + string(hers.ID), headykey.ErrNotSignedIn},
		{"a narrow key", narrow, "rcp_" + string(hers.ID), headykey.ErrInsufficientScope},
		{"without its prefix", person, string(hers.ID), headykey.ErrNotFound},
		{"unknown", operator, "rcp_" + string(headykey.NewID()), headykey.ErrNotFound},
		{"no id", operator, "rcp_' OR 1=1", headykey.ErrNotFound},
	}
	for _, tt := range tests {
		if r, err := h.Show(t.Context(), tt.by, tt.id); !errors.Is(err, tt.want) || tt.want == nil && r.ID == "" {
			t.Errorf("%s: got %+v, %v, want %v", tt.name, r, err, tt.want)
		}
	}
	all, err := h.List(t.Context(), person, headykey.ReceiptFilter{Subject: eve, Limit: 10})
	if err != nil || len(all) != 1 || all[0].ID != hers.ID {
		t.Errorf("asked for another's: got %+v, %v", all, err)
	}
	if _, err := h.List(t.Context(), headykey.Caller{}, headykey.ReceiptFilter{Limit: 10}); !errors.Is(err, headykey.ErrNotSignedIn) {
		t.Errorf("a stranger: got %v", err)
	}
}

func TestTheNewestReceiptsAreChecked(t *testing.T) {
	h := build(t)
	for range 3 {
		h.leave(t, act(""))
	}
	if n, bad, err := h.CheckNewest(t.Context(), 2); n != 2 || bad != "" || err != nil {
		t.Errorf("got %d, %q, %v", n, bad, err)
	}
	forged := h.leave(t, act(""))
	check(t, h.db.Update(t.Context(), func(tx *store.Tx) error {
		r := *forged
		r.ID, r.Body = headykey.NewOrderedID(), bytes.Replace(r.Body, []byte(`"user"`), []byte(`"operator"`), 1)
		forged = &r
		return tx.InsertReceipt(&r, "", make([]byte, 32))
	}))
	if _, bad, err := h.CheckNewest(t.Context(), 5); bad != "rcp_"+string(forged.ID) || err != nil {
		t.Errorf("got %q, %v, want %s", bad, err, forged.ID)
	}
}
