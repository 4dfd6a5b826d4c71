package oauth

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/mail"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

const (
	minCIBALife = 10 * time.Second // the least that may be asked for; pollLife is the most
	maxMessage  = 89               // characters of a binding_message
	// maxAsked is how many questions of one client to one person may wait at once:
	// nobody is to be worn down until they say yes.
	maxAsked = 8

	pingPurpose = "ciba ping"
)

// PingKind is the kind of parcel that holds a Ping.
const PingKind = "ping"

// A Ping tells a client that its person has answered (CIBA Core §10.2).
type Ping struct {
	URL   string `json:"url"`   // where to
	Token string `json:"token"` // client_notification_token: the client knows us by it
	ID    string `json:"auth_req_id"`
	Until int64  `json:"until"` // unix seconds; then it is of no use to anybody
}

const maxNotificationToken = 1024 // characters (CIBA Core §7.1)

// bearerForm is how a bearer token looks (RFC 6750 §2.1).
var bearerForm = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// Asked is what a client learns of its question (CIBA Core §7.3).
type Asked struct {
	ID    string // auth_req_id
	Life  time.Duration
	Pause time.Duration // between two questions
}

// A question is a back-channel request that was read.
type question struct {
	waiting *Waiting
	life    time.Duration
	token   string // client_notification_token; "": no ping
	hint    hinted
	name    *signedName
}

// hinted is whom a question is for, by one of its hints.
type hinted struct {
	login string
	token *hint
}

// AskPerson asks a person, who is elsewhere, whether c may act for them (CIBA Core
// §7.1); c has proven itself. The person learns of it by a letter, and answers at
// /approvals.
//
// It fails with headykey.ErrGrantNotAllowed, ErrBadAuthorization, ErrScopeNotAllowed,
// ErrBadResource, ErrBadDetails, ErrBadMessage, ErrRateLimited while too many
// questions wait, and ErrUnknownUser. The last tells who has an account here: only to
// confidential clients that an administrator let ask, for the specification wants it
// told.
func (s *Service) AskPerson(ctx context.Context, c *headykey.Client, in url.Values, jkt string, from headykey.From) (Asked, error) {
	if c.Public() || !c.May(cibaGrant) {
		return Asked{}, headykey.ErrGrantNotAllowed
	}
	q, err := s.readQuestion(ctx, c, withoutEmpty(in), jkt, from)
	if err != nil {
		return Asked{}, err
	}
	out := Asked{ID: secret.Token(heldIDSize), Life: q.life, Pause: pollPause}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		user, err := s.hintedUser(tx, c, q.hint)
		if err != nil {
			return err
		}
		if err := q.name.spend(tx); err != nil {
			return err
		}
		if err := mayAskAgain(tx, c, user); err != nil {
			return err
		}
		if err := s.sealPing(c, q, out.ID, tx.Now); err != nil {
			return err
		}
		poll, err := q.waiting.poll(kindCIBA, out.ID, tx.Now, q.life)
		if err != nil {
			return err
		}
		poll.User = user.ID
		if err := tx.InsertPoll(poll); err != nil || user.Email == "" {
			return err
		}
		return s.Outbox.Post(tx, "mail", mail.AskedToAct(user.Email, c.Name, s.base+"/approvals", q.life, mail.Occasion{
			At: tx.Now, From: from, RequestID: headykey.RequestID(ctx),
		}))
	})
	return out, err
}

// readQuestion reads all of a request but who it is for.
func (s *Service) readQuestion(ctx context.Context, c *headykey.Client, in url.Values, jkt string, from headykey.From) (*question, error) {
	in, name, err := s.unfoldCIBA(ctx, c, in)
	if err != nil {
		return nil, err
	}
	w, err := s.readWaiting(c, in, jkt, from)
	if err != nil {
		return nil, err
	}
	q := &question{waiting: w, name: name}
	w.Ask.MaxAge, w.Ask.ACR, w.Message = nil, strings.Fields(in.Get("acr_values")), in.Get("binding_message")
	switch {
	case !w.Ask.Has(headykey.ScopeOpenID):
		return nil, headykey.ErrScopeNotAllowed.Saying("The scope must contain openid.")
	case !isShowable(w.Message):
		return nil, headykey.ErrBadMessage
	case len(in.Get("acr_values")) > maxHint:
		return nil, wrongAsk("The acr_values are too long.")
	}
	if c.Details.CIBADelivery == deliverByPing {
		if q.token = in.Get("client_notification_token"); len(q.token) > maxNotificationToken || !bearerForm.MatchString(q.token) {
			return nil, wrongAsk("The client_notification_token is missing, or is no bearer token of at most 1024 characters.")
		}
	}
	if q.life, err = readLife(in.Get("requested_expiry")); err != nil {
		return nil, err
	}
	q.hint, err = s.readHints(c, in)
	return q, err
}

// isShowable reports whether text can stand on a page as it is: printable, and short.
func isShowable(text string) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= maxMessage &&
		!strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) })
}

// readLife reads requested_expiry, in seconds, within what there is.
func readLife(text string) (time.Duration, error) {
	if text == "" {
		return pollLife, nil
	}
	seconds, err := strconv.ParseInt(text, 10, 32)
	if err != nil || seconds <= 0 {
		return 0, wrongAsk("The requested_expiry is not a positive number of seconds.")
	}
	return min(max(time.Duration(seconds)*time.Second, minCIBALife), pollLife), nil
}

