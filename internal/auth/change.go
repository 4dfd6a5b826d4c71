package auth

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// stepUpAfter is how old a sign-in may be where a new password needs a fresh one.
const stepUpAfter = 24 * time.Hour

// An AccountChange is what a person changes of their own account; empty fields stay.
type AccountChange struct {
	Email    string
	Password string
	Current  string         // the password before
	Code     string         // of a letter that proves them anew
	Data     jsontext.Value // members to change; null takes one away
	App      Asking
	From     headykey.From
}

// ChangeAccount changes the caller's own account and returns it. A new address counts
// once its letters are answered. A new password ends all other sessions.
//
// It fails with headykey.ErrNotSignedIn, ErrInvalidEmail, ErrEmailTaken,
// ErrMailTooOften, ErrWeakPassword, ErrPasswordTooLong, ErrSamePassword,
// ErrNeedsCode, ErrBadCode, ErrNeedsPassword, ErrBadPassword, ErrRateLimited where
// one of these is guessed, ErrFixedType, and ErrInvalid about "data", or about "email" where an anonymous account has none. The
// receipts are "password.changed", "email.change_asked" and "account.changed".
func (s *Service) ChangeAccount(ctx context.Context, by headykey.Caller, c AccountChange) (*headykey.Account, error) {
	if by.Session == "" {
		return nil, headykey.ErrNotSignedIn
	}
	account, err := s.Account(ctx, by.User)
	if err != nil {
		return nil, err
	}
	address, err := movesTo(account, c)
	if err != nil {
		return nil, err
	}
	if !s.needsCode(by, c) {
		c.Code = ""
	}
	hash, err := s.newPassword(ctx, account, by, c)
	if err != nil {
		return nil, err
	}
	err = s.DB.Update(ctx, func(tx *store.Tx) error { return s.change(ctx, tx, by, c, hash, address) })
	if err != nil {
		return nil, errors.Join(err, s.noteGuess(ctx, account, by, hash))
	}
	return s.Account(ctx, by.User)
}

// change makes the change c; hash and address are what it gives ("": they stay).
func (s *Service) change(ctx context.Context, tx *store.Tx, by headykey.Caller, c AccountChange, hash, address string) error {
	a, err := tx.Account(by.User)
	if err != nil {
		return err
	}
	if hash != "" {
		if err := s.changePassword(ctx, tx, by, a, hash, c.Code); err != nil {
			return err
		}
	}
	if err := s.changeData(ctx, tx, by, a, c.Data); err != nil {
		return err
	}
	if address == "" {
		return nil
	}
	return s.askFor(ctx, tx, by, a, address, c)
}

// movesTo returns the address that c gives a; "": it stays.
func movesTo(a *headykey.Account, c AccountChange) (string, error) {
	if c.Email == "" {
		if c.Password != "" && a.Anonymous {
			return "", headykey.ErrInvalid.Saying("An anonymous account needs an address before it can have a password.").About("email")
		}
		return "", nil
	}
	address, key, err := headykey.ParseEmail(c.Email)
	if err != nil || a.Email != "" && key == headykey.AddressKey(a.Email) {
		return "", err
	}
	return address, nil
}

// newPassword judges c's password and returns its hash; "": c has none.
func (s *Service) newPassword(ctx context.Context, a *headykey.Account, by headykey.Caller, c AccountChange) (string, error) {
	if c.Password == "" {
		return "", nil
	}
	if err := CheckPassword(c.Password, a.Email, c.Email, a.Name); err != nil {
		return "", err
	}
	if s.needsCode(by, c) {
		if err := s.proveByCode(ctx, a, c); err != nil {
			return "", err
		}
	}
	var have string
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		have, err = tx.PasswordOf(by.User)
		return ignoreMissing(err)
	})
	if err != nil {
		return "", err
	}
	if err := s.proveCurrent(ctx, by, a, have, c.Current); err != nil {
		return "", err
	}
	if have != "" {
		same, err := s.isPresent(ctx, a, by, have, c.Password)
		if err != nil {
			return "", err
		}
		if same {
			return "", headykey.ErrSamePassword
		}
	}
	hash, err := s.Pool.Hash(ctx, c.Password)
	return hash, busy(err)
}

