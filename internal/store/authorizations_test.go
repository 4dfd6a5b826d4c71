package store_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// permit adds an authorization of u for client that runs out in an hour, as change
// says.
func permit(t *testing.T, db *store.DB, u *headykey.User, client headykey.ID, change func(*headykey.Authorization)) *headykey.Authorization {
	t.Helper()
	now := micro()
	a := &headykey.Authorization{
		ID: headykey.NewID(), User: u.ID, Client: client, Offline: true, Code: hashOf("code"), CodeExpires: now.Add(time.Minute),
		Terms: headykey.Terms{Scopes: []string{"openid"}, Subject: string(u.ID)}, Created: now, Expires: now.Add(time.Hour),
	}
	if change != nil {
		change(a)
	}
	update(t, db, func(tx *store.Tx) error { return tx.InsertAuthorization(a) })
	return a
}

func proofOf(t *testing.T, db *store.DB, id headykey.ID) (p *headykey.AuthorizationProof, err error) {
	t.Helper()
	view(t, db, func(tx *store.Tx) error {
		p, err = tx.AuthorizationProof(id)
		return nil
	})
	return p, err
}

// live reports whether the authorization was not ended.
func live(t *testing.T, db *store.DB, a *headykey.Authorization) bool {
	t.Helper()
	p, err := proofOf(t, db, a.ID)
	if err != nil {
		t.Fatal(err)
	}
	return p.Authorization.Ended.IsZero()
}

func TestAuthorizationComesBackAsItWent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane := someone(t, db, "jane@example.com")
		s := signIn(t, db, jane, micro(), "cookie")
		parent := headykey.NewID()
		full := permit(t, db, jane, headykey.NewID(), func(a *headykey.Authorization) {
			a.Session, a.Parent, a.Redeemed, a.Current, a.Ends = s.ID, parent, a.Created, hashOf("r1"), a.Created.Add(2*time.Hour)
			a.Terms = headykey.Terms{
				Scopes: []string{"openid", `odd'"`}, Resources: []string{"https://a.example/?x=1,2"}, Details: jsontext.Value(`[{"type":"pay"}]`),
				Subject: "pairwise", Redirect: "https://a.example/cb?x=1", Named: true, Challenge: "c", Nonce: "n ☃", StateHash: "s",
				Claims: &headykey.ClaimsRequest{Userinfo: map[string]*headykey.ClaimWish{"name": nil, "email": {Essential: true, Value: jsontext.Value(`"x"`)}}},
				Proven: 1754000000, ACR: "aal1", AMR: []string{"pwd"}, JKT: "j", X5T: "x", Act: jsontext.Value(`{"sub":"a"}`),
			}
		})
		bare := permit(t, db, jane, headykey.NewID(), func(a *headykey.Authorization) {
			a.Offline, a.Code, a.CodeExpires, a.Terms = false, nil, time.Time{}, headykey.Terms{}
		})
		got, err := proofOf(t, db, full.ID)
		wantError(t, "full", err, nil)
		want := &headykey.AuthorizationProof{Authorization: *full, User: *jane, Session: headykey.Session{
			ID: s.ID, User: jane.ID, AMR: s.AMR, AAL: s.AAL, Created: s.Created, Proven: s.Proven, Ends: s.Ends,
		}}
		wantSame(t, "full", got, want)
		got, err = proofOf(t, db, bare.ID)
		wantError(t, "bare", err, nil)
		wantSame(t, "bare", got, &headykey.AuthorizationProof{Authorization: *bare, User: *jane, Session: headykey.Session{User: jane.ID}})
		for _, id := range []headykey.ID{headykey.NewID(), "' OR 1=1", ""} {
			_, err := proofOf(t, db, id)
			wantError(t, fmt.Sprintf("authorization %q", id), err, headykey.ErrNotFound)
		}
	})
}

// Of many that redeem one code at once, one gets through.
func TestACodeIsRedeemedOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		a := permit(t, db, someone(t, db, "jane@example.com"), headykey.NewID(), nil)
		var through atomic.Int32
		var wg sync.WaitGroup
		for i := range 21 {
			wg.Go(func() {
				mine := *a
				mine.Current = hashOf(fmt.Sprint("refresh ", i))
				first := false
				err := db.Update(t.Context(), func(tx *store.Tx) error {
					var err error
					first, err = tx.RedeemAuthorization(&mine, false)
					return err
				})
				wantError(t, "redeem", err, nil)
				if first {
					through.Add(1)
				}
			})
		}
		wg.Wait()
		wantSame(t, "redeemed", through.Load(), int32(1))

		ended := permit(t, db, someone(t, db, "joe@example.com"), headykey.NewID(), nil)
		update(t, db, func(tx *store.Tx) error {
			_, err := tx.EndAuthorization(ended.User, ended.ID)
			return err
		})
		update(t, db, func(tx *store.Tx) error {
			first, err := tx.RedeemAuthorization(ended, false)
			wantSame(t, "redeemed after its end", first, false)
			return err
		})
	})
}

// Terms never change but by the keys that the client shows when it redeems.
func TestTermsStayUnlessARedemptionChangesThem(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane := someone(t, db, "jane@example.com")
		for _, changed := range []bool{false, true} {
			a := permit(t, db, jane, headykey.NewID(), func(a *headykey.Authorization) { a.Terms.JKT, a.Terms.Nonce = "of the request", "n" })
			want := *a
			a.Terms.JKT, a.Current = "", hashOf(fmt.Sprint("refresh ", changed))
			update(t, db, func(tx *store.Tx) error {
				_, err := tx.RedeemAuthorization(a, changed)
				want.Redeemed, want.Current = tx.Now, a.Current
				return err
			})
			if changed {
				want.Terms = a.Terms
			}
			got, err := proofOf(t, db, a.ID)
			wantError(t, "after", err, nil)
			wantSame(t, fmt.Sprint("changed: ", changed), got.Authorization, want)
		}
	})
}

