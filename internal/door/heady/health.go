package heady

import (
	"context"
	"net/http"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/web"
)

const service = "headykey"

// Status tells the health endpoints how the server is.
type Status struct {
	Version  string
	Database string // the engine's name
	Started  time.Time
	Ready    func(context.Context) error // nil: it serves
}

type healthReply struct {
	Service  string    `json:"service"`
	Version  string    `json:"version"`
	Status   string    `json:"status"`
	Uptime   float64   `json:"uptime"` // seconds
	Database string    `json:"database"`
	Origins  int       `json:"cors_origins"`
	At       time.Time `json:"timestamp"`
}

type aliveReply struct {
	Status  string    `json:"status"`
	Service string    `json:"service"`
	At      time.Time `json:"timestamp"`
}

var errNotReady = &headykey.Error{
	Kind: headykey.Unavailable, Code: "not_ready", Text: "The server does not serve requests now.", After: time.Second,
}

// MountHealth hangs the health endpoints on rt: alive (the process runs), started
// and ready (the database answers and the server is not stopping).
func MountHealth(rt *web.Router, cors *web.CORS, s Status) {
	d := web.Door{Fail: web.FailJSON}
	rt.Handle("GET", "/health/live", web.JSON(d, http.StatusOK, func(*http.Request, headykey.Caller, struct{}) (aliveReply, error) {
		return aliveReply{"alive", service, time.Now().UTC()}, nil
	}))
	rt.Handle("GET", "/health/startup", web.JSON(d, http.StatusOK, func(*http.Request, headykey.Caller, struct{}) (aliveReply, error) {
		return aliveReply{"started", service, time.Now().UTC()}, nil // who listens has started
	}))
	rt.Handle("GET", "/health/ready", web.JSON(d, http.StatusOK, func(r *http.Request, _ headykey.Caller, _ struct{}) (aliveReply, error) {
		if s.Ready(r.Context()) != nil {
			return aliveReply{}, errNotReady
		}
		return aliveReply{"ready", service, time.Now().UTC()}, nil
	}))
	rt.Handle("GET", "/health", web.JSON(d, http.StatusOK, func(r *http.Request, _ headykey.Caller, _ struct{}) (healthReply, error) {
		out := healthReply{
			Service: service, Version: s.Version, Status: "ok", Uptime: time.Since(s.Started).Seconds(),
			Database: s.Database, Origins: cors.Count(), At: time.Now().UTC(),
		}
		if s.Ready(r.Context()) != nil {
			out.Status = "not_ready"
		}
		return out, nil
	}))
}
