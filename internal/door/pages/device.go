package pages

import (
	"errors"
	"net/http"
	"net/url"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/web"
)

// deviceForm takes the code that a device shows.
var deviceForm = form{
	Name: "Connect a device", Action: "/device", Submit: "Continue",
	Fields: []field{{
		Name: "user_code", Label: "Code", Type: "text", Autocomplete: "off", Max: 55, Required: true, Capitals: true,
		Help: "Eight letters that the device shows. " + onYourScreen,
	}},
}

// onYourScreen is what keeps a person from connecting a stranger's device.
const onYourScreen = "Only continue if this code is on a screen in front of you."

// allowDeviceForm asks whether the device may act for the person who typed its code.
var allowDeviceForm = form{Name: "Permission request", Action: "/device/allow"}

const deviceDone = "/device/done"

// device serves GET /device. A user_code in the address fills the form in, and never
// sends it: a link from a stranger connects nothing.
func (d *door) device(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	f := d.filled(w, r, deviceForm, d.told(w, r))
	if code, ok := oauth.FoldUserCode(r.URL.Query().Get("user_code")); ok && f.Fields[0].Value == "" {
		f.Fields[0].Value = code
	}
	return d.show(w, r, http.StatusOK, "device", page{Title: deviceForm.Name, Form: f})
}

// typed serves POST /device.
func (d *door) typed(w http.ResponseWriter, r *http.Request, in url.Values) (string, error) {
	id, err := d.OAuth.TypeCode(r.Context(), in.Get("user_code"), d.browser(w, r), d.Proxies.From(r))
	if err != nil {
		return deviceForm.Action, err
	}
	return withRequest(allowDeviceForm.Action, id), nil
}

// A connection is what the page tells of a device.
type connection struct {
	Email   string
	Waiting *oauth.Waiting
	Scopes  []scope
	Warning string
}

// errStaleDevice is a device's request that cannot be answered any more.
var errStaleDevice = headykey.ErrBadRequestURI.Saying("This code has run out, or was answered already. Ask the device for a new one.")

// allowDevice serves GET /device/allow?request=, after the code was typed and, if
// need be, after the sign-in.
func (d *door) allowDevice(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	id := r.URL.Query().Get("request")
	p, waiting, err := d.deviceOf(r, id)
	if err != nil {
		return err
	}
	by := d.whoever(r)
	step, err := d.OAuth.Next(r.Context(), p, by)
	if err != nil {
		return err
	}
	if step != oauth.StepDevice {
		goTo(w, stepPath(step, id))
		return nil
	}
	f := d.filled(w, r, allowDeviceForm, d.told(w, r))
	f.Hidden["request"], f.Hidden["session"] = id, string(by.Session)
	return d.show(w, r, http.StatusOK, "device-allow", page{
		Title: "Allow " + p.Client.Name + " to use your account?", Form: f,
		Data: connection{
			Email: by.Email, Waiting: waiting, Warning: onYourScreen,
			Scopes: scopesOf(waiting.Ask.Scopes, &headykey.User{Email: by.Email}, waiting.Client.Vouched()),
		},
	})
}

// deviceOf returns the request that this browser typed the code of, and its device.
func (d *door) deviceOf(r *http.Request, id string) (*oauth.Pending, *oauth.Waiting, error) {
	v, err := d.visitFor(r, id)
	var waiting *oauth.Waiting
	if err == nil {
		waiting, err = d.OAuth.DeviceOf(r.Context(), v.p)
	}
	if errors.Is(err, headykey.ErrBadRequestURI) {
		err = errStaleDevice
	}
	return v.p, waiting, err
}

// deviceAnswered serves POST /device/allow.
func (d *door) deviceAnswered(w http.ResponseWriter, r *http.Request, in url.Values) (string, error) {
	id := in.Get("request")
	p, _, err := d.deviceOf(r, id)
	if err != nil {
		d.fail(w, r, web.Explain(r.Context(), err))
		return "", nil
	}
	by := d.whoever(r)
	if by.Session == "" || string(by.Session) != in.Get("session") {
		return withRequest(allowDeviceForm.Action, id), nil // another person sits there now: ask them
	}
	decision, status := decided(in)
	if err := d.OAuth.AnswerDevice(r.Context(), p, by, decision); err != nil {
		d.fail(w, r, web.Explain(r.Context(), err))
		return "", nil
	}
	d.tell(w, flash{For: deviceDone, Status: status})
	return deviceDone, nil
}

// decided reads the answer of a permission form, and says it again; nil is a no.
func decided(in url.Values) (decision *oauth.Decision, status string) {
	if in.Get("decision") != "allow" {
		return nil, "You did not allow it. Nothing was connected."
	}
	chosen := decisionOf(in)
	return &chosen, "It is connected now."
}

// deviceDone serves GET /device/done. It names nobody, so anybody may see it.
func (d *door) deviceDone(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	return d.show(w, r, http.StatusOK, "device-done", page{Title: "All done", Status: d.told(w, r).Status})
}