// readHints reads the one hint that must be there.
func (s *Service) readHints(c *headykey.Client, in url.Values) (hinted, error) {
	login, token := in.Get("login_hint"), in.Get("id_token_hint")
	switch {
	case in.Has("login_hint_token"):
		return hinted{}, wrongAsk("This server knows no login_hint_token.")
	case (login == "") == (token == ""):
		return hinted{}, wrongAsk("Exactly one hint must say who is to be asked.")
	case len(login) > maxHint:
		return hinted{}, wrongAsk("A hint is too long.")
	case login != "":
		return hinted{login: login}, nil
	}
	h, err := s.hint(token)
	if err != nil || !h.For(c.ID) {
		return hinted{}, wrongAsk("The id_token_hint is not an ID token of this client.")
	}
	return hinted{token: h}, nil
}

// hintedUser returns the account that h names. One that is disabled is nobody's.
func (s *Service) hintedUser(tx *store.Tx, c *headykey.Client, h hinted) (*headykey.User, error) {
	u, err := s.lookUpHint(tx, c, h)
	if isMissing(err) || err == nil && !u.Disabled.IsZero() {
		return nil, headykey.ErrUnknownUser
	}
	return u, err
}

func (s *Service) lookUpHint(tx *store.Tx, c *headykey.Client, h hinted) (*headykey.User, error) {
	if h.token != nil {
		return s.ownerOf(tx, c, h.token)
	}
	if _, key, err := headykey.ParseEmail(h.login); err == nil {
		login, err := tx.LoginByEmail(key)
		if err != nil {
			return nil, err
		}
		return &login.User, nil
	}
	id, err := headykey.ParseID(h.login)
	if err != nil || s.Subject(c, id) != h.login {
		return nil, headykey.ErrNotFound
	}
	return tx.User(id)
}

// ownerOf returns whose ID token h is. A pairwise subject is found by the session.
func (s *Service) ownerOf(tx *store.Tx, c *headykey.Client, h *hint) (*headykey.User, error) {
	id := headykey.ID(h.Subject)
	if _, err := headykey.ParseID(h.Subject); err != nil {
		session, err := tx.Session(h.Session)
		if err != nil {
			return nil, err
		}
		id = session.User
	}
	if s.Subject(c, id) != h.Subject {
		return nil, headykey.ErrNotFound
	}
	return tx.User(id)
}

// mayAskAgain keeps a client from wearing a person down.
func mayAskAgain(tx *store.Tx, c *headykey.Client, user *headykey.User) error {
	asked := 0
	for p, err := range tx.PendingPolls(kindCIBA, user.ID) {
		if err != nil {
			return err
		}
		if p.Client == c.ID {
			asked++
		}
	}
	if asked >= maxAsked {
		return headykey.ErrRateLimited.Saying("This person has too many questions of this client to answer.").Later(pollPause)
	}
	return nil
}

// sealPing puts into q how its client will be told of the answer.
func (s *Service) sealPing(c *headykey.Client, q *question, id string, now time.Time) error {
	if q.token == "" {
		return nil
	}
	text, err := json.Marshal(Ping{URL: c.Details.CIBANotify, Token: q.token, ID: id, Until: now.Add(q.life).Unix()})
	if err != nil {
		return fmt.Errorf("keep ping: %w", err)
	}
	q.waiting.Ping = s.Sealer.Seal(pingPurpose, text)
	return nil
}

// Approvals returns the questions that wait for by, the newest first. It fails with
// headykey.ErrNotSignedIn.
func (s *Service) Approvals(ctx context.Context, by headykey.Caller) ([]*Waiting, error) {
	if by.Session == "" || by.User == "" {
		return nil, headykey.ErrNotSignedIn
	}
	var polls []*store.Poll
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		polls, err = store.Collect(tx.PendingPolls(kindCIBA, by.User))
		return err
	})
	if err != nil {
		return nil, err
	}
	var all []*Waiting
	for _, p := range polls {
		w, err := s.readPoll(ctx, p)
		if headykey.Explain(err).Is(headykey.ErrBadClient) {
			continue
		}
		if err != nil {
			return nil, err
		}
		w.ID = base64.RawURLEncoding.EncodeToString(p.Hash)
		all = append(all, w)
	}
	return all, nil
}

// AnswerApproval tells the client of the question under id what by decided; a nil
// Decision is a no. The question must wait for by: else it fails with
// headykey.ErrBadRequestURI, as it does after an answer or when it has run out. A
// client that is to be pinged will be. The receipts are those of [Service.Allow] and
// [Service.Deny].
func (s *Service) AnswerApproval(ctx context.Context, by headykey.Caller, id string, d *Decision) error {
	all, err := s.Approvals(ctx, by)
	if err != nil {
		return err
	}
	for _, w := range all {
		if w.ID == id {
			return s.answerApproval(ctx, by, w, d)
		}
	}
	return headykey.ErrBadRequestURI
}

func (s *Service) answerApproval(ctx context.Context, by headykey.Caller, w *Waiting, d *Decision) error {
	hash, err := base64.RawURLEncoding.DecodeString(w.ID)
	if err != nil {
		return headykey.ErrBadRequestURI
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		poll, err := openPoll(tx, kindCIBA, hash)
		if err != nil {
			return err
		}
		if err := s.settle(ctx, tx, poll, w.Pending(), by, d); err != nil || w.Ping == nil {
			return err
		}
		return s.postPing(tx, w.Ping)
	})
}

func (s *Service) postPing(tx *store.Tx, sealed []byte) error {
	text, err := s.Sealer.Open(pingPurpose, sealed)
	if err != nil {
		return err
	}
	var p Ping
	if err := json.Unmarshal(text, &p); err != nil {
		return fmt.Errorf("read ping: %w", err)
	}
	return s.Outbox.Post(tx, PingKind, p)
}
