package hook

import (
	"cmp"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"headykey.com/headykey/internal/fetch"
)

const (
	secretPrefix = "v1,whsec_"
	leastSecret  = 24 // bytes (Standard Webhooks 1.0, signature scheme)
	mostSecret   = 64
)

// A Config is where one hook is asked. The zero Config is no hook.
type Config struct {
	URI     string   // https://, or http:// to this machine; it may lie in a private network
	Secrets []string // each signs what is sent, so that one can be replaced without a gap: see ParseSecrets
}

// ParseSecrets reads the secrets of a setting, joined by "|": each is v1,whsec_ and
// 24 to 64 random bytes in base64. Empty text is none. The error names no secret.
func ParseSecrets(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	secrets := strings.Split(text, "|")
	if _, err := signers(secrets); err != nil {
		return nil, err
	}
	return secrets, nil
}

// Check returns nil if the hook can be asked, or is none. Otherwise the error says
// in one sentence what must be; it names no secret, and not the URI, which may hold
// one.
func (c Config) Check() error {
	if c.URI == "" {
		return nil
	}
	e, err := c.open(nil)
	if err != nil {
		return err
	}
	e.out.Close()
	return nil
}

// open returns the endpoint of c, with a client of its own that reaches nothing
// else: one slow hook takes no place from the others.
func (c Config) open(roots *x509.CertPool) (*endpoint, error) {
	host, err := hostOf(c.URI)
	if err != nil {
		return nil, err
	}
	keys, err := signers(c.Secrets)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, errors.New("must have a secret to sign with, such as v1,whsec_ and 32 random bytes in base64")
	}
	out, err := fetch.New(fetch.Config{Allow: []string{host}, Roots: roots})
	if err != nil {
		return nil, err
	}
	if err := out.Check(c.URI); err != nil {
		out.Close()
		return nil, fmt.Errorf("must be a plain address: %w", err)
	}
	return &endpoint{uri: c.URI, keys: keys, out: out, limit: limit}, nil
}

// hostOf returns host:port of a URI that may be a hook.
func hostOf(uri string) (string, error) {
	if strings.HasPrefix(strings.ToLower(uri), "pg-functions:") {
		return "", errors.New("must be an https:// address: this server calls no functions of a database, so put an HTTP endpoint before yours")
	}
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return "", errors.New("must be an https:// address, or an http:// address of this machine")
	}
	port := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	host := net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port))
	if fetch.ParseAllow(host) != nil {
		return "", errors.New("must have a good host and port")
	}
	return host, nil
}

// isLoopback reports whether host is this machine.
func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.IsLoopback()
}

// signers returns what signs with each of secrets.
func signers(secrets []string) ([]*standardwebhooks.Webhook, error) {
	var all []*standardwebhooks.Webhook
	for i, secret := range secrets {
		text, ok := strings.CutPrefix(secret, secretPrefix)
		key, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil || strings.ContainsAny(text, "\r\n") || len(key) < leastSecret || len(key) > mostSecret {
			return nil, fmt.Errorf("must have secrets of v1,whsec_ and 24 to 64 bytes in base64, joined by |; number %d is none", i+1)
		}
		one, err := standardwebhooks.NewWebhookRaw(key)
		if err != nil {
			return nil, fmt.Errorf("secret number %d: %w", i+1, err)
		}
		all = append(all, one)
	}
	return all, nil
}
