package auth

import (
	"context"
	"errors"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

// renew goes on with the session of the cookie that the browser still holds, if it
// is live and user's: tokens of apps stand on it, and are no worse for a fresher
// proof. The old cookie opens nothing any more. It reports whether it did.
func (s *Service) renew(ctx context.Context, tx *store.Tx, o *opening, user *headykey.User, in PasswordLogin) (bool, error) {
	if in.Replaces == "" {
		return false, nil
	}
	hash := secret.Hash(in.Replaces)
	old, err := tx.ProofByCookie(hash[:])
	if errors.Is(err, headykey.ErrNotFound) {
		return false, nil
	}
	if err != nil || old.User.ID != user.ID || !old.Session.Live(tx.Now) || !tx.Now.Before(old.Session.CookieExpires) {
		return false, err
	}
	l := s.config.Lifetimes
	session := old.Session
	session.Proven, session.LastUsed = tx.Now, tx.Now
	session.CookieExpires, session.Ends = tx.Now.Add(l.Session), tx.Now.Add(l.SessionMax)
	session.Ways, session.AMR, session.AAL = []headykey.Way{{Method: o.session.Ways[0].Method, At: tx.Now.Unix()}}, o.session.AMR, o.session.AAL
	session.Address, session.Agent = o.session.Address, o.session.Agent
	fresh := secret.Hash(o.cookie)
	if err := tx.RenewSession(&session, fresh[:]); err != nil {
		return false, err
	}
	if err := tx.NoteSignIn(user.ID); err != nil {
		return false, err
	}
	o.session, o.refresh = session, ""
	_, err = s.Receipts.Append(tx, headykey.RequestID(ctx), headykey.Act{
		Type: "session.renewed", By: headykey.Caller{User: user.ID, Role: headykey.RoleUser, Method: headykey.BySession, Session: session.ID},
		Subject: user.ID, Object: headykey.Party{Type: "session", ID: string(session.ID)},
		Details:  map[string]any{"surface": in.Surface, "amr": session.AMR, "aal": session.AAL},
		Personal: map[string]string{"address": session.Address, "agent": session.Agent},
	})
	return true, err
}