// isPresent reports whether password is the one that a has. To ask is to guess, and
// waits as guesses at sign-in do.
func (s *Service) isPresent(ctx context.Context, a *headykey.Account, by headykey.Caller, have, password string) (bool, error) {
	place, err := s.admit(ctx, guessKey(a), by.From)
	if err != nil {
		return false, err
	}
	defer s.release(place)
	same, err := s.Pool.Verify(ctx, have, password)
	return same, busy(err)
}

// guessKey is what guesses about a are counted by.
func guessKey(a *headykey.Account) string {
	if a.Email == "" {
		return string(a.ID)
	}
	return headykey.AddressKey(a.Email)
}

// noteGuess counts a change that was refused after its password had been compared
// with the present one ("": it was not): whoever sends what is refused in any case
// could guess without end.
func (s *Service) noteGuess(ctx context.Context, a *headykey.Account, by headykey.Caller, hash string) error {
	if hash == "" {
		return nil
	}
	return s.noteFailure(ctx, s.admissionOf(guessKey(a), by.From), &store.Login{User: a.User})
}

// needsCode reports whether c must come with the code of a letter.
func (s *Service) needsCode(by headykey.Caller, c AccountChange) bool {
	return s.config.Apps.Reauthenticate && c.Password != "" && time.Since(by.Proven) > stepUpAfter
}

// proveByCode asks for the code of a letter to a. Its guesses count as those at
// sign-in do, and after five the letter is void.
func (s *Service) proveByCode(ctx context.Context, a *headykey.Account, c AccountChange) error {
	if c.Code == "" {
		return headykey.ErrNeedsCode
	}
	place, err := s.admit(ctx, guessKey(a), c.From)
	if err != nil {
		return err
	}
	defer s.release(place)
	right := false
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		letters, err := tx.Links(a.ID, purposeStepUp)
		if err != nil {
			return err
		}
		if _, right = s.withCode(letters, c.Code); right {
			return nil
		}
		return tx.MissLinks(a.ID, purposeStepUp)
	})
	if err != nil || right {
		return err
	}
	return errors.Join(s.noteFailure(ctx, place, &store.Login{User: a.User}), headykey.ErrBadCode)
}

// proveCurrent asks for the password before, where that is demanded or given. Its
// guesses count as those at sign-in do. Who has just come in by a letter may have
// forgotten it.
func (s *Service) proveCurrent(ctx context.Context, by headykey.Caller, a *headykey.Account, have, current string) error {
	if have == "" || current == "" {
		if have != "" && s.config.Apps.CurrentPassword && !byLetter(by) {
			return headykey.ErrNeedsPassword
		}
		return nil
	}
	err := s.ProveAgain(ctx, headykey.Caller{User: by.User, Email: a.Email, Session: by.Session, From: by.From}, current)
	if errors.Is(err, headykey.ErrBadCredentials) {
		return headykey.ErrBadPassword
	}
	return err
}

// byLetter reports whether by has just proven themselves by a letter alone.
func byLetter(by headykey.Caller) bool {
	return slices.Equal(by.AMR, headykey.AMR([]headykey.Way{{Method: headykey.ByOTP}})) && time.Since(by.Proven) < recent
}

// changePassword gives a another password, spends the code of a letter if there is
// one, ends the letters that are under way and all other sessions.
func (s *Service) changePassword(ctx context.Context, tx *store.Tx, by headykey.Caller, a *headykey.Account, hash, code string) error {
	if code != "" {
		letters, err := tx.Links(a.ID, purposeStepUp)
		if err != nil {
			return err
		}
		if _, right := s.withCode(letters, code); !right {
			return headykey.ErrBadCode // used meanwhile
		}
	}
	if err := tx.DropLinks(a.ID); err != nil {
		return err
	}
	if err := tx.SetPassword(a.ID, hash); err != nil {
		return err
	}
	if err := tx.UpdateUser(&a.User, headykey.Fold(a.Name)); err != nil {
		return err
	}
	if err := s.note(ctx, tx, by, "password.changed", nil); err != nil {
		return err
	}
	live, err := store.Collect(tx.LiveSessions(a.ID))
	if err != nil {
		return err
	}
	others := slices.DeleteFunc(live, func(l *headykey.Session) bool { return l.ID == by.Session })
	if len(others) == 0 {
		return nil
	}
	_, err = s.endSessions(ctx, tx, by, "password_changed", others...)
	return err
}

