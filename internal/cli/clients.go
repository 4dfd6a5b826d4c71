package cli

import (
	"context"
	"errors"
	"fmt"
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
	Disabled   bool        `json:"disabled"`
	Created    time.Time   `json:"created_at"`
	Warning    string      `json:"warning,omitempty"`
}

func spellClient(c *headykey.Client) clientReply {
	list := func(words []string) []string { return append([]string{}, words...) }
	return clientReply{
		ID: c.ID, Name: c.Name, AuthMethod: c.AuthMethod, Grants: list(c.Grants), Scopes: list(c.Scopes),
		Redirects: list(c.Redirects), Resources: list(c.Resources), Disabled: !c.Disabled.IsZero(), Created: c.Created,
	}
}

func spellNewClient(c oauth.NewClient) clientReply {
	r := spellClient(&c.Record)
	r.Secret, r.Warning = c.Secret, "Store this secret securely. It cannot be retrieved again."
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
		{"created", r.Created.Format(time.RFC3339)},
	}
	if r.Secret != "" {
		rows = append(rows, []string{"secret", r.Secret}, []string{"", r.Warning})
	}
	return table(rows)
}

type clientsCreate struct {
	Name        string   `required:"" help:"What people and logs call it."`
	RedirectURI []string `name:"redirect-uri" sep:"none" placeholder:"URI" help:"Where people may be sent back to; may be given again."`
	Grant       []string `placeholder:"TYPE" help:"Grant type it may use: client_credentials; may be given again."`
	AuthMethod  string   `placeholder:"METHOD" help:"client_secret_basic (usual) or client_secret_post."`
	Scope       []string `placeholder:"WORD" help:"Scope that its tokens may carry; may be given again."`
	Resource    []string `sep:"none" placeholder:"URI" help:"What its tokens may be for; the server's own API by default."`
}

// Run registers the client.
func (cmd clientsCreate) Run(c *console) error {
	return c.with(func(ctx context.Context, core *server.Core) (fmt.Stringer, error) {
		made, err := core.OAuth.CreateClient(ctx, headykey.System, oauth.ClientWish{
			Name: cmd.Name, AuthMethod: cmd.AuthMethod, Grants: cmd.Grant, Scopes: cmd.Scope,
			Redirects: cmd.RedirectURI, Resources: cmd.Resource,
		})
		if err != nil {
			return nil, err
		}
		return spellNewClient(made), nil
	})
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

// setDisabled disables or enables the client that w names.
func (w which) setDisabled(c *console, disabled bool) error {
	return w.do(c, func(ctx context.Context, s *oauth.Service, id headykey.ID) (fmt.Stringer, error) {
		client, err := s.ChangeClient(ctx, headykey.System, id, headykey.ClientChange{Disabled: &disabled})
		if err != nil {
			return nil, err
		}
		return spellClient(client), nil
	})
}

type clientsDisable struct{ which }

// Run disables the client.
func (cmd clientsDisable) Run(c *console) error { return cmd.setDisabled(c, true) }

type clientsEnable struct{ which }

// Run enables the client.
func (cmd clientsEnable) Run(c *console) error { return cmd.setDisabled(c, false) }

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
