package oauth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

// The kinds of request that wait.
const (
	kindPushed = "pushed" // by the client, before the browser comes (RFC 9126)
	kindPage   = "page"   // while its person is at a page of ours
	kindApp    = "app"    // while its person is at a page of an app's own
)

const (
	pushedLife = 89 * time.Second
	pageLife   = 34 * time.Minute
	// pushedPrefix is what every request_uri of ours begins with (RFC 9126 §2.2).
	pushedPrefix = "urn:ietf:params:oauth:request_uri:"
	heldIDSize   = 34 // random bytes
)

// heldHash names a request in the store.
func heldHash(kind, id, browser string) []byte {
	h := sha256.Sum256([]byte(kind + " " + id + " " + browser))
	return h[:]
}

// Hold keeps p while its person is at a page of ours, and returns the id by which
// that browser can go on with it. Nobody else's browser can.
func (s *Service) Hold(ctx context.Context, p *Pending, browser string) (id string, err error) {
	return s.hold(ctx, p, kindPage, browser, pageLife)
}

func (s *Service) hold(ctx context.Context, p *Pending, kind, browser string, life time.Duration) (id string, err error) {
	id = secret.Token(heldIDSize)
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		p.Ask.Since = tx.Now.UnixMicro()
		text, err := json.Marshal(p.Ask)
		if err != nil {
			return fmt.Errorf("hold request: %w", err)
		}
		return tx.InsertRequest(store.HeldRequest{
			Hash: heldHash(kind, id, browser), Kind: kind, Client: p.Client.ID, Request: text,
			Created: tx.Now, Expires: tx.Now.Add(life),
		})
	})
	return id, err
}

// Resume returns the request that this browser left under id. It fails with
// headykey.ErrBadRequestURI if there is none, it has run out or was completed. If it
// returns both a Pending and that error, the request is good for telling the person
// which client they came from, and for nothing else.
func (s *Service) Resume(ctx context.Context, id, browser string) (*Pending, error) {
	hash := heldHash(kindPage, id, browser)
	held, stale := s.held(ctx, kindPage, hash)
	if stale != nil && held.Request == nil {
		return nil, stale
	}
	p := &Pending{held: hash, kind: kindPage}
	if err := json.Unmarshal(held.Request, &p.Ask); err != nil {
		return nil, fmt.Errorf("read held request: %w", err)
	}
	var err error
	p.Client, err = s.client(ctx, p.Ask.Client)
	switch {
	case isMissing(err), err == nil && !p.Client.Disabled.IsZero():
		return nil, headykey.ErrBadClient
	case err != nil:
		return nil, err
	}
	return p, stale
}

// Choose notes that the person goes on with the session of by, and returns where
// they now are. The id stays the same.
func (s *Service) Choose(ctx context.Context, id, browser string, by headykey.Caller) error {
	p, err := s.Resume(ctx, id, browser)
	if err != nil {
		return err
	}
	p.Ask.Chosen = by.Session
	text, err := json.Marshal(p.Ask)
	if err != nil {
		return fmt.Errorf("hold request: %w", err)
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error { return tx.ChangeRequest(kindPage, p.held, text) })
}

// held returns a request that waits and was not completed.
func (s *Service) held(ctx context.Context, kind string, hash []byte) (store.HeldRequest, error) {
	var held store.HeldRequest
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		held, err = tx.HeldRequest(kind, hash)
		return err
	})
	if errors.Is(err, headykey.ErrNotFound) {
		return held, headykey.ErrBadRequestURI
	}
	if err == nil && (!held.Used.IsZero() || !time.Now().Before(held.Expires)) {
		return held, headykey.ErrBadRequestURI
	}
	return held, err
}

// A Pushed is the name of a request that a client pushed.
type Pushed struct {
	URI  string
	Life time.Duration
}

// Push reads and keeps an authorization request of c, which has proven itself
// (RFC 9126 §2). jkt is the thumbprint of the key that its DPoP proof was made with,
// or "". It fails as [Service.Begin] does.
func (s *Service) Push(ctx context.Context, c *headykey.Client, in url.Values, jkt string) (Pushed, error) {
	if in.Has("request_uri") {
		return Pushed{}, wrongAsk("A request_uri cannot be pushed.")
	}
	in.Set("client_id", string(c.ID))
	id := secret.Token(heldIDSize)
	hash := heldHash(kindPushed, id, "")
	p := &Pending{Client: c, Ask: Ask{Client: c.ID, Pushed: hash}}
	if err := s.readPushed(ctx, p, in, jkt); err != nil {
		return Pushed{}, err
	}
	text, err := json.Marshal(p.Ask)
	if err != nil {
		return Pushed{}, fmt.Errorf("push request: %w", err)
	}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		return tx.InsertRequest(store.HeldRequest{
			Hash: hash, Kind: kindPushed, Client: c.ID, Request: text, Created: tx.Now, Expires: tx.Now.Add(pushedLife),
		})
	})
	return Pushed{URI: pushedPrefix + id, Life: pushedLife}, err
}

// readPushed reads a request that is being pushed, as Begin reads one from a browser.
func (s *Service) readPushed(ctx context.Context, p *Pending, in url.Values, jkt string) error {
	in, err := s.unfold(ctx, p, withoutEmpty(in))
	if err != nil {
		return err
	}
	if named := in.Get("dpop_jkt"); jkt != "" && named != "" && named != jkt {
		return headykey.ErrBadProof.Saying("The dpop_jkt is not of the key of the proof.")
	}
	if jkt != "" {
		in.Set("dpop_jkt", jkt)
	}
	if err := p.redirect(in); err != nil {
		return wrongAsk(headykey.Explain(err).Text) // in the word of RFC 9126 §2.3
	}
	return s.readAsk(p, in)
}

// pushed returns the request that in names by a request_uri of ours, or nil if it
// names none. Beside it only the client is looked at (RFC 9126 §4).
func (s *Service) pushed(ctx context.Context, c *headykey.Client, in url.Values) (*Pending, error) {
	id, ours := strings.CutPrefix(in.Get("request_uri"), pushedPrefix)
	if !ours {
		return nil, nil
	}
	hash := heldHash(kindPushed, id, "")
	held, err := s.held(ctx, kindPushed, hash)
	if err != nil {
		return nil, err
	}
	if held.Client != c.ID {
		return nil, headykey.ErrBadRequestURI
	}
	p := &Pending{Client: c}
	if err := json.Unmarshal(held.Request, &p.Ask); err != nil {
		return nil, fmt.Errorf("read pushed request: %w", err)
	}
	p.Ask.Pushed = hash
	return p, nil
}
