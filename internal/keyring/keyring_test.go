package keyring_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

func openDB(t *testing.T, dir string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	return db
}

func sealer(t *testing.T, fill byte) *secret.Sealer {
	t.Helper()
	s, err := secret.NewSealer(bytes.Repeat([]byte{fill}, secret.MasterKeySize))
	check(t, err)
	return s
}

func ring(t *testing.T, db *store.DB, jwtSecret []byte) *keyring.Ring {
	t.Helper()
	r, err := keyring.New(t.Context(), db, sealer(t, 7), jwtSecret, slog.New(slog.DiscardHandler))
	check(t, err)
	return r
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func replace(t *testing.T, db *store.DB, r *keyring.Ring, use string, overlap time.Duration) keyring.Key {
	t.Helper()
	old, _ := r.Signing(use)
	fresh := old.Successor()
	check(t, db.Update(t.Context(), func(tx *store.Tx) error { return r.Replace(tx, fresh, overlap) }))
	return fresh
}

func TestANewRingHasAKeyOfEachUseAndKeepsIt(t *testing.T) {
	dir := t.TempDir()
	db := openDB(t, dir)
	first, second := ring(t, db, nil), ring(t, db, nil)
	for use, form := range map[string]string{
		keyring.Heady: `^heady-[0-9a-f]{8}$`, keyring.Receipt: `^headykey-receipt-[0-9a-f]{8}$`,
	} {
		a, ok := first.Signing(use)
		b, _ := second.Signing(use)
		if !ok || a.ID != b.ID || !bytes.Equal(a.Secret, b.Secret) || !a.Private.Equal(b.Private) || !regexp.MustCompile(form).MatchString(a.ID) {
			t.Errorf("%s: got %s and %s", use, a.ID, b.ID)
		}
		if len(first.All(use)) != 1 {
			t.Errorf("%s: %d keys, want 1", use, len(first.All(use)))
		}
	}
	if first.Fixed() {
		t.Error("a generated secret is called configured")
	}
}

func TestPrivatePartsLieSealedOnDisk(t *testing.T) {
	dir := t.TempDir()
	r := ring(t, openDB(t, dir), nil)
	heady, _ := r.Signing(keyring.Heady)
	receipt, _ := r.Signing(keyring.Receipt)
	session, err := r.SigningBy(t.Context(), "RS256")
	check(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(session.Signer)
	check(t, err)
	prime := session.Signer.(*rsa.PrivateKey).Primes[0].Bytes()
	files, err := filepath.Glob(filepath.Join(dir, store.SQLiteFile+"*"))
	check(t, err)
	var disk []byte
	for _, name := range files {
		text, err := os.ReadFile(name)
		check(t, err)
		disk = append(disk, text...)
	}
	if !bytes.Contains(disk, []byte(receipt.ID)) || !bytes.Contains(disk, receipt.Public) {
		t.Fatal("the search does not see what is written")
	}
	for name, private := range map[string][]byte{
		"HS256": heady.Secret, "Ed25519": receipt.Private.Seed(), "RS256": der, "half of the RS256": prime,
	} {
		if len(private) < 32 || bytes.Contains(disk, private) {
			t.Errorf("the %s key lies open in the database", name)
		}
	}
}

func TestKeysOfAnotherMasterKeyAreNotOpened(t *testing.T) {
	db := openDB(t, t.TempDir())
	ring(t, db, nil)
	if _, err := keyring.New(t.Context(), db, sealer(t, 8), nil, slog.New(slog.DiscardHandler)); !errors.Is(err, keyring.ErrSealed) {
		t.Errorf("got %v, want ErrSealed", err)
	}
}

// A sealed key that somebody moves to another row does not open there.
func TestASealedKeyDoesNotMoveToAnotherName(t *testing.T) {
	db := openDB(t, t.TempDir())
	ring(t, db, nil)
	check(t, db.Update(t.Context(), func(tx *store.Tx) error {
		keys, err := store.Collect(tx.SigningKeys())
		if err != nil {
			return err
		}
		moved := keys[0]
		moved.ID += "0"
		return tx.InsertSigningKey(moved)
	}))
	if _, err := keyring.New(t.Context(), db, sealer(t, 7), nil, slog.New(slog.DiscardHandler)); !errors.Is(err, keyring.ErrSealed) {
		t.Errorf("got %v, want ErrSealed", err)
	}
}

func TestAReplacedKeyVerifiesForItsOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := openDB(t, t.TempDir())
		r := ring(t, db, nil)
		old, _ := r.Signing(keyring.Heady)
		fresh := replace(t, db, r, keyring.Heady, 21*time.Hour)
		if now, _ := r.Signing(keyring.Heady); now.ID != fresh.ID {
			t.Errorf("%s signs, want %s", now.ID, fresh.ID)
		}
		if _, ok := r.Verifying(keyring.Receipt, old.ID); ok {
			t.Error("a key of one use verifies for another")
		}
		if _, ok := r.Verifying(keyring.Heady, "../../etc/passwd"); ok {
			t.Error("a path names a key")
		}
		time.Sleep(21*time.Hour - time.Microsecond)
		if k, ok := r.Verifying(keyring.Heady, old.ID); !ok || k.ID != old.ID || k.Retired.IsZero() {
			t.Errorf("a microsecond early: got %s, %t", k.ID, ok)
		}
		time.Sleep(time.Microsecond)
		if _, ok := r.Verifying(keyring.Heady, old.ID); ok {
			t.Error("the old key verifies after its overlap")
		}
		if _, ok := r.Verifying(keyring.Heady, fresh.ID); !ok {
			t.Error("the new key does not verify")
		}
	})
}

func TestAReceiptKeyVerifiesForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := openDB(t, t.TempDir())
		r := ring(t, db, nil)
		old, _ := r.Signing(keyring.Receipt)
		time.Sleep(time.Hour)
		fresh := replace(t, db, r, keyring.Receipt, 0)
		time.Sleep(100 * 365 * 24 * time.Hour)
		k, ok := r.Verifying(keyring.Receipt, old.ID)
		if !ok || !k.Public.Equal(old.Public) {
			t.Errorf("got %s, %t", k.ID, ok)
		}
		if all := r.All(keyring.Receipt); len(all) != 2 || all[0].ID != fresh.ID {
			t.Errorf("got %d keys", len(all))
		}
	})
}

func TestAConfiguredSecretSignsInPlaceOfTheGeneratedOne(t *testing.T) {
	db := openDB(t, t.TempDir())
	generated, _ := ring(t, db, nil).Signing(keyring.Heady)
	shared := bytes.Repeat([]byte("s"), 55)
	r := ring(t, db, shared)
	if k, _ := r.Signing(keyring.Heady); !r.Fixed() || !bytes.Equal(k.Secret, shared) {
		t.Errorf("%s signs", k.ID)
	}
	if _, ok := r.Verifying(keyring.Heady, generated.ID); !ok {
		t.Error("tokens of the generated secret are cut off")
	}
}

// The other node of two hears of a rotation and follows.
func TestARotationElsewhereIsHeardOf(t *testing.T) {
	dir := t.TempDir()
	here, there := openDB(t, dir), openDB(t, dir)
	r, other := ring(t, here, nil), ring(t, there, nil)
	fresh := replace(t, there, other, keyring.Heady, time.Hour)
	heard := make(chan struct{}, 1)
	here.OnChange(store.ChangedKeys, func(context.Context) {
		select {
		case heard <- struct{}{}:
		default:
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); here.Follow(ctx) }()
	<-heard
	cancel()
	<-done
	if k, _ := r.Signing(keyring.Heady); k.ID != fresh.ID {
		t.Errorf("%s signs here, %s there", k.ID, fresh.ID)
	}
}
