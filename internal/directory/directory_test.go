package directory_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/directory"
	"headykey.com/headykey/internal/fetch"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/receipt"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

const overlap = 21 * 24 * time.Hour

// A house is the rules of operators over their own database.
type house struct {
	*directory.Service
	db       *store.DB
	ring     *keyring.Ring
	receipts *receipt.Ledger
	ended    []headykey.ID // users whose sessions were all ended
}

// lives are the lifetimes of keys.
var lives = headykey.Lifetimes{
	JWTSecretRotation: 144 * 24 * time.Hour, JWTSecretOverlap: overlap,
	SessionKey: 21 * 24 * time.Hour, SessionKeyGrace: 34 * time.Hour,
}

func build(t *testing.T, jwtSecret []byte) *house {
	t.Helper()
	h := &house{}
	log := slog.New(slog.DiscardHandler)
	var err error
	h.db, err = store.Open(t.Context(), store.Options{Dir: t.TempDir(), Log: log})
	check(t, err)
	t.Cleanup(func() { check(t, h.db.Close()) })
	sealer, err := secret.NewSealer(bytes.Repeat([]byte{7}, secret.MasterKeySize))
	check(t, err)
	h.ring, err = keyring.New(t.Context(), h.db, sealer, jwtSecret, log)
	check(t, err)
	h.receipts = receipt.New(h.db, h.ring, "id.example.com")
	out, err := fetch.New(fetch.Config{})
	check(t, err)
	t.Cleanup(out.Close)
	h.Service = directory.New(h.db, h.receipts, h.ring, lives, func(_ context.Context, _ *store.Tx, _ headykey.Caller, user headykey.ID, _ string) error {
		h.ended = append(h.ended, user)
		return nil
	}, sealer, out)
	return h
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) person(t *testing.T, email string, role headykey.Role) headykey.Caller {
	t.Helper()
	user := &headykey.User{ID: headykey.NewID(), Email: email, Role: role, Type: headykey.Human}
	check(t, h.db.Update(t.Context(), func(tx *store.Tx) error {
		user.Created = tx.Now
		return tx.InsertUser(user, email, "")
	}))
	return headykey.Caller{User: user.ID, Role: role, Method: headykey.ByToken, Session: headykey.NewOrderedID()}
}

// types returns the types of all receipts about user, the oldest first.
func (h *house) types(t *testing.T, user headykey.ID) (out []string) {
	t.Helper()
	all, err := h.receipts.List(t.Context(), headykey.System, headykey.ReceiptFilter{Subject: user, Limit: 100})
	check(t, err)
	for _, r := range slices.Backward(all) {
		out = append(out, r.Type)
	}
	return out
}

func ptr[T any](v T) *T { return &v }

// The matrix: every rule, asked at every level.
func TestOperatorsReadAndAdministratorsWrite(t *testing.T) {
	h := build(t, nil)
	root := h.person(t, "root@example.com", headykey.RoleAdmin)
	ada := h.person(t, "ada@example.com", headykey.RoleUser)
	ctx := t.Context()
	rules := []struct {
		name  string
		least headykey.Role
		scope string
		ask   func(by headykey.Caller) error
	}{
		{"users", headykey.RoleOperator, "admin.read", func(by headykey.Caller) error { _, err := h.Users(ctx, by, headykey.UserFilter{Limit: 5}); return err }},
		{"user", headykey.RoleOperator, "admin.read", func(by headykey.Caller) error { _, err := h.User(ctx, by, ada.User); return err }},
		{"user by address", headykey.RoleOperator, "admin.read", func(by headykey.Caller) error { _, err := h.UserByEmail(ctx, by, "ADA@example.com"); return err }},
		{"accounts", headykey.RoleOperator, "admin.read", func(by headykey.Caller) error {
			_, _, err := h.Accounts(ctx, by, headykey.UserFilter{Limit: 5})
			return err
		}},
		{"account", headykey.RoleOperator, "admin.read", func(by headykey.Caller) error { _, err := h.Account(ctx, by, ada.User); return err }},
		{"audit", headykey.RoleOperator, "admin.read", func(by headykey.Caller) error {
			_, _, err := h.Audit(ctx, by, directory.AuditFilter{Limit: 5})
			return err
		}},
		{"keys", headykey.RoleOperator, "admin.read", func(by headykey.Caller) error { _, err := h.APIKeys(ctx, by, "", headykey.Mark{}, 5); return err }},
		{"sessions", headykey.RoleOperator, "admin.read", func(by headykey.Caller) error { _, err := h.Sessions(ctx, by, "", headykey.Mark{}, 5); return err }},
		{"stats", headykey.RoleOperator, "admin.read", func(by headykey.Caller) error { _, err := h.Stats(ctx, by); return err }},
		{"signing keys", headykey.RoleOperator, "admin.read", func(by headykey.Caller) error { _, err := h.SigningKeys(by); return err }},
		{"rotate", headykey.RoleAdmin, "admin.write", func(by headykey.Caller) error { _, err := h.RotateKey(ctx, by, "heady"); return err }},
		{"change", headykey.RoleAdmin, "admin.write", func(by headykey.Caller) error {
			_, err := h.ChangeUser(ctx, by, ada.User, headykey.UserChange{Name: ptr("Ada")})
			return err
		}},
		{"erase", headykey.RoleAdmin, "admin.write", func(by headykey.Caller) error {
			return h.EraseUser(ctx, by, h.person(t, string(headykey.NewID())+"@example.com", headykey.RoleUser).User)
		}},
		{"hide", headykey.RoleAdmin, "admin.write", func(by headykey.Caller) error {
			return h.HideUser(ctx, by, h.person(t, string(headykey.NewID())+"@example.com", headykey.RoleUser).User)
		}},
	}
	for _, r := range rules {
		for role := headykey.RoleGuest; role <= headykey.RoleAdmin; role++ {
			by := root
			by.Role = role
			var want error
			if role < r.least {
				want = headykey.ErrInsufficientRole
			}
			if err := r.ask(by); !errors.Is(err, want) {
				t.Errorf("%s, by %s: got %v, want %v", r.name, role, err, want)
			}
		}
		for name, c := range map[string]struct {
			by   headykey.Caller
			want error
		}{
			"a stranger":              {headykey.Caller{Role: headykey.RoleAdmin}, headykey.ErrNotSignedIn},
			"a key with its scope":    {headykey.Caller{User: root.User, Role: headykey.RoleAdmin, Method: headykey.ByAPIKey, Scopes: []string{r.scope}}, nil},
			"a key for other things":  {headykey.Caller{User: root.User, Role: headykey.RoleAdmin, Method: headykey.ByAPIKey, Scopes: []string{"profile.read"}}, headykey.ErrInsufficientScope},
			"the system of the house": {headykey.System, nil},
		} {
			if err := r.ask(c.by); !errors.Is(err, c.want) {
				t.Errorf("%s, %s: got %v, want %v", r.name, name, err, c.want)
			}
		}
	}
}

