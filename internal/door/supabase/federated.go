package supabase

import (
	"net/http"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/auth"
)

// A walletRequest is what somebody signed with a wallet.
type walletRequest struct {
	Chain     string `json:"chain"`
	Message   string `json:"message"`
	Signature string `json:"signature"`
}

func (d *Door) byWallet(c *call, in tokenRequest) (*auth.Grant, error) {
	g, err := d.Auth.SignInByWallet(c.Context(), auth.WalletProof{
		Chain: in.Chain, Message: in.Message, Signature: in.Signature, Accepts: d.Targets.Accepts, From: c.by.From,
	})
	if headykey.Explain(err).Is(headykey.ErrFeatureOff) {
		return nil, &failure{status: http.StatusUnprocessableEntity, code: "web3_provider_disabled", text: "Web3 provider is disabled"}
	}
	return g, err
}

// An idTokenRequest is what an app got from a provider of identity.
type idTokenRequest struct {
	IDToken  string `json:"id_token"`
	Access   string `json:"access_token"`
	Nonce    string `json:"nonce"`
	Provider string `json:"provider"`
	ClientID string `json:"client_id"`
	Issuer   string `json:"issuer"`
	Link     bool   `json:"link_identity"`
}

// errIDToken is a request by ID token that cannot be used.
var errIDToken = &failure{status: http.StatusBadRequest, code: "invalid request", text: "id_token required", oauth: true}

func (d *Door) byIDToken(c *call, in tokenRequest) (*auth.Grant, error) {
	switch {
	case in.IDToken == "":
		return nil, errIDToken
	case in.Provider == "" && (in.ClientID == "" || in.Issuer == ""):
		return nil, errIDToken.saying("provider or client_id and issuer required")
	case in.Link && c.Header.Get("Authorization") == "":
		return nil, errIDToken.saying("Linking requires a valid user access token in Authorization")
	}
	token := auth.IDToken{
		Text: in.IDToken, Access: in.Access, Nonce: in.Nonce, Provider: in.Provider, Issuer: in.Issuer, ClientID: in.ClientID,
		App: auth.Asking{Target: d.Targets.Choose(c.Request)}, From: c.by.From,
	}
	if !in.Link {
		return d.Auth.SignInFederated(c.Context(), token)
	}
	if err := someone(d, c); err != nil {
		return nil, err
	}
	return d.Auth.LinkFederated(c.Context(), c.by, token)
}
