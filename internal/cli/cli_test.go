package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/server"
)

func TestHowFailuresAreTold(t *testing.T) {
	tests := []struct {
		name             string
		err              error
		code             int
		human, inProgram string
	}{
		{"none", nil, 0, "", ""},
		{"a machine's", errors.New("disk on fire"), 1, "headykey: disk on fire\n", `{"error":"disk on fire","code":"failed"}` + "\n"},
		{"a rule's", fmt.Errorf("create user: %w", headykey.ErrLastAdmin), 1,
			"headykey: " + headykey.ErrLastAdmin.Text + "\n",
			`{"error":"` + headykey.ErrLastAdmin.Text + `","code":"last_admin"}` + "\n"},
		{"a bug's", fmt.Errorf("sum: %w", headykey.ErrInternal), 1,
			"headykey: sum: " + headykey.ErrInternal.Error() + "\n",
			`{"error":"sum: ` + headykey.ErrInternal.Error() + `","code":"failed"}` + "\n"},
		{"the operator's", usageError{errors.New("unknown flag --x")}, 2,
			"headykey: unknown flag --x\n", `{"error":"unknown flag --x","code":"usage"}` + "\n"},
		{"a setting's", server.Faults{{Setting: "url", Text: "must be <b>"}, {Setting: "dev", Text: "is on"}}, 2,
			"headykey: url must be <b>\nheadykey: dev is on\n",
			`{"error":"url must be <b>; dev is on","code":"invalid_settings",` +
				`"faults":[{"setting":"url","text":"must be <b>"},{"setting":"dev","text":"is on"}]}` + "\n"},
		{"a check's", errProblems, 3, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, errs strings.Builder
			c := &console{out: &out, err: &errs}
			if code := c.exit(tt.err); code != tt.code || out.String() != "" || errs.String() != tt.human {
				t.Errorf("exit %d, out %q, err %q; want %d, none, %q", code, out.String(), errs.String(), tt.code, tt.human)
			}
			errs.Reset()
			c.json = true
			if code := c.exit(tt.err); code != tt.code || out.String() != tt.inProgram || errs.String() != "" {
				t.Errorf("exit %d, out %q, err %q; want %d, %q, none", code, out.String(), errs.String(), tt.code, tt.inProgram)
			}
		})
	}
}

// The command line is a part of every start; a start must take far less than
// 100 ms in all.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		if code := Main([]string{"config", "check", "--listen", "127.0.0.1:0"}, nil, io.Discard, io.Discard, nil); code != 0 {
			b.Fatal(code)
		}
	}
}
