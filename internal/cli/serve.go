package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"headykey.com/headykey/internal/server"
)

// softMemory is from where on the collector works harder, in bytes: hashes of
// passwords leave 19 MiB of garbage each. Who has more sets GOMEMLIMIT.
const softMemory = 300 << 20

// garbage is how much may lie about before the collector runs, in percent of what is
// in use, up to softMemory: a small heap is cheap to double. Who has less sets GOGC.
const garbage = 200

type serveCommand struct{}

// Run serves until the process is told to stop.
func (serveCommand) Run(c *console) error {
	in, err := c.settings()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewJSONHandler(c.err, &slog.HandlerOptions{Level: in.config.LogLevel}))
	slog.SetDefault(log)
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemory)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	warn(log, &in.config)
	s, err := server.Start(ctx, &in.config, log)
	if err != nil {
		return err
	}
	if in.config.Dev {
		if err := welcome(ctx, c, s, &in.config); err != nil {
			s.Close()
			return err
		}
	}
	return s.Serve(ctx)
}

// warn tells of settings that are allowed and rarely meant.
func warn(log *slog.Logger, c *server.Config) {
	if !c.RateLimit {
		log.Warn("rate limits are off: passwords may be guessed as fast as the machine allows")
	}
	if c.ConfirmEmail && c.Mail.SMTP == "" && !c.Dev {
		log.Warn("addresses must be confirmed but no mail server is set: letters wait until [mail] smtp is")
	}
}

// A welcomeReply is what a newcomer reads first.
type welcomeReply struct {
	Version string `json:"version"`
	Data    string `json:"data"`
	URL     string `json:"url"`
	Admin   string `json:"admin"`
	Mailbox string `json:"mailbox"`

	life string
}

func welcome(ctx context.Context, c *console, s *server.Server, cfg *server.Config) error {
	link, err := s.Core.Auth.NewSetupLink(ctx)
	if err != nil {
		return err
	}
	return c.reply(welcomeReply{
		Version: server.Version, Data: cfg.Data, URL: s.Base, Admin: link, Mailbox: s.Base + "/mailbox",
		life: minutes(cfg.Lifetimes.SetupLink),
	})
}

// String returns the lines that a newcomer clicks on.
func (w welcomeReply) String() string {
	return fmt.Sprintf(`HeadyKey %s · development · data in %s
  Open     %s
  Admin    %s
           (works once, %s)
  Mailbox  %s  (mail is kept here, not sent)
  API      %s/openapi.json
`, w.Version, w.Data, w.URL, w.Admin, w.life, w.Mailbox, w.URL)
}

// core opens the rules over the database of the settings, for a command that
// works before the first start and beside a running server alike.
func (c *console) core(ctx context.Context) (*server.Core, *server.Config, error) {
	in, err := c.settings()
	if err != nil {
		return nil, nil, err
	}
	log := slog.New(slog.NewJSONHandler(c.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	core, err := server.Open(ctx, &in.config, in.config.BaseURL(in.config.Listen), log)
	return core, &in.config, err
}

// with opens the rules, does the work and closes them again.
func (c *console) with(do func(ctx context.Context, core *server.Core) (fmt.Stringer, error)) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	core, _, err := c.core(ctx)
	if err != nil {
		return err
	}
	reply, err := do(ctx, core)
	if closing := core.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return c.reply(reply)
}

type adminCommands struct {
	Link adminLink `cmd:"" help:"Print a new link that makes one administrator, once."`
}

type adminLink struct{}

type linkReply struct {
	URL       string `json:"url"`
	ExpiresIn int64  `json:"expiresIn"` // seconds

	life string
}

// String returns the link and its terms.
func (l linkReply) String() string { return fmt.Sprintf("%s\n(works once, %s)\n", l.URL, l.life) }

// Run makes the link.
func (adminLink) Run(c *console) error {
	in, err := c.settings()
	if err != nil {
		return err
	}
	return c.with(func(ctx context.Context, core *server.Core) (fmt.Stringer, error) {
		link, err := core.Auth.NewSetupLink(ctx)
		life := in.config.Lifetimes.SetupLink
		return linkReply{URL: link, ExpiresIn: int64(life.Seconds()), life: minutes(life)}, err
	})
}

// table returns rows as columns with their heads, each as wide as its widest cell.
func table(rows [][]string) string {
	widths := map[int]int{}
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			line += cell + strings.Repeat(" ", widths[i]-len([]rune(cell))+2)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}
