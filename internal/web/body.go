package web

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
)

const (
	usualBody    = 64 << 10 // bytes of a JSON body
	maxFieldName = 89       // bytes of a field name that we repeat to its sender
)

// Decode reads the request's body, one JSON object (RFC 8259) of at most 64 KiB,
// into the struct that in points to. Names are case-sensitive, unknown ones are
// ignored.
//
// It fails with ErrBodyTooLarge; with ErrUnsupportedMediaType unless the body is
// declared as application/json in UTF-8; with ErrInvalidJSON if it is empty, no
// object, not UTF-8, names a field twice or has anything behind the object, and
// with ErrInvalidJSON about the field if a value has the wrong type. A failure
// that a type's own decoder reports as *headykey.Error is passed on.
func Decode(w http.ResponseWriter, r *http.Request, in any) error {
	return decode(w, r, in, usualBody, false)
}

// DecodeAny is Decode of a body of at most most bytes, whatever type it is declared as.
// One that is empty leaves in as it is, and for a *struct{} none is read.
func DecodeAny(w http.ResponseWriter, r *http.Request, in any, most int64) error {
	if _, ignored := in.(*struct{}); ignored {
		return nil
	}
	body, err := readBody(w, r, most)
	if err != nil || len(body) == 0 {
		return err
	}
	return parse(body, in)
}

func decode(w http.ResponseWriter, r *http.Request, in any, most int64, optional bool) error {
	if _, ignored := in.(*struct{}); ignored {
		return nil // net/http throws away what is left of a body, up to its own bound
	}
	body, err := readBody(w, r, most)
	switch {
	case err != nil:
		return err
	case len(body) == 0 && optional:
		return nil
	case len(body) == 0:
		return headykey.ErrInvalidJSON
	case !declaresJSON(r.Header["Content-Type"]):
		return ErrUnsupportedMediaType
	}
	return parse(body, in)
}

// readBody returns the whole body, or ErrBodyTooLarge if it has over most bytes.
func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	if r.ContentLength > most {
		return nil, ErrBodyTooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if err == nil {
		return body, nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, ErrBodyTooLarge
	}
	if ctxErr := r.Context().Err(); ctxErr != nil {
		return nil, fmt.Errorf("read body: %w", ctxErr)
	}
	return nil, headykey.ErrInvalidJSON.Saying("The body ended too early.")
}

// declaresJSON reports whether the Content-Type says application/json, with no
// other character set than UTF-8.
func declaresJSON(values []string) bool {
	if len(values) != 1 {
		return false
	}
	if values[0] == "application/json" {
		return true
	}
	media, params, err := mime.ParseMediaType(values[0])
	if err != nil || media != "application/json" {
		return false
	}
	charset, named := params["charset"]
	return !named || strings.EqualFold(charset, "utf-8")
}

// parse decodes one JSON object.
func parse(body []byte, in any) error {
	if !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) {
		return headykey.ErrInvalidJSON
	}
	err := json.Unmarshal(body, in)
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*headykey.Error](err); ok {
		return e
	}
	wrong, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return headykey.ErrInvalidJSON
	}
	name := fieldName(wrong.JSONPointer)
	if name == "" {
		return headykey.ErrInvalidJSON
	}
	return headykey.ErrInvalidJSON.Saying("A field has a value of the wrong type.").About(name)
}

// fieldName spells a pointer into the body as names with dots between them, or
// "" if it is the whole body or too long to repeat.
func fieldName(at jsontext.Pointer) string {
	if len(at) > maxFieldName {
		return ""
	}
	var names []string
	for name := range at.Tokens() {
		names = append(names, name)
	}
	return strings.Join(names, ".")
}
