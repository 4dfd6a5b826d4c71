package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/server"
)

type clientsCommands struct {
	Create       clientsCreate       `cmd:"" help:"Register a program and print its secret, this once."`
	List         clientsList         `cmd:"" help:"List clients, newest first."`
	Show         clientsShow         `cmd:"" help:"Show one client."`
	RotateSecret clientsRotateSecret `cmd:"" help:"Give a client a new secret; the old one counts no more."`
	Disable      clientsDisable      `cmd:"" help:"Disable a client and end its tokens."`
	Enable       clientsEnable       `cmd:"" help:"Enable a disabled client."`
	Verify       clientsVerify       `cmd:"" help:"Vouch for a client: consent pages say that it is verified."`
	Unverify     clientsUnverify     `cmd:"" help:"Vouch for a client no more."`
	Delete       clientsDelete       `cmd:"" help:"Delete a client and end its tokens."`
}

// A clientReply is one OAuth client, in the words of RFC 7591 §2 where it has them.
type clientReply struct {
	ID         headykey.ID `json:"client_id"`
	Secret     string      `json:"client_secret,omitempty"` // of a new client or a new secret
	Name       string      `json:"name"`
	AuthMethod string      `json:"token_endpoint_auth_method"`
	Grants     []string    `json:"grant_types"`
	Scopes     []string    `json:"scopes"`
	Redirects  []string    `json:"redirect_uris"`
	Resources  []string    `json:"resources"`
	Profile    string      `json:"profile"`
	Origin     string      `json:"origin"` // operator, dynamic
	Trusted    bool        `json:"trusted"`
	Verified   *time.Time  `json:"verified_at"`
	Disabled   bool        `json:"disabled"`
	Created    time.Time   `json:"created_at"`
	Warning    string      `json:"warning,omitempty"`
	headykey.ClientDetails
}

func spellClient(c *headykey.Client) clientReply {
	list := func(words []string) []string { return append([]string{}, words...) }
	r := clientReply{
		ID: c.ID, Name: c.Name, AuthMethod: c.AuthMethod, Grants: list(c.Grants), Scopes: list(c.Scopes),
		Redirects: list(c.Redirects), Resources: list(c.Resources), Profile: string(c.Profile), Origin: c.Origin,
		Trusted: c.Trusted, Disabled: !c.Disabled.IsZero(), Created: c.Created, ClientDetails: c.Details,
	}
	if !c.Verified.IsZero() {
		r.Verified = &c.Verified
	}
	return r
}

func spellNewClient(c oauth.NewClient) clientReply {
	r := spellClient(&c.Record)
	if r.Secret = c.Secret; r.Secret != "" {
		r.Warning = "Store this secret securely. It cannot be retrieved again."
	}
	return r
}

// String returns the client, a fact per line.
func (r clientReply) String() string {
	state := "active"
	if r.Disabled {
		state = "disabled"
	}
	rows := [][]string{
		{"client id", string(r.ID)}, {"name", r.Name}, {"state", state}, {"proves itself by", r.AuthMethod},
		{"grants", strings.Join(r.Grants, " ")}, {"scopes", strings.Join(r.Scopes, " ")},
		{"redirect URIs", strings.Join(r.Redirects, " ")}, {"resources", strings.Join(r.Resources, " ")},
		{"profile", r.Profile}, {"registered by", r.Origin}, {"trusted", fmt.Sprint(r.Trusted)},
		{"verified", fmt.Sprint(r.Verified != nil)}, {"created", r.Created.Format(time.RFC3339)},
	}
	rows = append(rows, detailRows(r.ClientDetails)...)
	if r.Secret != "" {
		rows = append(rows, []string{"secret", r.Secret}, []string{"", r.Warning})
	}
	return table(rows)
}

// detailRows spells what else a client is registered with, a member per row.
func detailRows(d headykey.ClientDetails) (rows [][]string) {
	text, err := json.Marshal(d)
	if err != nil {
		return nil
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		shown := members[name]
		switch v := shown.(type) {
		case map[string]any:
			shown = "(kept)"
		case []any:
			shown = strings.Trim(fmt.Sprint(v), "[]")
		}
		rows = append(rows, []string{name, fmt.Sprint(shown)})
	}
	return rows
}

type clientsList struct {
	Limit int `default:"89" help:"At most so many."`
}

