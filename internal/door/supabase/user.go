package supabase

import (
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
)

// A user is an account as apps know it (contract: shared objects).
type user struct {
	ID       headykey.ID    `json:"id"`
	Subject  headykey.ID    `json:"sub,omitempty"` // for those who take this for an OpenID userinfo
	Audience string         `json:"aud"`
	Role     string         `json:"role"`
	Email    string         `json:"email"`
	Phone    string         `json:"phone"`
	AppData  jsontext.Value `json:"app_metadata"`
	UserData jsontext.Value `json:"user_metadata"`

	Identities []identity `json:"identities"`
	Created    time.Time  `json:"created_at"`
	Updated    time.Time  `json:"updated_at"`
	Anonymous  bool       `json:"is_anonymous"`

	EmailConfirmed   time.Time `json:"email_confirmed_at,omitzero"`
	PhoneConfirmed   time.Time `json:"phone_confirmed_at,omitzero"`
	Confirmed        time.Time `json:"confirmed_at,omitzero"`
	Invited          time.Time `json:"invited_at,omitzero"`
	ConfirmationSent time.Time `json:"confirmation_sent_at,omitzero"`
	RecoverySent     time.Time `json:"recovery_sent_at,omitzero"`
	NewEmail         string    `json:"new_email,omitempty"`
	EmailChangeSent  time.Time `json:"email_change_sent_at,omitzero"`
	Reauthentication time.Time `json:"reauthentication_sent_at,omitzero"`
	LastSignIn       time.Time `json:"last_sign_in_at,omitzero"`
	Banned           time.Time `json:"banned_until,omitzero"`
	Deleted          time.Time `json:"deleted_at,omitzero"`
}

type identity struct {
	ID         headykey.ID    `json:"identity_id"`
	Subject    string         `json:"id"`
	User       headykey.ID    `json:"user_id"`
	Data       jsontext.Value `json:"identity_data"`
	Provider   string         `json:"provider"`
	LastSignIn time.Time      `json:"last_sign_in_at,omitzero"`
	Created    time.Time      `json:"created_at"`
	Updated    time.Time      `json:"updated_at"`
	Email      string         `json:"email,omitempty"`
}

// forEver is the end of a ban that has none.
var forEver = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

func (d *Door) spellUser(a *headykey.Account) user { return d.Settings.spellUser(a) }

// spellUser returns a as apps know it. Where addresses need not be confirmed, one
// counts as confirmed since the beginning.
func (s Settings) spellUser(a *headykey.Account) user {
	p := &a.Profile
	u := user{
		ID: a.ID, Audience: p.Audience, Role: p.TokenRole, Email: a.Email, Phone: p.Phone,
		AppData: a.AppMetadata(), UserData: p.UserData, Identities: []identity{}, Created: a.Created, Updated: a.Updated,
		Anonymous: a.Anonymous, EmailConfirmed: a.Verified, PhoneConfirmed: p.PhoneVerified, Invited: p.Invited,
		ConfirmationSent: p.ConfirmationSent, RecoverySent: p.RecoverySent, NewEmail: p.NewEmail,
		EmailChangeSent: p.EmailChangeSent, Reauthentication: p.ReauthenticationSent, LastSignIn: a.LastSignIn,
		Banned: a.DisabledUntil, Deleted: p.Deleted,
	}
	if s.AutoConfirm && a.Email != "" && a.Verified.IsZero() {
		u.EmailConfirmed = a.Created
	}
	u.Confirmed = u.EmailConfirmed
	if !u.PhoneConfirmed.IsZero() && (u.Confirmed.IsZero() || u.PhoneConfirmed.Before(u.Confirmed)) {
		u.Confirmed = u.PhoneConfirmed
	}
	if !a.Disabled.IsZero() && a.DisabledUntil.IsZero() && p.Deleted.IsZero() {
		u.Banned = forEver
	}
	for _, i := range a.Identities {
		u.Identities = append(u.Identities, identity{
			ID: i.ID, Subject: i.Subject, User: i.User, Data: i.Data, Provider: i.Provider,
			LastSignIn: i.LastSignIn, Created: i.Created, Updated: i.Updated, Email: i.Email,
		})
	}
	return u
}

// UserJSON returns a as apps know it, for hooks.
func (s Settings) UserJSON(a *headykey.Account) (jsontext.Value, error) {
	return json.Marshal(s.spellUser(a))
}
