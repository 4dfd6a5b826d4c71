package keyring_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/store"
)

// algorithms counts the published keys by their algorithm.
func algorithms(t *testing.T, r *keyring.Ring) map[string]int {
	t.Helper()
	set, err := r.PublicSet()
	check(t, err)
	return algorithmsIn(t, set)
}

func algorithmsIn(t *testing.T, set *keyring.KeySet) map[string]int {
	t.Helper()
	var doc struct {
		Keys []struct {
			Algorithm string `json:"alg"`
		} `json:"keys"`
	}
	check(t, json.Unmarshal(set.JSON, &doc))
	n := map[string]int{}
	for _, k := range doc.Keys {
		n[k.Algorithm]++
	}
	return n
}

// To make an RSA key takes long, so that the start makes none; once all are
// prepared, each algorithm has a key that signs and the next one.
func TestEachAlgorithmHasItsKeysOncePrepared(t *testing.T) {
	db := openDB(t, t.TempDir())
	r := ring(t, db, nil)
	if got, want := algorithms(t, r), map[string]int{"ES256": 2}; !reflect.DeepEqual(got, want) {
		t.Errorf("at the start: got %v, want %v", got, want)
	}
	if n := len(r.Present(keyring.Session)); n != 1 {
		t.Errorf("at the start %d keys sign", n)
	}
	before, _ := r.Signing(keyring.Session)
	check(t, r.Prepare(t.Context()))
	want := map[string]int{"ES256": 2, "RS256": 2, "PS256": 2, "EdDSA": 2}
	if got := algorithms(t, r); !reflect.DeepEqual(got, want) {
		t.Errorf("prepared: got %v, want %v", got, want)
	}
	set, err := r.PublicSet()
	check(t, err)
	delete(want, "EdDSA")
	if got := algorithmsIn(t, set.Apps); !reflect.DeepEqual(got, want) || set.Apps.ETag == set.ETag {
		t.Errorf("for apps: got %v, want %v, and another ETag than %s", got, want, set.ETag)
	}
	check(t, r.Prepare(t.Context()))
	if again, _ := r.PublicSet(); again != set {
		t.Error("what is prepared is prepared again")
	}
	if after, _ := r.Signing(keyring.Session); after.ID != before.ID || after.Algorithm != jose.ES256 {
		t.Errorf("%s signs by default, with %s", after.ID, after.Algorithm)
	}
	var names []string
	for _, k := range r.Present(keyring.Session) {
		names = append(names, k.Algorithm)
		next, ok := r.Next(k.Algorithm)
		if !ok || next.ID == k.ID || reflect.TypeOf(next.Signer) != reflect.TypeOf(k.Signer) {
			t.Errorf("%s: %s signs, %s waits", k.Algorithm, k.ID, next.ID)
		}
		if id, err := jose.Thumbprint(k.Signer.Public()); err != nil || id != k.ID {
			t.Errorf("%s is named %s, want %s", k.Algorithm, k.ID, id)
		}
	}
	if !slices.Equal(names, keyring.SessionAlgorithms) {
		t.Errorf("got %v", names)
	}
}

// Keys survive the store as they were made, and no two algorithms share one.
func TestKeysOfEachAlgorithmAreKept(t *testing.T) {
	dir := t.TempDir()
	db := openDB(t, dir)
	first := ring(t, db, nil)
	check(t, first.Prepare(t.Context()))
	second := ring(t, openDB(t, dir), nil)
	seen := map[string]bool{}
	for _, algorithm := range keyring.SessionAlgorithms {
		a, err := first.SigningBy(t.Context(), algorithm)
		check(t, err)
		b, err := second.SigningBy(t.Context(), algorithm)
		check(t, err)
		if a.ID != b.ID || seen[a.ID] {
			t.Errorf("%s: %s here, %s there", algorithm, a.ID, b.ID)
		}
		seen[a.ID] = true
		signer, err := jose.NewSigner(a.JOSE(), "JWT")
		check(t, err)
		token, err := signer.Sign([]byte(`{}`))
		check(t, err)
		find := func(kid string) (jose.Key, bool) {
			k, ok := second.Verifying(keyring.Session, kid)
			return k.JOSE(), ok
		}
		if _, err := jose.Verify(token, "JWT", find); err != nil {
			t.Errorf("%s, signed here and read there: %v", algorithm, err)
		}
	}
	rs, _ := second.Current(jose.RS256)
	if k, ok := rs.Signer.(*rsa.PrivateKey); !ok || k.N.BitLen() != 2048 {
		t.Errorf("RS256 signs with %T", rs.Signer)
	}
}

func TestAnUnknownAlgorithmHasNoKeys(t *testing.T) {
	r := ring(t, openDB(t, t.TempDir()), nil)
	for _, algorithm := range []string{"", "none", "HS256", "ES384", "Ed25519", "rs256"} {
		if k, err := r.SigningBy(t.Context(), algorithm); err == nil || k.ID != "" {
			t.Errorf("%q: got %s", algorithm, k.ID)
		}
		if k, ok := r.Current(algorithm); ok {
			t.Errorf("%q: %s signs", algorithm, k.ID)
		}
	}
}

