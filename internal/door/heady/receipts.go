package heady

import (
	"context"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/receipt"
)

type receiptsReply struct {
	Receipts []receipt.Envelope `json:"receipts"`
	Next     string             `json:"next,omitempty"`
}

// receipts serves GET /api/receipts: a person's own, an administrator's all.
func (d door) receipts(r *http.Request, by headykey.Caller, _ struct{}) (receiptsReply, error) {
	return d.listReceipts(r, by, d.Receipts.List)
}

// allReceipts serves GET /api/admin/receipts.
func (d door) allReceipts(r *http.Request, by headykey.Caller, _ struct{}) (receiptsReply, error) {
	return d.listReceipts(r, by, d.Receipts.ListAll)
}

// A lister is one of the ledger's two ways to list.
type lister func(context.Context, headykey.Caller, headykey.ReceiptFilter) ([]*headykey.Receipt, error)

func (d door) listReceipts(r *http.Request, by headykey.Caller, list lister) (receiptsReply, error) {
	page, err := d.page(r, "receipts")
	if err != nil {
		return receiptsReply{}, err
	}
	query := r.URL.Query()
	f := headykey.ReceiptFilter{Type: query.Get("type"), Before: page.before.ID, Limit: page.limit + 1}
	if text := query.Get("since"); text != "" {
		if f.Since, err = time.Parse(time.RFC3339, text); err != nil {
			return receiptsReply{}, headykey.ErrInvalid.Saying("A time is written as in RFC 3339.").About("since")
		}
	}
	if f.Subject, err = idOf(r, "subject"); err != nil {
		return receiptsReply{}, err
	}
	all, err := list(r.Context(), by, f)
	if err != nil {
		return receiptsReply{}, err
	}
	all, next := cut(d, page, all, func(r *headykey.Receipt) headykey.Mark { return headykey.Mark{At: r.At, ID: r.ID} })
	out := receiptsReply{Next: next}
	for _, one := range all {
		out.Receipts = append(out.Receipts, receipt.Seal(one))
	}
	return out, nil
}

// receipt serves GET /api/receipts/{id}.
func (d door) receipt(r *http.Request, by headykey.Caller, _ struct{}) (receipt.Envelope, error) {
	one, err := d.Receipts.Show(r.Context(), by, r.PathValue("id"))
	if err != nil {
		return receipt.Envelope{}, err
	}
	return receipt.Seal(one), nil
}

type checksReply struct {
	OK     bool            `json:"ok"`
	Checks []receipt.Check `json:"checks"`
}

// verifyReceipt serves POST /api/receipts/verify: anybody may ask.
func (d door) verifyReceipt(_ *http.Request, _ headykey.Caller, in rawObject) (checksReply, error) {
	checks, ok := receipt.Verify(in.text, d.Receipts.Keys())
	return checksReply{ok, checks}, nil
}

// rawObject is a body that is looked at as it came.
type rawObject struct{ text jsontext.Value }

// UnmarshalJSON keeps the text.
func (o *rawObject) UnmarshalJSON(text []byte) error {
	o.text = jsontext.Value(text).Clone()
	return nil
}

type receiptKeysReply struct {
	Keys []receipt.PublicKey `json:"keys"`
}

// receiptKeys serves GET /.well-known/receipt-keys.
func (d door) receiptKeys(*http.Request, headykey.Caller, struct{}) (receiptKeysReply, error) {
	return receiptKeysReply{d.Receipts.Keys()}, nil
}
