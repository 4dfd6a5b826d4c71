package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/server"
)

type usersCommands struct {
	Create  usersCreate  `cmd:"" help:"Make an account."`
	List    usersList    `cmd:"" help:"List accounts, newest first."`
	Show    usersShow    `cmd:"" help:"Show one account."`
	SetRole usersSetRole `cmd:"" help:"Give an account another role."`
	Suspend usersSuspend `cmd:"" help:"Disable an account and end its sessions."`
	Resume  usersResume  `cmd:"" help:"Enable a disabled account."`
	Delete  usersDelete  `cmd:"" help:"Erase an account and all that belongs to it."`
}

// A userReply is one account.
type userReply struct {
	ID         headykey.ID `json:"id"`
	Email      string      `json:"email"`
	Name       string      `json:"name"`
	Role       string      `json:"role"`
	Type       string      `json:"identity_type"`
	Verified   bool        `json:"email_verified"`
	Disabled   bool        `json:"disabled"`
	Created    time.Time   `json:"created_at"`
	LastSignIn *time.Time  `json:"last_sign_in_at"`
}

func spellUser(u *headykey.User) userReply {
	r := userReply{
		ID: u.ID, Email: u.Email, Name: u.Name, Role: u.Role.String(), Type: string(u.Type),
		Verified: !u.Verified.IsZero(), Disabled: !u.Disabled.IsZero(), Created: u.Created,
	}
	if !u.LastSignIn.IsZero() {
		r.LastSignIn = &u.LastSignIn
	}
	return r
}

// String returns the account, a fact per line.
func (r userReply) String() string {
	state := "active"
	if r.Disabled {
		state = "disabled"
	}
	last := "never"
	if r.LastSignIn != nil {
		last = r.LastSignIn.Format(time.RFC3339)
	}
	return table([][]string{
		{"id", string(r.ID)}, {"email", r.Email}, {"name", r.Name}, {"role", r.Role}, {"state", state},
		{"confirmed", fmt.Sprint(r.Verified)}, {"created", r.Created.Format(time.RFC3339)}, {"last sign-in", last},
	})
}

type usersCreate struct {
	Email         string `required:"" help:"Address that the account signs in with."`
	Name          string `help:"Display name."`
	Role          string `default:"user" help:"guest, user, operator or admin."`
	PasswordStdin bool   `help:"Read the password from standard input; without it the account has none."`
}

// Run makes the account. Its address counts as confirmed: the operator vouches.
func (u usersCreate) Run(c *console) error {
	role, err := headykey.ParseRole(u.Role)
	if err != nil {
		return usageError{errors.New("a role is guest, user, operator or admin")}
	}
	wish := auth.NewUser{Email: u.Email, Name: u.Name, Role: role, Verified: true}
	if u.PasswordStdin {
		if wish.Password, err = readPassword(c.in); err != nil {
			return err
		}
	}
	return c.with(func(ctx context.Context, core *server.Core) (fmt.Stringer, error) {
		user, err := core.Auth.CreateUser(ctx, headykey.System, wish)
		if err != nil {
			return nil, err
		}
		return spellUser(user), nil
	})
}

// readPassword reads one line, at most 8 KiB.
func readPassword(in io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(in, 8<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
	if line == "" {
		return "", usageError{errors.New("standard input holds no password")}
	}
	return line, nil
}

type usersList struct {
	Query string `arg:"" optional:"" help:"Beginning of an address or name."`
	Limit int    `default:"89" help:"At most so many."`
}

type usersReply struct {
	Users []userReply `json:"users"`
}

// String returns a line per account.
func (r usersReply) String() string {
	rows := [][]string{{"ID", "ROLE", "EMAIL"}}
	for _, u := range r.Users {
		rows = append(rows, []string{string(u.ID), u.Role, u.Email})
	}
	return table(rows)
}

// Run lists the accounts.
func (u usersList) Run(c *console) error {
	return c.with(func(ctx context.Context, core *server.Core) (fmt.Stringer, error) {
		all, err := core.Directory.Users(ctx, headykey.System, headykey.UserFilter{Query: headykey.Fold(u.Query), Limit: u.Limit})
		r := usersReply{Users: []userReply{}}
		for _, user := range all {
			r.Users = append(r.Users, spellUser(user))
		}
		return r, err
	})
}

// A who names one account.
type who struct {
	User string `arg:"" help:"Id or address of the account."`
}

// find returns the account that w names.
func (w who) find(ctx context.Context, core *server.Core) (*headykey.User, error) {
	if id, err := headykey.ParseID(w.User); err == nil {
		return core.Directory.User(ctx, headykey.System, id)
	}
	return core.Directory.UserByEmail(ctx, headykey.System, w.User)
}

type usersShow struct{ who }

// Run shows the account.
func (u usersShow) Run(c *console) error {
	return c.with(func(ctx context.Context, core *server.Core) (fmt.Stringer, error) {
		user, err := u.find(ctx, core)
		if err != nil {
			return nil, err
		}
		return spellUser(user), nil
	})
}

// change applies one change to the account that w names.
func (w who) change(c *console, change headykey.UserChange) error {
	return c.with(func(ctx context.Context, core *server.Core) (fmt.Stringer, error) {
		user, err := w.find(ctx, core)
		if err != nil {
			return nil, err
		}
		if user, err = core.Directory.ChangeUser(ctx, headykey.System, user.ID, change); err != nil {
			return nil, err
		}
		return spellUser(user), nil
	})
}

type usersSetRole struct {
	who
	Role string `arg:"" help:"guest, user, operator or admin."`
}

// Run changes the role.
func (u usersSetRole) Run(c *console) error {
	role, err := headykey.ParseRole(u.Role)
	if err != nil {
		return usageError{errors.New("a role is guest, user, operator or admin")}
	}
	return u.change(c, headykey.UserChange{Role: &role})
}

type usersSuspend struct{ who }

// Run disables the account.
func (u usersSuspend) Run(c *console) error {
	yes := true
	return u.change(c, headykey.UserChange{Disabled: &yes})
}

type usersResume struct{ who }

// Run enables the account.
func (u usersResume) Run(c *console) error {
	no := false
	return u.change(c, headykey.UserChange{Disabled: &no})
}

type usersDelete struct {
	who
	Yes bool `help:"Do not ask."`
}

type deletedReply struct {
	Status string      `json:"status"`
	ID     headykey.ID `json:"id"`
}

// String says that it is done.
func (r deletedReply) String() string { return "Erased " + string(r.ID) + ".\n" }

// Run erases the account, having asked.
func (u usersDelete) Run(c *console) error {
	if !u.Yes {
		fmt.Fprintf(c.err, "Erase %s and all that belongs to it? Type yes: ", u.User)
		if answer, err := readPassword(c.in); err != nil || answer != "yes" {
			return errors.New("nothing was erased")
		}
	}
	return c.with(func(ctx context.Context, core *server.Core) (fmt.Stringer, error) {
		user, err := u.find(ctx, core)
		if err != nil {
			return nil, err
		}
		return deletedReply{"erased", user.ID}, core.Directory.EraseUser(ctx, headykey.System, user.ID)
	})
}
