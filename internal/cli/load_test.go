package cli

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"headykey.com/headykey/internal/server"
)

// write makes a file with text and returns its path.
func write(t testing.TB, text string) *string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "settings")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return &path
}

// sentences returns the faults as an operator reads them.
func sentences(faults server.Faults) []string {
	var all []string
	for _, f := range faults {
		all = append(all, f.String())
	}
	return all
}

func TestTheNearerPlaceCounts(t *testing.T) {
	file := write(t, "shutdown = '3s'")
	env := []string{"PATH=/bin", "HEADYKEY_SHUTDOWN=2s", "HEADYKEY_TEST_POSTGRES=x"}
	flag := layer{"shutdown": {"1s", source{"flag", "--shutdown"}}}
	tests := []struct {
		name   string
		places places
		want   string
		from   source
	}{
		{"nothing said", places{file: new("")}, "21s", source{}},
		{"file", places{file: file}, "3s", source{"file", *file}},
		{"file by variable", places{env: []string{"HEADYKEY_CONFIG=" + *file}}, "3s", source{"file", *file}},
		{"environment", places{file: file, env: env}, "2s", source{"environment", "HEADYKEY_SHUTDOWN"}},
		{"flag", places{file: file, env: env, flags: flag}, "1s", source{"flag", "--shutdown"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in, faults := load(tt.places)
			if got := formatSpan(in.config.Shutdown); got != tt.want || in.from["shutdown"] != tt.from || faults != nil {
				t.Errorf("got %s from %v, faults %v; want %s from %v", got, in.from["shutdown"], faults, tt.want, tt.from)
			}
		})
	}
}

// Every setting can be said in the file and by its variable, and both mean the
// same.
func TestEverySettingHasItsPlaces(t *testing.T) {
	const file = `
		data = "/srv/headykey"
		listen = "10.0.0.1:443"
		url = "https://id.example"
		database = "postgres://heady@db-1.example:5432,db-2.example:5432/heady"
		dev = false
		confirm_email = false
		signup = false
		rate_limit = false
		trust_proxy = ["10.0.0.0/8", "192.0.2.1"]
		cors_origins = ["heady", "https://app.example"]
		fetch_allow = ["id.test:8443", "10.0.0.0/8"]
		extra_ca = "roots.pem"
		jwt_secret = "a secret that is long enough for HS256"
		master_key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
		tls_cert = "cert.pem"
		tls_key = "key.pem"
		tls_clients = true
		tls_client_ca = "clients.pem"
		idle_timeout = "55s"
		shutdown = "13s"
		metrics_listen = "127.0.0.1:9100"
		log_level = "debug"
		supabase_apikey = false
		[registration]
		who = "off"
		[[registration.statement_issuers]]
		issuer = "https://vouch.example"
		jwks_url = "https://vouch.example/keys"
		[oauth]
		detail_types = ["payment_initiation"]
		[supabase]
		site_url = "https://app.example"
		redirects = ["https://*.app.example/**"]
		jwt_secret = "a secret of another project, as long as that"
		anonymous = true
		reauthenticate = true
		current_password = true
		passwords = false
		authorization_path = "/consent"
		web3 = ["ethereum"]
		[[id_token.issuers]]
		provider = "google"
		issuer = "https://accounts.google.com"
		client_ids = ["app"]
		[captcha]
		provider = "turnstile"
		secret = "0x4AAA"
		url = "https://captcha.example/siteverify"
		[hooks.custom_access_token]
		uri = "https://hooks.example/1"
		secrets = "` + hookSecret + `"
		[hooks.send_email]
		uri = "https://hooks.example/2"
		secrets = "` + hookSecret + `"
		[hooks.password_verification_attempt]
		uri = "https://hooks.example/3"
		secrets = "` + hookSecret + `"
		[hooks.before_user_created]
		uri = "https://hooks.example/4"
		secrets = "` + hookSecret + `"
		[hooks.after_user_created]
		uri = "https://hooks.example/5"
		secrets = "` + hookSecret + `"
		[mail]
		smtp = "smtps://mail.example"
		from = "id@mail.example"
		user = "id"
		password = "hunter2"
		[lifetimes]
		access = "30m"
		refresh = "21d"
		session = "5h"
		session_max = "55d"
		key_grace = "21h"
		setup_link = "21m"
		email_link = "13m"
		jwt_secret_rotation = "89d"
		jwt_secret_overlap = "13d"
		session_key = "13d"
		session_key_grace = "21h"`
	fromFile, faults := load(places{file: write(t, file)})
	if faults != nil {
		t.Fatal(faults)
	}
	var env []string
	for _, s := range settings {
		text := s.get(&fromFile.config)
		switch s.path {
		case "jwt_secret":
			text = string(fromFile.config.JWTSecret)
		case "master_key":
			text = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
		case "supabase.jwt_secret":
			text = string(fromFile.config.Supabase.JWTSecret)
		case "mail.password":
			text = fromFile.config.Mail.Password
		case "captcha.secret":
			text = fromFile.config.Captcha.Secret
		}
		if strings.HasSuffix(s.path, ".secrets") {
			text = hookSecret
		}
		if fromFile.from[s.path].Kind != "file" {
			t.Errorf("%s is not in the file of this test", s.path)
		}
		env = append(env, variable(s.path)+"="+text)
	}
	fromEnv, faults := load(places{file: new(""), env: env})
	if faults != nil || !reflect.DeepEqual(fromEnv.config, fromFile.config) {
		t.Errorf("got %+v, faults %v; want %+v", fromEnv.config, faults, fromFile.config)
	}
}