func TestAChangeLeavesAReceiptOfEachKind(t *testing.T) {
	h := build(t, nil)
	root := h.person(t, "root@example.com", headykey.RoleAdmin)
	ada := h.person(t, "ada@example.com", headykey.RoleUser)
	for _, c := range []headykey.UserChange{
		{},
		{Name: ptr(" Ada "), Role: ptr(headykey.RoleOperator)},
		{Name: ptr("Ada"), Role: ptr(headykey.RoleOperator), Disabled: ptr(false)},
		{Disabled: ptr(true)},
		{Disabled: ptr(true)},
		{Disabled: ptr(false)},
	} {
		_, err := h.ChangeUser(t.Context(), root, ada.User, c)
		check(t, err)
	}
	want := []string{"account.changed", "role.changed", "account.disabled", "account.enabled"}
	if got := h.types(t, ada.User); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if !reflect.DeepEqual(h.ended, []headykey.ID{ada.User}) {
		t.Errorf("sessions were ended of %v, want once of Ada", h.ended)
	}
	got, err := h.User(t.Context(), root, ada.User)
	if err != nil || got.Name != "Ada" || got.Role != headykey.RoleOperator || !got.Disabled.IsZero() {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestChangesThatAreRefused(t *testing.T) {
	h := build(t, nil)
	root := h.person(t, "root@example.com", headykey.RoleAdmin)
	ada := h.person(t, "ada@example.com", headykey.RoleUser)
	for name, c := range map[string]struct {
		id     headykey.ID
		change headykey.UserChange
		want   error
	}{
		"nobody":                        {headykey.NewID(), headykey.UserChange{Name: ptr("x")}, headykey.ErrNotFound},
		"a role above all":              {ada.User, headykey.UserChange{Role: ptr(headykey.RoleAdmin + 1)}, headykey.ErrRoleEscalation},
		"a name with a line break":      {ada.User, headykey.UserChange{Name: ptr("a\nb")}, headykey.ErrInvalid},
		"the last administrator's role": {root.User, headykey.UserChange{Role: ptr(headykey.RoleOperator)}, headykey.ErrLastAdmin},
		"the last administrator":        {root.User, headykey.UserChange{Disabled: ptr(true)}, headykey.ErrLastAdmin},
	} {
		if _, err := h.ChangeUser(t.Context(), root, c.id, c.change); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	if err := h.EraseUser(t.Context(), headykey.System, root.User); !errors.Is(err, headykey.ErrLastAdmin) {
		t.Errorf("erasing the last administrator: got %v", err)
	}
	if err := h.EraseUser(t.Context(), root, root.User); !errors.Is(err, headykey.ErrLastAdmin) {
		t.Errorf("erasing oneself, the last: got %v", err)
	}
	if err := h.EraseUser(t.Context(), root, headykey.NewID()); !errors.Is(err, headykey.ErrNotFound) {
		t.Errorf("erasing nobody: got %v", err)
	}
	if got := append(h.types(t, root.User), h.types(t, ada.User)...); len(got) != 0 {
		t.Errorf("receipts were left: %v", got)
	}
	if _, err := h.ChangeUser(t.Context(), root, root.User, headykey.UserChange{Name: ptr("Root")}); err != nil {
		t.Errorf("the last administrator's name: %v", err)
	}
}

// Two administrators who take each other down at the same moment: one stays,
// whatever the way.
func TestOfTwoAdministratorsOneStays(t *testing.T) {
	h := build(t, nil)
	disable := func(by headykey.Caller, id headykey.ID) error {
		_, err := h.ChangeUser(context.Background(), by, id, headykey.UserChange{Disabled: ptr(true)})
		return err
	}
	demote := func(by headykey.Caller, id headykey.ID) error {
		_, err := h.ChangeUser(context.Background(), by, id, headykey.UserChange{Role: ptr(headykey.RoleUser)})
		return err
	}
	erase := func(by headykey.Caller, id headykey.ID) error { return h.EraseUser(context.Background(), by, id) }
	one := h.person(t, "one@example.com", headykey.RoleAdmin)
	for name, ways := range map[string][2]func(headykey.Caller, headykey.ID) error{
		"disabling": {disable, disable}, "erasing": {erase, erase}, "demoting": {demote, demote}, "erasing and disabling": {erase, disable},
	} {
		two := h.person(t, string(headykey.NewID())+"@example.com", headykey.RoleAdmin)
		var wg sync.WaitGroup
		var errs [2]error
		wg.Go(func() { errs[0] = ways[0](one, two.User) })
		wg.Go(func() { errs[1] = ways[1](two, one.User) })
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs[:]...), headykey.ErrLastAdmin) {
			t.Errorf("%s: got %v, want one ErrLastAdmin", name, errs)
		}
		if errs[0] != nil {
			one = two // who is left
		}
	}
}

func TestAKeyIsRotatedByItsUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, nil)
		root := h.person(t, "root@example.com", headykey.RoleAdmin)
		for _, use := range []string{"heady", "session", "receipt", "project"} {
			old, _ := h.ring.Signing(use)
			time.Sleep(time.Second)
			fresh, err := h.RotateKey(t.Context(), root, use)
			check(t, err)
			now, _ := h.ring.Signing(use)
			if now.ID != fresh.ID || now.ID == old.ID || fresh.Secret != nil || fresh.Private != nil || fresh.Signer != nil {
				t.Errorf("%s: got %+v, and %s signs", use, fresh, now.ID)
			}
			if _, ok := h.ring.Verifying(use, old.ID); !ok {
				t.Errorf("%s: the old key verifies no more", use)
			}
		}
		for _, use := range []string{"", "ID", "Heady", "heady'"} {
			if _, err := h.RotateKey(t.Context(), root, use); !errors.Is(err, headykey.ErrInvalid) || headykey.Explain(err).Fields[0].Name != "use" {
				t.Errorf("%q: got %v", use, err)
			}
		}
		all, err := h.SigningKeys(root)
		if err != nil || len(all) != 9 { // four that sign, four replaced, and the session key that waits
			t.Errorf("got %d keys, %v", len(all), err)
		}
		for _, k := range all {
			if k.Secret != nil || k.Private != nil || k.Signer != nil {
				t.Errorf("%s shows its private part", k.ID)
			}
		}
		if told, err := h.receipts.List(t.Context(), root, headykey.ReceiptFilter{Type: "key.rotated", Limit: 9}); err != nil || len(told) != 4 {
			t.Errorf("got %d receipts, %v", len(told), err)
		}
	})
}

func TestTheHS256SecretIsReplacedWhenItIsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, nil)
		const every = 144 * 24 * time.Hour
		first, _ := h.ring.Signing(keyring.Heady)
		for _, tt := range []struct {
			wait    time.Duration
			changed bool
		}{{0, false}, {every - time.Millisecond, false}, {time.Millisecond, true}, {time.Hour, false}, {every, true}} {
			time.Sleep(tt.wait)
			check(t, h.RotateDueKeys(t.Context()))
			now, _ := h.ring.Signing(keyring.Heady)
			if (now.ID != first.ID) != tt.changed {
				t.Errorf("after %v more: changed %t, want %t", tt.wait, now.ID != first.ID, tt.changed)
			}
			first = now
		}
	})
}

func TestAConfiguredSecretIsNotRotatedHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { configuredSecret(t) })
}

func configuredSecret(t *testing.T) {
	h := build(t, bytes.Repeat([]byte("s"), 32))
	root := h.person(t, "root@example.com", headykey.RoleAdmin)
	if _, err := h.RotateKey(t.Context(), root, "heady"); !errors.Is(err, headykey.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
	time.Sleep(2 * lives.JWTSecretRotation)
	check(t, h.RotateDueKeys(t.Context()))
	if told := h.types(t, ""); !reflect.DeepEqual(told, []string{"key.rotated"}) { // the session key's alone
		t.Errorf("got %v", told)
	}
}
