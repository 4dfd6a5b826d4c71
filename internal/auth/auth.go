// Package auth is how people come in and go: sign-up, password sign-in, sessions,
// refresh, sign-out, and who a request's credentials belong to. Every surface
// asks these rules, so that none can forget one.
package auth

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/maypok86/otter/v2"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/hook"
	"headykey.com/headykey/internal/outbox"
	"headykey.com/headykey/internal/receipt"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/token"
	"headykey.com/headykey/internal/upstream"
)

// maxRemembered bounds how many proven credentials are kept in memory.
const maxRemembered = 55_000

// Config says how strict the rules are.
type Config struct {
	BaseURL      string // of links in letters
	AppsURL      string // of the Supabase API
	ConfirmEmail bool   // a new account must confirm its address before it signs in
	Throttle     bool   // false: passwords may be guessed without limit; for load tests
	Closed       bool   // nobody makes an account of their own
	Apps         Apps
	Lifetimes    headykey.Lifetimes
}

// Apps says what apps may have their people do at the Supabase API.
type Apps struct {
	Anonymous       bool              // begin without an address
	Reauthenticate  bool              // a new password needs a code of a letter, unless the sign-in is fresh
	CurrentPassword bool              // a new password needs the one before
	Web3            []string          // chains whose wallets people may sign in by
	Issuers         []upstream.Issuer // whose ID tokens people may sign in by
}

// AppSurface is headykey.AppSurface.
const AppSurface = headykey.AppSurface

// Parts are what the rules stand on.
type Parts struct {
	DB       *store.DB
	Tokens   *token.Service
	Receipts *receipt.Ledger
	Outbox   *outbox.Outbox
	Pool     *secret.Pool
	Sealer   *secret.Sealer
	Log      *slog.Logger
	Upstream *upstream.Verifier // of ID tokens

	// Ended is told in the transaction which sessions of user end, whatever the
	// reason. Nil: nobody needs to know.
	Ended func(ctx context.Context, tx *store.Tx, user headykey.ID, sessions []headykey.ID) error
	// Change disables and enables an account in the transaction, which is the rule of
	// operators. Nil: no ban can be asked for.
	Change func(ctx context.Context, tx *store.Tx, by headykey.Caller, user *headykey.User, c headykey.UserChange) error

	Hooks *hook.Hooks                                     // nil: none
	Spell func(*headykey.Account) (jsontext.Value, error) // an account as hooks know it; needed with Hooks
}

// A Service answers who somebody is. It is safe for concurrent use.
type Service struct {
	Parts
	config Config
	proven *otter.Cache[[32]byte, *proven]
	known  *otter.Cache[headykey.ID, *known]
	uses   uses

	mu       sync.Mutex
	inFlight map[[32]byte]int // password attempts by account and address

	telling chan struct{}  // a place for each hook that is being told something
	told    sync.WaitGroup // those of telling
}

// New returns the service.
func New(p Parts, c Config) (*Service, error) {
	cache, err := otter.New(&otter.Options[[32]byte, *proven]{MaximumSize: maxRemembered})
	if err != nil {
		return nil, err
	}
	accounts, err := otter.New(&otter.Options[headykey.ID, *known]{MaximumSize: maxKnown})
	if err != nil {
		return nil, err
	}
	return &Service{
		Parts: p, config: c, proven: cache, known: accounts, inFlight: map[[32]byte]int{}, telling: make(chan struct{}, maxTelling),
	}, nil
}

// A Grant is what a sign-in gives.
type Grant struct {
	User       headykey.User
	Account    *headykey.Account // of a session of AppSurface; nil elsewhere
	Session    headykey.ID
	Access     string        // access token: of a session of AppSurface a session token
	Life       time.Duration // of Access
	Refresh    string        // refresh token; "" where none was asked for, or the session goes on with its own
	Cookie     string        // session cookie; "" where none is given
	CookieLife time.Duration
	Again      bool              // the answer to a refresh was lost, and is repeated
	Weak       []secret.Weakness // what is wrong with the password that was used, by today's rules
}

