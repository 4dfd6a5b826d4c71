package oauth

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/token"
)

const (
	maxRequestObject  = 64 << 10 // bytes
	requestObjectLife = time.Hour
	requestObjectType = "oauth-authz-req+jwt" // RFC 9101 §10.8
	requestObjectKind = "application/oauth-authz-req+jwt, application/jwt, */*;q=0.1"
)

// unfold returns the parameters of a request that may have come as a request object,
// by value or by reference (RFC 9101, OpenID Connect Core §6).
//
// What the object says counts more than what stands beside it. Beside the object of
// an OpenID client that comes by way of the browser the rest counts too (OpenID
// Connect Core §6.1); in all other cases the object alone does (RFC 9101 §6.3,
// RFC 9126 §3).
func (s *Service) unfold(ctx context.Context, p *Pending, in url.Values) (url.Values, error) {
	c := p.Client
	text, refusal, err := s.requestObject(ctx, c, in)
	switch {
	case err != nil:
		return nil, err
	case text == "" && c.Details.RequireSigned:
		return nil, wrongAsk("This client must sign its requests: send a request object (RFC 9101).")
	case text == "":
		return in, nil
	case isUnsigned(text):
		return nil, refusal
	}
	inside, err := s.openRequestObject(ctx, c, text)
	if err != nil {
		return nil, err
	}
	out := url.Values{}
	if p.Ask.Pushed == nil && c.Profile == headykey.ProfileOIDC && !c.Details.RequireSigned {
		out = in
		out.Del("request")
		out.Del("request_uri")
	}
	for name, values := range inside {
		out[name] = values
	}
	out.Set("client_id", string(c.ID))
	return out, nil
}

// requestObject returns the request object that in holds or names, or "", and how it
// is refused if it is of a kind that we do not take.
func (s *Service) requestObject(ctx context.Context, c *headykey.Client, in url.Values) (text string, refusal, err error) {
	values, references := in["request"], in["request_uri"]
	switch {
	case len(values)+len(references) > 1:
		return "", nil, wrongAsk("A request comes as one request object: by request, or by request_uri.")
	case len(values) == 1:
		return values[0], headykey.ErrNoRequestObjects, nil
	case len(references) == 1:
		text, err = s.fetchRequestObject(ctx, c, references[0])
		return text, headykey.ErrNoRequestURI, err
	}
	return "", nil, nil
}

// fetchRequestObject fetches the request object of c at uri, which c must be
// registered with (OpenID Connect Registration §2, request_uris). What may be kept of
// it does not count, with or without a fragment to say so (OpenID Connect Core §6.2):
// most are made for one request.
func (s *Service) fetchRequestObject(ctx context.Context, c *headykey.Client, uri string) (string, error) {
	address := withoutFragment(uri)
	if !slices.ContainsFunc(c.Details.RequestURIs, func(known string) bool { return withoutFragment(known) == address }) {
		return "", headykey.ErrBadRequestURI.Saying("The request_uri is neither of a pushed request nor one that this client is registered with.")
	}
	doc, err := s.Fetch.Once(ctx, address, maxRequestObject, requestObjectKind)
	if err != nil {
		return "", fmt.Errorf("%w: %w", headykey.ErrBadRequestURI.Saying("The request_uri does not answer with a request object."), err)
	}
	text := strings.TrimSpace(string(doc.Body))
	if text == "" {
		return "", headykey.ErrBadRequestObject
	}
	return text, nil
}

func withoutFragment(address string) string {
	address, _, _ = strings.Cut(address, "#")
	return address
}

// isUnsigned reports whether text is a JWT that says it is not signed (RFC 7519 §6).
// Nothing else of it is read.
func isUnsigned(text string) bool {
	head, _, _ := strings.Cut(text[:min(len(text), maxRequestObject)], ".")
	raw, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return false
	}
	var h struct {
		Algorithm string `json:"alg"`
	}
	return json.Unmarshal(raw, &h) == nil && strings.EqualFold(h.Algorithm, "none")
}

