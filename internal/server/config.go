package server

import (
	"bytes"
	"cmp"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
	"headykey.com/headykey/internal/captcha"
	"headykey.com/headykey/internal/fetch"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/upstream"
	"headykey.com/headykey/internal/web"
)

// Version is this release, as `headykey version` and /health tell it.
const Version = "0.1.0"

// CORSPreset is the word in Config.CORSOrigins that stands for the 23 origins of
// HeadyKey's own sites.
const CORSPreset = "heady"

// Who may register OAuth clients over the network (RFC 7591 §3).
const (
	RegistrationOpen  = oauth.RegistrationOpen
	RegistrationToken = oauth.RegistrationToken
	RegistrationOff   = oauth.RegistrationOff
)

// A Config is how one server runs. The zero Config is not usable: the command
// line fills it from flags, environment, file and defaults, and Validate tells
// whether a server can run by it.
type Config struct {
	Data          string         // directory of the database, the master key and backups; made with mode 0700 if missing
	Listen        string         // host:port of the listener; port 0: any free one. Loopback by default, so that nobody is served by accident
	URL           string         // public base, which goes into every token and link; no slash at the end. Empty: see BaseURL
	Database      string         // postgres:// URL, which may hold a password; empty: SQLite in Data
	Dev           bool           // mailbox, open to all who reach the listener: loopback only
	SignUp        bool           // people make accounts of their own; false: by invitation alone
	ConfirmEmail  bool           // a new account must open the link in its mail before it may sign in
	RateLimit     bool           // false: credentials may be guessed without limit; for load tests only
	TrustProxy    []netip.Prefix // peers whose X-Forwarded-For counts; empty: the connection's own address always
	CORSOrigins   []string       // origins whose pages may call with credentials; the word CORSPreset stands for 23
	FetchAllow    []string       // hosts and networks that we may send requests to although they are private: see fetch.ParseAllow
	ExtraCA       string         // PEM file of certificates that vouch for servers we send requests to, besides the system's; empty: none
	Registration  string         // who may register clients over the network: RegistrationOpen, RegistrationToken or RegistrationOff
	DetailTypes   []string       // types of authorization_details that clients may be registered for (RFC 9396); empty: none
	JWTSecret     []byte         // HS256 secret of the HeadyKey tokens, 32 bytes or more; nil: generated and kept sealed in the database
	MasterKey     []byte         // 32 bytes that seal secrets at rest; nil: the file master.key in Data, made if missing
	TLSCert       string         // PEM file of the certificate chain; with TLSKey: serve HTTPS
	TLSKey        string         // PEM file of the certificate's private key
	TLSClients    bool           // clients may show certificates: the listener asks for them, and Client-Cert of TrustProxy counts
	TLSClientCA   string         // PEM file of who vouches for certificates of clients; empty: nobody, so that they are known by their keys alone
	IdleTimeout   time.Duration  // after which a connection without a request is closed
	Shutdown      time.Duration  // how long begun requests may take once the server is told to stop
	MetricsListen string         // host:port of a listener of its own for /metrics; empty: no metrics
	LogLevel      slog.Level     // what is logged: this and what is graver
	Supabase      Supabase
	Captcha       captcha.Config // who is asked whether people are people; without a provider: nobody
	Hooks         Hooks
	Mail          Mail
	Lifetimes     headykey.Lifetimes

	StatementIssuers []oauth.StatementIssuer // whose software statements about clients count (RFC 7591 §2.3)
	IDTokenIssuers   []upstream.Issuer       // whose ID tokens people may sign in by
}

// Mail is how letters leave. Without an SMTP server they stay in the outbox; in
// development they go to the mailbox.
type Mail struct {
	SMTP     string // host:port, smtp:// or smtps:// URL; empty: no server
	From     string // sender, RFC 5322 address with or without a name
	User     string // empty: no authentication
	Password string
}

