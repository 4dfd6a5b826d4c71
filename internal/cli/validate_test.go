package cli

import (
	"slices"
	"testing"

	"headykey.com/headykey/internal/server"
)

// hookSecret signs what hooks get.
const hookSecret = "v1,whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="

// What a server cannot run by is told before anything is opened.
func TestWholesThatDoNotFit(t *testing.T) {
	tests := []struct {
		name string
		env  []string // without the prefix
		want []string // settings that are blamed
	}{
		{"defaults", nil, nil},
		{"no data directory", []string{"DATA="}, []string{"data"}},

		{"any free port", []string{"LISTEN=localhost:0"}, nil},
		{"IPv6 loopback", []string{"LISTEN=[::1]:1618"}, nil},
		{"no port", []string{"LISTEN=127.0.0.1"}, []string{"listen"}},
		{"port too high", []string{"LISTEN=127.0.0.1:65536"}, []string{"listen"}},
		{"port by name", []string{"LISTEN=127.0.0.1:http"}, []string{"listen"}},
		{"URL for an address", []string{"LISTEN=http://127.0.0.1:80"}, []string{"listen"}},
		{"everybody, with URL", []string{"LISTEN=:443", "URL=https://id.example"}, nil},
		{"everybody, without URL", []string{"LISTEN=0.0.0.0:443"}, []string{"url"}},
		{"everybody, in development", []string{"LISTEN=:443", "URL=https://id.example", "DEV=on"}, []string{"dev"}},

		{"URL with port", []string{"URL=https://id.example:8443"}, nil},
		{"http on loopback", []string{"URL=http://127.0.0.1:9000"}, nil},
		{"http on a loopback name", []string{"URL=http://id.localhost:9000"}, nil},
		{"http", []string{"URL=http://id.example"}, []string{"url"}},
		{"http behind our own TLS", []string{"URL=http://localhost:1618", "TLS_CERT=c", "TLS_KEY=k"}, []string{"url"}},
		{"no scheme", []string{"URL=id.example"}, []string{"url"}},
		{"other scheme", []string{"URL=ftp://id.example"}, []string{"url"}},
		{"no host", []string{"URL=https://"}, []string{"url"}},
		{"port without host", []string{"URL=https://:443"}, []string{"url"}},
		{"slash at the end", []string{"URL=https://id.example/"}, []string{"url"}},
		{"path", []string{"URL=https://id.example/auth"}, []string{"url"}},
		{"query", []string{"URL=https://id.example?x"}, []string{"url"}},
		{"empty query", []string{"URL=https://id.example?"}, []string{"url"}},
		{"fragment", []string{"URL=https://id.example#x"}, []string{"url"}},
		{"user", []string{"URL=https://ada@id.example"}, []string{"url"}},
		{"upper case", []string{"URL=https://ID.example"}, []string{"url"}},
		{"the scheme's own port", []string{"URL=https://id.example:443"}, []string{"url"}},
		{"colon without port", []string{"URL=https://id.example:"}, []string{"url"}},
		{"no URL at all", []string{"URL=https://%"}, []string{"url"}},

		{"certificate alone", []string{"TLS_CERT=c"}, []string{"tls_key"}},
		{"key alone", []string{"TLS_KEY=k"}, []string{"tls_cert"}},
		{"certificates of clients", []string{"TLS_CERT=c", "TLS_KEY=k", "TLS_CLIENTS=on", "TLS_CLIENT_CA=f"}, nil},
		{"certificates by a proxy", []string{"TRUST_PROXY=10.0.0.1", "TLS_CLIENTS=on"}, nil},
		{"certificates by no way", []string{"TLS_CLIENTS=on"}, []string{"tls_clients"}},
		{"authorities for nothing", []string{"TLS_CLIENT_CA=f"}, []string{"tls_client_ca"}},
		{"metrics beside", []string{"METRICS_LISTEN=127.0.0.1:9100"}, nil},
		{"metrics on the same port", []string{"METRICS_LISTEN=127.0.0.1:1618"}, []string{"metrics_listen"}},
		{"metrics nowhere", []string{"METRICS_LISTEN=9100"}, []string{"metrics_listen"}},

		{"no origins", []string{"CORS_ORIGINS="}, nil},
		{"origins", []string{"CORS_ORIGINS=heady, https://app.example, http://localhost:3000"}, nil},
		{"any origin", []string{"CORS_ORIGINS=*"}, []string{"cors_origins"}},
		{"any subdomain", []string{"CORS_ORIGINS=https://*.example"}, []string{"cors_origins"}},
		{"null origin", []string{"CORS_ORIGINS=null"}, []string{"cors_origins"}},
		{"every bad origin", []string{"CORS_ORIGINS=http://app.example,https://app.example/"}, []string{"cors_origins", "cors_origins"}},

		{"proxies", []string{"TRUST_PROXY=10.0.0.0/8, 2001:db8::1"}, nil},
		{"every proxy", []string{"TRUST_PROXY=0.0.0.0/0"}, []string{"trust_proxy"}},
		{"proxy by name", []string{"TRUST_PROXY=proxy.example"}, []string{"trust_proxy"}},
		{"proxy in two families", []string{"TRUST_PROXY=::ffff:10.0.0.0/104"}, []string{"trust_proxy"}},
		{"proxy in a zone", []string{"TRUST_PROXY=fe80::1%eth0"}, []string{"trust_proxy"}},

		{"hosts of ours", []string{"FETCH_ALLOW=id.test, 127.0.0.1:8080, [::1], 10.0.0.0/8"}, nil},
		{"every host", []string{"FETCH_ALLOW=*"}, []string{"fetch_allow"}},
		{"every address", []string{"FETCH_ALLOW=0.0.0.0/0,::/0"}, []string{"fetch_allow", "fetch_allow"}},
		{"host by URL", []string{"FETCH_ALLOW=https://id.test"}, []string{"fetch_allow"}},
		{"registration closed", []string{"REGISTRATION=off"}, nil},
		{"registration for some", []string{"REGISTRATION=on"}, []string{"registration"}},
		{"registration for nobody in particular", []string{"REGISTRATION="}, []string{"registration"}},

		{"mail", []string{"MAIL__SMTP=mail.example:587", "MAIL__FROM=HeadyKey <id@mail.example>"}, nil},
		{"mail by URL", []string{"MAIL__SMTP=smtps://mail.example:465", "MAIL__FROM=id@mail.example"}, nil},
		{"mail without sender", []string{"MAIL__SMTP=mail.example:587"}, []string{"mail.from"}},
		{"mail without port", []string{"MAIL__SMTP=mail.example", "MAIL__FROM=id@mail.example"}, []string{"mail.smtp"}},
		{"mail with path", []string{"MAIL__SMTP=smtp://mail.example/x", "MAIL__FROM=id@mail.example"}, []string{"mail.smtp"}},
		{"mail by http", []string{"MAIL__SMTP=http://mail.example", "MAIL__FROM=id@mail.example"}, []string{"mail.smtp"}},
		{"sender without address", []string{"MAIL__FROM=HeadyKey"}, []string{"mail.from"}},
		{"user without password", []string{"MAIL__USER=id"}, []string{"mail.user"}},

		{"a hook", []string{"HOOKS__SEND_EMAIL__URI=https://hooks.example/mail", "HOOKS__SEND_EMAIL__SECRETS=" + hookSecret}, nil},
		{"a hook on this machine", []string{"HOOKS__SEND_EMAIL__URI=http://127.0.0.1:9000", "HOOKS__SEND_EMAIL__SECRETS=" + hookSecret + "|" + hookSecret}, nil},
		{"a hook without a secret", []string{"HOOKS__CUSTOM_ACCESS_TOKEN__URI=https://hooks.example"}, []string{"hooks.custom_access_token.uri"}},
		{"a secret without a hook", []string{"HOOKS__AFTER_USER_CREATED__SECRETS=" + hookSecret}, []string{"hooks.after_user_created.uri"}},
		{"a secret that is none", []string{"HOOKS__SEND_EMAIL__URI=https://hooks.example", "HOOKS__SEND_EMAIL__SECRETS=hunter2"},
			[]string{"hooks.send_email.secrets", "hooks.send_email.uri"}},
		{"a hook by http", []string{"HOOKS__BEFORE_USER_CREATED__URI=http://hooks.example", "HOOKS__BEFORE_USER_CREATED__SECRETS=" + hookSecret},
			[]string{"hooks.before_user_created.uri"}},
		{"a hook in a database", []string{"HOOKS__PASSWORD_VERIFICATION_ATTEMPT__URI=pg-functions://postgres/public/judge", "HOOKS__PASSWORD_VERIFICATION_ATTEMPT__SECRETS=" + hookSecret},
			[]string{"hooks.password_verification_attempt.uri"}},

		{"log level", []string{"LOG_LEVEL=loud"}, []string{"log_level"}},
		{"no time at all", []string{"SHUTDOWN=0", "IDLE_TIMEOUT=-1s"}, []string{"idle_timeout", "shutdown"}},
		{"life below a second", []string{"LIFETIMES__EMAIL_LINK=1ms"}, []string{"lifetimes.email_link"}},
		{"access outlives refresh", []string{"LIFETIMES__ACCESS=2h", "LIFETIMES__REFRESH=1h"}, []string{"lifetimes.access"}},
		{"refresh outlives the session", []string{"LIFETIMES__REFRESH=90d"}, []string{"lifetimes.refresh"}},
		{"cookie outlives the session", []string{"LIFETIMES__SESSION=90d"}, []string{"lifetimes.session"}},
		{"tokens outlive their secret", []string{"LIFETIMES__JWT_SECRET_OVERLAP=1m"}, []string{"lifetimes.jwt_secret_overlap"}},
		{"tokens outlive their key", []string{"LIFETIMES__SESSION_KEY_GRACE=1m"}, []string{"lifetimes.session_key_grace"}},
		{"secrets pile up", []string{"LIFETIMES__JWT_SECRET_ROTATION=20d"}, []string{"lifetimes.jwt_secret_overlap"}},

		{"all at once", []string{"DATA=", "LISTEN=x", "URL=x", "DATABASE=x", "TLS_CERT=x", "SHUTDOWN=x"},
			[]string{"shutdown", "data", "listen", "url", "tls_key", "database"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := places{file: new("")}
			for _, one := range tt.env {
				p.env = append(p.env, envPrefix+one)
			}
			_, faults := load(p)
			var got []string
			for _, f := range faults {
				got = append(got, f.Setting)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q\n%v", got, tt.want, faults)
			}
		})
	}
}

func TestBaseURL(t *testing.T) {
	const addr = "127.0.0.1:34567"
	tests := []struct {
		name   string
		config server.Config
		want   string
	}{
		{"of the listener", server.Config{}, "http://127.0.0.1:34567"},
		{"of the listener with TLS", server.Config{TLSCert: "c", TLSKey: "k"}, "https://127.0.0.1:34567"},
		{"as configured", server.Config{URL: "https://id.example", TLSCert: "c", TLSKey: "k"}, "https://id.example"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.config.BaseURL(addr); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