// changeData changes what a says of itself. What it is, an agent or a person, stays.
func (s *Service) changeData(ctx context.Context, tx *store.Tx, by headykey.Caller, a *headykey.Account, patch jsontext.Value) error {
	if len(patch) == 0 || patch.Kind() == 'n' {
		return nil
	}
	data, err := ChangedData(a, patch)
	if err != nil {
		return err
	}
	a.Profile.UserData = data
	if err := tx.PutProfile(a.ID, &a.Profile); err != nil {
		return err
	}
	return s.note(ctx, tx, by, "account.changed", map[string]any{"changed": []string{"data"}})
}

// ChangedData returns what a says of itself with the members of patch changed. It
// fails with headykey.ErrFixedType and with ErrInvalid about "data".
func ChangedData(a *headykey.Account, patch jsontext.Value) (jsontext.Value, error) {
	data, err := headykey.MergeData(a.Profile.UserData, patch)
	if err != nil {
		return nil, err
	}
	before, after := readIntroduction(a.Profile.UserData), readIntroduction(data)
	if before.Type != after.Type || a.Type == headykey.Agent && before.Agent != after.Agent {
		return nil, headykey.ErrFixedType.About("data")
	}
	return data, nil
}

// askFor begins the change of a's address.
func (s *Service) askFor(ctx context.Context, tx *store.Tx, by headykey.Caller, a *headykey.Account, address string, c AccountChange) error {
	key := headykey.AddressKey(address)
	switch _, err := tx.UserByKey(key); {
	case err == nil:
		return headykey.ErrEmailTaken
	case !errors.Is(err, headykey.ErrNotFound):
		return err
	}
	if err := s.admitLetter(tx, key, &c.App); err != nil {
		return err
	}
	if err := s.askToMove(ctx, tx, a, address, &c.App, c.From); err != nil {
		return err
	}
	return s.note(ctx, tx, by, "email.change_asked", nil)
}

// note leaves a receipt of something done to the caller's own account.
func (s *Service) note(ctx context.Context, tx *store.Tx, by headykey.Caller, what string, details map[string]any) error {
	return s.noteOf(ctx, tx, by, by.User, what, details)
}

// noteOf leaves a receipt of something that by did to the account of user.
func (s *Service) noteOf(ctx context.Context, tx *store.Tx, by headykey.Caller, user headykey.ID, what string, details map[string]any) error {
	_, err := s.Receipts.Append(tx, headykey.RequestID(ctx), headykey.Act{
		Type: what, By: by, Subject: user, Details: details, Object: headykey.Party{Type: "user", ID: string(user)},
	})
	return err
}

// SendCode sends the caller the code that proves them anew for a change of password.
// It fails with headykey.ErrNotSignedIn, ErrEmailNotConfirmed and ErrMailTooOften.
func (s *Service) SendCode(ctx context.Context, by headykey.Caller) error {
	if by.Session == "" {
		return headykey.ErrNotSignedIn
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		a, err := tx.Account(by.User)
		if err != nil {
			return err
		}
		if a.Email == "" || s.unconfirmed(&a.User) {
			return headykey.ErrEmailNotConfirmed
		}
		if err := s.admitLetter(tx, headykey.AddressKey(a.Email), &Asking{}); err != nil {
			return err
		}
		a.Profile.ReauthenticationSent = tx.Now
		if err := tx.PutProfile(a.ID, &a.Profile); err != nil {
			return err
		}
		return s.post(ctx, tx, a, letter{purpose: purposeStepUp, to: a.Email, from: by.From})
	})
}