// Supabase is how the server answers apps that know the API of Supabase Auth.
type Supabase struct {
	DemandKey       bool     // each call carries a project key
	SiteURL         string   // where people go with the outcome of a letter; empty: the public base
	Redirects       []string // where they may go instead: see web.NewTargets
	ConsentPath     string   // page of an app, below SiteURL, that asks people whether a client may act for them; empty: pages of ours ask
	JWTSecret       []byte   // HS256 secret of a project from elsewhere, which its apps know; nil: keys of our own
	Passwords       bool     // people may prove themselves by password there
	Anonymous       bool     // people may begin without an address
	Reauthenticate  bool     // a new password needs a code of a letter, unless the sign-in is fresh
	CurrentPassword bool     // a new password needs the one before
	Web3            []string // chains whose wallets people may sign in by; empty: none
}

// A Fault is one thing wrong with one setting. It reads as one sentence.
type Fault struct {
	Setting string `json:"setting"`          // its path in headykey.toml, such as mail.from
	Source  string `json:"source,omitempty"` // where the value came from; empty: not known
	Text    string `json:"text"`             // what follows the name: "must be …"; no secret
}

// String returns the fault as a sentence without its full stop.
func (f Fault) String() string {
	if f.Source == "" {
		return f.Setting + " " + f.Text
	}
	return f.Setting + " (" + f.Source + ") " + f.Text
}

// Faults are all that is wrong with a Config; as an error there is at least one.
type Faults []Fault

// Error returns the faults, with semicolons between them.
func (f Faults) Error() string {
	texts := make([]string, len(f))
	for i, one := range f {
		texts[i] = one.String()
	}
	return strings.Join(texts, "; ")
}

// need adds a fault unless ok.
func (f *Faults) need(ok bool, setting, format string, args ...any) {
	if !ok {
		*f = append(*f, Fault{Setting: setting, Text: fmt.Sprintf(format, args...)})
	}
}

// BaseURL returns the public base without a slash at the end: URL, or else what
// a listener at addr (host:port) is reached by on this machine.
func (c *Config) BaseURL(addr string) string {
	switch {
	case c.URL != "":
		return c.URL
	case c.TLSCert != "":
		return "https://" + addr
	}
	return "http://" + addr
}

// Validate returns nil, or Faults: everything that is wrong, not the first alone.
// It opens no file and no connection.
func (c *Config) Validate() error {
	var f Faults
	f.need(c.Data != "", "data", "must name a directory")
	c.checkAddresses(&f)
	c.checkOrigins(&f)
	c.checkStrangers(&f)
	c.checkSecrets(&f)
	c.checkMail(&f)
	c.checkSupabase(&f)
	c.checkIssuers(&f)
	c.checkCaptcha(&f)
	c.Hooks.check(&f)
	f.need(c.IdleTimeout > 0, "idle_timeout", "must be longer than nothing")
	f.need(c.Shutdown > 0, "shutdown", "must be longer than nothing")
	checkLifetimes(c.Lifetimes, &f)
	if len(f) == 0 {
		return nil
	}
	return f
}

func (c *Config) checkAddresses(f *Faults) {
	host, ok := splitAddress(c.Listen)
	f.need(ok, "listen", "must be host:port, not %q", c.Listen)
	local := ok && isLoopback(host)
	if ok {
		f.need(local || !c.Dev, "dev", "needs a loopback listener, because its mailbox is open to all: listen is %q", c.Listen)
		f.need(local || c.URL != "", "url", "must be set, because listen is %q, which is not loopback", c.Listen)
	}
	if c.URL != "" {
		text := originFault(c.URL)
		f.need(text == "", "url", "%s, not %q", text, c.URL)
		f.need(text != "" || c.TLSCert == "" || !strings.HasPrefix(c.URL, "http:"), "url", "must be https, because tls_cert is set")
	}
	if c.MetricsListen != "" {
		_, ok := splitAddress(c.MetricsListen)
		f.need(ok, "metrics_listen", "must be host:port, not %q", c.MetricsListen)
		f.need(c.MetricsListen != c.Listen || strings.HasSuffix(c.Listen, ":0"), "metrics_listen", "must differ from listen")
	}
	f.need(c.TLSCert == "" || c.TLSKey != "", "tls_key", "must be set, because tls_cert is")
	f.need(c.TLSKey == "" || c.TLSCert != "", "tls_cert", "must be set, because tls_key is")
	f.need(!c.TLSClients || c.TLSCert != "" || len(c.TrustProxy) > 0, "tls_clients",
		"needs tls_cert, or in trust_proxy a proxy that passes certificates on")
	f.need(c.TLSClientCA == "" || c.TLSClients, "tls_client_ca", "needs tls_clients")
}

