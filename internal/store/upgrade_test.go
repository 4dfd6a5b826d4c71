package store_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/pressly/goose/v3"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// oldSchema makes a database as the version before accounts made it.
func (b back) oldSchema(t *testing.T, engine string) (exec func(query string, args ...any)) {
	t.Helper()
	db := b.open(t)
	dialect := map[string]goose.Dialect{"sqlite": goose.DialectSQLite3, "postgres": goose.DialectPostgres}[engine]
	p, err := goose.NewProvider(dialect, db, os.DirFS("migrations/"+engine), goose.WithTableName("schema_versions"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	return func(query string, args ...any) {
		t.Helper()
		for i, a := range args {
			if at, ok := a.(time.Time); ok && engine == "sqlite" {
				args[i] = at.UnixMicro()
			}
		}
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
}

// People and sessions of the version before go on: each has the identity that is
// their address, and sessions say that they stand on a password.
func TestAnOlderDatabaseIsBroughtUpToDate(t *testing.T) {
	t.Parallel()
	for name, behind := range backs(t) {
		t.Run(name, func(t *testing.T) {
			options, b := behind(t)
			exec := b.oldSchema(t, name)
			now := micro().Truncate(time.Second).Add(999_999 * time.Microsecond) // a second begun is not over
			const email = `o'hara"quoted@example.com`
			jane, joe, session := headykey.NewID(), headykey.NewID(), headykey.NewOrderedID()
			for id, verified := range map[headykey.ID]any{jane: now, joe: nil} {
				address := email
				if id == joe {
					address = "joe@example.com"
				}
				exec(`INSERT INTO users (id, email, email_key, name, name_key, role, type, verified_at, created_at, last_sign_in_at)
					VALUES ($1, $2, $2, 'Jane', 'jane', 2, 'human', $3, $4, $4)`, string(id), address, verified, now)
				exec(`INSERT INTO addresses (email_key, user_id) VALUES ($1, $2)`, address, string(id))
				exec(`INSERT INTO passwords (user_id, hash, changed_at) VALUES ($1, '$argon2id$', $2)`, string(id), now)
			}
			exec(`INSERT INTO sessions (user_id, id, surface, amr, aal, address, agent, created_at, proven_at, last_used_at, ends_at)
				VALUES ($1, $2, 'api', '["pwd"]', 'aal1', '', '', $3, $3, $3, $4)`, string(jane), string(session), now, now.Add(time.Hour))
			exec(`INSERT INTO links (hash, purpose, user_id, expires_at) VALUES ($1, 'email.confirm', $2, $3)`, hashOf("link"), string(joe), now.Add(time.Hour))

			db := open(t, options)
			view(t, db, func(tx *store.Tx) error {
				a, err := tx.AccountByKey(email)
				if err != nil {
					return err
				}
				wantSame(t, "user", a.User, headykey.User{
					ID: jane, Email: email, Name: "Jane", Role: headykey.RoleUser, Type: headykey.Human,
					Verified: now, Created: now, Updated: now, LastSignIn: now,
				})
				wantSame(t, "profile", a.Profile, headykey.NewProfile())
				wantIdentity(t, a, true)
				other, err := tx.Account(joe)
				if err != nil {
					return err
				}
				wantIdentity(t, other, false)
				p, err := tx.ProofBySession(jane, session)
				if err != nil {
					return err
				}
				wantSame(t, "ways", p.Session.Ways, []headykey.Way{{Method: headykey.ByPassword, At: now.Unix()}})
				l, err := tx.Link(hashOf("link"), "email.confirm")
				wantSame(t, "link", l, store.Link{Hash: hashOf("link"), Purpose: "email.confirm", User: joe, Expires: now.Add(time.Hour)})
				return err
			})
			update(t, db, func(tx *store.Tx) error {
				a, err := tx.Account(jane)
				if err != nil {
					return err
				}
				a.Identities[0].Email = "new@example.com"
				if err := tx.PutIdentity(&a.Identities[0]); err != nil {
					return err
				}
				return tx.DeleteUser(joe)
			})
			wantSame(t, "erased", b.mentions(t, string(joe)), map[string]int{"changes": 1})
		})
	}
}

// wantIdentity checks the identity that an upgrade gave to a.
func wantIdentity(t *testing.T, a *headykey.Account, verified bool) {
	t.Helper()
	if len(a.Identities) != 1 {
		t.Fatalf("got %+v", a.Identities)
	}
	i := a.Identities[0]
	var said map[string]any
	if err := json.Unmarshal(i.Data, &said); err != nil {
		t.Fatal(err)
	}
	wantSame(t, "claims", said, map[string]any{"sub": string(a.ID), "email": a.Email, "email_verified": verified, "phone_verified": false})
	i.Data = nil
	wantSame(t, "identity", i, headykey.Identity{
		ID: a.ID, User: a.ID, Provider: headykey.ByEmail, Subject: string(a.ID), Email: a.Email,
		Created: a.Created, Updated: a.Created, LastSignIn: a.LastSignIn,
	})
}

func TestAccountComesBackAsItWent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, now := someone(t, db, "jane@example.com"), micro()
		view(t, db, func(tx *store.Tx) error {
			a, err := tx.Account(jane.ID)
			wantSame(t, "without a profile", a, &headykey.Account{User: *jane, Profile: headykey.NewProfile()})
			return err
		})
		want := headykey.AccountProfile{
			Phone: "4930123456", PhoneVerified: now, Audience: "a", TokenRole: "r",
			UserData: jsontext.Value(`{"a":"☃ \u0000 <&>"}`), AppData: jsontext.Value(`{"b":[1,2]}`), NewEmail: "New@example.com",
			Invited: now, ConfirmationSent: now.Add(1e6), RecoverySent: now.Add(2e6), EmailChangeSent: now.Add(3e6), ReauthenticationSent: now.Add(4e6), Deleted: now.Add(5e6),
		}
		wallet := headykey.Identity{
			ID: headykey.NewID(), User: jane.ID, Provider: "web3", Subject: "web3:ethereum:0xabc", Data: jsontext.Value(`{}`), Created: now, LastSignIn: now,
		}
		for range 2 { // the second time in place of the first
			update(t, db, func(tx *store.Tx) error {
				wallet.Updated = tx.Now
				if err := tx.PutProfile(jane.ID, &want); err != nil {
					return err
				}
				return tx.PutIdentity(&wallet)
			})
		}
		view(t, db, func(tx *store.Tx) error {
			a, err := tx.AccountByKey(wallet.Key())
			if err != nil {
				return err
			}
			wantSame(t, "profile", a.Profile, want)
			wantSame(t, "identities", a.Identities, []headykey.Identity{wallet})
			moving, err := tx.UserMovingTo("new@example.com")
			wantSame(t, "who moves there", moving.ID, jane.ID)
			return err
		})
	})
}