// Of two nodes whose clients ask for the first RS256 token at once, one makes the
// key, and both use it.
func TestTheFirstKeyIsMadeOnce(t *testing.T) {
	dir := t.TempDir()
	rings := []*keyring.Ring{ring(t, openDB(t, dir), nil), ring(t, openDB(t, dir), nil)}
	ids := make([]string, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			k, err := rings[i%2].SigningBy(t.Context(), jose.RS256)
			ids[i] = fmt.Sprint(k.ID, err)
		})
	}
	wg.Wait()
	slices.Sort(ids)
	if got := slices.Compact(ids); len(got) != 1 {
		t.Errorf("got %v", got)
	}
	for _, r := range rings {
		if got, want := algorithms(t, r), map[string]int{"ES256": 2, "RS256": 2}; !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestNobodyWaitsForAKeyInVain(t *testing.T) {
	r := ring(t, openDB(t, t.TempDir()), nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if k, err := r.SigningBy(ctx, jose.RS256); err == nil || k.ID != "" {
		t.Errorf("got %s, %v", k.ID, err)
	}
	if err := r.Prepare(ctx); err == nil {
		t.Error("keys are made for nobody")
	}
}

// Each algorithm advances by itself.
func TestOneAlgorithmAdvancesAndTheOthersStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := openDB(t, t.TempDir())
		r := ring(t, db, nil)
		check(t, r.Prepare(t.Context()))
		before := map[string]string{}
		for _, k := range r.Present(keyring.Session) {
			before[k.Algorithm] = k.ID
		}
		time.Sleep(time.Hour)
		old, _ := r.Current(jose.RS256)
		next, _ := r.Next(jose.RS256)
		fresh := old.Successor()
		check(t, db.Update(t.Context(), func(tx *store.Tx) error { return r.Advance(tx, fresh, 34*time.Hour) }))
		for _, k := range r.Present(keyring.Session) {
			want := before[k.Algorithm]
			if k.Algorithm == jose.RS256 {
				want = next.ID
			}
			if k.ID != want {
				t.Errorf("%s: %s signs, want %s", k.Algorithm, k.ID, want)
			}
		}
		if waits, _ := r.Next(jose.RS256); waits.ID != fresh.ID {
			t.Errorf("%s waits, want %s", waits.ID, fresh.ID)
		}
		if got := algorithms(t, r); got["RS256"] != 3 || got["PS256"] != 2 {
			t.Errorf("published: %v", got)
		}
		time.Sleep(34 * time.Hour)
		check(t, r.Load(t.Context()))
		if k, ok := r.Verifying(keyring.Session, old.ID); ok || k.Signer != nil || algorithms(t, r)["RS256"] != 2 {
			t.Errorf("the old key outlives its grace: %s", k.ID)
		}
	})
}

// A data directory made when ES256 was all there was opens, and its key signs on.
func TestAnOldDataDirectoryGetsItsOtherKeys(t *testing.T) {
	db := openDB(t, t.TempDir())
	old := keyring.GenerateSession(jose.ES256)
	scalar, err := old.Signer.(*ecdsa.PrivateKey).Bytes()
	check(t, err)
	point, err := old.Signer.(*ecdsa.PrivateKey).PublicKey.Bytes()
	check(t, err)
	check(t, db.Update(t.Context(), func(tx *store.Tx) error {
		return tx.InsertSigningKey(store.SigningKey{
			ID: old.ID, Use: "session", Algorithm: "ES256", Public: point,
			Private: sealer(t, 7).Seal("signing-key/"+old.ID, scalar), Created: tx.Now, Active: tx.Now,
		})
	}))
	r := ring(t, db, nil)
	check(t, r.Prepare(t.Context()))
	k, err := r.SigningBy(t.Context(), jose.ES256)
	if err != nil || k.ID != old.ID || !old.Signer.(*ecdsa.PrivateKey).Equal(k.Signer) {
		t.Errorf("%s signs, %v, want %s", k.ID, err, old.ID)
	}
	ed, err := r.SigningBy(t.Context(), jose.EdDSA)
	if _, ok := ed.Signer.(ed25519.PrivateKey); err != nil || !ok {
		t.Errorf("EdDSA signs with %T, %v", ed.Signer, err)
	}
}

func TestADamagedSessionKeyIsNamed(t *testing.T) {
	elliptic, err := x509.MarshalPKCS8PrivateKey(keyring.GenerateSession(jose.ES256).Signer)
	check(t, err)
	for algorithm, private := range map[string][]byte{
		"ES256": {1}, "RS256": []byte("no DER"), "EdDSA": []byte("short"), "ES384": make([]byte, 48),
		"PS256": elliptic, // in the right form, of another kind,
	} {
		db := openDB(t, t.TempDir())
		check(t, db.Update(t.Context(), func(tx *store.Tx) error {
			return tx.InsertSigningKey(store.SigningKey{
				ID: "damaged", Use: "session", Algorithm: algorithm, Private: sealer(t, 7).Seal("signing-key/damaged", private),
				Created: tx.Now, Active: tx.Now,
			})
		}))
		_, err := keyring.New(t.Context(), db, sealer(t, 7), nil, slog.New(slog.DiscardHandler))
		if err == nil || !strings.HasPrefix(err.Error(), "signing key damaged is damaged") {
			t.Errorf("%s: got %v", algorithm, err)
		}
	}
}