func TestRefreshTokenOfAnAuthorizationIsRotatedOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		a := permit(t, db, someone(t, db, "jane@example.com"), headykey.NewID(), func(a *headykey.Authorization) { a.Current = hashOf("r1") })
		later := a.Expires.Add(time.Hour)
		rotate := func(current string) (turned bool, at time.Time) {
			update(t, db, func(tx *store.Tx) error {
				var err error
				at = tx.Now
				turned, err = tx.RotateAuthorization(a, hashOf(current), hashOf("r2"), []byte("masked"), later)
				return err
			})
			return turned, at
		}
		turned, at := rotate("r1")
		wantSame(t, "the current one", turned, true)
		for _, old := range []string{"r1", "nonsense", ""} {
			turned, _ = rotate(old)
			wantSame(t, "another: "+old, turned, false)
		}
		want := *a
		want.Current, want.Previous, want.Successor, want.Rotated, want.Expires = hashOf("r2"), hashOf("r1"), []byte("masked"), at, later
		got, err := proofOf(t, db, a.ID)
		wantError(t, "after", err, nil)
		wantSame(t, "after", got.Authorization, want)

		for _, to := range []time.Time{later.Add(time.Minute), later} { // it only ever grows
			update(t, db, func(tx *store.Tx) error { return tx.ProlongAuthorization(a, to) })
		}
		got, _ = proofOf(t, db, a.ID)
		wantSame(t, "prolonged", got.Authorization.Expires, later.Add(time.Minute))
		update(t, db, func(tx *store.Tx) error {
			_, err := tx.EndAuthorization(a.User, a.ID)
			return err
		})
		turned, _ = rotate("r2")
		wantSame(t, "after its end", turned, false)
	})
}

// What was derived ends with what it was derived from, however far; a neighbour and
// what stands above it go on.
func TestWhatWasDerivedEndsToo(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, joe := someone(t, db, "jane@example.com"), someone(t, db, "joe@example.com")
		one, two, three := headykey.NewID(), headykey.NewID(), headykey.NewID()
		under := func(p *headykey.Authorization) func(*headykey.Authorization) {
			return func(a *headykey.Authorization) { a.Parent = p.ID }
		}
		family := func() []*headykey.Authorization {
			root := permit(t, db, jane, one, nil)
			child := permit(t, db, jane, two, under(root))
			return []*headykey.Authorization{root, child, permit(t, db, jane, three, under(child)), permit(t, db, jane, one, under(child))}
		}
		neighbour := permit(t, db, joe, one, nil)
		alive := func(what string, all []*headykey.Authorization, want ...bool) {
			t.Helper()
			var got []bool
			for _, a := range all {
				got = append(got, live(t, db, a))
			}
			wantSame(t, what, got, want)
		}

		first := family()
		epoch := db.Epoch(jane.ID)
		for _, want := range []bool{true, false} {
			update(t, db, func(tx *store.Tx) error {
				was, err := tx.EndAuthorization(jane.ID, first[1].ID)
				wantSame(t, "it was live", was, want)
				return err
			})
		}
		if epoch.Current() {
			t.Error("an ended authorization is believed")
		}
		alive("the child ended", first, true, false, false, false)

		second := family()
		update(t, db, func(tx *store.Tx) error {
			n, err := tx.EndAuthorizations(jane.ID, two)
			wantSame(t, "ended of the middle client", n, int64(3))
			return err
		})
		alive("the middle client's ended", second, true, false, false, false)

		third := family()
		update(t, db, func(tx *store.Tx) error { return tx.EndDerived(one) })
		alive("derived from the first client", third, true, false, false, false)

		fourth := family()
		update(t, db, func(tx *store.Tx) error {
			was, err := tx.EndAuthorization(joe.ID, fourth[0].ID)
			wantSame(t, "another's person", was, false)
			return err
		})
		alive("another's person", fourth, true, true, true, true)
		alive("the neighbour", []*headykey.Authorization{neighbour}, true)
	})
}

// What ran out goes, but not while the sign-in goes on in which it was allowed.
func TestASweepTakesAuthorizationsWhoseSessionIsOver(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		jane, now := someone(t, db, "jane@example.com"), micro()
		open, over := signIn(t, db, jane, now, "open"), signIn(t, db, jane, now.Add(-2*time.Hour), "over")
		in := func(s headykey.ID, expires time.Time) *headykey.Authorization {
			return permit(t, db, jane, headykey.NewID(), func(a *headykey.Authorization) { a.Session, a.Expires = s, expires })
		}
		edge := now.Add(-time.Minute)
		stays := []*headykey.Authorization{in("", edge), in(over.ID, edge), in(open.ID, edge.Add(-time.Microsecond))}
		for _, s := range []headykey.ID{"", over.ID, headykey.NewID()} {
			in(s, edge.Add(-time.Microsecond))
		}
		var all int64
		var next headykey.ID
		for round := 0; round == 0 || next != ""; round++ {
			update(t, db, func(tx *store.Tx) error {
				after, n, err := tx.SweepAuthorizations(next, edge, 2)
				next, all = after, all+n
				return err
			})
			if round > 6 {
				t.Fatal("the sweep never ends")
			}
		}
		wantSame(t, "swept", all, int64(3))
		for _, a := range stays {
			_, err := proofOf(t, db, a.ID)
			wantError(t, "what stays", err, nil)
		}
	})
}
