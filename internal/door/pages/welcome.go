package pages

import (
	"context"
	"net/http"

	"headykey.com/headykey"
)

// A welcome is what the first page tells of the server.
type welcome struct {
	BaseURL   string
	Database  string
	Endpoints int  // of the doors for programs
	HasAdmin  bool // if not, the page says how to make one
}

// welcome serves GET /.
func (d *door) welcome(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	hasAdmin, err := d.adminExists(r.Context())
	if err != nil {
		return err
	}
	return d.show(w, r, http.StatusOK, "welcome", page{Title: "Welcome", Data: welcome{
		BaseURL: d.BaseURL, Database: d.Database, Endpoints: d.endpoints(), HasAdmin: hasAdmin,
	}})
}

// adminExists asks for the facts until it is true: the last one cannot go.
func (d *door) adminExists(ctx context.Context) (bool, error) {
	if d.hasAdmin.Load() {
		return true, nil
	}
	facts, err := d.Facts(ctx)
	if err != nil || !facts.Admin {
		return false, err
	}
	d.hasAdmin.Store(true)
	return true, nil
}

// endpoints counts what programs can call.
func (d *door) endpoints() (n int) {
	for _, route := range d.router.Routes() {
		if forPrograms(route.Pattern) {
			n++
		}
	}
	return n
}
