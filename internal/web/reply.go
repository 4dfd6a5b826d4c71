package web

import (
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
)

// Header values that never change, shared by all answers. Nothing may write into
// them; Header.Set and Header.Add do not.
var (
	typeJSON = []string{"application/json"}
	noStore  = []string{"no-store"}

	publicDocument = []string{"public, max-age=600"} // as apps expect of key sets
	crossOrigin    = []string{"cross-origin"}
)

// Reply writes status and v as JSON: no HTML escapes, names in the order of the
// struct, nil slices as []. A status that has no body (204, 304) gets none.
func Reply(w http.ResponseWriter, status int, v any) {
	if status == http.StatusNoContent || status == http.StatusNotModified {
		w.WriteHeader(status)
		return
	}
	body, err := json.Marshal(v, json.Deterministic(true))
	if err != nil { // a type that cannot be written: a bug of ours
		slog.Error("reply", slog.String("requestId", w.Header().Get("X-Request-Id")), slog.String("error", err.Error()))
		status = http.StatusInternalServerError
		body = []byte(`{"error":"` + headykey.ErrInternal.Text + `","code":"` + headykey.ErrInternal.Code + `"}`)
	}
	ReplyBytes(w, status, body)
}

// ReplyBytes writes status and body, which is JSON already.
func ReplyBytes(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h["Content-Type"] = typeJSON
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone: nobody is left to tell
}

// failure is a failure in HeadyKey's own spelling.
type failure struct {
	Error     string       `json:"error"`
	Code      string       `json:"code"`
	RequestID string       `json:"requestId"`
	Fields    []fieldFault `json:"fields,omitempty"`
}

type fieldFault struct {
	Name    string `json:"name"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// FailJSON is the FailFunc of the HeadyKey API: {"error", "code", "requestId",
// "fields"}, with Retry-After in whole seconds, rounded up, if e says when to
// come again. A door that adds headers sets them before it calls this.
func FailJSON(w http.ResponseWriter, r *http.Request, e *headykey.Error) {
	out := failure{Error: e.Text, Code: e.Code, RequestID: headykey.RequestID(r.Context())}
	for _, f := range e.Fields {
		out.Fields = append(out.Fields, fieldFault(f))
	}
	SetRetryAfter(w.Header(), e.After)
	w.Header()["Cache-Control"] = noStore
	Reply(w, StatusOf(e), out)
}

// SetRetryAfter sets Retry-After (RFC 9110 §10.2.3) to whole seconds, rounded up;
// zero sets nothing.
func SetRetryAfter(h http.Header, after time.Duration) {
	if after > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((after+time.Second-1)/time.Second), 10))
	}
}
