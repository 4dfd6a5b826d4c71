package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"headykey.com/headykey/internal/server"
)

type doctorCommand struct{}

// A finding is the outcome of one check.
type finding struct {
	State  string `json:"state"` // ok, warn, FAIL
	Name   string `json:"name"`
	Reason string `json:"reason"`
	Fix    string `json:"fix,omitempty"`
}

type doctorReply struct {
	OK     bool      `json:"ok"`
	Checks []finding `json:"checks"`
}

// String returns a line per check.
func (r doctorReply) String() string {
	var b strings.Builder
	for _, f := range r.Checks {
		line := fmt.Sprintf("%-4s %s — %s", f.State, f.Name, f.Reason)
		if f.Fix != "" {
			line += " — " + f.Fix
		}
		b.WriteString(wrap(line))
	}
	return b.String()
}

// Run checks everything that it can reach; one failure does not hide another.
func (doctorCommand) Run(c *console) error {
	var r doctorReply
	in, faults := c.load()
	for _, f := range faults {
		r.Checks = append(r.Checks, finding{"FAIL", "settings", f.String(), "mend the setting"})
	}
	if len(faults) == 0 {
		r.Checks = append(r.Checks, finding{State: "ok", Name: "settings", Reason: "a server can run by them"})
		r.Checks = append(r.Checks, examine(&in.config)...)
	}
	r.OK = true
	for _, f := range r.Checks {
		r.OK = r.OK && f.State != "FAIL"
	}
	if err := c.reply(r); err != nil {
		return err
	}
	if !r.OK {
		return errProblems
	}
	return nil
}

func examine(cfg *server.Config) []finding {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	out := []finding{checkPlace(cfg), checkMail(cfg), checkProject(cfg)}
	core, err := server.Open(ctx, cfg, cfg.BaseURL(cfg.Listen), slog.New(slog.DiscardHandler))
	if err != nil {
		return append(out, finding{"FAIL", "database", err.Error(), "see the sentence"})
	}
	defer func() { _ = core.Close() }()
	out = append(out, finding{State: "ok", Name: "database", Reason: core.DB.Name() + " answers and its schema is up to date"})
	return append(out, checkData(ctx, core)...)
}

// checkPlace looks at where the server is reached and where its secrets lie.
func checkPlace(cfg *server.Config) finding {
	if cfg.Dev {
		return finding{"warn", "mode", "development: the mailbox is open to all who reach the listener", "leave out --dev for production"}
	}
	info, err := os.Stat(cfg.Data)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		return finding{"warn", "data directory", "others on this machine may look into it", "chmod 700 " + cfg.Data}
	}
	return finding{State: "ok", Name: "data directory", Reason: "only its owner may look into it"}
}

func checkMail(cfg *server.Config) finding {
	switch {
	case cfg.Dev:
		return finding{State: "ok", Name: "mail", Reason: "kept in the mailbox, not sent"}
	case cfg.Mail.SMTP == "" && cfg.Hooks.SendEmail.URI != "":
		return finding{"warn", "mail", "the hook sends what apps ask for, and no mail server is set: all other letters wait", "set [mail] smtp and from"}
	case cfg.Mail.SMTP == "":
		return finding{"warn", "mail", "no mail server is set: letters wait", "set [mail] smtp and from"}
	}
	return finding{State: "ok", Name: "mail", Reason: "goes by " + cfg.Mail.SMTP}
}

// checkProject looks at the keys that apps are made with.
func checkProject(cfg *server.Config) finding {
	f := finding{State: "ok", Name: "project keys", Reason: "keys rotate --use project replaces them"}
	if len(cfg.Supabase.JWTSecret) > 0 {
		f.Reason = "anon and service_role are signed with supabase.jwt_secret, which alone ends them"
	}
	return f
}

// checkData looks at what the database holds.
func checkData(ctx context.Context, core *server.Core) []finding {
	var out []finding
	if err := core.DB.Check(ctx); err != nil {
		out = append(out, finding{"FAIL", "integrity", err.Error(), "restore a backup"})
	} else {
		out = append(out, finding{State: "ok", Name: "integrity", Reason: "the database is sound"})
	}
	checked, bad, err := core.Receipts.CheckNewest(ctx, 987)
	switch {
	case err != nil:
		out = append(out, finding{"FAIL", "receipts", err.Error(), "see the sentence"})
	case bad != "":
		out = append(out, finding{"FAIL", "receipts", bad + " does not verify", "headykey receipts show " + bad})
	default:
		out = append(out, finding{State: "ok", Name: "receipts", Reason: fmt.Sprintf("the newest %d verify", checked)})
	}
	dead, err := core.Outbox.Dead(ctx, 1)
	if err == nil && len(dead) > 0 {
		out = append(out, finding{"warn", "outbox", "letters were given up: " + dead[0].Error, "mend the mail server"})
	}
	return out
}

// minutes says a time in whole minutes.
func minutes(d time.Duration) string { return fmt.Sprintf("%d minutes", int(d.Minutes())) }