func (c *Config) checkOrigins(f *Faults) {
	for _, origin := range c.CORSOrigins {
		if origin != CORSPreset {
			text := originFault(origin)
			f.need(text == "", "cors_origins", "%s, not %q", text, origin)
		}
	}
	for _, p := range c.TrustProxy {
		f.need(p.Bits() > 0, "trust_proxy", "must not be everybody: with %s any caller could choose its address", p)
	}
}

// checkStrangers looks at what strangers may have us do.
func (c *Config) checkStrangers(f *Faults) {
	for _, entry := range c.FetchAllow {
		err := fetch.ParseAllow(entry)
		f.need(err == nil, "fetch_allow", "%v", err)
	}
	known := []string{RegistrationOpen, RegistrationToken, RegistrationOff}
	f.need(slices.Contains(known, c.Registration), "registration", "must be open, token or off, not %q", c.Registration)
	for _, one := range c.StatementIssuers {
		f.need(one.Issuer != "", "registration.statement_issuers", "must name the issuer of each")
		u, err := url.Parse(one.KeysURL)
		f.need(err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && len(c.FetchAllow) > 0),
			"registration.statement_issuers", "must have an https:// URL as each jwks_url, not %q", one.KeysURL)
	}
}

func (c *Config) checkSecrets(f *Faults) {
	f.need(c.JWTSecret == nil || len(c.JWTSecret) >= 32, "jwt_secret", "must have 32 bytes or more, not %d", len(c.JWTSecret))
	// Servers of apps know the one. With the other they could speak for anybody here.
	f.need(c.JWTSecret == nil || !bytes.Equal(c.JWTSecret, c.Supabase.JWTSecret), "supabase.jwt_secret", "must not be jwt_secret")
	f.need(c.MasterKey == nil || len(c.MasterKey) == 32, "master_key", "must have 32 bytes, not %d", len(c.MasterKey))
	if c.Database != "" {
		u, err := url.Parse(c.Database) // its error would show the password
		f.need(err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql"), "database",
			"must be a postgres:// URL, or empty for SQLite in the data directory")
	}
}

func (c *Config) checkMail(f *Faults) {
	m := c.Mail
	f.need(m.SMTP == "" || isMailServer(m.SMTP), "mail.smtp", "must be host:port, smtp://host or smtps://host, without user and password")
	f.need(m.SMTP == "" || m.From != "", "mail.from", "must be set, because mail.smtp is")
	f.need((m.User == "") == (m.Password == ""), "mail.user", "and mail.password must be set together")
	if m.From != "" {
		_, err := mail.ParseAddress(m.From)
		f.need(err == nil, "mail.from", "must be an e-mail address, not %q", m.From)
	}
}

