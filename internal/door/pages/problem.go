package pages

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/web"
)

// A problem is a page that says what is wrong and what to do now.
type problem struct {
	Text    string
	Next    string // what its reader can do; may be empty
	Command string // to run on the server's machine; may be empty
	Back    *link  // to where the reader came from; may be nil
}

// A link leads to somebody else's site.
type link struct{ Text, Address string }

// A wording is how a failure is told to a person. An empty Text: the failure's own.
type wording struct{ Title, Text, Next string }

// wordings are by status.
var wordings = map[int]wording{
	http.StatusUnauthorized:          {"Sign in first", "This page is for somebody who is signed in. Your session may have ended.", "Open it in the browser in which you signed in."},
	http.StatusForbidden:             {"You do not have access to this page", "", ""},
	http.StatusNotFound:              {"This page does not exist", "There is nothing at this address.", "Check the address for a missing letter."},
	http.StatusMethodNotAllowed:      {"This address does not answer that", "The page exists, but not for this kind of request.", ""},
	http.StatusRequestEntityTooLarge: {"That is too much", "What was sent is larger than this page takes.", "Go back and send less."},
	http.StatusTooManyRequests:       {"Too many tries", "There were too many tries from your network.", ""},
	http.StatusInternalServerError:   {"Something went wrong on our side", "It is not your fault, and it is in our log.", "Try again. If it goes on, tell the administrator the request ID."},
	http.StatusServiceUnavailable:    {"The server cannot do this right now", "", "Try again in a moment."},
}

// staleForm is what a person sees of headykey.ErrCSRF.
var staleForm = wording{"This form is out of date", "It was not sent from a page that we gave to this browser, so nothing was changed.", "Go back, reload the page and send it again. Cookies must be allowed."}

// areas are the paths of programs: their failures are JSON for browsers, too.
var areas = [...]string{
	"/api", "/auth/v1", "/.well-known", "/health", "/metrics", "/openapi.json",
	"/onboarding", "/agent", "/mcp", "/scim", "/log", "/mailbox.json",
}

// forPrograms reports whether path lies in one of the areas.
func forPrograms(path string) bool {
	for _, prefix := range areas {
		if rest, ok := strings.CutPrefix(path, prefix); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// takesHTML reports whether the client names text/html among what it accepts
// (RFC 9110 §12.5.1). Browsers do; programs that accept anything get JSON.
func takesHTML(r *http.Request) bool {
	for _, line := range r.Header["Accept"] {
		for entry := range strings.SplitSeq(line, ",") {
			media, params, err := mime.ParseMediaType(entry)
			if err != nil || media != "text/html" {
				continue
			}
			q, err := strconv.ParseFloat(params["q"], 64)
			return err != nil || q > 0
		}
	}
	return false
}

// fail is the door's web.FailFunc.
func (d *door) fail(w http.ResponseWriter, r *http.Request, e *headykey.Error) {
	if forPrograms(r.URL.Path) {
		web.FailJSON(w, r, e)
		return
	}
	d.failPerson(w, r, e)
}

// failPerson is fail for an address in the areas of programs that people visit.
func (d *door) failPerson(w http.ResponseWriter, r *http.Request, e *headykey.Error) {
	if !takesHTML(r) {
		web.FailJSON(w, r, e)
		return
	}
	web.SetRetryAfter(w.Header(), e.After)
	status := web.StatusOf(e)
	title, p := worded(status, e)
	if err := d.show(w, r, status, "problem", page{Title: title, Data: p}); err != nil {
		web.FailJSON(w, r, web.Explain(r.Context(), err))
	}
}

func worded(status int, e *headykey.Error) (title string, p problem) {
	words, ok := wordings[status]
	if !ok {
		words = wording{Title: "This request cannot be used", Next: "Go back and try again."}
	}
	if e.Is(headykey.ErrCSRF) {
		words = staleForm
	}
	if words.Text == "" {
		words.Text = e.Text
	}
	if e.After > 0 && status == http.StatusTooManyRequests {
		h := http.Header{}
		web.SetRetryAfter(h, e.After)
		words.Next = "Try again in " + seconds(h.Get("Retry-After")) + "."
	}
	return words.Title, problem{Text: words.Text, Next: words.Next}
}

func seconds(n string) string {
	if n == "1" {
		return "a second"
	}
	return n + " seconds"
}

// deadLink answers for a link in a letter or a terminal that does not work.
func (d *door) deadLink(w http.ResponseWriter, r *http.Request, p problem) error {
	return d.show(w, r, http.StatusNotFound, "problem", page{Title: "This link does not work any more", Data: p})
}
