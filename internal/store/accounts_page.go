package store

import (
	"database/sql"
	"iter"

	"headykey.com/headykey"
)

// manyNamed is how many accounts may begin alike and still be looked up by an index.
// To read the whole table in its own order takes less time than to look up many.
const manyNamed = 1000

// usersOf is what f keeps of the users u, and the time that they are ordered by. A
// prefix is asked for as a range, in which no wildcard has a meaning.
func (tx *Tx) usersOf(f headykey.UserFilter) (w where, age string, err error) {
	age = "u.created_at"
	if f.Query != "" {
		many, err := tx.manyAre(f.Query)
		if err != nil {
			return w, "", err
		}
		if many {
			age = "coalesce(u.created_at, u.created_at)" // no index has it
		}
		w.add(namedBy[many], f.Query, f.Query+lastRune, f.Query, f.Query+lastRune)
	}
	if f.Role != 0 {
		w.add(`u.role = ?`, f.Role)
	}
	if f.Disabled != nil && *f.Disabled {
		w.add(`u.disabled_at IS NOT NULL`)
	}
	if f.Disabled != nil && !*f.Disabled {
		w.add(`u.disabled_at IS NULL`)
	}
	w.before(age, "u.id", f.Before)
	return w, age, nil
}

// lastRune behind a prefix is behind all that begins with it.
const lastRune = "\U0010FFFF"

// namedBy keeps the users whose address or name begins with a prefix: few by the
// indexes (false), many without.
var namedBy = map[bool]string{
	false: `u.id IN (SELECT id FROM users WHERE email_key >= ? AND email_key < ?
		UNION SELECT id FROM users WHERE name_key >= ? AND name_key < ?)`,
	true: `(u.email_key || '' >= ? AND u.email_key || '' < ? OR u.name_key || '' >= ? AND u.name_key || '' < ?)`,
}

// manyAre reports whether over manyNamed addresses, or names, begin with prefix.
func (tx *Tx) manyAre(prefix string) (bool, error) {
	var n int
	err := tx.one("probe names", []any{&n}, `
		SELECT max(n) FROM (
			SELECT count(*) AS n FROM (SELECT 1 FROM users WHERE email_key >= $1 AND email_key < $2 LIMIT $3) e
			UNION ALL SELECT count(*) FROM (SELECT 1 FROM users WHERE name_key >= $1 AND name_key < $2 LIMIT $3) m) counts`,
		prefix, prefix+lastRune, manyNamed+1)
	return n > manyNamed, err
}

// AccountsPage returns f.Limit accounts behind the first f.Offset with all that is
// known of them, newest first or oldest first. The page is found in an index; only
// its rows are read.
func (tx *Tx) AccountsPage(f headykey.UserFilter) ([]*headykey.Account, error) {
	w, age, err := tx.usersOf(f)
	if err != nil {
		return nil, err
	}
	order := ` ORDER BY ` + age + ` DESC, u.id DESC`
	if f.Oldest {
		order = ` ORDER BY ` + age + `, u.id`
	}
	users, err := Collect(query(tx, "select users", scanUser, `
		SELECT `+userColumns+` FROM users u WHERE u.id IN (
			SELECT u.id FROM users u`+w.text()+order+` LIMIT `+w.arg(f.Limit)+` OFFSET `+w.arg(f.Offset)+`)`+order, w.args...))
	if err != nil {
		return nil, err
	}
	return tx.accountsOf(users)
}

// CountUsers counts the accounts that f keeps, on all pages.
func (tx *Tx) CountUsers(f headykey.UserFilter) (n int64, err error) {
	w, _, err := tx.usersOf(f)
	if err != nil {
		return 0, err
	}
	return n, tx.one("count users", []any{&n}, `SELECT count(*) FROM users u`+w.text(), w.args...)
}

// UsersByID returns those of the accounts that exist.
func (tx *Tx) UsersByID(ids []string) (map[headykey.ID]*headykey.User, error) {
	all := map[headykey.ID]*headykey.User{}
	if len(ids) == 0 {
		return all, nil
	}
	w := where{}
	w.in("u.id", ids)
	for u, err := range query(tx, "select users", scanUser, `SELECT `+userColumns+` FROM users u`+w.text(), w.args...) {
		if err != nil {
			return nil, err
		}
		all[u.ID] = u
	}
	return all, nil
}

// accountsOf returns what is known of users, in their order, in two queries however
// many they are.
func (tx *Tx) accountsOf(users []*headykey.User) ([]*headykey.Account, error) {
	if len(users) == 0 {
		return nil, nil
	}
	all, byID, ids := []*headykey.Account{}, map[headykey.ID]*headykey.Account{}, []string{}
	for _, u := range users {
		a := &headykey.Account{User: *u, Profile: headykey.NewProfile()}
		all, byID[u.ID], ids = append(all, a), a, append(ids, string(u.ID))
	}
	w := where{}
	w.in("user_id", ids)
	scan := func(rows *sql.Rows) (p profileOf, err error) {
		return p, rows.Scan(append([]any{&p.user}, profileFields(&p.profile)...)...)
	}
	for p, err := range query(tx, "select profiles", scan, `SELECT user_id, `+profileColumns+` FROM profiles`+w.text(), w.args...) {
		if err != nil {
			return nil, err
		}
		byID[p.user].Profile = p.profile
	}
	for i, err := range query(tx, "select identities", scanIdentity, `
		SELECT `+identityColumns+` FROM identities`+w.text()+` ORDER BY user_id, created_at, provider, id`, w.args...) {
		if err != nil {
			return nil, err
		}
		byID[i.User].Identities = append(byID[i.User].Identities, i)
	}
	return all, nil
}

type profileOf struct {
	user    headykey.ID
	profile headykey.AccountProfile
}

// BansOver yields up to limit accounts that are still disabled though that was to end
// by now.
func (tx *Tx) BansOver(limit int) iter.Seq2[*headykey.User, error] {
	return query(tx, "select bans", scanUser, `
		SELECT `+userColumns+` FROM users u WHERE u.disabled_until IS NOT NULL AND u.disabled_until <= $1
		ORDER BY u.disabled_until LIMIT $2`, at(tx.Now), limit)
}