// An opening is a session about to begin: its secrets are made before the
// transaction, so that one that is run twice gives the same.
type opening struct {
	session headykey.Session
	cookie  string
	refresh string
	from    headykey.From
}

const cookieSize = 34 // random bytes of a session cookie

// prepare makes a session for a person who has just proven themselves by method, as
// headykey.Way has it.
func prepare(from headykey.From, surface, method string) *opening {
	ways := []headykey.Way{{Method: method}}
	o := &opening{
		session: headykey.Session{
			ID: headykey.NewOrderedID(), Surface: surface, Ways: ways, AMR: headykey.AMR(ways), AAL: "aal1",
			Address: addressText(from), Agent: from.Agent,
		},
		refresh: token.NewRefreshToken(), from: from,
	}
	if surface != AppSurface {
		o.cookie = secret.Token(cookieSize)
	}
	return o
}

func addressText(from headykey.From) string {
	if !from.Address.IsValid() {
		return ""
	}
	return from.Address.String()
}

// begin stores the session for user, with its refresh family and its receipt.
func (s *Service) begin(ctx context.Context, tx *store.Tx, o *opening, user *headykey.User) error {
	l := s.config.Lifetimes
	o.session.User = user.ID
	o.session.Created, o.session.Proven, o.session.LastUsed = tx.Now, tx.Now, tx.Now
	o.session.Ends = tx.Now.Add(l.SessionMax)
	o.session.Ways = []headykey.Way{o.session.Ways[0]} // the transaction may run twice
	o.session.Ways[0].At = tx.Now.Unix()
	var cookie []byte
	if o.cookie != "" {
		hash := secret.Hash(o.cookie)
		cookie, o.session.CookieExpires = hash[:], tx.Now.Add(l.Session)
	}
	if err := tx.InsertSession(&o.session, cookie); err != nil {
		return err
	}
	if err := s.Tokens.NewRefresh(tx, user.ID, o.session.ID, o.refresh); err != nil {
		return err
	}
	if err := tx.NoteSignIn(user.ID); err != nil {
		return err
	}
	_, err := s.Receipts.Append(tx, headykey.RequestID(ctx), headykey.Act{
		Type: "session.started", By: headykey.Caller{User: user.ID, Role: headykey.RoleUser, Method: headykey.BySession},
		Subject: user.ID, Object: headykey.Party{Type: "session", ID: string(o.session.ID)},
		Details:  map[string]any{"surface": o.session.Surface, "amr": o.session.AMR, "aal": o.session.AAL},
		Personal: map[string]string{"address": o.session.Address, "agent": o.session.Agent},
	})
	return err
}

// grant makes the answer to a sign-in whose session is durable. A session that nobody
// gets a token for, because a hook is against it, ends again.
func (s *Service) grant(ctx context.Context, o *opening, user *headykey.User) (*Grant, error) {
	if o.session.Surface == AppSurface {
		h := (&headykey.Proof{Session: o.session, User: *user}).Holder()
		g, err := s.appGrant(ctx, o.from, h, o.refresh, o.session.Ways[0].Method)
		if err != nil {
			return nil, errors.Join(err, s.withdraw(context.WithoutCancel(ctx), &o.session))
		}
		return g, nil
	}
	access, err := s.Tokens.MakeAccess((&headykey.Proof{Session: o.session, User: *user}).Holder())
	if err != nil {
		return nil, err
	}
	return &Grant{
		User: *user, Session: o.session.ID, Access: access, Life: s.Tokens.Life(),
		Refresh: o.refresh, Cookie: o.cookie, CookieLife: s.config.Lifetimes.Session,
	}, nil
}

// withdraw ends a session that came to nothing.
func (s *Service) withdraw(ctx context.Context, session *headykey.Session) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		_, err := s.endSessions(ctx, tx, headykey.System, "not_granted", session)
		return err
	})
}
