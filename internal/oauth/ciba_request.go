package oauth

import (
	"context"
	"crypto/sha256"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/token"
)

const (
	maxSigned    = 16 << 10         // bytes of a signed request
	maxSignedAge = time.Hour        // that it may be good for, and old (FAPI-CIBA §5.2.2)
	signedSkew   = 34 * time.Second // that the client's clock may be ahead
	maxJTI       = 233              // bytes
)

// besideSigned are the parameters that may stand beside a signed request: those by
// which the client proves itself (CIBA Core §7.1.1).
var besideSigned = []string{"request", "client_id", "client_secret", "client_assertion", "client_assertion_type"}

// signedTypes are the types that a signed request may say it is of, in lower case.
// Tokens made for something else name another.
var signedTypes = []string{"", "jwt", "oauth-authz-req+jwt"}

// A signedName is the name that a signed request may be used by once; nil: the
// request was not signed.
type signedName struct {
	hash    []byte
	expires time.Time
}

// spend notes that the request was used, or fails if it was before.
func (n *signedName) spend(tx *store.Tx) error {
	if n == nil {
		return nil
	}
	fresh, err := tx.SpendName(n.hash, n.expires)
	if err == nil && !fresh {
		err = wrongAsk("This signed request was used before.")
	}
	return err
}

// unfoldCIBA returns the parameters of a request, which may come signed, and must
// where the client is registered so. Nothing beside the signed ones counts.
func (s *Service) unfoldCIBA(ctx context.Context, c *headykey.Client, in url.Values) (url.Values, *signedName, error) {
	text := in.Get("request")
	if text == "" {
		if c.Details.CIBARequestAlg != "" || c.Profile == headykey.ProfileFAPI2 {
			return nil, nil, wrongAsk("This client must sign its requests.")
		}
		return in, nil, nil
	}
	for name := range in {
		if !slices.Contains(besideSigned, name) {
			return nil, nil, wrongAsk("Beside a signed request there may be no other parameters.")
		}
	}
	algorithms := CIBARequestAlgorithms
	if alg := c.Details.CIBARequestAlg; alg != "" {
		algorithms = []string{alg}
	}
	header, _, err := jose.Peek(text, maxSigned)
	if err != nil || !slices.Contains(signedTypes, strings.ToLower(header.Type)) {
		return nil, nil, wrongAsk("The signed request is not one.")
	}
	keys, err := s.clientKeys(ctx, c, header.KeyID)
	if err != nil {
		return nil, nil, wrongAsk("The client's keys cannot be had.")
	}
	signed, err := keys.Verify(text, maxSigned, algorithms)
	if err != nil {
		return nil, nil, wrongAsk("The request is not signed by this client as it is registered.")
	}
	return s.readSigned(c, signed.Claims)
}

// readSigned judges the claims of a signed request (CIBA Core §7.1.1, FAPI-CIBA
// §5.2.2) and returns the others as parameters.
func (s *Service) readSigned(c *headykey.Client, claims []byte) (url.Values, *signedName, error) {
	var own struct {
		Issuer   string         `json:"iss"`
		Audience token.Audience `json:"aud"`
		Expires  float64        `json:"exp"`
		Issued   float64        `json:"iat"`
		From     float64        `json:"nbf"`
		ID       string         `json:"jti"`
	}
	var all map[string]jsontext.Value
	if json.Unmarshal(claims, &own) != nil || json.Unmarshal(claims, &all) != nil {
		return nil, nil, wrongAsk("The claims of the signed request are not of their types.")
	}
	now := float64(time.Now().UnixMilli()) / 1000
	switch hour, skew := maxSignedAge.Seconds(), signedSkew.Seconds(); {
	case own.Issuer != string(c.ID):
		return nil, nil, wrongAsk("The iss of the signed request is not the client.")
	case !slices.Contains(own.Audience, s.Issuer()):
		return nil, nil, wrongAsk("The aud of the signed request is not this server.")
	case own.Expires <= now || own.Expires > now+hour+skew:
		return nil, nil, wrongAsk("The exp of the signed request is missing, over, or too far away.")
	case own.From <= 0 || own.From > now+skew || own.From < now-hour || own.Expires-own.From > hour:
		return nil, nil, wrongAsk("The nbf of the signed request is missing, or too far from now or from its exp.")
	case own.Issued <= 0 || own.Issued > now+skew:
		return nil, nil, wrongAsk("The iat of the signed request is missing, or not past.")
	case own.ID == "" || len(own.ID) > maxJTI:
		return nil, nil, wrongAsk("The jti of the signed request is missing or too long.")
	}
	in, err := asParameters(c, all)
	hash := sha256.Sum256([]byte("ciba request " + string(c.ID) + " " + own.ID))
	return in, &signedName{hash[:], time.Unix(int64(own.Expires)+1, 0)}, err
}

// asParameters returns claims as the form would have said them.
func asParameters(c *headykey.Client, claims map[string]jsontext.Value) (url.Values, error) {
	in := url.Values{}
	for name, value := range claims {
		var text string
		var list []string
		switch {
		case slices.Contains([]string{"iss", "aud", "exp", "iat", "nbf", "jti"}, name), value.Kind() == 'n':
		case name == "request", name == "request_uri":
			return nil, wrongAsk("A signed request holds no other.")
		case json.Unmarshal(value, &text) == nil:
			in.Set(name, text)
		case name == "resource" && json.Unmarshal(value, &list) == nil:
			in[name] = list
		default:
			in.Set(name, string(value)) // a number, or JSON
		}
	}
	if in.Has("client_id") && in.Get("client_id") != string(c.ID) {
		return nil, wrongAsk("The client_id of the signed request is not the client.")
	}
	return withoutEmpty(in), nil
}