func (c *Config) checkSupabase(f *Faults) {
	s := c.Supabase
	f.need(s.JWTSecret == nil || len(s.JWTSecret) >= 32, "supabase.jwt_secret", "must have 32 bytes or more, not %d", len(s.JWTSecret))
	f.need(s.ConsentPath == "" || isPath(s.ConsentPath), "supabase.authorization_path",
		"must be a path with one slash at its beginning, not %q", s.ConsentPath)
	site := cmp.Or(s.SiteURL, "http://localhost")
	u, err := url.Parse(site)
	f.need(err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname())), "supabase.site_url",
		"must be an https:// URL, or http:// on loopback, not %q", s.SiteURL)
	for _, chain := range s.Web3 {
		f.need(slices.Contains(auth.Chains(), chain), "supabase.web3", "must be of %s, not %q", strings.Join(auth.Chains(), " and "), chain)
	}
	if err == nil && u.Host != "" {
		_, err := web.NewTargets(site, s.Redirects)
		f.need(err == nil, "supabase.redirects", "holds what cannot be read: %v", err)
	}
}

func checkLifetimes(l headykey.Lifetimes, f *Faults) {
	for _, one := range []struct {
		name string
		life time.Duration
	}{
		{"access", l.Access}, {"refresh", l.Refresh}, {"session", l.Session}, {"session_max", l.SessionMax},
		{"key_grace", l.KeyGrace}, {"setup_link", l.SetupLink}, {"email_link", l.EmailLink},
		{"jwt_secret_rotation", l.JWTSecretRotation}, {"jwt_secret_overlap", l.JWTSecretOverlap},
		{"session_key", l.SessionKey}, {"session_key_grace", l.SessionKeyGrace},
	} {
		f.need(one.life >= time.Second, "lifetimes."+one.name, "must be a second or longer, not %v", one.life)
	}
	f.need(l.Access <= l.Refresh, "lifetimes.access", "must not be longer than lifetimes.refresh")
	f.need(l.Refresh <= l.SessionMax, "lifetimes.refresh", "must not be longer than lifetimes.session_max")
	f.need(l.Session <= l.SessionMax, "lifetimes.session", "must not be longer than lifetimes.session_max")
	f.need(l.Access <= l.JWTSecretOverlap, "lifetimes.jwt_secret_overlap", "must not be shorter than lifetimes.access, or rotation would cut tokens off")
	f.need(l.JWTSecretOverlap <= l.JWTSecretRotation, "lifetimes.jwt_secret_overlap", "must not be longer than lifetimes.jwt_secret_rotation")
	f.need(l.Access <= l.SessionKeyGrace, "lifetimes.session_key_grace", "must not be shorter than lifetimes.access, or rotation would cut tokens off")
}

// splitAddress returns the host of host:port, and whether the port is a number.
func splitAddress(addr string) (host string, ok bool) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return host, err == nil && !strings.ContainsAny(host, "/@ ")
}

// isLoopback reports whether host reaches this machine alone (RFC 6761 §6.3).
func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// originFault returns "" for an origin as browsers spell it (RFC 6454 §6.2):
// scheme, host in lower case, and the port unless it is the scheme's own; http on
// loopback alone. Otherwise it returns what must be.
func originFault(text string) string {
	u, err := url.Parse(text)
	ordinary := map[string]string{"http": "80", "https": "443"}
	switch {
	case err != nil || ordinary[u.Scheme] == "" || u.Hostname() == "":
		return "must be an https:// URL"
	case text != strings.ToLower(u.Scheme+"://"+u.Host) || strings.ContainsAny(u.Host, "*,"):
		return "must be scheme, host and port alone, in lower case, without a slash at the end"
	case strings.HasSuffix(u.Host, ":") || u.Port() == ordinary[u.Scheme]:
		return "must leave the scheme's own port out"
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return "must be https, unless it is loopback"
	}
	return ""
}

// isPath reports whether text is a path of a page and nothing more.
func isPath(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Path == text && strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//")
}

// isMailServer reports whether text is host:port, or an smtp: or smtps: URL of a
// host and perhaps a port.
func isMailServer(text string) bool {
	if !strings.Contains(text, "://") {
		host, ok := splitAddress(text)
		return ok && host != ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" {
		return false
	}
	_, ok := splitAddress(net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "25")))
	return ok && text == u.Scheme+"://"+u.Host
}
