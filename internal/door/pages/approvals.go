package pages

import (
	"errors"
	"net/http"
	"net/url"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
)

// approvalForm answers one of the questions that apps ask a person from elsewhere.
var approvalForm = form{Name: "Permission request", Action: "/approvals"}

// An approvals is what the page tells of the questions that wait.
type approvals struct {
	Email   string
	Waiting []approval
}

// An approval is one question. What it asks for is allowed as a whole.
type approval struct {
	*oauth.Waiting
	Scopes []scope
}

// errStaleApproval is a question that cannot be answered any more.
var errStaleApproval = headykey.ErrBadRequestURI.Saying("This request has run out, or was answered already. Nothing was changed.")

// approvals serves GET /approvals. A letter leads here, so the session cookie may
// only have been kept back.
func (d *door) approvals(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	by := d.whoever(r)
	if by.Session == "" {
		if mayBounce(r, r.URL.Query()) {
			return d.bounce(w, r)
		}
		goTo(w, visit{toward: "approvals"}.to(signInForm.Action))
		return nil
	}
	waiting, err := d.OAuth.Approvals(r.Context(), by)
	if err != nil {
		return err
	}
	data := approvals{Email: by.Email}
	for _, one := range waiting {
		data.Waiting = append(data.Waiting, approval{one, scopesOf(one.Ask.Scopes, &headykey.User{Email: by.Email}, true)})
	}
	told := d.told(w, r)
	f := d.filled(w, r, approvalForm, told)
	f.Hidden["session"] = string(by.Session)
	return d.show(w, r, http.StatusOK, "approvals", page{
		Title: "Requests that wait for you", Status: told.Status, Form: f, Data: data,
	})
}

// approved serves POST /approvals.
func (d *door) approved(w http.ResponseWriter, r *http.Request, in url.Values) (string, error) {
	by := d.whoever(r)
	if by.Session == "" || string(by.Session) != in.Get("session") {
		return approvalForm.Action, nil // another person sits there now: show them their own
	}
	allow := in.Get("decision") == "allow"
	err := d.OAuth.AnswerApproval(r.Context(), by, in.Get("request"), allow)
	if errors.Is(err, headykey.ErrBadRequestURI) {
		err = errStaleApproval
	}
	if err != nil {
		return approvalForm.Action, err
	}
	status := "You did not allow it."
	if allow {
		status = "You allowed it."
	}
	d.tell(w, flash{For: approvalForm.Action, Status: status})
	return approvalForm.Action, nil
}
