//go:build linux

package main

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
)

const (
	few   = 16
	many  = 64
	crowd = 79 * many // people: over 5,000, and as many on each connection
)

// operations is what is measured, in this order. Bars are those of "at least half
// of what the machine can do".
var operations = []operation{
	{name: "verify, JWT, one", conns: few, people: 1, bars: bars{55_000, 55_000}, ask: verifyToken},
	{name: "verify, JWT, 5,000", conns: few, people: crowd, bars: bars{55_000, 55_000}, ask: verifyToken},
	{name: "verify, API key, one", conns: few, people: 1, bars: bars{55_000, 55_000}, ask: verifyKey},
	{name: "verify, API key, 5,000", conns: few, people: crowd, bars: bars{55_000, 55_000}, ask: verifyKey},
	{name: "verify, cookie, 5,000", conns: few, people: crowd, bars: bars{55_000, 55_000}, ask: verifyCookie},
	{name: "me", conns: few, people: 1, bars: bars{50_000, 50_000}, ask: me},
	refreshAmong(few, few),
	refreshAmong(many, many),
	refreshAmong(crowd, few),
	{name: "app user, one", conns: few, people: 1, bars: bars{50_000, 50_000}, ask: appUser},
	{name: "app user, 5,000", conns: few, people: crowd, bars: bars{50_000, 50_000}, ask: appUser},
	refreshAppAmong(few, few),
	refreshAppAmong(crowd, few),
	{name: "receipt-keys", conns: few, people: 1, bars: bars{80_000, 80_000}, ask: get("/.well-known/receipt-keys")},
	{name: "openapi.json", conns: few, people: 1, bars: bars{80_000, 80_000}, ask: get("/openapi.json")},
	{name: "client_credentials", conns: few, people: few, bars: bars{27_000, 27_000}, ask: ownToken},
	{name: "introspect, 5,000", conns: few, people: crowd, bars: bars{50_000, 50_000}, ask: introspect},
	{name: "userinfo, one", conns: few, people: 1, bars: bars{50_000, 50_000}, ask: userinfo},
	{name: "userinfo, 5,000", conns: few, people: crowd, bars: bars{50_000, 50_000}, ask: userinfo},
	{name: "code flow, ES256", conns: few, people: crowd, bars: bars{6_000, 6_000}, want: http.StatusSeeOther,
		ask: authorize(swift), hear: keepCode, then: &operation{ask: redeem(swift), hear: keepGrant}},
	{name: "code flow, RS256", conns: few, people: crowd, bars: bars{2_000, 2_000}, want: http.StatusSeeOther,
		ask: authorize(usual), hear: keepCode, then: &operation{ask: redeem(usual)}},
	{name: "OAuth refresh", conns: few, people: crowd, bars: bars{15_000, 8_000}, ask: refreshGrant, hear: keepGrant},
	{name: "jwks", conns: few, people: 1, bars: bars{80_000, 80_000}, ask: get("/auth/v1/.well-known/jwks.json")},
	{name: "discovery", conns: few, people: 1, bars: bars{80_000, 80_000}, ask: get("/auth/v1/.well-known/openid-configuration")},
	{name: "login", conns: few, people: few, ask: login},
	{name: "register", conns: few, people: few, want: http.StatusCreated, ask: register},
}

// helloWorld is the measure of all others.
var helloWorld = operation{name: "hello world", conns: few, people: 1, ask: get("/hello")}

// refreshAmong is refresh by so many chains of tokens, each used by one at a time.
func refreshAmong(chains, conns int) operation {
	return operation{
		name:  fmt.Sprintf("refresh, %d chains, %d conns", chains, conns),
		conns: conns, people: chains, bars: bars{15_000, 8_000}, ask: refresh, hear: keepTokens,
	}
}

// refreshAppAmong is refreshAmong by apps.
func refreshAppAmong(chains, conns int) operation {
	return operation{
		name:  fmt.Sprintf("app refresh, %d chains, %d conns", chains, conns),
		conns: conns, people: chains, bars: bars{15_000, 8_000}, ask: refreshApp, hear: keepSession,
	}
}

const (
	http11 = " HTTP/1.1\r\nHost: 127.0.0.1\r\n"
	end    = "\r\n\r\n"
)

func get(path string) func([]byte, *person, int) []byte {
	request := "GET " + path + http11 + "\r\n"
	return func(buf []byte, _ *person, _ int) []byte { return append(buf, request...) }
}

func verifyToken(buf []byte, p *person, _ int) []byte {
	buf = append(buf, "GET /api/auth/verify"+http11+"Authorization: Bearer "...)
	return append(append(buf, p.access...), end...)
}

func verifyKey(buf []byte, p *person, _ int) []byte {
	buf = append(buf, "GET /api/auth/verify"+http11+"X-API-Key: "...)
	return append(append(buf, p.key...), end...)
}

func verifyCookie(buf []byte, p *person, _ int) []byte {
	buf = append(buf, "GET /api/auth/verify"+http11+"Cookie: __heady_session="...)
	return append(append(buf, p.cookie...), end...)
}

func me(buf []byte, p *person, _ int) []byte {
	buf = append(buf, "GET /api/auth/me"+http11+"Authorization: Bearer "...)
	return append(append(buf, p.access...), end...)
}

func refresh(buf []byte, p *person, _ int) []byte {
	return post(buf, "/api/auth/refresh", `{"refreshToken":"`, p.refresh, `"}`)
}

// login signs in the first who registered in p's name.
func login(buf []byte, p *person, _ int) []byte {
	return post(buf, "/api/auth/login", `{"email":"new-1-`, p.email, `","password":"`, password, `"}`)
}

// register signs up somebody who never was there before.
func register(buf []byte, p *person, _ int) []byte {
	p.newcomers++
	return post(buf, "/api/auth/register", `{"email":"new-`, strconv.Itoa(p.newcomers), `-`, p.email,
		`","password":"`, password, `"}`)
}

func post(buf []byte, path string, body ...string) []byte {
	return send(buf, path, "application/json", body...)
}

func send(buf []byte, path, kind string, body ...string) []byte {
	length := 0
	for _, part := range body {
		length += len(part)
	}
	buf = append(buf, "POST "...)
	buf = append(buf, path...)
	buf = append(buf, http11+"Content-Type: "...)
	buf = append(buf, kind...)
	buf = append(buf, "\r\nContent-Length: "...)
	buf = strconv.AppendInt(buf, int64(length), 10)
	buf = append(buf, end...)
	for _, part := range body {
		buf = append(buf, part...)
	}
	return buf
}

// keepTokens remembers the tokens of a refresh for the next.
func keepTokens(p *person, a answer) error {
	access, ok := field(a.body, `"accessToken":"`)
	next, okNext := field(a.body, `"refreshToken":"`)
	if !ok || !okNext {
		return fmt.Errorf("no tokens in %.200s", a.body)
	}
	p.access, p.refresh = string(access), string(next)
	return nil
}

// field returns the text behind name up to the next quote. Tokens need no escapes.
func field(body []byte, name string) ([]byte, bool) {
	_, rest, ok := bytes.Cut(body, []byte(name))
	if !ok {
		return nil, false
	}
	value, _, ok := bytes.Cut(rest, []byte(`"`))
	return value, ok
}
