package compat_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	callback = "https://app.example/cb"
	password = "verdigris under brass"
)

// A goApp is a program in Go that signs people in by go-oidc and x/oauth2.
type goApp struct {
	s        *server
	ctx      context.Context // with the HTTP client that trusts the server
	provider *oidc.Provider
	config   oauth2.Config
	person   struct{ ID, Email string }
}

func newGoApp(t *testing.T) *goApp {
	t.Helper()
	app := &goApp{s: start(t)}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: app.s.authority.Pool}}
	t.Cleanup(transport.CloseIdleConnections)
	app.ctx = oidc.ClientContext(t.Context(), &http.Client{Transport: transport})
	var c struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	app.s.Operate(t, password+"\n", &app.person, "users", "create", "--email", "ada@example.com", "--name", "Ada Lovelace", "--password-stdin")
	app.s.Operate(t, "", &c, "clients", "create", "--name", "Weather", "--redirect-uri", callback)
	var err error
	if app.provider, err = oidc.NewProvider(app.ctx, app.s.URL+"/auth/v1"); err != nil {
		t.Fatal(err)
	}
	app.config = oauth2.Config{
		ClientID: c.ID, ClientSecret: c.Secret, Endpoint: app.provider.Endpoint(), RedirectURL: callback,
		Scopes: []string{oidc.ScopeOpenID, "profile", "email", oidc.ScopeOfflineAccess},
	}
	return app
}

// authorize has a person sign in and allow the request, and returns the answer.
func (app *goApp) authorize(t *testing.T, verifier string) url.Values {
	t.Helper()
	a := newAgent(t, app.s.authority.Pool)
	at := a.open(app.ctx, t, app.config.AuthCodeURL("a state", oidc.Nonce("a nonce"), oauth2.S256ChallengeOption(verifier)))
	at = a.send(app.ctx, t, at, "Sign in", url.Values{"email": {app.person.Email}, "password": {password}})
	if at != nil { // it was not allowed before
		at = a.send(app.ctx, t, at, "Permission request", url.Values{"decision": {"allow"}, "duration": {"34d"}})
	}
	if at != nil || a.landed == nil {
		t.Fatalf("the person is not back at the app, but at %v", at)
	}
	return a.landed.Query()
}

func TestGoOIDC(t *testing.T) {
	app := newGoApp(t)
	verifier := oauth2.GenerateVerifier()
	answer := app.authorize(t, verifier)
	if answer.Get("state") != "a state" || answer.Get("iss") != app.s.URL+"/auth/v1" {
		t.Fatalf("answer %v", answer)
	}
	token, err := app.config.Exchange(app.ctx, answer.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	t.Run("the ID token is verified", func(t *testing.T) { app.checkIDToken(t, token) })
	t.Run("userinfo tells of the person", func(t *testing.T) { app.checkUserinfo(t, token) })
	t.Run("the token source refreshes", func(t *testing.T) { app.checkRefresh(t, token) })
	t.Run("a code works once", func(t *testing.T) {
		_, err := app.config.Exchange(app.ctx, answer.Get("code"), oauth2.VerifierOption(verifier))
		wantRefusal(t, err, "invalid_grant")
	})
	t.Run("a wrong verifier is refused", func(t *testing.T) {
		answer := app.authorize(t, verifier)
		_, err := app.config.Exchange(app.ctx, answer.Get("code"), oauth2.VerifierOption(oauth2.GenerateVerifier()))
		wantRefusal(t, err, "invalid_grant")
	})
	t.Run("a wrong secret is refused", func(t *testing.T) {
		thief := app.config
		thief.ClientSecret = "guessed"
		_, err := thief.Exchange(app.ctx, answer.Get("code"), oauth2.VerifierOption(verifier))
		wantRefusal(t, err, "invalid_client")
	})
}

func (app *goApp) checkIDToken(t *testing.T, token *oauth2.Token) {
	text, ok := token.Extra("id_token").(string)
	if !ok {
		t.Fatal("no ID token")
	}
	verifier := app.provider.VerifierContext(app.ctx, &oidc.Config{ClientID: app.config.ClientID})
	id, err := verifier.Verify(app.ctx, text)
	if err != nil {
		t.Fatal(err)
	}
	if id.Subject != app.person.ID || id.Nonce != "a nonce" {
		t.Errorf("subject %s, nonce %s", id.Subject, id.Nonce)
	}
	if err := id.VerifyAccessToken(token.AccessToken); err != nil {
		t.Errorf("at_hash: %v", err)
	}
	head, rest, _ := strings.Cut(text, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	changed := "A"
	if signature[0] == 'A' {
		changed = "B"
	}
	if _, err := verifier.Verify(app.ctx, head+"."+payload+"."+changed+signature[1:]); err == nil {
		t.Error("a changed signature was verified")
	}
	other := app.provider.VerifierContext(app.ctx, &oidc.Config{ClientID: "another"})
	if _, err := other.Verify(app.ctx, text); err == nil {
		t.Error("another client verified it")
	}
}

func (app *goApp) checkUserinfo(t *testing.T, token *oauth2.Token) {
	info, err := app.provider.UserInfo(app.ctx, app.config.TokenSource(app.ctx, token))
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ Name string }
	if err := info.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if info.Subject != app.person.ID || info.Email != app.person.Email || !info.EmailVerified || claims.Name != "Ada Lovelace" {
		t.Errorf("userinfo %+v, name %q", info, claims.Name)
	}
	forged := &oauth2.Token{AccessToken: token.AccessToken + "x"}
	if _, err := app.provider.UserInfo(app.ctx, oauth2.StaticTokenSource(forged)); err == nil {
		t.Error("userinfo took a changed token")
	}
}

func (app *goApp) checkRefresh(t *testing.T, token *oauth2.Token) {
	spent := &oauth2.Token{RefreshToken: token.RefreshToken} // without an access token it must fetch one
	fresh, err := app.config.TokenSource(app.ctx, spent).Token()
	if err != nil {
		t.Fatal(err)
	}
	if fresh.AccessToken == token.AccessToken || fresh.RefreshToken == token.RefreshToken {
		t.Error("nothing is new")
	}
	app.checkUserinfo(t, fresh)
}

// wantRefusal fails the test unless err is the token endpoint's answer with code.
func wantRefusal(t *testing.T, err error, code string) {
	t.Helper()
	if refusal, ok := errors.AsType[*oauth2.RetrieveError](err); !ok || refusal.ErrorCode != code {
		t.Errorf("error %v, want %s", err, code)
	}
}
