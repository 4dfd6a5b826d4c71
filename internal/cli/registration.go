package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/server"
)

type registrationTokenCommand struct {
	Once bool          `help:"Good for one client; otherwise for any number until it expires."`
	TTL  time.Duration `name:"ttl" help:"How long it lives; 34h by default, 2136h at most."`
}

type registrationTokenReply struct {
	Token   string    `json:"token"`
	Once    bool      `json:"once"`
	Expires time.Time `json:"expires_at"`
}

// String returns the token alone on its line.
func (r registrationTokenReply) String() string {
	return r.Token + "\nIt is good until " + r.Expires.Format(time.RFC3339) + ". It cannot be retrieved again.\n"
}

// Run makes the token.
func (cmd registrationTokenCommand) Run(c *console) error {
	if cmd.TTL < 0 {
		return usageError{errors.New("a token cannot end in the past")}
	}
	return c.with(func(ctx context.Context, core *server.Core) (fmt.Stringer, error) {
		t, err := core.OAuth.MakeInitialToken(ctx, headykey.System, cmd.TTL, cmd.Once)
		if err != nil {
			return nil, err
		}
		return registrationTokenReply{t.Token, t.Once, t.Expires}, nil
	})
}
