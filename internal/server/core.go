package server

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/account"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/directory"
	"headykey.com/headykey/internal/fetch"
	"headykey.com/headykey/internal/hook"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/mail"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/outbox"
	"headykey.com/headykey/internal/receipt"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/token"
	"headykey.com/headykey/internal/upstream"
)

// MasterKeyFile is the name of the master key inside the data directory.
const MasterKeyFile = "master.key"

// A Core is all rules over one open database: what a server serves and a command
// works with.
type Core struct {
	DB        *store.DB
	Ring      *keyring.Ring
	Receipts  *receipt.Ledger
	Outbox    *outbox.Outbox
	Auth      *auth.Service
	Account   *account.Service
	Directory *directory.Service
	OAuth     *oauth.Service
	Fetch     *fetch.Client // our requests to addresses that strangers gave us
	Mailbox   *mail.Mailbox // nil outside development

	swept  headykey.ID // the authorization that the last sweep ended with; "": at the end
	hooks  *hook.Hooks
	pool   *secret.Pool
	sealer *secret.Sealer
}

// Open opens the database of c and builds the rules over it. base is the public
// URL. It makes the data directory, the master key and the schema where they are
// missing, and fails with one sentence that names what is wrong.
func Open(ctx context.Context, c *Config, base string, log *slog.Logger) (*Core, error) {
	if err := makeDataDir(c.Data); err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, store.Options{DSN: c.Database, Dir: c.Data, Log: log})
	if err != nil {
		return nil, err
	}
	core, err := build(ctx, c, base, db, log)
	if err != nil {
		_ = db.Close()
		return nil, err
	}
	return core, nil
}

func makeDataDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("the data directory cannot be made: %w", err)
	}
	return nil
}

// masterKey returns the configured key, or the one in the data directory.
func masterKey(ctx context.Context, c *Config, db *store.DB) ([]byte, error) {
	if len(c.MasterKey) > 0 {
		return c.MasterKey, nil
	}
	path := filepath.Join(c.Data, MasterKeyFile)
	if err := missingKey(ctx, db, path); err != nil {
		return nil, err
	}
	key, err := secret.LoadMasterKey(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("the master key %s cannot be read or made; check the permissions of its folder: %w", path, err)
	}
	return key, err
}

// missingKey refuses to make a new master key where the database holds keys that
// only the old one opens.
func missingKey(ctx context.Context, db *store.DB, path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	sealed := false
	err := db.View(ctx, func(tx *store.Tx) error {
		for _, err := range tx.SigningKeys() {
			sealed = err == nil
			return err
		}
		return nil
	})
	if sealed {
		return fmt.Errorf("the master key %s is missing, and the database was sealed with it; restore it from a backup", path)
	}
	return err
}

func build(ctx context.Context, c *Config, base string, db *store.DB, log *slog.Logger) (*Core, error) {
	key, err := masterKey(ctx, c, db)
	if err != nil {
		return nil, err
	}
	sealer, err := secret.NewSealer(key)
	if err != nil {
		return nil, err
	}
	ring, err := keyring.New(ctx, db, sealer, c.JWTSecret, log)
	if err != nil {
		return nil, err
	}
	roots, err := openRoots(c)
	if err != nil {
		return nil, err
	}
	out, err := fetch.New(fetch.Config{Allow: c.FetchAllow, Roots: roots})
	if err != nil {
		return nil, err
	}
	hooks, err := openHooks(c, roots, log)
	if err != nil {
		return nil, err
	}
	core := &Core{DB: db, Ring: ring, Fetch: out, hooks: hooks, Receipts: receipt.New(db, ring, hostOf(base)), sealer: sealer, pool: secret.NewPool(0, 0, 0)}
	if err := core.addOutbox(c, log); err != nil {
		return nil, err
	}
	tokens := token.New(db, ring, token.Config{
		Issuer: base, Audience: base + "/api", OAuthIssuer: base + oauth.IssuerPath, Access: c.Lifetimes.Access, Refresh: c.Lifetimes.Refresh,
		ProjectSecret: c.Supabase.JWTSecret,
	})
	core.Auth, err = auth.New(auth.Parts{
		DB: db, Tokens: tokens, Receipts: core.Receipts, Outbox: core.Outbox, Pool: core.pool, Sealer: sealer, Log: log,
		Upstream: &upstream.Verifier{Fetch: out},
		Ended: func(ctx context.Context, tx *store.Tx, user headykey.ID, sessions []headykey.ID) error {
			return core.OAuth.SessionsEnded(ctx, tx, user, sessions)
		},
		Change: func(ctx context.Context, tx *store.Tx, by headykey.Caller, user *headykey.User, c headykey.UserChange) error {
			return core.Directory.Apply(ctx, tx, by, user, c)
		},
		Hooks: hooks, Spell: appSettings(c).UserJSON,
	}, auth.Config{
		BaseURL: base, AppsURL: base + oauth.IssuerPath, ConfirmEmail: c.ConfirmEmail, Throttle: c.RateLimit, Closed: !c.SignUp,
		Lifetimes: c.Lifetimes, Apps: auth.Apps{
			Anonymous: c.Supabase.Anonymous, Reauthenticate: c.Supabase.Reauthenticate, CurrentPassword: c.Supabase.CurrentPassword,
			Web3: c.Supabase.Web3, Issuers: c.IDTokenIssuers,
		},
	})
	if err != nil {
		return nil, err
	}
	core.Account = account.New(db, core.Receipts, c.Lifetimes.KeyGrace, core.Auth.ProveAgain, core.Auth.EndAll)
	core.Directory = directory.New(db, core.Receipts, ring, c.Lifetimes, core.Auth.EndAll, sealer, out)
	clientCA, err := openClientCA(c)
	if err != nil {
		return nil, err
	}
	core.OAuth, err = oauth.New(oauth.Parts{
		DB: db, Tokens: tokens, Receipts: core.Receipts, Ring: ring, Sealer: sealer, Fetch: core.Fetch, Outbox: core.Outbox,
		Certificates: c.TLSClients, ClientCA: clientCA, DetailTypes: c.DetailTypes,
		Registration: oauth.RegistrationPolicy{Who: c.Registration, Issuers: c.StatementIssuers},
	}, base)
	if err != nil {
		return nil, err
	}
	return core, nil
}

