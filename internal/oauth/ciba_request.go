package oauth

import (
	"context"
	"crypto/sha256"
	"net/url"
	"slices"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

const (
	maxSigned = 16 << 10 // bytes of a signed request
	maxJTI    = 233      // bytes
)

// besideSigned are the parameters that may stand beside a signed request: those by
// which the client proves itself (CIBA Core §7.1.1).
var besideSigned = []string{"request", "client_id", "client_secret", "client_assertion", "client_assertion_type"}

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
	algorithms := narrowAlgorithms(CIBARequestAlgorithms, c.Details.CIBARequestAlg)
	signed, err := s.verifySigned(ctx, c, text, maxSigned, algorithms, headykey.ErrBadAuthorization)
	if err != nil {
		return nil, nil, err
	}
	o, in, fault := readRequestObject(signed.Claims)
	if fault == "" {
		fault = s.questionFault(c, signed.Header.Type, &o)
	}
	if fault != "" {
		return nil, nil, wrongAsk("The signed request " + fault + ".")
	}
	hash := sha256.Sum256([]byte("ciba request " + string(c.ID) + " " + o.ID))
	return in, &signedName{hash[:], o.end().Add(clockBehind + clockAhead)}, nil
}

// questionFault says why o, which c signed, is no back-channel request, or "" (CIBA
// Core §7.1.1, FAPI-CIBA §5.2.2).
func (s *Service) questionFault(c *headykey.Client, typ string, o *requestObject) string {
	now := time.Now()
	switch {
	case !isType(typ, requestObjectType):
		return "has the typ of something else"
	case o.Issued == nil || o.ID == "":
		return "needs an iat and a jti"
	case len(o.ID) > maxJTI:
		return "has a jti that is too long"
	}
	if fault := o.fault(c, s.Issuer(), now, true); fault != "" {
		return fault
	}
	if !o.end().After(now) { // without grace: people answer later still
		return "has expired"
	}
	return ""
}
