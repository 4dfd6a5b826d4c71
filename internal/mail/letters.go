package mail

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"headykey.com/headykey"
)

// An Occasion is the request that caused a mail.
type Occasion struct {
	At        time.Time
	From      headykey.From
	RequestID string
}

// A Proof is how its reader shows that an address is theirs.
type Proof struct {
	Link string        // the page that confirms
	Code string        // to type in instead; may be empty, and so may Link
	Life time.Duration // of both
}

// ConfirmAddress asks the person behind to to confirm a new account's address.
// name is what was typed at sign-up, perhaps by a stranger: it is used as a
// greeting if it is plainly a name, and is left out otherwise.
func ConfirmAddress(to, name string, proof Proof, o Occasion) Message {
	c := Content{
		To:      to,
		Subject: "Confirm your address for " + product,
		Heading: "Confirm your address",
		Paragraphs: []string{
			greeting(name),
			"Someone created an account with this address. If it was you, confirm the address.",
			"The link works once, for " + span(proof.Life) + ".",
		},
		Code:      proof.Code,
		Button:    Link{"Confirm address", proof.Link},
		Facts:     o.facts(to),
		NotYou:    Link{Label: "Not you? Do nothing. Without the link, nobody can confirm this address."},
		RequestID: o.RequestID,
	}
	if proof.Code != "" {
		c.Subject = proof.Code + " is your " + product + " code"
		c.Paragraphs[2] = "The link and the code work once, for " + span(proof.Life) + "."
		c.NotYou.Label = "Not you? Do nothing, and give the code to nobody."
	}
	return Render(c)
}

// AddressTaken tells the owner of an account that somebody, perhaps they, tried
// to create another one with its address. signIn and reset are the pages to sign
// in and to choose a new password.
func AddressTaken(to, signIn, reset string, o Occasion) Message {
	return Render(Content{
		To:      to,
		Subject: "You have a " + product + " account already",
		Heading: "You have an account already",
		Paragraphs: []string{
			"Someone tried to create an account with this address, and it has one already.",
			"If it was you, sign in instead, or choose a new password.",
		},
		Button:    Link{"Sign in", signIn},
		Also:      Link{"Choose a new password", reset},
		Facts:     o.facts(to),
		NotYou:    Link{Label: "Not you? Do nothing. Your account has not changed."},
		RequestID: o.RequestID,
	})
}

// IdentityAdded tells the person behind to that their account can be entered by an
// account at a provider now, too.
func IdentityAdded(to, name, provider string, o Occasion) Message {
	return Render(Content{
		To:      to,
		Subject: "A new way into your " + product + " account",
		Heading: "A new way into your account",
		Paragraphs: []string{
			greeting(name),
			"From now on you can also sign in with an account at " + provider + ".",
			"You can take it away again in your account.",
		},
		Facts:     o.facts(to),
		NotYou:    Link{Label: "Not you? Sign in, end all sessions and change your password."},
		RequestID: o.RequestID,
	})
}

// SignInLink lets the person behind to sign in without a password.
func SignInLink(to, name string, proof Proof, o Occasion) Message {
	return prove(to, name, proof, o, proving{
		subject: "Sign in to " + product, heading: "Sign in", button: "Sign in",
		why:    "Someone asked to sign in with this address. If it was you, go on.",
		notYou: "Not you? Do nothing. Without the link or the code, nobody can sign in.",
	})
}

// ResetPassword lets the person behind to sign in and choose a new password.
func ResetPassword(to, name string, proof Proof, o Occasion) Message {
	return prove(to, name, proof, o, proving{
		subject: "Choose a new " + product + " password", heading: "Choose a new password", button: "Choose a new password",
		why:    "Someone asked for a new password for the account with this address. If it was you, go on.",
		notYou: "Not you? Do nothing. Your password has not changed.",
	})
}

