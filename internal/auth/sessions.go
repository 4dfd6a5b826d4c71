package auth

import (
	"context"
	"errors"
	"slices"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/token"
)

// maxBatch bounds how much one background transaction does.
const maxBatch = 89

// A Revoked is one thing that a sign-out took down.
type Revoked struct {
	Type string      `json:"type"` // widget, access, refresh, session, cookie
	ID   headykey.ID `json:"id"`   // of the session that it belonged to
}

// The scopes of a sign-out.
const (
	Local  = "local"
	Global = "global"
	Others = "others"
)

// layers is what one session was built of, last built first.
func layers(s *headykey.Session) []Revoked {
	var all []Revoked
	if s.Surface == "widget" {
		all = append(all, Revoked{"widget", s.ID})
	}
	all = append(all, Revoked{"access", s.ID}, Revoked{"refresh", s.ID}, Revoked{"session", s.ID})
	if !s.CookieExpires.IsZero() {
		all = append(all, Revoked{"cookie", s.ID})
	}
	return all
}

// endSessions ends sessions of one user in the order given and leaves one receipt
// that lists what was taken down. Sessions that had ended are passed over.
func (s *Service) endSessions(ctx context.Context, tx *store.Tx, by headykey.Caller, why string, sessions ...*headykey.Session) ([]Revoked, error) {
	revoked := []Revoked{}
	var ended []headykey.ID
	for _, session := range sessions {
		live, err := tx.EndSession(session.User, session.ID)
		if err != nil {
			return nil, err
		}
		if live {
			revoked = append(revoked, layers(session)...)
			ended = append(ended, session.ID)
		}
	}
	if len(revoked) == 0 {
		return revoked, nil
	}
	if s.Ended != nil {
		if err := s.Ended(ctx, tx, sessions[0].User, ended); err != nil {
			return nil, err
		}
	}
	_, err := s.Receipts.Append(tx, headykey.RequestID(ctx), headykey.Act{
		Type: "session.ended", By: by, Subject: sessions[0].User,
		Object:  headykey.Party{Type: "session", ID: string(sessions[0].ID)},
		Details: map[string]any{"reason": why, "revoked": revoked},
	})
	return revoked, err
}

// Logout ends the caller's session (Local), all of the caller's sessions, newest
// first (Global), or all but this one (Others), and returns what was taken down
// in that order. A stranger, or a session that had ended, takes down nothing.
func (s *Service) Logout(ctx context.Context, by headykey.Caller, scope string) ([]Revoked, error) {
	if scope != "" && scope != Local && scope != Global && scope != Others {
		return nil, headykey.ErrInvalid.Saying("A scope is local, global or others.").About("scope")
	}
	revoked := []Revoked{}
	if by.Session == "" {
		return revoked, nil
	}
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		live, err := store.Collect(tx.LiveSessions(by.User))
		if err != nil {
			return err
		}
		own := func(session *headykey.Session) bool { return session.ID == by.Session }
		if !slices.ContainsFunc(live, own) {
			return nil // a session that has ended ends no others
		}
		var chosen []*headykey.Session
		for _, session := range live {
			if scope == Global || own(session) == (scope != Others) {
				chosen = append(chosen, session)
			}
		}
		if len(chosen) == 0 {
			return nil
		}
		revoked, err = s.endSessions(ctx, tx, by, "signed_out", chosen...)
		return err
	})
	return revoked, err
}

// LogoutByRefresh is Logout for who holds only a refresh token. One that was spent
// already ends its own session at the most.
func (s *Service) LogoutByRefresh(ctx context.Context, refresh, scope string, from headykey.From) ([]Revoked, error) {
	by := headykey.Caller{Role: headykey.RoleUser, Method: headykey.BySession, From: from}
	var live bool
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		by.User, by.Session, live, err = s.Tokens.SessionOf(tx, refresh)
		return err
	})
	if err != nil && !errors.Is(err, headykey.ErrInvalidToken) {
		return nil, err
	}
	if !live && (scope == Global || scope == Others) {
		return []Revoked{}, nil
	}
	return s.Logout(ctx, by, scope)
}

