package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/server"
)

type consentsCommands struct {
	List     consentsList     `cmd:"" help:"List what somebody allowed to programs."`
	Withdraw consentsWithdraw `cmd:"" help:"Take back what somebody allowed a program, and end its tokens."`
}

// A consentReply is what somebody allowed one client.
type consentReply struct {
	Client    headykey.ID `json:"client_id"`
	Name      string      `json:"client_name"`
	Scopes    []string    `json:"scopes"`
	Resources []string    `json:"resources"`
	Created   time.Time   `json:"created_at"`
	Expires   *time.Time  `json:"expires_at"` // null: when it is withdrawn
}

type consentsReply struct {
	Consents []consentReply `json:"consents"`
}

// String returns a line per consent.
func (r consentsReply) String() string {
	rows := [][]string{{"CLIENT ID", "NAME", "SCOPES"}}
	for _, c := range r.Consents {
		rows = append(rows, []string{string(c.Client), c.Name, strings.Join(c.Scopes, " ")})
	}
	return table(rows)
}

type consentsList struct {
	User string `required:"" help:"Id or address of the person."`
}

// Run lists the consents.
func (cmd consentsList) Run(c *console) error {
	return c.with(func(ctx context.Context, core *server.Core) (fmt.Stringer, error) {
		user, err := who(cmd).find(ctx, core)
		if err != nil {
			return nil, err
		}
		all, err := core.OAuth.Consents(ctx, headykey.System, user.ID)
		r := consentsReply{Consents: []consentReply{}}
		for _, one := range all {
			given := one.Consent
			line := consentReply{
				Client: given.Client, Name: one.Client.Name, Scopes: append([]string{}, given.Scopes...),
				Resources: append([]string{}, given.Resources...), Created: given.Created,
			}
			if !given.Expires.IsZero() {
				line.Expires = &given.Expires
			}
			r.Consents = append(r.Consents, line)
		}
		return r, err
	})
}

type consentsWithdraw struct {
	User   string `required:"" help:"Id or address of the person."`
	Client string `arg:"" help:"Id of the client."`
}

type withdrawnReply struct {
	Status string      `json:"status"`
	ID     headykey.ID `json:"client_id"`
}

// String says that it is done.
func (r withdrawnReply) String() string { return "Withdrawn from " + string(r.ID) + ".\n" }

// Run withdraws the consent.
func (cmd consentsWithdraw) Run(c *console) error {
	client, err := headykey.ParseID(cmd.Client)
	if err != nil {
		return usageError{errors.New("this is not the id of a client; consents list shows them")}
	}
	return c.with(func(ctx context.Context, core *server.Core) (fmt.Stringer, error) {
		user, err := who{cmd.User}.find(ctx, core)
		if err != nil {
			return nil, err
		}
		return withdrawnReply{"withdrawn", client}, core.OAuth.Withdraw(ctx, headykey.System, user.ID, client)
	})
}
