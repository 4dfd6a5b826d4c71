package store

import (
	"database/sql"
	"iter"

	"headykey.com/headykey"
)

// AccountsPage returns f.Limit accounts behind the first f.Offset with all that is
// known of them, newest first or oldest first. The page is found in an index; only
// its rows are read.
func (tx *Tx) AccountsPage(f headykey.UserFilter) ([]*headykey.Account, error) {
	w, order := usersOf(f), ` ORDER BY u.created_at DESC, u.id DESC`
	if f.Oldest {
		order = ` ORDER BY u.created_at, u.id`
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
	w := usersOf(f)
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
