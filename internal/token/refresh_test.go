package token_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/token"
)

// spend spends a token that must be good and returns its successor.
func (h *house) spend(t *testing.T, text string) string {
	t.Helper()
	spent, err := h.Spend(t.Context(), text)
	check(t, err)
	if spent.Holder.User != h.proof.User.ID || spent.Holder.Session != h.proof.Session.ID || spent.Next == text {
		t.Fatalf("got %+v", spent)
	}
	return spent.Next
}

func TestARefreshTokenIs34RandomBytes(t *testing.T) {
	shape := regexp.MustCompile(`^[0-9a-f]{68}$`)
	if a, b := token.NewRefreshToken(), token.NewRefreshToken(); !shape.MatchString(a) || a == b {
		t.Errorf("got %q and %q", a, b)
	}
}

func TestEachUseGivesASuccessor(t *testing.T) {
	h := build(t, nil)
	seen, next := map[string]bool{}, h.family(t)
	for range 8 {
		if seen[next] {
			t.Fatalf("%s came twice", next)
		}
		seen[next] = true
		next = h.spend(t, next)
	}
}

// Who lost the answer asks again and gets the very same successor; a microsecond
// after ten seconds, asking again is theft.
func TestALostAnswerIsRepeatedForTenSeconds(t *testing.T) {
	tests := []struct {
		name string
		wait time.Duration
		want error
	}{
		{"at once", 0, nil},
		{"after 9.999 s", 9999 * time.Millisecond, nil},
		{"after 10 s", 10 * time.Second, nil},
		{"after 10.001 s", 10001 * time.Millisecond, token.ErrReused},
		{"after a day", 24 * time.Hour, token.ErrReused},
	}
	synctest.Test(t, func(t *testing.T) {
		h := build(t, nil)
		for _, tt := range tests {
			first := h.family(t)
			second := h.spend(t, first)
			time.Sleep(tt.wait)
			again, err := h.Spend(t.Context(), first)
			if !errors.Is(err, tt.want) || again.Holder == nil || again.Holder.Session != h.proof.Session.ID {
				t.Fatalf("%s: got %+v, %v, want %v", tt.name, again, err, tt.want)
			}
			if tt.want == nil && (again.Next != second || !again.Again) || tt.want != nil && again.Next != "" {
				t.Errorf("%s: got %+v, want the successor %s", tt.name, again, second)
			}
		}
	})
}

func TestASuccessorThatWasUsedEndsTheRepeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, nil)
		first := h.family(t)
		h.spend(t, h.spend(t, first))
		time.Sleep(time.Millisecond)
		if got, err := h.Spend(t.Context(), first); !errors.Is(err, token.ErrReused) || got.Next != "" || got.Holder == nil {
			t.Errorf("got %+v, %v, want ErrReused with a proof", got, err)
		}
	})
}

func TestRefreshTokensThatAreNoneAreRefusedAlike(t *testing.T) {
	h := build(t, nil)
	good := h.family(t)
	for name, text := range map[string]string{
		"unknown":          token.NewRefreshToken(),
		"empty":            "",
		"short":            good[:67],
		"long":             good + "0",
		"cut to its half":  good[:34],
		"upper case":       strings.ToUpper(good),
		"space before":     " " + good[1:],
		"newline at end":   good[:67] + "\n",
		"not hex":          strings.Repeat("z", 68),
		"the hash of it":   strings.Repeat("0", 68),
		"an access token":  "eyJhbGciOiJIUzI1NiJ9.e30.x",
		"another's prefix": "hdy_" + good[4:],
	} {
		if got, err := h.Spend(t.Context(), text); !errors.Is(err, headykey.ErrInvalidToken) || got != (token.Spent{}) {
			t.Errorf("%s: got %+v, %v, want ErrInvalidToken", name, got, err)
		}
	}
	h.spend(t, good) // none of it has spent the good one
}

func TestAnUnusedTokenLivesThirtyDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, nil)
		first, second := h.family(t), h.family(t)
		time.Sleep(30*24*time.Hour - time.Millisecond)
		third := h.spend(t, first)
		time.Sleep(time.Millisecond)
		if _, err := h.Spend(t.Context(), second); !errors.Is(err, headykey.ErrTokenExpired) {
			t.Errorf("on time: got %v, want ErrTokenExpired", err)
		}
		time.Sleep(29 * 24 * time.Hour)
		h.spend(t, third) // each use starts the time anew
	})
}

