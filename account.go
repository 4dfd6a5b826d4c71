package headykey

import (
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Words that the tokens of a session say of a person where nothing else was set.
const (
	Authenticated = "authenticated" // audience, and role in an app's database
	ByEmail       = "email"         // provider of the identity that is an address
)

// An Account is a user with all that is known of it.
type Account struct {
	User
	Profile    AccountProfile
	Identities []Identity // the oldest first
}

// An AccountProfile is what an account tells the apps that people sign in to.
type AccountProfile struct {
	Phone         string // E.164 digits without the plus; "": none
	PhoneVerified time.Time
	Audience      string         // aud of its tokens
	TokenRole     string         // role of its tokens: who it is in an app's database, not what it may do here
	UserData      jsontext.Value // a JSON object, by the person
	AppData       jsontext.Value // a JSON object, by the server and its operators alone

	NewEmail             string // that the address is about to change to; "": it is not
	Invited              time.Time
	ConfirmationSent     time.Time
	RecoverySent         time.Time
	EmailChangeSent      time.Time
	ReauthenticationSent time.Time
	Deleted              time.Time // erased but for the row itself; zero: it was not
}

// NewProfile returns the profile of an account of which nothing is known.
func NewProfile() AccountProfile {
	return AccountProfile{
		Audience: Authenticated, TokenRole: Authenticated,
		UserData: jsontext.Value("{}"), AppData: jsontext.Value("{}"),
	}
}

// An Identity is one way to be known as an account: an address, or an account at a
// provider.
type Identity struct {
	ID         ID
	User       ID
	Provider   string // "email", "phone", "web3", "google" …
	Subject    string // who that is at the provider; the account itself for an address
	Email      string // may be empty
	Data       jsontext.Value
	Created    time.Time
	Updated    time.Time
	LastSignIn time.Time // zero: never
}

// Key returns what an identity is unique by among all accounts; "" for an address,
// which is unique by itself. No address has a space.
func (i *Identity) Key() string {
	if i.Provider == ByEmail || i.Provider == "phone" {
		return ""
	}
	return i.Provider + " " + i.Subject
}

// PhoneKey returns what a phone number is unique by: no address begins so and has
// no @.
func PhoneKey(digits string) string { return "tel:" + digits }

// ParsePhone returns the digits of an E.164 number, with or without its plus, or
// ErrInvalid about "phone".
func ParsePhone(s string) (string, error) {
	digits := strings.TrimPrefix(strings.TrimSpace(s), "+")
	if len(digits) < 7 || len(digits) > 15 || digits[0] == '0' || strings.Trim(digits, "0123456789") != "" {
		return "", ErrInvalid.Saying("A phone number is its country code and its digits, as +4930123456.").About("phone")
	}
	return digits, nil
}

// A Way is one proof that a session stands on.
type Way struct {
	Method   string `json:"method"`             // one of the methods below
	At       int64  `json:"timestamp"`          // seconds since 1970
	Provider string `json:"provider,omitempty"` // who vouched, for "oauth"
}

// The methods of proof, in the spelling of the session tokens.
const (
	ByPassword   = "password"
	ByOTP        = "otp" // a code or link of a letter
	ByMagicLink  = "magiclink"
	ByRecovery   = "recovery"
	ByInvite     = "invite"
	BySignUp     = "email/signup"
	ByNewEmail   = "email_change"
	ByOAuth      = "oauth"
	ByWeb3       = "web3"
	Anonymously  = "anonymous"
	amrOTP       = "otp"
	amrFederated = "fed"
)

// amr are the words of RFC 8176 for each method; a method without one says nothing.
var amr = map[string]string{
	ByPassword: "pwd", ByOTP: amrOTP, ByMagicLink: amrOTP, ByRecovery: amrOTP, ByInvite: amrOTP,
	BySignUp: amrOTP, ByNewEmail: amrOTP, ByOAuth: amrFederated, ByWeb3: "pop",
}

// AMR returns the words of RFC 8176 for ways, each once.
func AMR(ways []Way) []string {
	words := []string{}
	seen := map[string]bool{}
	for _, w := range ways {
		if word := amr[w.Method]; word != "" && !seen[word] {
			seen[word] = true
			words = append(words, word)
		}
	}
	return words
}

// maxData bounds each of an account's two objects, in bytes: they travel in tokens,
// and tokens in headers.
const maxData = 5 << 10

// MergeData returns the JSON object base with the members of patch in place of its
// own; null takes one away. It fails with ErrInvalid about "data" if patch is no
// object, or if the outcome has over 5 KiB.
func MergeData(base, patch jsontext.Value) (jsontext.Value, error) {
	if len(patch) == 0 || patch.Kind() == 'n' {
		return base, nil
	}
	var members, changes map[string]jsontext.Value
	if err := json.Unmarshal(base, &members); err != nil || members == nil {
		members = map[string]jsontext.Value{}
	}
	if err := json.Unmarshal(patch, &changes); err != nil {
		return nil, ErrInvalid.Saying("This must be a JSON object.").About("data")
	}
	for name, value := range changes {
		if value.Kind() == 'n' {
			delete(members, name)
			continue
		}
		members[name] = value
	}
	out, err := json.Marshal(members, json.Deterministic(true))
	if err != nil || len(out) > maxData {
		return nil, ErrInvalid.Saying("The data of an account may have at most 5 KiB.").About("data")
	}
	return out, nil
}

// AppMetadata returns what the tokens of a say that only the server may say: its
// AppData, and by which providers it is known.
func (a *Account) AppMetadata() jsontext.Value {
	if a.Anonymous || len(a.Identities) == 0 {
		return a.Profile.AppData
	}
	var providers []string
	for _, i := range a.Identities {
		if !slices.Contains(providers, i.Provider) {
			providers = append(providers, i.Provider)
		}
	}
	members := map[string]any{"provider": providers[0], "providers": providers}
	patch, err := json.Marshal(members)
	if err != nil {
		return a.Profile.AppData // text always marshals
	}
	out, err := MergeData(a.Profile.AppData, patch)
	if err != nil {
		return a.Profile.AppData
	}
	return out
}

// Identity returns the first identity of a provider, or nil.
func (a *Account) Identity(provider string) *Identity {
	for i := range a.Identities {
		if a.Identities[i].Provider == provider {
			return &a.Identities[i]
		}
	}
	return nil
}
