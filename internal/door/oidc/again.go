package oidc

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/web"
)

// tokenAgain serves POST /auth/v1/oauth/token, where apps of the other API ask: token,
// whose parameters may also come as one JSON object.
func (d door) tokenAgain(w http.ResponseWriter, r *http.Request, by headykey.Caller) error {
	if web.DeclaresForm(r) {
		return d.token(w, r, by)
	}
	form, err := formFromJSON(w, r)
	if err != nil {
		return err
	}
	text := []byte(form.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	return d.token(w, r, by)
}

// repeated are the parameters that may be lists: RFC 8707 §2, RFC 8693 §2.1.
var repeated = []string{"resource", "audience"}

// formFromJSON reads a JSON object as the form with the same parameters. Null is a
// parameter without a value.
func formFromJSON(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	members := map[string]jsontext.Value{}
	if err := web.Decode(w, r, &members); err != nil {
		return nil, err
	}
	form := url.Values{}
	for name, value := range members {
		var one string
		var many []string
		switch {
		case value.Kind() == 'n':
		case value.Kind() == '"' && json.Unmarshal(value, &one) == nil:
			form.Set(name, one)
		case slices.Contains(repeated, name) && value.Kind() == '[' && json.Unmarshal(value, &many) == nil:
			form[name] = many
		default:
			return nil, headykey.ErrInvalid.Saying("A parameter is not a text.")
		}
	}
	return form, nil
}

// refusedAgain is a failure with the other API's word for it, where that has one.
type refusedAgain struct {
	failure
	Code string `json:"error_code,omitempty"`
}

// failAgain is fail where apps of the other API ask: they expect 400 of a client that
// did not prove itself.
func (d door) failAgain(w http.ResponseWriter, r *http.Request, e *headykey.Error) {
	if !e.Is(headykey.ErrBadClient) {
		d.fail(w, r, e)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	web.Reply(w, http.StatusBadRequest, refusedAgain{failure{oauth.Word(e), oauth.Describe(e)}, "invalid_credentials"})
}
