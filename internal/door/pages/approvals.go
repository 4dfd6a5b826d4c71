package pages

import (
	"errors"
	"fmt"
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

// An approval is one of them.
type approval struct {
	question
	Label   string // unlike those of the others
	Waiting *oauth.Waiting
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
	waiting, err := d.questions(r, by)
	if err != nil {
		return err
	}
	told := d.told(w, r)
	f := d.filled(w, r, approvalForm, told)
	f.Hidden["session"] = string(by.Session)
	return d.show(w, r, http.StatusOK, "approvals", page{
		Title: "Requests that wait for you", Status: told.Status, Form: f, Data: approvals{by.Email, waiting},
	})
}

// questions returns those that wait for by.
func (d *door) questions(r *http.Request, by headykey.Caller) ([]approval, error) {
	all, err := d.OAuth.Approvals(r.Context(), by)
	if err != nil {
		return nil, err
	}
	var out []approval
	for i, one := range all {
		q, err := d.question(r, one.Pending(), by)
		if err != nil {
			return nil, err
		}
		q.Key = one.ID
		out = append(out, approval{q.known(), fmt.Sprintf("Request of %s, %d of %d", q.App.Name, i+1, len(all)), one})
	}
	return out, nil
}

// approved serves POST /approvals.
func (d *door) approved(w http.ResponseWriter, r *http.Request, in url.Values) (string, error) {
	by := d.whoever(r)
	if by.Session == "" || string(by.Session) != in.Get("session") {
		return approvalForm.Action, nil // another person sits there now: show them their own
	}
	decision := decisionOf(in)
	err := d.OAuth.AnswerApproval(r.Context(), by, in.Get("request"), decision)
	if errors.Is(err, headykey.ErrBadRequestURI) {
		err = errStaleApproval
	}
	if err != nil {
		return approvalForm.Action, err
	}
	status := "You allowed it."
	if decision == nil {
		status = "You did not allow it."
	}
	d.tell(w, flash{For: approvalForm.Action, Status: status})
	return approvalForm.Action, nil
}
