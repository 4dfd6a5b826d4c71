package oidc

import (
	"net/http"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/web"
)

type deviceReply struct {
	Device string `json:"device_code"`
	User   string `json:"user_code"`
	Page   string `json:"verification_uri"`
	Link   string `json:"verification_uri_complete"`
	Life   int64  `json:"expires_in"` // seconds
	Pause  int64  `json:"interval"`   // seconds
}

// device serves POST /auth/v1/oauth/device (RFC 8628 §3.1). Each request of a client
// that proves nothing counts as a try: anybody could send it.
func (d door) device(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	in, err := d.read(w, r, "resource")
	if err != nil {
		return err
	}
	if in.client.Public() {
		d.Limiter.Allow(in.from.Address)
	}
	out, err := d.OAuth.AskDevice(r.Context(), in.client, in.form, in.possession.JKT, in.from)
	if err != nil {
		return err
	}
	web.Reply(w, http.StatusOK, deviceReply{
		out.Device, out.User, out.Page, out.Link, int64(out.Life.Seconds()), int64(out.Pause.Seconds()),
	})
	return nil
}

type askedReply struct {
	ID    string `json:"auth_req_id"`
	Life  int64  `json:"expires_in"` // seconds
	Pause int64  `json:"interval"`   // seconds
}

// askPerson serves POST /auth/v1/oauth/bc-authorize (CIBA Core §7).
func (d door) askPerson(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	in, err := d.read(w, r, "resource")
	if err != nil {
		return err
	}
	out, err := d.OAuth.AskPerson(r.Context(), in.client, in.form, in.possession.JKT, in.from)
	if err != nil {
		return err
	}
	web.Reply(w, http.StatusOK, askedReply{out.ID, int64(out.Life.Seconds()), int64(out.Pause.Seconds())})
	return nil
}
