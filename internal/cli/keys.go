package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/account"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/server"
)

type apiKeysCommands struct {
	Create apiKeysCreate `cmd:"" help:"Make an API key for an account and print it, this once."`
	List   apiKeysList   `cmd:"" help:"List API keys, newest first."`
	Revoke apiKeysRevoke `cmd:"" help:"End an API key."`
}

type apiKeysCreate struct {
	User        string        `required:"" help:"Id or address of the owner."`
	Description string        `help:"What it is for."`
	Role        string        `help:"At most the owner's, which it is by default."`
	TTL         time.Duration `name:"ttl" help:"How long it lives; for ever by default."`
	Scopes      []string      `help:"What it is narrowed to."`
}

type apiKeyReply struct {
	ID          headykey.ID `json:"id"`
	Key         string      `json:"key"`
	Prefix      string      `json:"prefix"`
	Role        string      `json:"role"`
	Description string      `json:"description"`
	Expires     *time.Time  `json:"expires_at"`
	Warning     string      `json:"warning"`
}

// String returns the key alone on its line.
func (r apiKeyReply) String() string { return r.Key + "\n" + r.Warning + "\n" }

// Run makes the key on behalf of its owner.
func (a apiKeysCreate) Run(c *console) error {
	wish := account.KeyWish{Description: a.Description, Scopes: a.Scopes}
	if a.TTL < 0 {
		return usageError{errors.New("a key cannot end in the past")}
	}
	if a.TTL > 0 {
		wish.Expires = time.Now().Add(a.TTL).UTC().Truncate(time.Microsecond)
	}
	if a.Role != "" {
		var err error
		if wish.Role, err = headykey.ParseRole(a.Role); err != nil {
			return usageError{errors.New("a role is guest, user, operator or admin")}
		}
	}
	return c.with(func(ctx context.Context, core *server.Core) (fmt.Stringer, error) {
		owner, err := who{a.User}.find(ctx, core)
		if err != nil {
			return nil, err
		}
		by := headykey.Caller{User: owner.ID, Role: owner.Role, Method: headykey.BySystem}
		k, err := core.Account.CreateAPIKey(ctx, by, wish)
		if err != nil {
			return nil, err
		}
		r := apiKeyReply{
			ID: k.Record.ID, Key: k.Key, Prefix: k.Record.Prefix, Role: k.Record.Role.String(),
			Description: k.Record.Description, Warning: "Store this key securely. It cannot be retrieved again.",
		}
		if !k.Record.Expires.IsZero() {
			r.Expires = &k.Record.Expires
		}
		return r, nil
	})
}

type apiKeysList struct {
	User  string `help:"Id or address of an owner; everybody's by default."`
	Limit int    `default:"89" help:"At most so many."`
}

type apiKeyLine struct {
	ID          headykey.ID `json:"id"`
	User        headykey.ID `json:"user_id"`
	Prefix      string      `json:"key_prefix"`
	Role        string      `json:"role"`
	Description string      `json:"description"`
	Created     time.Time   `json:"created_at"`
}

type apiKeysReply struct {
	Keys []apiKeyLine `json:"keys"`
}

// String returns a line per key.
func (r apiKeysReply) String() string {
	rows := [][]string{{"ID", "KEY", "ROLE", "DESCRIPTION"}}
	for _, k := range r.Keys {
		rows = append(rows, []string{string(k.ID), k.Prefix + "…", k.Role, k.Description})
	}
	return table(rows)
}

// Run lists the keys.
func (a apiKeysList) Run(c *console) error {
	return c.with(func(ctx context.Context, core *server.Core) (fmt.Stringer, error) {
		var owner headykey.ID
		if a.User != "" {
			user, err := who{a.User}.find(ctx, core)
			if err != nil {
				return nil, err
			}
			owner = user.ID
		}
		all, err := core.Directory.APIKeys(ctx, headykey.System, owner, headykey.Mark{}, a.Limit)
		r := apiKeysReply{Keys: []apiKeyLine{}}
		for _, k := range all {
			r.Keys = append(r.Keys, apiKeyLine{k.ID, k.User, k.Prefix, k.Role.String(), k.Description, k.Created})
		}
		return r, err
	})
}

