package oauth

import (
	"context"
	"net/url"
	"slices"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// A Leaving is a request that a person be signed out (OpenID Connect RP-Initiated
// Logout 1.0 §2).
type Leaving struct {
	Client  *headykey.Client // who sent the person here; nil: nobody, or it did not say
	Session headykey.ID      // the sign-in that the client got its ID token in; zero: it showed none

	hinted   bool   // the client showed an ID token of ours
	redirect string // where the person is sent afterwards, with the state; "": nowhere
}

// Back is where the person goes once they are signed out; "": nowhere. Without an
// ID token anybody may have made the request, so that they must have confirmed it.
func (l *Leaving) Back(confirmed bool) string {
	if l.hinted || confirmed {
		return l.redirect
	}
	return ""
}

// BeginLogout reads the parameters of a request to sign out; none at all are fine.
// Every failure is for a page: headykey.ErrBadClient, ErrBadRedirect if the
// post_logout_redirect_uri is not registered byte for byte, ErrBadAuthorization if
// the id_token_hint is not ours, or of another client. An ID token that has expired
// is as good as a new one.
func (s *Service) BeginLogout(ctx context.Context, in url.Values) (*Leaving, error) {
	in = withoutEmpty(in)
	for _, values := range in {
		if len(values) > 1 {
			return nil, wrongAsk("A parameter is given twice.")
		}
	}
	if len(in.Get("state")) > maxState {
		return nil, wrongAsk("The state is too long.")
	}
	l := &Leaving{}
	if err := s.readLogoutHint(l, in); err != nil {
		return nil, err
	}
	if !in.Has("client_id") {
		return l, nil // nobody to send the person back to
	}
	var err error
	if l.Client, err = s.asker(ctx, in); err != nil {
		return nil, err
	}
	if err := l.readRedirect(in); err != nil {
		return nil, err
	}
	return l, nil
}

// readLogoutHint reads the id_token_hint, and with it whose it is if the request
// does not say so.
func (s *Service) readLogoutHint(l *Leaving, in url.Values) error {
	text := in.Get("id_token_hint")
	if text == "" {
		return nil
	}
	h, err := s.hint(text)
	if err != nil || len(h.Audience) == 0 {
		return wrongAsk("The id_token_hint is not an ID token of this server.")
	}
	if !in.Has("client_id") {
		in.Set("client_id", h.Audience[0])
	}
	if !h.For(headykey.ID(in.Get("client_id"))) {
		return wrongAsk("The id_token_hint is not an ID token of this client.")
	}
	l.hinted, l.Session = true, h.Session
	return nil
}

// readRedirect reads where the person is to be sent. Nothing is added to it but the
// state.
func (l *Leaving) readRedirect(in url.Values) error {
	asked := in.Get("post_logout_redirect_uri")
	if asked == "" {
		return nil
	}
	if !slices.Contains(l.Client.Details.LogoutRedirects, asked) {
		return headykey.ErrBadRedirect.Saying("The post_logout_redirect_uri is not one that this client is registered with.")
	}
	l.redirect = asked
	if state := in.Get("state"); state != "" {
		l.redirect = withQuery(asked, url.Values{"state": {state}})
	}
	return nil
}

// withQuery is address with more in its query.
func withQuery(address string, more url.Values) string {
	a := Answer{Redirect: address, Params: more}
	return a.Location()
}

// FrontLogouts returns what must be loaded in the person's browser to tell clients
// that a session of theirs has ended (OpenID Connect Front-Channel Logout 1.0 §2).
func (s *Service) FrontLogouts(ctx context.Context, user, session headykey.ID) ([]string, error) {
	var frames []string
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		all, err := sessionClients(tx, user, session)
		frames = nil
		for _, c := range all {
			if frame := s.frontLogout(c, session); frame != "" {
				frames = append(frames, frame)
			}
		}
		return err
	})
	return frames, err
}

// frontLogout is the address that tells c in a browser, or "" if it has none.
func (s *Service) frontLogout(c *headykey.Client, session headykey.ID) string {
	address := c.Details.FrontLogoutURI
	if address == "" || !c.Details.FrontLogoutSession {
		return address
	}
	return withQuery(address, url.Values{"iss": {s.Issuer()}, "sid": {string(session)}})
}

// sessionClients are the clients that user allowed something in session and that
// still exist.
func sessionClients(tx *store.Tx, user, session headykey.ID) ([]*headykey.Client, error) {
	ids, err := store.Collect(tx.SessionClients(user, session))
	if err != nil {
		return nil, err
	}
	var all []*headykey.Client
	for _, id := range ids {
		c, err := tx.Client(id)
		if isMissing(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}