func TestMailIsConfirmedUnlessInDevelopment(t *testing.T) {
	tests := []struct {
		name         string
		places       places
		dev, confirm bool
	}{
		{"nothing said", places{}, false, true},
		{"no arguments at all", places{dev: true}, true, false},
		{"no arguments, but the environment says no", places{dev: true, env: []string{"HEADYKEY_DEV=off"}}, false, true},
		{"dev", places{env: []string{"HEADYKEY_DEV=1"}}, true, false},
		{"dev with confirmation", places{env: []string{"HEADYKEY_DEV=on", "HEADYKEY_CONFIRM_EMAIL=true"}}, true, true},
		{"without confirmation", places{env: []string{"HEADYKEY_CONFIRM_EMAIL=0"}}, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.places.file = new("")
			in, faults := load(tt.places)
			if in.config.Dev != tt.dev || in.config.ConfirmEmail != tt.confirm || faults != nil {
				t.Errorf("dev %v, confirm %v, faults %v; want %v, %v", in.config.Dev, in.config.ConfirmEmail, faults, tt.dev, tt.confirm)
			}
		})
	}
}

func TestRegistrationIsOpenInDevelopmentAlone(t *testing.T) {
	tests := []struct {
		name string
		env  []string
		want string
	}{
		{"nothing said", nil, "token"},
		{"dev", []string{"HEADYKEY_DEV=on"}, "open"},
		{"dev, but off", []string{"HEADYKEY_DEV=on", "HEADYKEY_REGISTRATION=off"}, "off"},
		{"open to all", []string{"HEADYKEY_REGISTRATION=open"}, "open"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in, faults := load(places{file: new(""), env: tt.env})
			if in.config.Registration != tt.want || faults != nil {
				t.Errorf("got %q, faults %v; want %q", in.config.Registration, faults, tt.want)
			}
		})
	}
}

func TestSecretsFromFiles(t *testing.T) {
	const secret = "0123456789abcdef0123456789abcdef"
	tests := []struct{ name, text, want string }{
		{"bare", secret, secret},
		{"one newline is cut", secret + "\n", secret},
		{"also one of Windows", secret + "\r\n", secret},
		{"a second one is part of it", secret + "\n\n", secret + "\n"},
		{"space is part of it", " " + secret, " " + secret},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, tt.text)
			byEnv, faults := load(places{file: new(""), env: []string{"HEADYKEY_JWT_SECRET_FILE=" + *path}})
			if got := string(byEnv.config.JWTSecret); got != tt.want || faults != nil {
				t.Errorf("by the environment: %q, faults %v; want %q", got, faults, tt.want)
			}
			byFile, faults := load(places{file: write(t, "jwt_secret_file = '"+*path+"'")})
			if got := string(byFile.config.JWTSecret); got != tt.want || faults != nil {
				t.Errorf("by the file: %q, faults %v; want %q", got, faults, tt.want)
			}
		})
	}
}

