package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/receipt"
	"headykey.com/headykey/internal/server"
)

type receiptsCommands struct {
	List   receiptsList   `cmd:"" help:"List receipts, newest first."`
	Show   receiptsShow   `cmd:"" help:"Print one receipt."`
	Verify receiptsVerify `cmd:"" help:"Check the receipts in a file, offline; exit 3 if one fails."`
}

type receiptsList struct {
	Type  string `help:"Only receipts of this type."`
	User  string `help:"Only receipts about this account (id or address)."`
	Limit int    `default:"34" help:"At most so many."`
}

type receiptsReply struct {
	Receipts []receipt.Envelope `json:"receipts"`

	rows [][]string
}

// String returns a line per receipt.
func (r receiptsReply) String() string {
	return table(append([][]string{{"TIME", "TYPE", "RECEIPT"}}, r.rows...))
}

// Run lists the receipts.
func (l receiptsList) Run(c *console) error {
	return c.with(func(ctx context.Context, core *server.Core) (fmt.Stringer, error) {
		f := headykey.ReceiptFilter{Type: l.Type, Limit: l.Limit}
		if l.User != "" {
			user, err := who{l.User}.find(ctx, core)
			if err != nil {
				return nil, err
			}
			f.Subject = user.ID
		}
		all, err := core.Receipts.List(ctx, headykey.System, f)
		r := receiptsReply{Receipts: []receipt.Envelope{}}
		for _, one := range all {
			r.Receipts = append(r.Receipts, receipt.Seal(one))
			r.rows = append(r.rows, []string{one.At.Format("2006-01-02T15:04:05Z"), one.Type, receipt.IDPrefix + string(one.ID)})
		}
		return r, err
	})
}

type receiptsShow struct {
	ID string `arg:"" help:"Id of the receipt."`
}

type envelopeReply struct{ receipt.Envelope }

// String returns the envelope as indented JSON.
func (r envelopeReply) String() string {
	text, err := json.Marshal(r.Envelope, jsontext.Multiline(true))
	if err != nil {
		return err.Error() + "\n"
	}
	return string(text) + "\n"
}

// Run prints the receipt.
func (s receiptsShow) Run(c *console) error {
	return c.with(func(ctx context.Context, core *server.Core) (fmt.Stringer, error) {
		one, err := core.Receipts.Show(ctx, headykey.System, s.ID)
		if err != nil {
			return nil, err
		}
		return envelopeReply{receipt.Seal(one)}, nil
	})
}

type receiptsVerify struct {
	Keys string `type:"existingfile" placeholder:"FILE" help:"Key list, as /.well-known/receipt-keys gives it; by default that of this server's database."`
	File string `arg:"" help:"One receipt, a list of them as the API answers it, or one receipt a line; - is standard input."`
}

// A verdict is what was found out about one receipt.
type verdict struct {
	Receipt string          `json:"receipt"` // its id, or its number in the file
	OK      bool            `json:"ok"`
	Checks  []receipt.Check `json:"checks"`
}

type verdictsReply struct {
	OK       bool      `json:"ok"`
	Count    int       `json:"count"`
	Failed   int       `json:"failed"`
	Receipts []verdict `json:"receipts"`
}

// String names each check that failed, or says that none did.
func (r verdictsReply) String() string {
	var b strings.Builder
	for _, v := range r.Receipts {
		for _, check := range v.Checks {
			if !check.OK {
				b.WriteString(wrap(fmt.Sprintf("FAIL %s — %s — %s", v.Receipt, check.Name, *check.Detail)))
			}
		}
	}
	fmt.Fprintf(&b, "%d of %d receipts are genuine.\n", r.Count-r.Failed, r.Count)
	return b.String()
}

// Run checks each receipt of the file.
func (v receiptsVerify) Run(c *console) error {
	text, err := readInput(c.in, v.File)
	if err != nil {
		return err
	}
	keys, err := v.keys(c)
	if err != nil {
		return err
	}
	r := verdictsReply{OK: true, Receipts: []verdict{}}
	for i, one := range envelopesIn(text) {
		checks, ok := receipt.Verify(one, keys)
		r.Count++
		if !ok {
			r.OK = false
			r.Failed++
		}
		r.Receipts = append(r.Receipts, verdict{nameOf(one, i), ok, checks})
	}
	if r.Count == 0 {
		return errors.New("there is no receipt in " + v.File)
	}
	if err := c.reply(r); err != nil {
		return err
	}
	if !r.OK {
		return errProblems
	}
	return nil
}

func readInput(in io.Reader, file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(in)
	}
	text, err := os.ReadFile(file) //nolint:gosec // the operator's own path
	if err != nil {
		return nil, fmt.Errorf("read the receipts: %w", err)
	}
	return text, nil
}

// keys reads the key list from the file that was named, or from the database.
func (v receiptsVerify) keys(c *console) ([]receipt.PublicKey, error) {
	if v.Keys == "" {
		ctx := context.Background()
		core, _, err := c.core(ctx)
		if err != nil {
			return nil, err
		}
		return core.Receipts.Keys(), core.Close()
	}
	text, err := os.ReadFile(v.Keys) //nolint:gosec // the operator's own path
	if err != nil {
		return nil, fmt.Errorf("read the key list: %w", err)
	}
	var list struct {
		Keys []receipt.PublicKey `json:"keys"`
	}
	if err := json.Unmarshal(text, &list); err != nil || len(list.Keys) == 0 {
		return nil, fmt.Errorf("%s is no key list: %w", v.Keys, errors.Join(err, errors.New("it needs {\"keys\": […]}")))
	}
	return list.Keys, nil
}

// envelopesIn returns the receipts of a file: one envelope, an answer with a list of
// them, or JSON lines. What is none of these is one receipt, a bad one.
func envelopesIn(text []byte) [][]byte {
	var list struct {
		Receipts []jsontext.Value `json:"receipts"`
	}
	if err := json.Unmarshal(text, &list); err == nil {
		if list.Receipts == nil {
			return [][]byte{text}
		}
		var all [][]byte
		for _, one := range list.Receipts {
			all = append(all, one)
		}
		return all
	}
	var all [][]byte
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if line := bytes.TrimSpace(lines.Bytes()); len(line) > 0 {
			all = append(all, bytes.Clone(line))
		}
	}
	return all
}

// nameOf is the id that a receipt gives itself, or its place in the file.
func nameOf(text []byte, i int) string {
	var e struct {
		Receipt struct {
			ID string `json:"id"`
		} `json:"receipt"`
	}
	if err := json.Unmarshal(text, &e); err != nil || e.Receipt.ID == "" {
		return fmt.Sprintf("number %d", i+1)
	}
	return e.Receipt.ID
}
