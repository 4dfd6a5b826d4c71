package store

// Setting returns the value kept under name, or headykey.ErrNotFound. The product
// keeps nothing there: these rows of any size are how tests wear a database out.
func (tx *Tx) Setting(name string) ([]byte, error) {
	var v []byte
	return v, tx.one("select setting", []any{&v}, `SELECT value FROM settings WHERE name = $1`, name)
}

// PutSetting keeps value under name.
func (tx *Tx) PutSetting(name string, value []byte) error {
	return tx.do("put setting", `
		INSERT INTO settings (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
}