// No fault may show a secret: faults go to logs and screens.
func TestFaultsNameTheSettingAndKeepSecrets(t *testing.T) {
	short := write(t, "hunter2")
	none := filepath.Join(t.TempDir(), "none")
	tests := []struct {
		name string
		env  []string
		want []string
	}{
		{"short secret", []string{"HEADYKEY_JWT_SECRET_FILE=" + *short},
			[]string{"jwt_secret (environment HEADYKEY_JWT_SECRET_FILE) must have 32 bytes or more, not 7"}},
		{"empty secret", []string{"HEADYKEY_JWT_SECRET="},
			[]string{"jwt_secret (environment HEADYKEY_JWT_SECRET) must not be empty"}},
		{"short secret of a project", []string{"HEADYKEY_SUPABASE__JWT_SECRET=hunter2"},
			[]string{"supabase.jwt_secret (environment HEADYKEY_SUPABASE__JWT_SECRET) must have 32 bytes or more, not 7"}},
		{"one secret for both", []string{"HEADYKEY_JWT_SECRET=" + strings.Repeat("hunter2", 5), "HEADYKEY_SUPABASE__JWT_SECRET=" + strings.Repeat("hunter2", 5)},
			[]string{"supabase.jwt_secret (environment HEADYKEY_SUPABASE__JWT_SECRET) must not be jwt_secret"}},
		{"secret and twin", []string{"HEADYKEY_JWT_SECRET=hunter2", "HEADYKEY_JWT_SECRET_FILE=" + *short},
			[]string{"jwt_secret (environment HEADYKEY_JWT_SECRET_FILE) must not be set twice, here and by HEADYKEY_JWT_SECRET"}},
		{"no such twin", []string{"HEADYKEY_MASTER_KEY_FILE=" + none},
			[]string{"master_key (environment HEADYKEY_MASTER_KEY_FILE) cannot be read: open " + none + ": no such file or directory"}},
		{"key of another form", []string{"HEADYKEY_MASTER_KEY=hunter2"},
			[]string{"master_key (environment HEADYKEY_MASTER_KEY) must be 64 hexadecimal digits, or base64 of 32 bytes"}},
		{"database of another kind", []string{"HEADYKEY_DATABASE=mysql://root:hunter2@db.example"},
			[]string{"database (environment HEADYKEY_DATABASE) must be a postgres:// URL, or empty for SQLite in the data directory"}},
		{"password in the mail server", []string{"HEADYKEY_MAIL__SMTP=smtp://id:hunter2@mail.example", "HEADYKEY_MAIL__FROM=id@mail.example"},
			[]string{"mail.smtp (environment HEADYKEY_MAIL__SMTP) must be host:port, smtp://host or smtps://host, without user and password"}},
		{"unknown", []string{"HEADYKEY_JWT_SECRTE=hunter2"},
			[]string{"HEADYKEY_JWT_SECRTE (environment) is not a setting; the nearest is HEADYKEY_JWT_SECRET"}},
		{"unknown in a table", []string{"HEADYKEY_MAIL_SMTP=hunter2"},
			[]string{"HEADYKEY_MAIL_SMTP (environment) is not a setting; the nearest is HEADYKEY_MAIL__SMTP"}},
		{"wrong case", []string{"HEADYKEY_Listen=hunter2"},
			[]string{"HEADYKEY_Listen (environment) is not a setting; the nearest is HEADYKEY_LISTEN"}},
		{"misspelled file", []string{"HEADYKEY_CONFIGS=hunter2"},
			[]string{"HEADYKEY_CONFIGS (environment) is not a setting; the nearest is HEADYKEY_CONFIG"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, faults := load(places{file: new(""), env: tt.env})
			if got := sentences(faults); !slices.Equal(got, tt.want) || strings.Contains(faults.Error(), "hunter2") {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestEverySwitchAndTextHasAFlag(t *testing.T) {
	var got []string
	flags := reflect.TypeOf(newFlags()).Elem()
	for i := range flags.NumField() {
		got = append(got, flags.Field(i).Tag.Get("name"))
	}
	want := []string{
		"data", "listen", "url", "database", "dev", "confirm-email", "signup", "rate-limit", "trust-proxy", "cors-origins",
		"fetch-allow", "extra-ca", "registration", "tls-cert", "tls-key", "tls-clients", "tls-client-ca",
		"idle-timeout", "shutdown", "metrics-listen", "log-level", "supabase-apikey",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
