package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/server"
)

const maxMetadata = 64 << 10 // bytes of a file of metadata or keys

type clientsCreate struct {
	Name        string   `help:"What people and logs call it; needed unless --metadata says it."`
	Metadata    string   `placeholder:"FILE" help:"JSON of RFC 7591 members to begin with; flags count more."`
	RedirectURI []string `name:"redirect-uri" sep:"none" placeholder:"URI" help:"Where people may be sent back to; may be given again."`
	Grant       []string `placeholder:"TYPE" help:"Grant type it may use; may be given again."`
	Response    []string `name:"response-type" sep:"none" placeholder:"TYPE" help:"Response type, as \"code id_token\"; may be given again."`
	AuthMethod  string   `placeholder:"METHOD" help:"How it proves itself; client_secret_basic by default."`
	Scope       []string `placeholder:"WORD" help:"Scope that its tokens may carry; may be given again."`
	Resource    []string `sep:"none" placeholder:"URI" help:"What its tokens may be for; the server's own API by default."`
	Profile     string   `placeholder:"NAME" help:"oidc (usual), oauth21 or fapi2."`
	Trusted     bool     `help:"First party: people are not asked for consent."`

	JWKS       string `name:"jwks" placeholder:"FILE" help:"Its public keys, a JSON Web Key Set."`
	JWKSURI    string `name:"jwks-uri" placeholder:"URI" help:"Where its public keys are."`
	IDTokenAlg string `name:"id-token-alg" placeholder:"ALG" help:"What its ID tokens are signed with; RS256 by default."`
	Pairwise   bool   `help:"It knows people by names that no other sector shares."`
	SectorURI  string `name:"sector-uri" placeholder:"URI" help:"Document that lists its redirect URIs."`

	LogoutRedirectURI []string `name:"logout-redirect-uri" sep:"none" placeholder:"URI" help:"Where people may go after a sign-out; may be given again."`
	BackLogoutURI     string   `name:"backchannel-logout-uri" placeholder:"URI" help:"Is told of sign-outs by the server."`
	FrontLogoutURI    string   `name:"frontchannel-logout-uri" placeholder:"URI" help:"Is told of sign-outs by the browser."`

	RequirePAR bool     `name:"require-par" help:"It must push its requests first."`
	DPoPBound  bool     `name:"dpop-bound" help:"Its tokens are bound to a DPoP key."`
	TLSBound   bool     `name:"tls-bound" help:"Its tokens are bound to its certificate."`
	TLSSubject string   `name:"tls-subject-dn" placeholder:"DN" help:"Subject of the certificate that it proves itself by."`
	DetailType []string `sep:"none" placeholder:"TYPE" help:"Type of authorization details; may be given again."`
	Serves     []string `sep:"none" placeholder:"URI" help:"Resource that it is the server of; may be given again."`
}

// Run registers the client.
func (cmd clientsCreate) Run(c *console) error {
	wish, err := cmd.wish()
	if err != nil {
		return err
	}
	if wish.Name == "" {
		return usageError{errors.New("missing flags: --name=STRING, or --metadata=FILE with a client_name")}
	}
	return c.with(func(ctx context.Context, core *server.Core) (fmt.Stringer, error) {
		made, err := core.OAuth.CreateClient(ctx, headykey.System, wish)
		if err != nil {
			return nil, err
		}
		return spellNewClient(made), nil
	})
}

// wish is what the file of metadata says, with the flags over it.
func (cmd clientsCreate) wish() (oauth.ClientWish, error) {
	var wish oauth.ClientWish
	if cmd.Metadata != "" {
		text, err := readSmall(cmd.Metadata)
		if err != nil {
			return wish, err
		}
		m, err := oauth.ParseMetadata(text)
		if err != nil {
			return wish, err
		}
		wish = m.Wish()
	}
	if cmd.JWKS != "" {
		text, err := readSmall(cmd.JWKS)
		if err != nil {
			return wish, err
		}
		wish.Details.JWKS = jsontext.Value(text)
	}
	d := &wish.Details
	over(&wish.Name, cmd.Name)
	over(&wish.AuthMethod, cmd.AuthMethod)
	over(&wish.Profile, headykey.Profile(cmd.Profile))
	over(&d.JWKSURI, cmd.JWKSURI)
	over(&d.IDTokenAlg, cmd.IDTokenAlg)
	over(&d.SectorURI, cmd.SectorURI)
	over(&d.BackLogoutURI, cmd.BackLogoutURI)
	over(&d.FrontLogoutURI, cmd.FrontLogoutURI)
	over(&d.TLSSubject, cmd.TLSSubject)
	over(&d.RequirePushed, cmd.RequirePAR)
	over(&d.BoundDPoP, cmd.DPoPBound)
	over(&d.BoundTLS, cmd.TLSBound)
	over(&wish.Trusted, cmd.Trusted)
	overList(&wish.Redirects, cmd.RedirectURI)
	overList(&wish.Grants, cmd.Grant)
	overList(&wish.Scopes, cmd.Scope)
	overList(&wish.Resources, cmd.Resource)
	overList(&d.Responses, cmd.Response)
	overList(&d.LogoutRedirects, cmd.LogoutRedirectURI)
	overList(&d.DetailTypes, cmd.DetailType)
	overList(&d.Serves, cmd.Serves)
	if cmd.Pairwise {
		d.SubjectType = "pairwise"
	}
	return wish, nil
}

// over puts said in the place of at, if anything was said.
func over[T comparable](at *T, said T) {
	var nothing T
	if said != nothing {
		*at = said
	}
}

func overList(at *[]string, said []string) {
	if len(said) > 0 {
		*at = said
	}
}

// readSmall reads a file that an operator named.
func readSmall(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	if len(text) > maxMetadata {
		return nil, usageError{errors.New(path + " has more than 64 KiB")}
	}
	return text, nil
}
