package compat_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"

	"headykey.com/headykey/test/house"
)

// The client of Supabase speaks to servers of several kinds. What mails say is read from
// the mailbox of development.
var supabases = []struct {
	name    string
	scripts string                    // those that speak to it: a pattern
	env     []string                  // its settings
	more    func(*elsewhere) []string // settings of whom it asks
}{
	{"all that there is", "all", []string{
		"HEADYKEY_CONFIRM_EMAIL=on", "HEADYKEY_RATE_LIMIT=off", "HEADYKEY_REGISTRATION=open", "HEADYKEY_SUPABASE__ANONYMOUS=on",
		"HEADYKEY_SUPABASE__WEB3=ethereum,solana", "HEADYKEY_SUPABASE__AUTHORIZATION_PATH=/consent",
		"HEADYKEY_SUPABASE__REDIRECTS=com.example.app://login,https://*.preview.example/**",
	}, (*elsewhere).asIssuerAndJudge},
	{"no confirmation", "auto", []string{
		"HEADYKEY_CONFIRM_EMAIL=off", "HEADYKEY_RATE_LIMIT=off", "HEADYKEY_REGISTRATION=off", "HEADYKEY_SUPABASE__ANONYMOUS=on",
		"HEADYKEY_SUPABASE__CURRENT_PASSWORD=on",
	}, nothing},
	{"a project that moved", "moved", []string{"HEADYKEY_SUPABASE__JWT_SECRET=" + projectSecret}, nothing},
	{"by letter alone", "letter", []string{
		"HEADYKEY_CONFIRM_EMAIL=on", "HEADYKEY_RATE_LIMIT=off", "HEADYKEY_SUPABASE__PASSWORDS=off",
	}, (*elsewhere).asPostman},
	{"behind a puzzle", "puzzle", []string{"HEADYKEY_CONFIRM_EMAIL=off", "HEADYKEY_RATE_LIMIT=off"}, (*elsewhere).asPuzzle},
	{"by invitation", "closed", []string{
		"HEADYKEY_CONFIRM_EMAIL=on", "HEADYKEY_SIGNUP=off", "HEADYKEY_SUPABASE__ANONYMOUS=on", "HEADYKEY_SUPABASE_APIKEY=off",
	}, nothing},
}

func nothing(*elsewhere) []string { return nil }

// projectSecret is the secret that a project brings along.
const projectSecret = "super-secret-jwt-token-with-at-least-32-characters-long"

func TestSupabase(t *testing.T) {
	node, chromium := house.NewNode(t, filepath.Join("@supabase", "supabase-js")), house.Chromium(t)
	ca, err := house.NewAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Serve("app.example", "stranger.example")
	if err != nil {
		t.Fatal(err)
	}
	binary, err := house.Find(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	out := newElsewhere(t, cert)
	env := append(out.forScripts(), "CHROMIUM="+chromium, "NODE_EXTRA_CA_CERTS="+ca.File, "NODE_NO_WARNINGS=1",
		"HEADYKEY_CERT="+cert.CertFile, "HEADYKEY_KEY="+cert.KeyFile, "HEADYKEY_PIN="+cert.Pin, "HEADYKEY_PROJECT_SECRET="+projectSecret)
	for _, one := range supabases {
		t.Run(one.name, func(t *testing.T) {
			h := house.House{Binary: binary, Data: t.TempDir(), Env: slices.Concat(one.env, one.more(out), []string{
				"HEADYKEY_SUPABASE__SITE_URL=https://app.example",
			})}
			s := h.Start(t, "--dev", "--tls-cert", cert.CertFile, "--tls-key", cert.KeyFile, "--extra-ca", ca.File, "--fetch-allow", "127.0.0.1")
			var keys json.RawMessage
			h.Operate(t, "", &keys, "supabase-keys", "--url", s.URL)
			scripts, err := filepath.Glob(filepath.Join("supabase", one.scripts, "*.test.mjs"))
			if err != nil || len(scripts) == 0 {
				t.Fatalf("no scripts: %v", err)
			}
			for _, script := range scripts {
				t.Run(filepath.Base(script), func(t *testing.T) {
					t.Parallel()
					node.Run(t, script, append(slices.Concat(env, s.ForScripts()), "HEADYKEY_PROJECT_KEYS="+string(keys))...)
				})
			}
		})
	}
}
