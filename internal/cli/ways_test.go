package cli

import (
	"slices"
	"testing"
)

func TestWaysInThatDoNotFit(t *testing.T) {
	issuers := func(all string) string { return "ID_TOKEN__ISSUERS=[" + all + "]" }
	const google = `{"provider":"google","issuer":"https://id.example","client_ids":["a"]}`
	tests := []struct {
		name string
		env  []string // without the prefix
		want []string // settings that are blamed
	}{
		{"an issuer, twice", []string{issuers(google + "," + google)}, nil},
		{"one provider, two issuers", []string{issuers(google + `,{"provider":"google","issuer":"https://x.example","client_ids":["a"]}`)}, []string{"id_token.issuers"}},
		{"an issuer by http", []string{issuers(`{"provider":"google","issuer":"http://id.example","client_ids":["a"]}`)}, []string{"id_token.issuers"}},
		{"by http, allowed", []string{issuers(`{"provider":"google","issuer":"http://id.example","client_ids":["a"]}`), "FETCH_ALLOW=id.example"}, nil},
		{"keys by http", []string{issuers(`{"provider":"google","issuer":"https://id.example","client_ids":["a"],"jwks_url":"http://id.example"}`)}, []string{"id_token.issuers"}},
		{"an issuer without apps", []string{issuers(`{"provider":"google","issuer":"https://id.example","client_ids":[]}`)}, []string{"id_token.issuers"}},
		{"our own provider", []string{issuers(`{"provider":"email","issuer":"https://id.example","client_ids":["a"]}`)}, []string{"id_token.issuers"}},
		{"wallets", []string{"SUPABASE__WEB3=ethereum,solana"}, nil},
		{"wallets of nowhere", []string{"SUPABASE__WEB3=kaspa"}, []string{"supabase.web3"}},
		{"a captcha", []string{"CAPTCHA__PROVIDER=turnstile", "CAPTCHA__SECRET=x"}, nil},
		{"a captcha of nobody", []string{"CAPTCHA__PROVIDER=x", "CAPTCHA__SECRET=x"}, []string{"captcha.provider"}},
		{"a captcha without a secret", []string{"CAPTCHA__PROVIDER=hcaptcha"}, []string{"captcha.secret"}},
		{"a secret for no captcha", []string{"CAPTCHA__SECRET=x"}, []string{"captcha.secret"}},
		{"a captcha by http", []string{"CAPTCHA__PROVIDER=hcaptcha", "CAPTCHA__SECRET=x", "CAPTCHA__URL=http://a.example"}, []string{"captcha.url"}},
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
