package conformance

import "testing"

// thirdPartyModules are those of the plan of logins that somebody else begins.
var thirdPartyModules = []module{
	{"oidcc-3rd_party-init-login", nil, initiateLogin},
	{"oidcc-3rd_party-init-login-nohttps", nil, initiateLoginPlain},
}

// initiateLogin: the address is kept, and told again.
func initiateLogin(t *testing.T, r *round) {
	const at = "https://rp.example/begin"
	c := r.client(t, r.variant, obj{"initiate_login_uri": at})
	if c.registration["initiate_login_uri"] != at {
		t.Errorf("registered: %v", c.registration)
	}
	again := c.get(t, text(t, c.registration, "registration_client_uri"),
		"Authorization: Bearer "+text(t, c.registration, "registration_access_token")).want(t, 200).object(t)
	if again["initiate_login_uri"] != at {
		t.Errorf("read again: %v", again)
	}
	c.login(t, r.member())
}

func initiateLoginPlain(t *testing.T, r *round) {
	r.register(t, obj{
		"redirect_uris": []string{"https://rp.example/cb"}, "response_types": []string{r.response}, "grant_types": r.grants(),
		"initiate_login_uri": "http://rp.example/begin",
	}).want(t, 400).refuses(t, "invalid_client_metadata")
}
