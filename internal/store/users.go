package store

import (
	"database/sql"
	"iter"

	"headykey.com/headykey"
)

const userColumns = `u.id, u.email, u.name, u.role, u.type, u.onboarding, u.workspace_mode,
	u.anonymous, u.verified_at, u.disabled_at, u.disabled_until, u.created_at, u.updated_at, u.last_sign_in_at`

func userFields(u *headykey.User) []any {
	return []any{&u.ID, &u.Email, &u.Name, &u.Role, &u.Type, &u.Onboarding, &u.WorkspaceMode,
		&u.Anonymous, when{&u.Verified}, when{&u.Disabled}, when{&u.DisabledUntil}, when{&u.Created}, when{&u.Updated}, when{&u.LastSignIn}}
}

func scanUser(rows *sql.Rows) (*headykey.User, error) {
	u := &headykey.User{}
	return u, rows.Scan(userFields(u)...)
}

// InsertUser adds u under the folded address emailKey ("": it has none). It fails
// with headykey.ErrEmailTaken if another account holds that.
func (tx *Tx) InsertUser(u *headykey.User, emailKey, nameKey string) error {
	if emailKey != "" {
		if err := tx.ClaimKey(emailKey, u.ID); err != nil {
			return err
		}
	}
	u.Updated = u.Created
	return tx.do("insert user", `
		INSERT INTO users (id, email, email_key, name, name_key, role, type, onboarding, workspace_mode,
			anonymous, verified_at, disabled_at, disabled_until, created_at, updated_at, last_sign_in_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		u.ID, u.Email, emailKey, u.Name, nameKey, u.Role, u.Type, u.Onboarding, u.WorkspaceMode,
		u.Anonymous, at(u.Verified), at(u.Disabled), at(u.DisabledUntil), at(u.Created), at(u.Updated), at(u.LastSignIn))
}

// ClaimKey notes that key (a folded address, headykey.PhoneKey or
// headykey.Identity.Key) means user. It fails with headykey.ErrEmailTaken if it
// means another account.
func (tx *Tx) ClaimKey(key string, user headykey.ID) error {
	n, err := tx.exec("claim key", `
		INSERT INTO addresses (email_key, user_id) VALUES ($1, $2)
		ON CONFLICT (email_key) DO UPDATE SET user_id = excluded.user_id WHERE addresses.user_id = excluded.user_id`, key, user)
	if err == nil && n == 0 {
		return headykey.ErrEmailTaken
	}
	return err
}

// FreeKey notes that key does not mean user any more.
func (tx *Tx) FreeKey(key string, user headykey.ID) error {
	return tx.do("free key", `DELETE FROM addresses WHERE email_key = $1 AND user_id = $2`, key, user)
}

// UserByKey returns the account that key means, or headykey.ErrNotFound.
func (tx *Tx) UserByKey(key string) (*headykey.User, error) {
	u := &headykey.User{}
	return u, tx.one("select user", userFields(u), `
		SELECT `+userColumns+` FROM addresses a JOIN users u ON u.id = a.user_id WHERE a.email_key = $1`, key)
}

// ChangeEmail gives u another address; the one before, whose key is old ("": there
// was none), is free. It fails with headykey.ErrEmailTaken.
func (tx *Tx) ChangeEmail(u *headykey.User, old, emailKey string) error {
	if emailKey != "" {
		if err := tx.ClaimKey(emailKey, u.ID); err != nil {
			return err
		}
	}
	if old != "" && old != emailKey {
		if err := tx.FreeKey(old, u.ID); err != nil {
			return err
		}
	}
	tx.Touch(ChangedUser, u.ID)
	u.Updated = tx.Now
	return found(tx.exec("change address", `
		UPDATE users SET email = $2, email_key = $3, anonymous = $4, verified_at = $5, updated_at = $6 WHERE id = $1`,
		u.ID, u.Email, emailKey, u.Anonymous, at(u.Verified), at(tx.Now)))
}

// User returns the account under id, or headykey.ErrNotFound.
func (tx *Tx) User(id headykey.ID) (*headykey.User, error) {
	u := &headykey.User{}
	return u, tx.one("select user", userFields(u), `SELECT `+userColumns+` FROM users u WHERE u.id = $1`, id)
}

// Login is what a password sign-in needs to know of an account.
type Login struct {
	User headykey.User
	Hash string // PHC string; "": the account has no password
}

// LoginByEmail returns the account that the folded address signs in, or
// headykey.ErrNotFound.
func (tx *Tx) LoginByEmail(emailKey string) (*Login, error) {
	l := &Login{}
	return l, tx.one("select login", append(userFields(&l.User), &l.Hash), `
		SELECT `+userColumns+`, coalesce(p.hash, '')
		FROM addresses a JOIN users u ON u.id = a.user_id LEFT JOIN passwords p ON p.user_id = u.id
		WHERE a.email_key = $1`, emailKey)
}

// PasswordOf returns user's password hash, or headykey.ErrNotFound.
func (tx *Tx) PasswordOf(user headykey.ID) (string, error) {
	var hash string
	return hash, tx.one("select password", []any{&hash}, `SELECT hash FROM passwords WHERE user_id = $1`, user)
}

// SetPassword gives user a password hash in place of any earlier one; "": none.
func (tx *Tx) SetPassword(user headykey.ID, hash string) error {
	return tx.do("set password", `
		INSERT INTO passwords (user_id, hash, changed_at) VALUES ($1, $2, $3)
		ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at`,
		user, hash, at(tx.Now))
}

// DropPassword takes user's password away, if there is one.
func (tx *Tx) DropPassword(user headykey.ID) error {
	return tx.do("drop password", `DELETE FROM passwords WHERE user_id = $1`, user)
}

// UpgradePassword stores the same password under a better hash, unless it was
// changed meanwhile.
func (tx *Tx) UpgradePassword(user headykey.ID, from, to string) error {
	return tx.do("upgrade password", `UPDATE passwords SET hash = $3 WHERE user_id = $1 AND hash = $2`, user, from, to)
}

// UpdateUser writes what may change about u: name, role, type, whether it is anonymous,
// and the times of confirmation and disabling. It fails with headykey.ErrNotFound.
func (tx *Tx) UpdateUser(u *headykey.User, nameKey string) error {
	tx.Touch(ChangedUser, u.ID)
	u.Updated = tx.Now
	return found(tx.exec("update user", `
		UPDATE users SET name = $2, name_key = $3, role = $4, anonymous = $5, verified_at = $6, disabled_at = $7,
			disabled_until = $8, updated_at = $9, type = $10 WHERE id = $1`,
		u.ID, u.Name, nameKey, u.Role, u.Anonymous, at(u.Verified), at(u.Disabled), at(u.DisabledUntil), at(tx.Now), u.Type))
}

// NoteSignIn records that user has just signed in.
func (tx *Tx) NoteSignIn(user headykey.ID) error {
	tx.Touch(ChangedUser, user) // apps are told of it
	return tx.do("note sign-in", `UPDATE users SET last_sign_in_at = $2 WHERE id = $1`, user, at(tx.Now))
}

// DeleteUser erases the account and all that belongs to it but its receipts,
// whose salt goes, so that they mean nobody. It fails with headykey.ErrNotFound.
func (tx *Tx) DeleteUser(user headykey.ID) error {
	tx.Touch(ChangedUser, user)
	for _, query := range []string{
		`DELETE FROM addresses WHERE user_id = $1`,
		`DELETE FROM passwords WHERE user_id = $1`,
		`DELETE FROM profiles WHERE user_id = $1`,
		`DELETE FROM identities WHERE user_id = $1`,
		`DELETE FROM refresh_families WHERE user_id = $1`,
		`DELETE FROM authorizations WHERE user_id = $1`,
		`DELETE FROM consents WHERE user_id = $1`,
		`DELETE FROM polls WHERE user_id = $1`,
		`DELETE FROM sessions WHERE user_id = $1`,
		`DELETE FROM api_key_events WHERE user_id = $1`,
		`DELETE FROM api_keys WHERE user_id = $1`,
		`DELETE FROM known_addresses WHERE user_id = $1`,
		`DELETE FROM links WHERE user_id = $1`,
		`DELETE FROM receipt_salts WHERE user_id = $1`,
		`UPDATE throttles SET user_id = NULL WHERE user_id = $1`,
	} {
		if err := tx.do("erase user", query, user); err != nil {
			return err
		}
	}
	return found(tx.exec("erase user", `DELETE FROM users WHERE id = $1`, user))
}

// Users yields accounts, newest first.
func (tx *Tx) Users(f headykey.UserFilter) iter.Seq2[*headykey.User, error] {
	w, age, err := tx.usersOf(f)
	if err != nil {
		return func(yield func(*headykey.User, error) bool) { yield(nil, err) }
	}
	return query(tx, "select users", scanUser,
		`SELECT `+userColumns+` FROM users u`+w.text()+` ORDER BY `+age+` DESC, u.id DESC LIMIT `+w.arg(f.Limit), w.args...)
}

// Stats counts what there is. Receipts and sessions of a large database are
// counted, not estimated: the call is for people, not for probes.
func (tx *Tx) Stats() (headykey.Stats, error) {
	var s headykey.Stats
	return s, tx.one("count", []any{&s.Users, &s.Disabled, &s.Admins, &s.Sessions, &s.APIKeys, &s.Receipts, &s.MailWaiting, &s.MailDead}, `
		SELECT (SELECT count(*) FROM users),
			(SELECT count(*) FROM users WHERE disabled_at IS NOT NULL),
			(SELECT count(*) FROM users WHERE role = $2),
			(SELECT count(*) FROM sessions WHERE ended_at IS NULL AND ends_at > $1),
			(SELECT count(*) FROM api_keys WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1)),
			(SELECT count(*) FROM receipts),
			(SELECT count(*) FROM outbox WHERE dead_at IS NULL),
			(SELECT count(*) FROM outbox WHERE dead_at IS NOT NULL)`, at(tx.Now), headykey.RoleAdmin)
}

// Beginnings says what there is at all on this server: whether an administrator,
// whether an API key. It is cheap however many there are.
func (tx *Tx) Beginnings() (admin, key bool, err error) {
	err = tx.one("select beginnings", []any{&admin, &key}, `
		SELECT EXISTS (SELECT 1 FROM users WHERE role = $1 AND disabled_at IS NULL),
			EXISTS (SELECT 1 FROM api_keys WHERE revoked_at IS NULL)`, headykey.RoleAdmin)
	return admin, key, err
}

// KeepAnAdmin fails with headykey.ErrLastAdmin if user is the only administrator
// who is not disabled: without one nobody could ever make another.
func (tx *Tx) KeepAnAdmin(user *headykey.User) error {
	if user.Role != headykey.RoleAdmin || !user.Disabled.IsZero() {
		return nil
	}
	var n int
	err := tx.one("count administrators", []any{&n}, `
		SELECT count(*) FROM users WHERE role = $1 AND disabled_at IS NULL AND id <> $2`, headykey.RoleAdmin, user.ID)
	if err == nil && n == 0 {
		return headykey.ErrLastAdmin
	}
	return err
}