type clientsReply struct {
	Clients []clientReply `json:"clients"`
}

// String returns a line per client.
func (r clientsReply) String() string {
	rows := [][]string{{"CLIENT ID", "STATE", "NAME"}}
	for _, c := range r.Clients {
		state := "active"
		if c.Disabled {
			state = "disabled"
		}
		rows = append(rows, []string{string(c.ID), state, c.Name})
	}
	return table(rows)
}

// Run lists the clients.
func (cmd clientsList) Run(c *console) error {
	return c.with(func(ctx context.Context, core *server.Core) (fmt.Stringer, error) {
		all, err := core.OAuth.Clients(ctx, headykey.System, headykey.Mark{}, cmd.Limit)
		r := clientsReply{Clients: []clientReply{}}
		for _, client := range all {
			r.Clients = append(r.Clients, spellClient(client))
		}
		return r, err
	})
}

// A which names one client.
type which struct {
	Client string `arg:"" help:"Id of the client."`
}

// do does one thing to the client that w names.
func (w which) do(c *console, act func(context.Context, *oauth.Service, headykey.ID) (fmt.Stringer, error)) error {
	id, err := headykey.ParseID(w.Client)
	if err != nil {
		return usageError{errors.New("this is not the id of a client; clients list shows them")}
	}
	return c.with(func(ctx context.Context, core *server.Core) (fmt.Stringer, error) {
		return act(ctx, core.OAuth, id)
	})
}

type clientsShow struct{ which }

// Run shows the client.
func (cmd clientsShow) Run(c *console) error {
	return cmd.do(c, func(ctx context.Context, s *oauth.Service, id headykey.ID) (fmt.Stringer, error) {
		client, err := s.Client(ctx, headykey.System, id)
		if err != nil {
			return nil, err
		}
		return spellClient(client), nil
	})
}

type clientsRotateSecret struct{ which }

// Run replaces the secret.
func (cmd clientsRotateSecret) Run(c *console) error {
	return cmd.do(c, func(ctx context.Context, s *oauth.Service, id headykey.ID) (fmt.Stringer, error) {
		fresh, err := s.RotateSecret(ctx, headykey.System, id)
		if err != nil {
			return nil, err
		}
		return spellNewClient(fresh), nil
	})
}

// change changes the client that w names.
func (w which) change(c *console, change headykey.ClientChange) error {
	return w.do(c, func(ctx context.Context, s *oauth.Service, id headykey.ID) (fmt.Stringer, error) {
		client, err := s.ChangeClient(ctx, headykey.System, id, change)
		if err != nil {
			return nil, err
		}
		return spellClient(client), nil
	})
}

type clientsDisable struct{ which }

// Run disables the client.
func (cmd clientsDisable) Run(c *console) error {
	return cmd.change(c, headykey.ClientChange{Disabled: new(true)})
}

type clientsEnable struct{ which }

// Run enables the client.
func (cmd clientsEnable) Run(c *console) error {
	return cmd.change(c, headykey.ClientChange{Disabled: new(false)})
}

type clientsVerify struct{ which }

// Run vouches for the client.
func (cmd clientsVerify) Run(c *console) error {
	return cmd.change(c, headykey.ClientChange{Verified: new(true)})
}

type clientsUnverify struct{ which }

// Run vouches for the client no more.
func (cmd clientsUnverify) Run(c *console) error {
	return cmd.change(c, headykey.ClientChange{Verified: new(false)})
}

type clientsDelete struct {
	which
	Yes bool `help:"Do not ask."`
}

type goneReply struct {
	Status string      `json:"status"`
	ID     headykey.ID `json:"client_id"`
}

// String says that it is done.
func (r goneReply) String() string { return "Deleted " + string(r.ID) + ".\n" }

// Run deletes the client, having asked.
func (cmd clientsDelete) Run(c *console) error {
	if !cmd.Yes {
		fmt.Fprintf(c.err, "Delete the client %s and end its tokens? Type yes: ", cmd.Client)
		if answer, err := readPassword(c.in); err != nil || answer != "yes" {
			return errors.New("nothing was deleted")
		}
	}
	return cmd.do(c, func(ctx context.Context, s *oauth.Service, id headykey.ID) (fmt.Stringer, error) {
		return goneReply{"deleted", id}, s.DeleteClient(ctx, headykey.System, id)
	})
}
