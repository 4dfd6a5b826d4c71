package cli

import (
	"log/slog"
	"net/netip"
	"time"

	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/server"
)

// settings lists every setting there is, in the order of `config print`. To add
// one, add a field to [server.Config] and a row here.
var settings = []setting{
	row("data", "./headykey-data", "DIR", "Directory of the database, keys and backups.",
		text(func(c *server.Config) *string { return &c.Data })),
	row("listen", "127.0.0.1:1618", "ADDR", "Serve on host:port.",
		text(func(c *server.Config) *string { return &c.Listen })),
	row("url", "", "URL", "Public base URL; otherwise made from listen.",
		text(func(c *server.Config) *string { return &c.URL })),
	database(),
	row("dev", "false", "", "Mailbox and open registration, on loopback only.",
		onOff(func(c *server.Config) *bool { return &c.Dev })),
	row("confirm_email", "", "", "Demand a confirmed e-mail address; on unless dev.",
		onOff(func(c *server.Config) *bool { return &c.ConfirmEmail })),
	row("signup", "on", "on|off", "People make accounts; off: by invitation alone.",
		onOff(func(c *server.Config) *bool { return &c.SignUp })),
	row("rate_limit", "on", "on|off", "Limit tries on credentials; off is for load tests.",
		onOff(func(c *server.Config) *bool { return &c.RateLimit })),
	row("trust_proxy", "", "CIDRS", "Peers whose X-Forwarded-For counts.",
		prefixes(func(c *server.Config) *[]netip.Prefix { return &c.TrustProxy })),
	row("cors_origins", server.CORSPreset, "LIST", "Origins whose pages may call; heady stands for 23.",
		words(func(c *server.Config) *[]string { return &c.CORSOrigins })),
	row("fetch_allow", "", "LIST", "Hosts or networks to reach although private, also by http.",
		words(func(c *server.Config) *[]string { return &c.FetchAllow })),
	row("extra_ca", "", "FILE", "PEM certificates to trust in requests of ours, too.",
		text(func(c *server.Config) *string { return &c.ExtraCA })),
	row("registration", "", "WHO", "Register clients: open, token or off; open in dev, else token.",
		text(func(c *server.Config) *string { return &c.Registration })),
	row("registration.statement_issuers", "", "TABLES", "Whose software statements count: issuer and jwks_url of each.",
		records(func(c *server.Config) *[]oauth.StatementIssuer { return &c.StatementIssuers })),
	row("oauth.detail_types", "", "LIST", "Types of authorization details that clients may ask for.",
		words(func(c *server.Config) *[]string { return &c.DetailTypes })),
	row("jwt_secret", "", "", "HS256 secret of 32 bytes or more; otherwise generated.",
		hidden(func(c *server.Config) *[]byte { return &c.JWTSecret }, verbatim)),
	row("master_key", "", "", "Seals secrets at rest; otherwise master.key in data.",
		hidden(func(c *server.Config) *[]byte { return &c.MasterKey }, parseKey)),
	row("tls_cert", "", "FILE", "PEM certificate chain; with tls-key: HTTPS.",
		text(func(c *server.Config) *string { return &c.TLSCert })),
	row("tls_key", "", "FILE", "PEM private key of the certificate.",
		text(func(c *server.Config) *string { return &c.TLSKey })),
	row("tls_clients", "off", "on|off", "Take certificates of clients, also from trusted proxies.",
		onOff(func(c *server.Config) *bool { return &c.TLSClients })),
	row("tls_client_ca", "", "FILE", "PEM certificates that vouch for those of clients.",
		text(func(c *server.Config) *string { return &c.TLSClientCA })),
	row("idle_timeout", "89s", "TIME", "Close a connection after so long without a request.",
		span(func(c *server.Config) *time.Duration { return &c.IdleTimeout })),
	row("shutdown", "21s", "TIME", "Let begun requests take so long at the end.",
		span(func(c *server.Config) *time.Duration { return &c.Shutdown })),
	row("metrics_listen", "", "ADDR", "Serve /metrics on host:port of its own.",
		text(func(c *server.Config) *string { return &c.MetricsListen })),
	row("log_level", "info", "LEVEL", "Log debug, info, warn or error, and what is graver.",
		level(func(c *server.Config) *slog.Level { return &c.LogLevel })),

	row("supabase_apikey", "on", "on|off", "Demand a project key at the Supabase API.",
		onOff(func(c *server.Config) *bool { return &c.Supabase.DemandKey })),
	row("supabase.site_url", "", "URL", "Where letters of apps lead; otherwise the public URL.",
		text(func(c *server.Config) *string { return &c.Supabase.SiteURL })),
	row("supabase.redirects", "", "LIST", "Where apps may have them lead instead; * and ** match.",
		words(func(c *server.Config) *[]string { return &c.Supabase.Redirects })),
	row("supabase.authorization_path", "", "PATH", "Page of an app, below its site, that asks for consent.",
		text(func(c *server.Config) *string { return &c.Supabase.ConsentPath })),
	row("supabase.jwt_secret", "", "", "HS256 secret of a Supabase project that moves here.",
		hidden(func(c *server.Config) *[]byte { return &c.Supabase.JWTSecret }, verbatim)),
	row("supabase.anonymous", "off", "on|off", "Let people begin without an address.",
		onOff(func(c *server.Config) *bool { return &c.Supabase.Anonymous })),
	row("supabase.reauthenticate", "off", "on|off", "A new password needs a code by mail after a day.",
		onOff(func(c *server.Config) *bool { return &c.Supabase.Reauthenticate })),
	row("supabase.current_password", "off", "on|off", "A new password needs the present one.",
		onOff(func(c *server.Config) *bool { return &c.Supabase.CurrentPassword })),

	row("mail.smtp", "", "SERVER", "host:port, smtp:// or smtps:// URL of the mail server.",
		text(func(c *server.Config) *string { return &c.Mail.SMTP })),
	row("mail.from", "", "ADDR", "Sender of every letter.",
		text(func(c *server.Config) *string { return &c.Mail.From })),
	row("mail.user", "", "NAME", "User at the mail server.",
		text(func(c *server.Config) *string { return &c.Mail.User })),
	row("mail.password", "", "", "Password at the mail server.",
		hidden(func(c *server.Config) *string { return &c.Mail.Password }, verbatim)),

	row("lifetimes.access", "1h", "TIME", "Life of an access token.",
		span(func(c *server.Config) *time.Duration { return &c.Lifetimes.Access })),
	row("lifetimes.refresh", "30d", "TIME", "Life of an unused refresh token.",
		span(func(c *server.Config) *time.Duration { return &c.Lifetimes.Refresh })),
	row("lifetimes.session", "8h", "TIME", "Life of the session cookie; fib(6) hours.",
		span(func(c *server.Config) *time.Duration { return &c.Lifetimes.Session })),
	row("lifetimes.session_max", "89d", "TIME", "Absolute end of a session; fib(11) days.",
		span(func(c *server.Config) *time.Duration { return &c.Lifetimes.SessionMax })),
	row("lifetimes.key_grace", "34h", "TIME", "Life of a rotated API key; fib(9) hours.",
		span(func(c *server.Config) *time.Duration { return &c.Lifetimes.KeyGrace })),
	row("lifetimes.setup_link", "34m", "TIME", "Life of the first administrator's link; fib(9) minutes.",
		span(func(c *server.Config) *time.Duration { return &c.Lifetimes.SetupLink })),
	row("lifetimes.email_link", "21m", "TIME", "Life of links and codes in mail; fib(8) minutes.",
		span(func(c *server.Config) *time.Duration { return &c.Lifetimes.EmailLink })),
	row("lifetimes.jwt_secret_rotation", "144d", "TIME", "Replace the HS256 secret after so long; fib(12) days.",
		span(func(c *server.Config) *time.Duration { return &c.Lifetimes.JWTSecretRotation })),
	row("lifetimes.jwt_secret_overlap", "21d", "TIME", "Replaced secrets verify for so long; fib(8) days.",
		span(func(c *server.Config) *time.Duration { return &c.Lifetimes.JWTSecretOverlap })),
	row("lifetimes.session_key", "21d", "TIME", "Replace the key of OAuth tokens after so long; fib(8) days.",
		span(func(c *server.Config) *time.Duration { return &c.Lifetimes.SessionKey })),
	row("lifetimes.session_key_grace", "34h", "TIME", "Replaced keys verify for so long; fib(9) hours.",
		span(func(c *server.Config) *time.Duration { return &c.Lifetimes.SessionKeyGrace })),
}

// database returns the setting of the database: a plain one, but its text may
// hold a password, so it may come from a file and is shown masked.
func database() setting {
	s := row("database", "", "DSN", "postgres:// URL; otherwise SQLite in data.",
		text(func(c *server.Config) *string { return &c.Database }))
	s.get = func(c *server.Config) string { return maskDSN(c.Database) }
	s.file = true
	return s
}
