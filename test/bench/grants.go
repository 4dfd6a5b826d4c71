//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"fmt"
	"net/url"
	"time"
)

// An app is a client of the OAuth endpoints. People are not asked for their consent:
// what is measured is the protocol.
type app struct {
	id, secret string
	algorithm  string // of its ID tokens
}

// The apps: one whose ID tokens are signed swiftly, and one as OpenID Connect has it.
var (
	swift = app{"7c9e6679-7425-40de-944b-e07fc1f90ae7", "0123456789abcdef0123456789abcdef", "ES256"}
	usual = app{"16fd2706-8baf-433b-82eb-8c7fada847da", "fedcba9876543210fedcba9876543210", "RS256"}
)

const (
	callback = "https://app.example/cb"
	verifier = "four-quiet-otters-near-the-weir-1618-and-more"
	formType = "application/x-www-form-urlencoded"
)

// register puts a into the database.
func (a app) register(ctx context.Context, d *database, tx *sql.Tx) error {
	sum := sha256.Sum256([]byte(a.secret))
	_, err := tx.ExecContext(ctx, `
		INSERT INTO clients (id, name, secret_hash, auth_method, grants, scopes, redirect_uris, resources, created_at, trusted, details)
		VALUES ($1, 'App', $2, 'client_secret_post', '["authorization_code","refresh_token","client_credentials"]',
			'["openid","email"]', '["`+callback+`"]', '[]', $3, $4, $5)`,
		a.id, sum[:], d.at(time.Now().UTC().Truncate(time.Second)), true, `{"id_token_signed_response_alg":"`+a.algorithm+`"}`)
	return err
}

// proof is what a's forms end with.
func (a app) proof() string { return "&client_id=" + a.id + "&client_secret=" + a.secret }

func ownToken(buf []byte, _ *person, _ int) []byte {
	return send(buf, "/auth/v1/token", formType, "grant_type=client_credentials"+swift.proof())
}

func introspect(buf []byte, p *person, _ int) []byte {
	return send(buf, "/auth/v1/oauth/introspect", formType, "token=", p.granted, swift.proof())
}

func userinfo(buf []byte, p *person, _ int) []byte {
	buf = append(buf, "GET /auth/v1/user"+http11+"Authorization: Bearer "...)
	return append(append(buf, p.granted...), end...)
}

// authorize is the first half of a code flow, by somebody who is signed in.
func authorize(a app) func([]byte, *person, int) []byte {
	sum := sha256.Sum256([]byte(verifier))
	request := "GET /auth/v1/authorize?" + url.Values{
		"client_id": {a.id}, "response_type": {"code"}, "redirect_uri": {callback}, "scope": {"openid email"},
		"state": {"af0ifjsldkj"}, "nonce": {"n-0S6_WzA2Mj"}, "code_challenge_method": {"S256"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])},
	}.Encode() + http11 + "Cookie: __heady_session="
	return func(buf []byte, p *person, _ int) []byte {
		return append(append(append(buf, request...), p.cookie...), end...)
	}
}

// keepCode remembers the code of an answer.
func keepCode(p *person, a answer) error {
	_, rest, ok := bytes.Cut(a.location, []byte("code="))
	if !ok {
		return fmt.Errorf("no code in %.200s", a.location)
	}
	code, _, _ := bytes.Cut(rest, []byte("&"))
	p.code = string(code)
	return nil
}

// redeem is the second half of a code flow.
func redeem(a app) func([]byte, *person, int) []byte {
	tail := "&redirect_uri=" + url.QueryEscape(callback) + "&code_verifier=" + verifier + a.proof()
	return func(buf []byte, p *person, _ int) []byte {
		return send(buf, "/auth/v1/token", formType, "grant_type=authorization_code&code=", p.code, tail)
	}
}

func refreshGrant(buf []byte, p *person, _ int) []byte {
	return send(buf, "/auth/v1/token", formType, "grant_type=refresh_token&refresh_token=", p.renewal, swift.proof())
}

// keepGrant remembers the tokens that the swift app was given.
func keepGrant(p *person, a answer) error {
	access, ok := field(a.body, `"access_token":"`)
	next, okNext := field(a.body, `"refresh_token":"`)
	if !ok || !okNext {
		return fmt.Errorf("no tokens in %.200s", a.body)
	}
	p.granted, p.renewal = string(access), string(next)
	return nil
}
