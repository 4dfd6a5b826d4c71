package store

import (
	"database/sql"
	"iter"
	"strings"

	"headykey.com/headykey"
)

const receiptColumns = `id, at, type, subject, object, body, signature, key_id, signed_at`

func receiptFields(r *headykey.Receipt) []any {
	return []any{&r.ID, when{&r.At}, &r.Type, maybe{&r.Subject}, &r.Object, &r.Body, &r.Sig, &r.KeyID, when{&r.SignedAt}}
}

// InsertReceipt adds a signed receipt; entry is what the log will hold of it.
func (tx *Tx) InsertReceipt(r *headykey.Receipt, request string, entry []byte) error {
	return tx.do("insert receipt", `
		INSERT INTO receipts (id, at, type, subject, object, request, body, signature, key_id, signed_at, entry)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		r.ID, at(r.At), r.Type, id(r.Subject), r.Object, request, string(r.Body), r.Sig, r.KeyID, at(r.SignedAt), entry)
}

// Receipt returns the receipt under id, or headykey.ErrNotFound.
func (tx *Tx) Receipt(id headykey.ID) (*headykey.Receipt, error) {
	r := &headykey.Receipt{}
	return r, tx.one("select receipt", receiptFields(r), `SELECT `+receiptColumns+` FROM receipts WHERE id = $1`, id)
}

// receiptsOf is what f keeps.
func receiptsOf(f headykey.ReceiptFilter) where {
	w := where{}
	if f.Subject != "" {
		w.add(`subject = ?`, f.Subject)
	}
	if f.Type != "" {
		w.add(`type = ?`, f.Type)
	}
	if !f.Since.IsZero() {
		w.add(`at >= ?`, at(f.Since))
	}
	if f.Before != "" {
		w.add(`id < ?`, f.Before)
	}
	if len(f.Actors) == 0 {
		w.in("type", f.Types)
		return w
	}
	w.in("type || ''", f.Types) // no index tells actors: the table in its own order is read soonest
	w.actors(f.Actors)
	return w
}

// actors keeps the receipts of what one of ids did. The body is RFC 8785 text, in which
// an actor has one spelling and stands near the beginning.
func (w *where) actors(ids []string) {
	var any []string
	for _, id := range ids {
		any = append(any, "substr(body, 1, 144) LIKE "+w.arg(`%"actor":{"id":"`+id+`",%`))
	}
	w.conditions = append(w.conditions, "("+strings.Join(any, " OR ")+")")
}

func scanReceipt(rows *sql.Rows) (*headykey.Receipt, error) {
	r := &headykey.Receipt{}
	return r, rows.Scan(receiptFields(r)...)
}

// Receipts yields receipts, newest first.
func (tx *Tx) Receipts(f headykey.ReceiptFilter) iter.Seq2[*headykey.Receipt, error] {
	w := receiptsOf(f)
	return query(tx, "select receipts", scanReceipt,
		`SELECT `+receiptColumns+` FROM receipts`+w.text()+` ORDER BY id DESC LIMIT `+w.arg(f.Limit), w.args...)
}

// ReceiptsPage yields f.Limit receipts behind the first f.Offset, newest first. The
// page is found in an index and only its rows are read, unless actors are asked for.
func (tx *Tx) ReceiptsPage(f headykey.ReceiptFilter) iter.Seq2[*headykey.Receipt, error] {
	w, age := receiptsOf(f), "id"
	if len(f.Actors) > 0 {
		age = "coalesce(id, id)"
	}
	return query(tx, "select receipts", scanReceipt, `
		SELECT `+receiptColumns+` FROM receipts WHERE id IN (
			SELECT id FROM receipts`+w.text()+` ORDER BY `+age+` DESC LIMIT `+w.arg(f.Limit)+` OFFSET `+w.arg(f.Offset)+`)
		ORDER BY id DESC`, w.args...)
}

// CountReceipts counts the receipts that f keeps, on all pages.
func (tx *Tx) CountReceipts(f headykey.ReceiptFilter) (n int64, err error) {
	w := receiptsOf(f)
	return n, tx.one("count receipts", []any{&n}, `SELECT count(*) FROM receipts`+w.text(), w.args...)
}

// Salt returns the salt under which personal values of user appear in receipts,
// making it from fresh if there is none. An erased account gets none again: its
// id is never given to another.
func (tx *Tx) Salt(user headykey.ID, fresh []byte) ([]byte, error) {
	var salt []byte
	err := tx.one("select salt", []any{&salt}, `SELECT salt FROM receipt_salts WHERE user_id = $1`, user)
	if !isMissing(err) {
		return salt, err
	}
	return fresh, tx.do("insert salt", `INSERT INTO receipt_salts (user_id, salt) VALUES ($1, $2)`, user, fresh)
}