// openClientCA returns who vouches for certificates of clients; nil: nobody.
func openClientCA(c *Config) (*x509.CertPool, error) {
	if c.TLSClientCA == "" {
		return nil, nil
	}
	pool := x509.NewCertPool()
	return pool, addRoots(pool, "tls_client_ca", c.TLSClientCA)
}

// addRoots adds the certificates in the file of a setting to pool.
func addRoots(pool *x509.CertPool, setting, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("the file of %s cannot be read: %w", setting, err)
	}
	if !pool.AppendCertsFromPEM(text) {
		return fmt.Errorf("the file of %s, %s, holds no certificate in PEM", setting, file)
	}
	return nil
}

// hostOf is the host, with its port, of a URL that was checked before.
func hostOf(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base
	}
	return u.Host
}

// addOutbox makes the outbox, and chooses where letters go: the mailbox in
// development, else the SMTP server. Without one they wait in it until there is.
func (core *Core) addOutbox(c *Config, log *slog.Logger) error {
	senders := map[string]outbox.Sender{
		oauth.PingKind:   ping(core.Fetch),
		oauth.LogoutKind: func(ctx context.Context, payload []byte) error { return core.OAuth.DeliverLogout(ctx, payload) },
		auth.KnockKind:   func(ctx context.Context, payload []byte) error { return core.Auth.AnswerKnock(ctx, payload) },
	}
	if core.hooks.Wants(hook.SendEmail) {
		senders[auth.LetterKind] = func(ctx context.Context, payload []byte) error { return core.Auth.SendLetter(ctx, payload) }
	}
	switch {
	case c.Dev:
		core.Mailbox = mail.NewMailbox(cmp.Or(c.Mail.From, "HeadyKey <headykey@localhost>"))
		senders["mail"] = deliver(core.Mailbox.Send)
	case c.Mail.SMTP != "":
		smtp, err := mail.NewSMTP(mail.Config{Server: c.Mail.SMTP, From: c.Mail.From, User: c.Mail.User, Password: c.Mail.Password})
		if err != nil {
			return fmt.Errorf("mail: %w", err)
		}
		senders["mail"] = deliver(smtp.Send)
	}
	core.Outbox = outbox.New(core.DB, core.sealer, log, senders)
	return nil
}

// deliver reads a letter from its parcel and sends it.
func deliver(send func(context.Context, mail.Message) error) outbox.Sender {
	return func(ctx context.Context, payload []byte) error {
		var m mail.Message
		if err := json.Unmarshal(payload, &m); err != nil {
			return fmt.Errorf("%w: a letter that cannot be read: %w", outbox.ErrPermanent, err)
		}
		err := send(ctx, m)
		if err != nil && mail.Permanent(err) {
			return fmt.Errorf("%w: %w", outbox.ErrPermanent, err)
		}
		return err
	}
}

// Close ends what Open began, in the reverse order.
func (core *Core) Close() error {
	core.Auth.Close()
	core.hooks.Close()
	core.Fetch.Close()
	core.pool.Close()
	return core.DB.Close()
}
