package store

import (
	"database/sql"
	"iter"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
)

const profileColumns = `phone, phone_verified_at, audience, token_role, user_data, app_data, new_email, invited_at,
	confirmation_sent_at, recovery_sent_at, email_change_sent_at, reauthentication_sent_at, deleted_at`

func profileFields(p *headykey.AccountProfile) []any {
	return []any{&p.Phone, when{&p.PhoneVerified}, &p.Audience, &p.TokenRole, value{&p.UserData}, value{&p.AppData}, &p.NewEmail,
		when{&p.Invited}, when{&p.ConfirmationSent}, when{&p.RecoverySent}, when{&p.EmailChangeSent},
		when{&p.ReauthenticationSent}, when{&p.Deleted}}
}

// value scans JSON as it is.
type value struct{ text *jsontext.Value }

// Scan implements sql.Scanner.
func (v value) Scan(src any) error {
	var text string
	err := maybeText{&text}.Scan(src)
	*v.text = jsontext.Value(text)
	return err
}

// Account returns all that is known of user, or headykey.ErrNotFound.
func (tx *Tx) Account(user headykey.ID) (*headykey.Account, error) {
	u, err := tx.User(user)
	if err != nil {
		return nil, err
	}
	return tx.accountOf(u)
}

// AccountByKey returns the account that key means (see ClaimKey), or
// headykey.ErrNotFound.
func (tx *Tx) AccountByKey(key string) (*headykey.Account, error) {
	u, err := tx.UserByKey(key)
	if err != nil {
		return nil, err
	}
	return tx.accountOf(u)
}

func (tx *Tx) accountOf(u *headykey.User) (*headykey.Account, error) {
	a := &headykey.Account{User: *u, Profile: headykey.NewProfile()}
	err := tx.one("select profile", profileFields(&a.Profile), `SELECT `+profileColumns+` FROM profiles WHERE user_id = $1`, u.ID)
	if err != nil && !isMissing(err) {
		return nil, err
	}
	a.Identities, err = Collect(tx.identities(u.ID))
	return a, err
}

// PutProfile keeps p in place of user's profile.
func (tx *Tx) PutProfile(user headykey.ID, p *headykey.AccountProfile) error {
	tx.Touch(ChangedUser, user)
	err := tx.do("put profile", `
		INSERT INTO profiles (user_id, `+profileColumns+`, new_email_key)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
		ON CONFLICT (user_id) DO UPDATE SET phone = excluded.phone, phone_verified_at = excluded.phone_verified_at,
			audience = excluded.audience, token_role = excluded.token_role, user_data = excluded.user_data,
			app_data = excluded.app_data, new_email = excluded.new_email, new_email_key = excluded.new_email_key, invited_at = excluded.invited_at,
			confirmation_sent_at = excluded.confirmation_sent_at, recovery_sent_at = excluded.recovery_sent_at,
			email_change_sent_at = excluded.email_change_sent_at,
			reauthentication_sent_at = excluded.reauthentication_sent_at, deleted_at = excluded.deleted_at`,
		user, p.Phone, at(p.PhoneVerified), p.Audience, p.TokenRole, string(p.UserData), string(p.AppData), p.NewEmail,
		at(p.Invited), at(p.ConfirmationSent), at(p.RecoverySent), at(p.EmailChangeSent), at(p.ReauthenticationSent), at(p.Deleted), headykey.AddressKey(p.NewEmail))
	if err != nil {
		return err
	}
	return tx.do("note change", `UPDATE users SET updated_at = $2 WHERE id = $1`, user, at(tx.Now))
}

const identityColumns = `id, user_id, provider, subject, email, data, created_at, updated_at, last_sign_in_at`

func identityFields(i *headykey.Identity) []any {
	return []any{&i.ID, &i.User, &i.Provider, &i.Subject, &i.Email, value{&i.Data},
		when{&i.Created}, when{&i.Updated}, when{&i.LastSignIn}}
}

func scanIdentity(rows *sql.Rows) (i headykey.Identity, err error) {
	return i, rows.Scan(identityFields(&i)...)
}

func (tx *Tx) identities(user headykey.ID) iter.Seq2[headykey.Identity, error] {
	return query(tx, "select identities", scanIdentity, `
		SELECT `+identityColumns+` FROM identities WHERE user_id = $1 ORDER BY created_at, provider, id`, user)
}

// PutIdentity adds i, or keeps it in place of the one with its id. It fails with
// headykey.ErrEmailTaken if it is another account's.
func (tx *Tx) PutIdentity(i *headykey.Identity) error {
	if key := i.Key(); key != "" {
		if err := tx.ClaimKey(key, i.User); err != nil {
			return err
		}
	}
	tx.Touch(ChangedUser, i.User)
	return tx.do("put identity", `
		INSERT INTO identities (`+identityColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (user_id, id) DO UPDATE SET subject = excluded.subject, email = excluded.email, data = excluded.data,
			updated_at = excluded.updated_at, last_sign_in_at = excluded.last_sign_in_at`,
		i.ID, i.User, i.Provider, i.Subject, i.Email, string(i.Data), at(i.Created), at(tx.Now), at(i.LastSignIn))
}

// DeleteIdentity takes i away from its account, or returns headykey.ErrNotFound.
func (tx *Tx) DeleteIdentity(i *headykey.Identity) error {
	if key := i.Key(); key != "" {
		if err := tx.FreeKey(key, i.User); err != nil {
			return err
		}
	}
	tx.Touch(ChangedUser, i.User)
	return found(tx.exec("delete identity", `DELETE FROM identities WHERE user_id = $1 AND id = $2`, i.User, i.ID))
}

// UserMovingTo returns an account that is about to have the folded address emailKey,
// the one that asked last, or headykey.ErrNotFound.
func (tx *Tx) UserMovingTo(emailKey string) (*headykey.User, error) {
	u := &headykey.User{}
	return u, tx.one("select user", userFields(u), `
		SELECT `+userColumns+` FROM profiles p JOIN users u ON u.id = p.user_id
		WHERE p.new_email_key = $1 ORDER BY p.email_change_sent_at DESC LIMIT 1`, emailKey)
}