func TestNothingIsSpentOnceTheSessionOrItsUserIsAtAnEnd(t *testing.T) {
	tests := []struct {
		name string
		end  func(t *testing.T, h *house)
		want error
	}{
		{"the session was ended", func(t *testing.T, h *house) {
			h.update(t, func(tx *store.Tx) error {
				_, err := tx.EndSession(h.proof.User.ID, h.proof.Session.ID)
				return err
			})
		}, headykey.ErrInvalidToken},
		{"the session ran out", func(*testing.T, *house) { time.Sleep(89 * 24 * time.Hour) }, headykey.ErrInvalidToken},
		{"the user is disabled", func(t *testing.T, h *house) {
			h.update(t, func(tx *store.Tx) error {
				u := h.proof.User
				u.Disabled = tx.Now
				return tx.UpdateUser(&u, "")
			})
		}, headykey.ErrAccountDisabled},
		{"the user was erased", func(t *testing.T, h *house) {
			h.update(t, func(tx *store.Tx) error { return tx.DeleteUser(h.proof.User.ID) })
		}, headykey.ErrInvalidToken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := build(t, nil)
				used, unused := h.family(t), h.family(t)
				h.spend(t, used)
				tt.end(t, h)
				for name, text := range map[string]string{"used": used, "unused": unused} {
					if got, err := h.Spend(t.Context(), text); !errors.Is(err, tt.want) || got.Next != "" {
						t.Errorf("%s: got %+v, %v, want %v", name, got, err, tt.want)
					}
				}
			})
		})
	}
}

func TestOfManyWhoSpendOneTokenAtOnceAllGetOneSuccessor(t *testing.T) {
	h := build(t, nil)
	first := h.family(t)
	var wg sync.WaitGroup
	nexts := make([]string, 8)
	for i := range nexts {
		wg.Go(func() {
			spent, err := h.Spend(context.Background(), first)
			if err != nil {
				t.Error(err)
			}
			nexts[i] = spent.Next
		})
	}
	wg.Wait()
	for _, next := range nexts {
		if next != nexts[0] || next == "" {
			t.Errorf("got %q and %q", nexts[0], next)
		}
	}
}

// Whoever reads the disk finds neither a token nor its successor, in text or in
// bytes, though the successor can be given again.
func TestNoTokenLiesInTheDatabase(t *testing.T) {
	h := build(t, nil)
	first := h.family(t)
	second := h.spend(t, first)
	third := h.spend(t, second)
	files, err := filepath.Glob(filepath.Join(h.dir, store.SQLiteFile+"*"))
	check(t, err)
	var disk []byte
	for _, name := range files {
		text, err := os.ReadFile(name)
		check(t, err)
		disk = append(disk, text...)
	}
	if !bytes.Contains(disk, []byte("ada@example.com")) {
		t.Fatal("the search does not see what is written")
	}
	for name, text := range map[string]string{"first": first, "second": second, "third": third} {
		raw, err := hex.DecodeString(text)
		check(t, err)
		if bytes.Contains(disk, raw) || bytes.Contains(disk, []byte(text)) {
			t.Errorf("the %s token lies in the database", name)
		}
	}
}

func FuzzSpendGivesNothingForWhatItDidNotMake(f *testing.F) {
	h := build(f, nil)
	f.Add("")
	f.Add(strings.Repeat("0f", 34))
	f.Add(strings.Repeat("0F", 34))
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := h.Spend(t.Context(), text); !errors.Is(err, headykey.ErrInvalidToken) || got != (token.Spent{}) {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	})
}

// The tokens of an app are good at its own door alone, and so are those of ours; shown
// at the other they are unknown, and as good as before.
func TestARefreshTokenIsKnownAtItsOwnDoorAlone(t *testing.T) {
	h := build(t, nil)
	ours := h.family(t)
	app := h.proof.Session
	app.ID, app.Surface, app.Ends = headykey.NewOrderedID(), headykey.AppSurface, time.Now().Add(time.Hour)
	app.Created, app.Proven, app.LastUsed = time.Now(), time.Now(), time.Now()
	theirs := token.NewRefreshToken()
	h.update(t, func(tx *store.Tx) error {
		if err := tx.InsertSession(&app, nil); err != nil {
			return err
		}
		return h.NewRefresh(tx, app.User, app.ID, theirs)
	})
	for range 2 { // before and after one use
		if got, err := h.SpendForApp(t.Context(), ours); !errors.Is(err, headykey.ErrInvalidToken) || got != (token.Spent{}) {
			t.Errorf("ours at the door of apps: got %+v, %v", got, err)
		}
		if got, err := h.Spend(t.Context(), theirs); !errors.Is(err, headykey.ErrInvalidToken) || got != (token.Spent{}) {
			t.Errorf("theirs at ours: got %+v, %v", got, err)
		}
		_, err := h.Spend(t.Context(), ours)
		check(t, err)
		spent, err := h.SpendForApp(t.Context(), theirs)
		check(t, err)
		if spent.Holder.Session != app.ID {
			t.Errorf("got %+v", spent.Holder)
		}
	}
}
