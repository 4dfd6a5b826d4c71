//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
)

// anonKey returns the key that apps of the server on d show.
func anonKey(ctx context.Context, binary string, d *database) (string, error) {
	cmd := exec.CommandContext(ctx, binary, append([]string{"supabase-keys", "--json"}, d.flags()...)...)
	cmd.Dir = d.dir
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("supabase-keys: %w", err)
	}
	var keys struct{ Anon string }
	return keys.Anon, json.Unmarshal(out, &keys)
}

// appUser is what an app asks all the time.
func appUser(buf []byte, p *person, _ int) []byte {
	buf = append(buf, "GET /auth/v1/user"+http11+"apikey: "...)
	buf = append(append(buf, p.anon...), "\r\nAuthorization: Bearer "...)
	return append(append(buf, p.token...), end...)
}

func refreshApp(buf []byte, p *person, _ int) []byte {
	return post(buf, "/auth/v1/token?grant_type=refresh_token&apikey="+p.anon, `{"refresh_token":"`, p.renew, `"}`)
}

// keepSession remembers the tokens that an app was given.
func keepSession(p *person, a answer) error {
	access, ok := field(a.body, `"access_token":"`)
	next, okNext := field(a.body, `"refresh_token":"`)
	if !ok || !okNext {
		return fmt.Errorf("no tokens in %.200s", a.body)
	}
	p.token, p.renew = string(access), string(next)
	return nil
}