func TestAnIdentityIsOneAccounts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, joe := someone(t, db, "jane@example.com"), someone(t, db, "joe@example.com")
		at := func(u *headykey.User, provider, subject string) *headykey.Identity {
			return &headykey.Identity{ID: headykey.NewID(), User: u.ID, Provider: provider, Subject: subject, Data: jsontext.Value("{}"), Created: micro()}
		}
		hers := at(jane, "google", "1")
		put := func(i *headykey.Identity) error {
			return db.Update(t.Context(), func(tx *store.Tx) error { return tx.PutIdentity(i) })
		}
		wantError(t, "hers", put(hers), nil)
		wantError(t, "the same for another", put(at(joe, "google", "1")), headykey.ErrEmailTaken)
		wantError(t, "another subject", put(at(joe, "google", "2")), nil)
		wantError(t, "another provider", put(at(joe, "github", "1")), nil)
		wantError(t, "an address beside an address", put(at(joe, "email", string(joe.ID))), nil)
		drop := func(i *headykey.Identity) error {
			return db.Update(t.Context(), func(tx *store.Tx) error { return tx.DeleteIdentity(i) })
		}
		foreign := *hers
		foreign.User = joe.ID
		wantError(t, "taken away by another", drop(&foreign), headykey.ErrNotFound)
		wantError(t, "still hers", put(at(joe, "google", "1")), headykey.ErrEmailTaken)
		wantError(t, "taken away", drop(hers), nil)
		wantError(t, "twice", drop(hers), headykey.ErrNotFound)
		wantError(t, "free again", put(at(joe, "google", "1")), nil)
	})
}

func TestOfEightWhoClaimAKeyOneHasIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		won := make(chan headykey.ID, 8)
		done := make(chan struct{})
		for i := range 8 {
			u := someone(t, db, fmt.Sprintf("jane%d@example.com", i))
			go func() {
				defer func() { done <- struct{}{} }()
				err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.ClaimKey(headykey.PhoneKey("4930123456"), u.ID) })
				if err == nil {
					won <- u.ID
					return
				}
				wantError(t, "a loser", err, headykey.ErrEmailTaken)
			}()
		}
		for range 8 {
			<-done
		}
		if len(won) != 1 {
			t.Fatalf("%d have it", len(won))
		}
		owner := <-won
		update(t, db, func(tx *store.Tx) error {
			u, err := tx.UserByKey(headykey.PhoneKey("4930123456"))
			wantSame(t, "owner", u.ID, owner)
			return err
		})
		update(t, db, func(tx *store.Tx) error { return tx.FreeKey(headykey.PhoneKey("4930123456"), headykey.NewID()) })
		view(t, db, func(tx *store.Tx) error { _, err := tx.UserByKey(headykey.PhoneKey("4930123456")); return err })
	})
}

func TestAnAddressMovesAndFreesTheOneBefore(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, joe := someone(t, db, "jane@example.com"), someone(t, db, "joe@example.com")
		epoch := db.Epoch(jane.ID)
		move := func(u headykey.User, old, key string) error {
			u.Email, u.Verified = key, micro()
			return db.Update(t.Context(), func(tx *store.Tx) error { return tx.ChangeEmail(&u, old, key) })
		}
		wantError(t, "to another's", move(*jane, "jane@example.com", "joe@example.com"), headykey.ErrEmailTaken)
		if !epoch.Current() {
			t.Error("a change that failed is news")
		}
		wantError(t, "to a free one", move(*jane, "jane@example.com", "new@example.com"), nil)
		if epoch.Current() {
			t.Error("a change is no news")
		}
		wantError(t, "to the free one before", move(*joe, "joe@example.com", "jane@example.com"), nil)
		wantError(t, "nobody", move(headykey.User{ID: headykey.NewID()}, "", "x@example.com"), headykey.ErrNotFound)
		view(t, db, func(tx *store.Tx) error {
			u, err := tx.UserByKey("new@example.com")
			wantSame(t, "jane", u.ID, jane.ID)
			_, gone := tx.UserByKey("joe@example.com")
			wantError(t, "joe's old one", gone, headykey.ErrNotFound)
			return err
		})
	})
}

// A code is typed against all letters of some purposes; a miss counts for each.
func TestMissesCountForAllLettersOfAPurpose(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, joe, now := someone(t, db, "jane@example.com"), someone(t, db, "joe@example.com"), micro()
		full := store.Link{
			Hash: hashOf("1"), Purpose: "a", User: jane.ID, Expires: now.Add(time.Hour), Code: hashOf("code"), Challenge: "s256:x", Method: "otp", Data: "data",
		}
		update(t, db, func(tx *store.Tx) error {
			for i, l := range []store.Link{full, {Purpose: "b", User: jane.ID}, {Purpose: "c", User: jane.ID}, {Purpose: "a", User: joe.ID}} {
				l.Hash, l.Expires = hashOf(fmt.Sprint(i+1)), full.Expires
				if err := tx.InsertLink(l); err != nil {
					return err
				}
			}
			return nil
		})
		update(t, db, func(tx *store.Tx) error { return tx.MissLinks(jane.ID, "a", "b") })
		update(t, db, func(tx *store.Tx) error { return tx.MissLinks(headykey.NewID(), "a", "b") })
		full.Tries = 1
		update(t, db, func(tx *store.Tx) error {
			for i, want := range []int{1, 1, 0, 0} {
				l, err := tx.AnyLink(hashOf(fmt.Sprint(i+1)), []string{"a", "b", "c", "a"}[i])
				if err != nil || l.Tries != want {
					t.Errorf("%d: got %+v, %v", i, l, err)
				}
			}
			if err := tx.MarkLink(full.Hash, "half"); err != nil {
				return err
			}
			full.Data = "half"
			all, err := tx.Links(jane.ID, "a")
			wantSame(t, "links", all, []store.Link{full})
			return err
		})
	})
}
