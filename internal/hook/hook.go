// Package hook asks endpoints of the operator before or after something happens:
// may this account be made, what goes into this token, who sends this mail. An
// endpoint gets a signed POST (Standard Webhooks 1.0) and answers in JSON.
//
// A call takes up to five seconds: make none inside a transaction. A hook that
// cannot be asked has not agreed, so every failure is an error to its caller.
package hook

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
)

// A Name is what a hook is called in what it gets.
type Name string

// The hooks. To add one, add its name here and to known, and a method beside the
// others.
const (
	CustomAccessToken           Name = "customize-access-token"
	SendEmail                   Name = "send-email"
	PasswordVerificationAttempt Name = "password-verification"
	BeforeUserCreated           Name = "before-user-created"
	AfterUserCreated            Name = "after-user-created"
)

var known = map[Name]bool{
	CustomAccessToken: true, SendEmail: true, PasswordVerificationAttempt: true,
	BeforeUserCreated: true, AfterUserCreated: true,
}

// Hooks are those that are configured. Nil is none: every method is then free, and
// changes nothing. They are safe for concurrent use.
type Hooks struct {
	all map[Name]*endpoint
	log *slog.Logger
}

// New returns the hooks of configs whose URI is not empty. Roots are whom to trust;
// nil: the system's roots. It fails if a name is unknown or a Config does not pass
// its Check. Close them.
func New(configs map[Name]Config, roots *x509.CertPool, log *slog.Logger) (*Hooks, error) {
	h := &Hooks{all: map[Name]*endpoint{}, log: log}
	for name, c := range configs {
		if c.URI == "" {
			continue
		}
		e, err := c.open(roots)
		if err == nil && !known[name] {
			e.out.Close()
			err = errors.New("is no hook of this server")
		}
		if err != nil {
			h.Close()
			return nil, fmt.Errorf("hook %s: %w", name, err)
		}
		h.all[name] = e
	}
	return h, nil
}

// Close ends what is under way; no hook can be asked any more.
func (h *Hooks) Close() {
	if h == nil {
		return
	}
	for _, e := range h.all {
		e.out.Close()
	}
}

// Wants reports whether there is a hook of that name: without one, what it would
// get need not be rendered.
func (h *Hooks) Wants(name Name) bool {
	return h != nil && h.all[name] != nil
}

// fields are what one hook gets beside the metadata.
type fields map[string]any

// metadata are what every hook gets.
type metadata struct {
	UUID headykey.ID `json:"uuid"` // the webhook-id, too
	Time time.Time   `json:"time"`
	Name Name        `json:"name"`
	IP   string      `json:"ip_address,omitzero"`
}

// ask sends in to the hook and has read look at the answer, a JSON object; read may
// be nil, and is not called if there is no hook or the hook changes nothing. What
// goes wrong is logged here, without what was said.
func (h *Hooks) ask(ctx context.Context, name Name, from headykey.From, in fields, read func(answer []byte) error) (err error) {
	if !h.Wants(name) {
		return nil
	}
	start := time.Now()
	defer func() {
		if err != nil {
			h.warn(ctx, name, start, "a hook refused or failed", slog.String("error", err.Error()))
		}
	}()
	meta := metadata{UUID: headykey.NewID(), Time: start.UTC(), Name: name}
	if from.Address.IsValid() {
		meta.IP = from.Address.Unmap().WithZone("").String()
	}
	in["metadata"] = meta
	body, err := json.Marshal(in, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("hook %s: payload: %w", name, err)
	}
	answer, err := h.all[name].call(ctx, meta.UUID, body)
	if err == nil && answer != nil && read != nil {
		err = read(answer)
	}
	if err != nil {
		return fmt.Errorf("hook %s: %w", name, err)
	}
	return nil
}

func (h *Hooks) warn(ctx context.Context, name Name, start time.Time, text string, more ...slog.Attr) {
	more = append(more, slog.String("requestId", headykey.RequestID(ctx)),
		slog.String("hook", string(name)), slog.Duration("duration", time.Since(start)))
	h.log.LogAttrs(ctx, slog.LevelWarn, text, more...)
}
