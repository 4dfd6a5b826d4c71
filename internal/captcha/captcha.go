// Package captcha asks hCaptcha or Cloudflare Turnstile whether a person solved the
// puzzle that stands before a form.
package captcha

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/fetch"
)

const (
	limit     = 5 * time.Second // of one question, waiting for its turn included
	most      = 34 << 10        // bytes of a response, and of the service's answer
	maxLogged = 200             // bytes of the service's words
)

// services are the addresses to ask, by provider.
var services = map[string]string{
	"hcaptcha":  "https://api.hcaptcha.com/siteverify",
	"turnstile": "https://challenges.cloudflare.com/turnstile/v0/siteverify",
}

// Providers are those that can be asked.
func Providers() []string { return slices.Sorted(maps.Keys(services)) }

// theirs are the error codes that blame the response. All others blame us or the
// service, and are logged.
var theirs = []string{
	"missing-input-response", "invalid-input-response", "timeout-or-duplicate",
	"expired-input-response", "already-seen-response", "invalid-or-already-seen-response",
}

// A Config says whom to ask.
type Config struct {
	Provider string // hcaptcha or turnstile
	Secret   string // ours, by which the service knows us
	URL      string // of siteverify; empty: the provider's own
}

// A Checker asks one service. It is safe for concurrent use. Nil checks nothing: every
// response is right.
type Checker struct {
	fetch  *fetch.Client
	url    string
	secret string
}

// New returns a Checker that goes out by out. It fails, in one sentence, if the
// provider is unknown, the secret is missing, or the URL may not be fetched.
func New(out *fetch.Client, c Config) (*Checker, error) {
	service, ok := services[c.Provider]
	switch {
	case !ok:
		return nil, errors.New("captcha provider must be hcaptcha or turnstile")
	case c.Secret == "":
		return nil, errors.New("captcha secret is missing")
	case c.URL != "":
		service = c.URL
	}
	if err := out.Check(service); err != nil {
		return nil, fmt.Errorf("captcha URL: %w", err)
	}
	return &Checker{fetch: out, url: service, secret: c.Secret}, nil
}

// Check returns nil if the service says that the response is of a person who solved
// the puzzle just now, and headykey.ErrCaptcha otherwise: also if the service cannot be
// asked, which is logged. The address is the person's; zero: unknown.
func (c *Checker) Check(ctx context.Context, response string, address netip.Addr) error {
	if c == nil {
		return nil
	}
	if response == "" || len(response) > most {
		return headykey.ErrCaptcha
	}
	solved, err := c.ask(ctx, response, address)
	if err != nil {
		slog.WarnContext(ctx, "captcha cannot be checked",
			slog.String("requestId", headykey.RequestID(ctx)), slog.String("error", err.Error()))
	}
	if err != nil || !solved {
		return headykey.ErrCaptcha
	}
	return nil
}

// ask fails if what the service says is about anything but the response. The errors
// hold neither the response nor our secret.
func (c *Checker) ask(ctx context.Context, response string, address netip.Addr) (solved bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	form := url.Values{"secret": {c.secret}, "response": {response}}
	if address.IsValid() {
		form.Set("remoteip", address.Unmap().WithZone("").String())
	}
	answer, err := c.fetch.Ask(ctx, c.url, "application/x-www-form-urlencoded", []byte(form.Encode()),
		http.Header{"Accept": {"application/json"}}, most)
	if err != nil {
		return false, err
	}
	if answer.Status != http.StatusOK {
		return false, fmt.Errorf("service answered with status %d", answer.Status)
	}
	return read(answer.Body)
}

// read reads {"success": bool, "error-codes": [string]}.
func read(body []byte) (solved bool, err error) {
	var verdict struct {
		Success bool     `json:"success"`
		Codes   []string `json:"error-codes"`
	}
	if json.Unmarshal(body, &verdict) != nil {
		return false, errors.New("service answered with something else than its JSON")
	}
	if verdict.Success {
		return true, nil
	}
	if slices.ContainsFunc(verdict.Codes, func(code string) bool { return !slices.Contains(theirs, code) }) {
		said := strings.Join(verdict.Codes, " ")
		return false, fmt.Errorf("service answered %.*q", maxLogged, said)
	}
	return false, nil
}