// Sessions returns a page of the caller's live sessions, newest first.
func (s *Service) Sessions(ctx context.Context, by headykey.Caller, before headykey.Mark, limit int) ([]*headykey.Proof, error) {
	if err := by.Need(headykey.RoleGuest, "sessions.read"); err != nil {
		return nil, err
	}
	if by.User == "" {
		return nil, headykey.ErrNotSignedIn // the store would list everybody's
	}
	var all []*headykey.Proof
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		all, err = store.Collect(tx.SessionsPage(by.User, before, limit))
		return err
	})
	return all, err
}

// EndSession ends one session: the caller's own, or anybody's for an
// administrator. Otherwise headykey.ErrNotFound.
func (s *Service) EndSession(ctx context.Context, by headykey.Caller, id headykey.ID) ([]Revoked, error) {
	if err := by.NeedReach("sessions.write", "admin.write"); err != nil {
		return nil, err
	}
	var revoked []Revoked
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		session, err := tx.Session(id)
		if err != nil {
			return err
		}
		if err := by.NeedOver(session.User, "sessions.write", "admin.write"); err != nil {
			return err
		}
		if !session.Live(tx.Now) {
			return headykey.ErrNotFound
		}
		revoked, err = s.endSessions(ctx, tx, by, "revoked", session)
		return err
	})
	return revoked, err
}

// EndAll ends every session of user in tx, newest first.
func (s *Service) EndAll(ctx context.Context, tx *store.Tx, by headykey.Caller, user headykey.ID, why string) error {
	live, err := store.Collect(tx.LiveSessions(user))
	if err != nil || len(live) == 0 {
		return err
	}
	_, err = s.endSessions(ctx, tx, by, why, live...)
	return err
}

// Refresh spends a refresh token for new tokens.
//
// It fails with headykey.ErrInvalidToken, ErrTokenExpired, ErrAccountDisabled,
// and with ErrRefreshTokenReused when the token was spent before: then its session
// is ended, for either the client or a thief holds a stale copy.
func (s *Service) Refresh(ctx context.Context, refresh string, from headykey.From) (*Grant, error) {
	spent, err := s.Tokens.Spend(ctx, refresh)
	if errors.Is(err, token.ErrReused) {
		return nil, s.punishReuse(ctx, spent.Holder, from)
	}
	if err != nil {
		return nil, err
	}
	access, err := s.Tokens.MakeAccess(spent.Holder)
	if err != nil {
		return nil, err
	}
	s.noteIssue(spent.Holder)
	return &Grant{
		Session: spent.Holder.Session,
		Access:  access, Life: s.Tokens.Life(), Refresh: spent.Next,
	}, nil
}

// punishReuse ends the session of a refresh token that was used again.
func (s *Service) punishReuse(ctx context.Context, h *headykey.Holder, from headykey.From) error {
	by := headykey.Caller{User: h.User, Role: headykey.RoleUser, Method: headykey.BySession, From: from}
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		session, err := tx.Session(h.Session)
		if err != nil {
			return ignoreMissing(err)
		}
		revoked, err := s.endSessions(ctx, tx, by, "refresh_token_reused", session)
		if err != nil || len(revoked) == 0 {
			return err
		}
		_, err = s.Receipts.Append(tx, headykey.RequestID(ctx), headykey.Act{
			Type: "refresh_token.reused", By: by, Subject: h.User, Outcome: headykey.Refused,
			Reason: headykey.ErrRefreshTokenReused.Code, Object: headykey.Party{Type: "session", ID: string(h.Session)},
			Personal: map[string]string{"address": addressText(from), "agent": from.Agent},
		})
		return err
	})
	if err != nil {
		return err
	}
	return headykey.ErrRefreshTokenReused
}

// RefreshByCookie makes an access token for the session of a browser's cookie,
// which by was identified with. It fails with headykey.ErrInvalidToken once that
// session or its user is at an end.
func (s *Service) RefreshByCookie(ctx context.Context, by headykey.Caller) (*Grant, error) {
	var p *headykey.Proof
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		p, err = tx.ProofBySession(by.User, by.Session)
		return err
	})
	// by may be up to a second old; a refresh token is looked at anew, and so is this.
	if _, err := sessionCaller(p, err, headykey.BySession); err != nil {
		return nil, err
	}
	access, err := s.Tokens.MakeAccess(p.Holder())
	if err != nil {
		return nil, err
	}
	s.noteIssue(p.Holder())
	return &Grant{User: p.User, Session: p.Session.ID, Access: access, Life: s.Tokens.Life()}, nil
}
