package account_test

import (
	"database/sql"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/account"
	"headykey.com/headykey/internal/store"
)

// Every rule, asked by everybody.
func TestEachRuleAsksWhoCalls(t *testing.T) {
	h := build(t)
	ada, eve := h.person(t, "ada@example.com", headykey.RoleUser), h.person(t, "eve@example.com", headykey.RoleUser)
	guest, operator := eve, eve
	guest.Role, operator.Role = headykey.RoleGuest, headykey.RoleOperator
	k, err := h.CreateAPIKey(t.Context(), ada, account.KeyWish{})
	check(t, err)
	id := k.Record.ID
	rules := []struct {
		name  string
		scope string
		ask   func(by headykey.Caller) error
		guest error // what a guest meets; nil: they may, on their own
		other error // what a stranger to the thing meets
	}{
		{"me", "profile.read", func(by headykey.Caller) error { _, err := h.Me(t.Context(), by); return err }, nil, nil},
		{"rename", "profile.write", func(by headykey.Caller) error { _, err := h.Rename(t.Context(), by, "Eve"); return err }, nil, nil},
		{"keys", "api_keys.read", func(by headykey.Caller) error { _, err := h.APIKeys(t.Context(), by, headykey.Mark{}, 5); return err }, nil, nil},
		{"history", "api_keys.read", func(by headykey.Caller) error { _, err := h.KeyHistory(t.Context(), by, id); return err }, headykey.ErrNotFound, headykey.ErrNotFound},
		{"revoke", "api_keys.write", func(by headykey.Caller) error { return h.RevokeAPIKey(t.Context(), by, id) }, headykey.ErrNotFound, headykey.ErrNotFound},
		{"rotate", "api_keys.write", func(by headykey.Caller) error { _, err := h.RotateAPIKey(t.Context(), by, id); return err }, headykey.ErrInsufficientRole, headykey.ErrNotFound},
		{"create", "api_keys.write", func(by headykey.Caller) error {
			_, err := h.CreateAPIKey(t.Context(), by, account.KeyWish{})
			return err
		}, headykey.ErrInsufficientRole, nil},
		{"erase", "profile.delete", func(by headykey.Caller) error { return h.Erase(t.Context(), by, "not "+password) },
			headykey.ErrBadCredentials, headykey.ErrBadCredentials},
	}
	for _, r := range rules {
		for _, c := range []struct {
			name string
			by   headykey.Caller
			want error
		}{
			{"a stranger", headykey.Caller{}, headykey.ErrNotSignedIn},
			{"a key with another scope", narrowed(eve, "admin.read"), headykey.ErrInsufficientScope},
			{"a guest", guest, r.guest},
			{"another person", eve, r.other},
			{"an operator", operator, r.other},
		} {
			if err := r.ask(c.by); !errors.Is(err, c.want) {
				t.Errorf("%s, %s: got %v, want %v", r.name, c.name, err, c.want)
			}
		}
		if err := r.ask(narrowed(eve, r.scope)); errors.Is(err, headykey.ErrInsufficientScope) {
			t.Errorf("%s: the scope %s is not enough", r.name, r.scope)
		}
	}
	if got := h.types(t, ada.User); !reflect.DeepEqual(got, []string{"api_key.created"}) {
		t.Errorf("of all this Ada has the receipts %v", got)
	}
}

func TestRename(t *testing.T) {
	h := build(t)
	ada := h.person(t, "ada@example.com", headykey.RoleUser)
	got, err := h.Rename(t.Context(), ada, "  Ada King ")
	check(t, err)
	again, err := h.Me(t.Context(), ada)
	check(t, err)
	if got.Name != "Ada King" || !reflect.DeepEqual(got, again) {
		t.Errorf("got %+v and %+v", got, again)
	}
	if _, err := h.Rename(t.Context(), ada, "Ada\nKing"); !errors.Is(err, headykey.ErrInvalid) {
		t.Errorf("with a line break: %v", err)
	}
	if types := h.types(t, ada.User); !reflect.DeepEqual(types, []string{"account.changed"}) || strings.Contains(headykey.Fold(mustText(h.details(t, "account.changed"))), "king") {
		t.Errorf("got %v with %v", types, h.details(t, "account.changed"))
	}
}

func mustText(m map[string]any) (out string) {
	for k, v := range m {
		text, _ := v.(string)
		out += k + text
	}
	return out
}

func TestAnErasureNeedsAFreshProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		h.person(t, "root@example.com", headykey.RoleAdmin)
		ada := h.person(t, "ada@example.com", headykey.RoleUser)
		without := h.person(t, "none@example.com", headykey.RoleUser)
		h.update(t, func(tx *store.Tx) error { return tx.SetPassword(without.User, "") })
		time.Sleep(13 * time.Minute)
		fresh := ada
		fresh.Proven = time.Now().Add(-13*time.Minute + time.Millisecond)
		tests := []struct {
			name     string
			by       headykey.Caller
			password string
			want     error
		}{
			{"an old sign-in", ada, "", headykey.ErrNeedsRecentSignIn},
			{"a wrong password", ada, "not " + password, headykey.ErrBadCredentials},
			{"a wrong password after a fresh sign-in", fresh, "not " + password, headykey.ErrBadCredentials},
			{"a key, with the password", narrowed(ada), password, headykey.ErrNeedsRecentSignIn},
			{"the system", headykey.System, "", headykey.ErrNeedsRecentSignIn},
			{"an account without a password, with one", without, password, headykey.ErrBadCredentials},
			{"a fresh sign-in", fresh, "", nil},
			{"once more", fresh, "", headykey.ErrNotFound},
		}
		for _, tt := range tests {
			if err := h.Erase(t.Context(), tt.by, tt.password); !errors.Is(err, tt.want) {
				t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
			}
		}
		eve := h.person(t, "eve@example.com", headykey.RoleUser)
		eve.Proven = time.Time{}
		if err := h.Erase(t.Context(), eve, password); err != nil {
			t.Errorf("with the password: %v", err)
		}
	})
}

func TestTheLastAdministratorStays(t *testing.T) {
	h := build(t)
	one, two := h.person(t, "one@example.com", headykey.RoleAdmin), h.person(t, "two@example.com", headykey.RoleAdmin)
	var wg sync.WaitGroup
	errs := make([]error, 2)
	for i, by := range []headykey.Caller{one, two} {
		wg.Go(func() { errs[i] = h.Erase(t.Context(), by, "") })
	}
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), headykey.ErrLastAdmin) {
		t.Errorf("two at once: got %v, want one ErrLastAdmin", errs)
	}
}

// Nothing that tells who somebody was is left in any table.
func TestAnErasedAccountLeavesNoPersonalValue(t *testing.T) {
	h := build(t)
	h.person(t, "root@example.com", headykey.RoleAdmin)
	ada := h.person(t, "ada.lovelace@example.com", headykey.RoleUser)
	k, err := h.CreateAPIKey(t.Context(), ada, account.KeyWish{Description: "Lovelace's laptop"})
	check(t, err)
	_, err = h.Rename(t.Context(), ada, "Augusta Lovelace")
	check(t, err)
	h.update(t, func(tx *store.Tx) error {
		s := &headykey.Session{ID: ada.Session, User: ada.User, Address: "198.51.100.7", Agent: "curl/8.5.0", Created: tx.Now, Proven: tx.Now, LastUsed: tx.Now, Ends: tx.Now}
		return errors.Join(tx.InsertSession(s, []byte("hash of a cookie")), tx.LearnAddress(ada.User, []byte("keyed hash")),
			tx.InsertLink(store.Link{Hash: []byte("hash of a link"), Purpose: "email.confirm", User: ada.User, Expires: tx.Now}),
			tx.InsertRefreshFamily(store.RefreshFamily{User: ada.User, Session: ada.Session, Handle: []byte("hash of a token"), Current: []byte("hash of a token"), Created: tx.Now, Expires: tx.Now}))
	})
	secrets := []string{"lovelace", "198.51.100.7", "curl/8.5.0", string(k.Record.ID)[9:], "hash of a"}
	before := h.dump(t)
	for _, s := range secrets {
		if !strings.Contains(before, s) {
			t.Errorf("the search does not see %q while the account is there", s)
		}
	}
	check(t, h.Erase(t.Context(), ada, ""))
	after := h.dump(t)
	for _, s := range append(secrets[:3:3], "hash of a", "keyed hash") {
		if at := strings.Index(after, s); at >= 0 {
			t.Errorf("%q is left: %s", s, after[max(0, at-80):at+20])
		}
	}
	if types := h.types(t, ada.User); !reflect.DeepEqual(types, []string{"api_key.created", "account.changed", "account.erased"}) {
		t.Errorf("its receipts are %v", types)
	}
}

// dump is every value of every table, in lower case.
func (h *house) dump(t *testing.T) string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+h.file+"?mode=ro")
	check(t, err)
	defer func() { check(t, db.Close()) }()
	var out strings.Builder
	for _, table := range column(t, db, `SELECT name FROM sqlite_master WHERE type = 'table'`) {
		for _, name := range column(t, db, `SELECT name FROM pragma_table_info('`+table+`')`) {
			for _, value := range column(t, db, `SELECT coalesce(CAST("`+name+`" AS TEXT), '') FROM "`+table+`"`) {
				out.WriteString(table + "." + name + "=" + strings.ToLower(value) + "\n")
			}
		}
	}
	return out.String()
}

func column(t *testing.T, db *sql.DB, query string) (out []string) {
	t.Helper()
	rows, err := db.Query(query)
	check(t, err)
	defer func() { check(t, rows.Close()) }()
	for rows.Next() {
		var text string
		check(t, rows.Scan(&text))
		out = append(out, text)
	}
	check(t, rows.Err())
	return out
}
