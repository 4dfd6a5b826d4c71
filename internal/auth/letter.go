package auth

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"net/url"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/mail"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
)

const (
	linkSize   = 34 // random bytes of the token in a link
	codeDigits = 6
	// AppPrefix begins the token of a link whose app gets a code in place of tokens.
	AppPrefix = "pkce_"
)

// The purposes of links.
const (
	purposeConfirm   = "email.confirm"
	purposeSetup     = "admin.setup"
	purposeSignIn    = "sign_in"
	purposeRecovery  = "recovery"
	purposeInvite    = "invite"
	purposeLeave     = "email.leave" // the address that an account has
	purposeMove      = "email.move"  // the address that it is to have
	purposeStepUp    = "reauthenticate"
	purposeFlow      = "app.code"
	maxConfirmations = 5 // letters for one new account that count at once
)

// A letterKind is one of the letters whose link or code proves something.
type letterKind struct {
	name    string // as apps call it
	purpose string
	method  string // of who proves themselves by it, where an app is told
	write   func(to, name string, proof mail.Proof, o mail.Occasion) mail.Message
}

// letterKinds are all of them.
var letterKinds = []letterKind{
	{"signup", purposeConfirm, headykey.BySignUp, mail.ConfirmAddress},
	{"magiclink", purposeSignIn, headykey.ByMagicLink, mail.SignInLink},
	{"recovery", purposeRecovery, headykey.ByRecovery, mail.ResetPassword},
	{"invite", purposeInvite, headykey.ByInvite, mail.Invitation},
	{"email_change", purposeLeave, headykey.ByNewEmail, mail.NewAddress},
	{"email_change", purposeMove, headykey.ByNewEmail, mail.NewAddress},
	{"reauthentication", purposeStepUp, "", mail.CodeToProve},
}

func kindOf(purpose string) letterKind {
	for _, k := range letterKinds {
		if k.purpose == purpose {
			return k
		}
	}
	panic("auth: no letter is for " + purpose) // a purpose of ours without a row
}

// purposesOf are the purposes of the letters that apps call name; "email" is either
// of those by which somebody comes in.
func purposesOf(name string) []string {
	if name == "email" {
		return []string{purposeConfirm, purposeSignIn}
	}
	var all []string
	for _, k := range letterKinds {
		if k.name == name && k.purpose != purposeStepUp {
			all = append(all, k.purpose)
		}
	}
	return all
}

// A letter is what one proof is asked by.
type letter struct {
	purpose string
	to      string // address
	app     *Asking
	data    string // what the purpose needs
	from    headykey.From
}

// An Asking is the app that has a letter sent.
type Asking struct {
	Target    string // where the person goes with the outcome; judged by the door
	Challenge string // METHOD:CHALLENGE (RFC 7636 §4.2); "": the outcome is tokens
}

// A written letter is one that was not sent yet.
type written struct {
	Token string // of its link, as apps know it
	Code  string
	Link  string // URL; "" where there is none
}

// write makes the link and the code of l for a. Those made before for the same stop
// working.
func (s *Service) write(tx *store.Tx, a *headykey.Account, l letter) (written, error) {
	if err := s.dropBefore(tx, a.ID, l.purpose); err != nil {
		return written{}, err
	}
	w := written{Token: secret.Token(linkSize), Code: newCode()}
	kind, challenge := kindOf(l.purpose), ""
	if l.app != nil {
		if challenge = l.app.Challenge; challenge != "" {
			w.Token = AppPrefix + w.Token
		}
		w.Link = s.config.AppsURL + "/verify?" + url.Values{
			"token": {w.Token}, "type": {kind.name}, "redirect_to": {l.app.Target},
		}.Encode()
	} else if l.purpose == purposeConfirm {
		// The link opens a page that asks for a click: what scans mail spends nothing.
		w.Link, w.Code = s.config.BaseURL+"/verify-email?token="+w.Token, ""
	}
	hash := secret.Hash(w.Token)
	return w, tx.InsertLink(store.Link{
		Hash: hash[:], Purpose: l.purpose, User: a.ID, Expires: tx.Now.Add(s.config.Lifetimes.EmailLink),
		Code: s.codeHash(a.ID, l.purpose, w.Code), Challenge: challenge, Method: kind.method, Data: l.data,
	})
}

// dropBefore ends the letters before one of purpose. Those that confirm a new account
// may be several: each may be of another sign-up, and counts for its own.
func (s *Service) dropBefore(tx *store.Tx, user headykey.ID, purpose string) error {
	if purpose == purposeConfirm {
		live, err := tx.Links(user, purpose)
		if err != nil || len(live) < maxConfirmations {
			return err
		}
	}
	return tx.DropLinks(user, purpose)
}

// post writes l for a and sends it.
func (s *Service) post(ctx context.Context, tx *store.Tx, a *headykey.Account, l letter) error {
	w, err := s.write(tx, a, l)
	if err != nil {
		return err
	}
	proof := mail.Proof{Link: w.Link, Code: w.Code, Life: s.config.Lifetimes.EmailLink}
	return s.Outbox.Post(tx, "mail", kindOf(l.purpose).write(l.to, a.Name, proof, occasion(ctx, tx, l.from)))
}

// newCode returns a code of six digits.
func newCode() string {
	n, _ := rand.Int(rand.Reader, big.NewInt(1_000_000)) // never fails (crypto/rand)
	return fmt.Sprintf("%0*d", codeDigits, n)
}

// codeHash is a code as the store keeps it: it is short, so that its hash is keyed.
func (s *Service) codeHash(user headykey.ID, purpose, code string) []byte {
	if code == "" {
		return nil
	}
	mac := s.Sealer.MAC("letter code", []byte(user), []byte(purpose), []byte(code))
	return mac[:]
}