// Invitation tells the person behind to that an account waits for them.
func Invitation(to, name string, proof Proof, o Occasion) Message {
	return prove(to, name, proof, o, proving{
		subject: "You are invited to " + product, heading: "You are invited", button: "Accept the invitation",
		why:    "Somebody made an account for this address. Accept the invitation to begin.",
		notYou: "Not expected? Do nothing. The account stays closed.",
	})
}

// NewAddress asks the person behind to, an account's address or the one that it is
// to have, to agree to the change.
func NewAddress(to, name string, proof Proof, o Occasion) Message {
	return prove(to, name, proof, o, proving{
		subject: "Change the address of your " + product + " account", heading: "Change your address", button: "Confirm the change",
		why:    "Someone asked to change the address of an account from or to this one. If it was you, confirm it.",
		notYou: "Not you? Do nothing. Without the link or the code, the address stays as it is.",
	})
}

// CodeToProve sends the code by which the person behind to proves that they are
// still there.
func CodeToProve(to, name string, proof Proof, o Occasion) Message {
	return prove(to, name, proof, o, proving{
		subject: "Your " + product + " code", heading: "Prove that it is you",
		why:    "Type this code where you were asked for it.",
		notYou: "Not you? Give the code to nobody, and change your password.",
	})
}

// proving are the words of a letter by which somebody proves something.
type proving struct{ subject, heading, why, button, notYou string }

func prove(to, name string, proof Proof, o Occasion, w proving) Message {
	works := "The link and the code work once, for " + span(proof.Life) + "."
	if proof.Link == "" {
		works = "The code works once, for " + span(proof.Life) + "."
	}
	return Render(Content{
		To: to, Subject: w.subject, Heading: w.heading,
		Paragraphs: []string{greeting(name), w.why, works},
		Code:       proof.Code, Button: Link{w.button, proof.Link}, Facts: o.facts(to),
		NotYou: Link{Label: w.notYou}, RequestID: o.RequestID,
	})
}

// AskedToAct tells the person behind to that app waits for their permission. page is
// where they answer; until then, for life, nothing happens.
func AskedToAct(to, app, page string, life time.Duration, o Occasion) Message {
	return Render(Content{
		To:      to,
		Subject: app + " asks to act for you",
		Heading: "An app asks to act for you",
		Paragraphs: []string{
			app + " asks for your permission to use your " + product + " account. Look at what it asks for, and answer on our page.",
			"Only allow it if you expect this. After " + span(life) + " the question is void.",
		},
		Button:    Link{"See the request", page},
		Facts:     o.facts(to),
		NotYou:    Link{Label: "Not expected? Do nothing, or say no on the page. Without your answer nothing happens."},
		RequestID: o.RequestID,
	})
}

// facts says whose address it is, and where and when the request was made.
func (o Occasion) facts(who string) []Fact {
	where := headykey.Device(o.From.Agent)
	if o.From.Address.IsValid() {
		where += ", " + o.From.Address.Unmap().WithZone("").String()
	}
	return []Fact{
		{"Who", who},
		{"Where", where},
		{"When", o.At.UTC().Format("2 January 2006, 15:04 UTC")},
	}
}

// greeting greets name if it is made like a name: at most 55 letters, marks,
// spaces, hyphens, apostrophes and full stops that end a word. Anything else
// could be a stranger's advertisement or link in our mail.
func greeting(name string) string {
	name = strings.TrimSpace(name)
	if name == "" || utf8.RuneCountInString(name) > 55 {
		return "Hello,"
	}
	rest := strings.ReplaceAll(strings.TrimSuffix(name, "."), ". ", " ")
	for _, r := range rest {
		if !unicode.In(r, unicode.L, unicode.M) && !strings.ContainsRune(" -'’", r) {
			return "Hello,"
		}
	}
	return "Hello " + name + ","
}

// span says d in whole minutes, hours or days, rounded down: a promise that is
// kept.
func span(d time.Duration) string {
	n, unit := int(d/time.Minute), "minute"
	switch {
	case d >= 48*time.Hour:
		n, unit = int(d/(24*time.Hour)), "day"
	case d >= 3*time.Hour:
		n, unit = int(d/time.Hour), "hour"
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}