type apiKeysRevoke struct {
	ID string `arg:"" help:"Id of the key."`
}

type revokedReply struct {
	Status string      `json:"status"`
	ID     headykey.ID `json:"id"`
}

// String says that it is done.
func (r revokedReply) String() string { return "Revoked " + string(r.ID) + ".\n" }

// Run ends the key.
func (a apiKeysRevoke) Run(c *console) error {
	id, err := headykey.ParseID(a.ID)
	if err != nil {
		return usageError{errors.New("this is not the id of a key; api-keys list shows them")}
	}
	return c.with(func(ctx context.Context, core *server.Core) (fmt.Stringer, error) {
		return revokedReply{"revoked", id}, core.Account.RevokeAPIKey(ctx, headykey.System, id)
	})
}

type keysCommands struct {
	List   keysList   `cmd:"" help:"List the keys that sign tokens and receipts."`
	Rotate keysRotate `cmd:"" help:"Replace a signing key now."`
}

type keysList struct{}

type signingKey struct {
	Use       string     `json:"use"`
	ID        string     `json:"keyId"`
	Algorithm string     `json:"algorithm"`
	NotBefore *time.Time `json:"notBefore"` // null: it waits, or comes from the configuration
	NotAfter  *time.Time `json:"notAfter"`  // null: it signs, or will

	state string
}

type signingKeysReply struct {
	Keys []signingKey `json:"keys"`
}

// String returns a line per key.
func (r signingKeysReply) String() string {
	rows := [][]string{{"USE", "KEY", "ALGORITHM", "SINCE", "STATE"}}
	for _, k := range r.Keys {
		since := "-"
		if k.NotBefore != nil {
			since = k.NotBefore.Format(time.DateOnly)
		}
		rows = append(rows, []string{k.Use, k.ID, k.Algorithm, since, k.state})
	}
	return table(rows)
}

// Run lists the keys.
func (keysList) Run(c *console) error {
	return c.with(func(_ context.Context, core *server.Core) (fmt.Stringer, error) {
		all, err := core.Directory.SigningKeys(headykey.System)
		r := signingKeysReply{Keys: []signingKey{}}
		for _, k := range all {
			line := signingKey{Use: k.Use, ID: k.ID, Algorithm: k.Algorithm, state: "signs"}
			if !k.Active.IsZero() {
				line.NotBefore = &k.Active
			}
			switch {
			case k.Waits():
				line.state = "next"
			case !k.Retired.IsZero():
				line.NotAfter, line.state = &k.Retired, "retired"
			}
			r.Keys = append(r.Keys, line)
		}
		return r, err
	})
}

type keysRotate struct {
	Use string `enum:"session,id,heady,receipt,project" default:"heady" help:"session (OAuth access tokens), id (ID tokens), heady (HeadyKey API), receipt or project (what supabase-keys prints)."`
}

type rotatedReply struct {
	Status string `json:"status"`
	Use    string `json:"use"`
	ID     string `json:"keyId"`
}

// String says which key signs now.
func (r rotatedReply) String() string {
	now := "Now " + r.ID + " signs for " + r.Use + ".\n"
	if r.Use == keyring.Project {
		now += wrap("supabase-keys prints the new keys of apps. The old ones work as long as lifetimes.session_key_grace says; those that supabase.jwt_secret signs, until that changes.")
	}
	return now
}

// Run replaces the key.
func (k keysRotate) Run(c *console) error {
	return c.with(func(ctx context.Context, core *server.Core) (fmt.Stringer, error) {
		fresh, err := core.Directory.RotateKey(ctx, headykey.System, k.Use)
		return rotatedReply{"rotated", k.Use, fresh.ID}, err
	})
}
