package supabase

import (
	"net/http"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/web"
)

// maxSessions is how many sessions one answer lists, the newest.
const maxSessions = 89

// A device is one session of the user. The API of Supabase Auth has no such thing; its
// clients can call it all the same.
type device struct {
	ID       headykey.ID    `json:"id"`
	Current  bool           `json:"current"`
	Created  time.Time      `json:"created_at"`
	LastUsed time.Time      `json:"last_used_at"`
	Expires  time.Time      `json:"not_after"`
	AAL      string         `json:"aal"`
	AMR      []headykey.Way `json:"amr"`
	Agent    string         `json:"user_agent"`
	Device   string         `json:"device"`
	Address  string         `json:"ip"`
}

type devicesReply struct {
	Sessions []device `json:"sessions"`
}

// devices serves GET /auth/v1/user/sessions.
func (d *Door) devices(c *call, _ struct{}) (devicesReply, error) {
	out := devicesReply{Sessions: []device{}}
	all, err := d.Auth.Sessions(c.Context(), c.by, headykey.Mark{}, maxSessions)
	for _, p := range all {
		s := &p.Session
		out.Sessions = append(out.Sessions, device{
			ID: s.ID, Current: s.ID == c.by.Session, Created: s.Created, LastUsed: s.LastUsed, Expires: s.Ends,
			AAL: s.AAL, AMR: s.Ways, Agent: s.Agent, Device: headykey.Device(s.Agent), Address: s.Address,
		})
	}
	return out, err
}

// endDevice serves DELETE /auth/v1/user/sessions/{id}.
func (d *Door) endDevice(w http.ResponseWriter, c *call) error {
	gone := &failure{status: http.StatusNotFound, code: "session_not_found", text: "There is no such session."}
	id, err := headykey.ParseID(c.PathValue("id"))
	if err != nil {
		return gone
	}
	c.by.Role = headykey.RoleUser // one's own, whoever one is
	_, err = d.Auth.EndSession(c.Context(), c.by, id)
	if headykey.Explain(err).Is(headykey.ErrNotFound) {
		return gone
	}
	if err == nil {
		web.Reply(w, http.StatusNoContent, nil)
	}
	return err
}