// openRequestObject returns the parameters in a request object of c. We never
// decrypt: an encrypted one is no signed JWT.
func (s *Service) openRequestObject(ctx context.Context, c *headykey.Client, text string) (url.Values, error) {
	signed, err := s.verifySigned(ctx, c, text, maxRequestObject, algorithmsOf(c, c.Details.RequestAlg), headykey.ErrBadRequestObject)
	if err != nil {
		return nil, err
	}
	if !isType(signed.Header.Type, requestObjectType) {
		return nil, badObject("has the typ of something else")
	}
	o, in, fault := readRequestObject(signed.Claims)
	if fault == "" {
		fault = o.fault(c, s.Issuer(), time.Now(), c.Profile == headykey.ProfileFAPI2)
	}
	if fault != "" {
		return nil, badObject(fault)
	}
	return in, nil
}

func badObject(fault string) error {
	return headykey.ErrBadRequestObject.Saying("The request object " + fault + ".")
}

// A requestObject is what a request object says of itself.
type requestObject struct {
	Issuer   *string        `json:"iss"`
	Subject  string         `json:"sub"`
	Audience token.Audience `json:"aud"`
	Client   *string        `json:"client_id"`
	ID       string         `json:"jti"`
	times
}

// ofItself are the claims that speak of the object and not of the request.
var ofItself = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti"}

// readRequestObject reads the claims of a request object, a JSON object, and the
// parameters among them, or says what is wrong with it.
func readRequestObject(text []byte) (o requestObject, in url.Values, fault string) {
	var members map[string]jsontext.Value
	if json.Unmarshal(text, &o) != nil || json.Unmarshal(text, &members) != nil {
		return o, nil, "has a claim of another type than RFC 7519 gives it"
	}
	in = url.Values{}
	for name, value := range members {
		switch {
		case name == "request" || name == "request_uri":
			return o, nil, "holds another one"
		case slices.Contains(ofItself, name):
			continue
		}
		values, err := spellParameter(name, value)
		if err != nil {
			return o, nil, "has a parameter that is not usable"
		}
		if len(values) > 0 {
			in[name] = values
		}
	}
	return o, in, ""
}

// spellParameter returns what a member of a request object is outside of one
// (RFC 9101 §4): objects and numbers are their JSON text. An empty or null one is
// none at all. Resources may be many (RFC 8707 §2).
func spellParameter(name string, value jsontext.Value) ([]string, error) {
	switch kind := value.Kind(); {
	case kind == 'n':
		return nil, nil
	case kind == '"':
		var text string
		if err := json.Unmarshal(value, &text); err != nil || text == "" {
			return nil, err
		}
		return []string{text}, nil
	case kind == '[' && name == "resource":
		var all []string
		err := json.Unmarshal(value, &all)
		return all, err
	}
	return []string{string(value)}, nil
}

// fault says why a request object of c does not count at now, or "". A strict one must
// say whose it is, for whom and when, as those of FAPI 2.0 (Message Signing §5.3.1);
// what others say must be true.
func (o *requestObject) fault(c *headykey.Client, issuer string, now time.Time, strict bool) string {
	id := string(c.ID)
	switch {
	case o.Issuer != nil && *o.Issuer != id:
		return "must have the client_id as iss"
	case o.Client != nil && *o.Client != id:
		return "has another client_id than the request"
	case o.Subject == id: // RFC 9101 §10.8: it could pass for a client assertion
		return "must not have the client_id as sub"
	case o.Audience != nil && !slices.Contains(o.Audience, issuer):
		return "must have the issuer among its aud"
	case strict && o.Issuer == nil, strict && o.Audience == nil:
		return "needs an iss and an aud"
	}
	if fault := o.times.fault(now); fault != "" || !strict {
		return fault
	}
	return o.lifeFault(now)
}

// lifeFault holds an object to a life of at most 60 minutes (FAPI 2.0 Message Signing
// §5.3.1).
func (t times) lifeFault(now time.Time) string {
	switch {
	case t.Expires == nil || t.NotBefore == nil:
		return "needs an exp and an nbf"
	case *t.Expires > *t.NotBefore+requestObjectLife.Seconds():
		return "lives longer than 60 minutes"
	case *t.NotBefore+requestObjectLife.Seconds() < float64(now.Unix()):
		return "is older than 60 minutes"
	}
	return ""
}
