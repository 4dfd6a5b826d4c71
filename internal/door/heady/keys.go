package heady

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/account"
	"headykey.com/headykey/internal/web"
)

const keyWarning = "Store this key securely. It cannot be retrieved again."

type createKeyRequest struct {
	Description string         `json:"description"`
	Role        string         `json:"role"`
	TTL         jsontext.Value `json:"ttl"` // seconds, or "8h", "30d"
	Expires     *time.Time     `json:"expiresAt"`
	Scopes      []string       `json:"scopes"`
}

type createKeyReply struct {
	ID          headykey.ID `json:"id"`
	Key         string      `json:"key"`
	Prefix      string      `json:"prefix"`
	Role        string      `json:"role"`
	Description string      `json:"description"`
	Scopes      []string    `json:"scopes"`
	Expires     *time.Time  `json:"expires_at"`
	Created     time.Time   `json:"created_at"`
	Warning     string      `json:"warning"`
}

func spellNewKey(k account.NewKey) createKeyReply {
	return createKeyReply{
		ID: k.Record.ID, Key: k.Key, Prefix: k.Record.Prefix, Role: k.Record.Role.String(),
		Description: k.Record.Description, Scopes: k.Record.Scopes, Expires: orNull(k.Record.Expires),
		Created: k.Record.Created, Warning: keyWarning,
	}
}

// createKey serves POST /api/auth/api-keys.
func (d door) createKey(r *http.Request, by headykey.Caller, in createKeyRequest) (createKeyReply, error) {
	wish := account.KeyWish{Description: in.Description, Scopes: in.Scopes}
	var err error
	if in.Role != "" {
		if wish.Role, err = headykey.ParseRole(in.Role); err != nil {
			return createKeyReply{}, err
		}
	}
	if wish.Expires, err = keyEnd(in); err != nil {
		return createKeyReply{}, err
	}
	k, err := d.Account.CreateAPIKey(r.Context(), by, wish)
	if err != nil {
		return createKeyReply{}, err
	}
	return spellNewKey(k), nil
}

// keyEnd is when the wished-for key ends; the zero time: never.
func keyEnd(in createKeyRequest) (time.Time, error) {
	hasTTL := len(in.TTL) > 0 && in.TTL.Kind() != 'n'
	switch {
	case hasTTL && in.Expires != nil:
		return time.Time{}, headykey.ErrInvalid.Saying("Send ttl or expiresAt, not both.").About("ttl")
	case in.Expires != nil:
		if in.Expires.Year() > 9999 || in.Expires.Year() < 1 {
			return time.Time{}, headykey.ErrInvalid.Saying("The year is out of range.").About("expiresAt")
		}
		return in.Expires.UTC().Truncate(time.Microsecond), nil
	case !hasTTL:
		return time.Time{}, nil
	}
	ttl, ok := parseTTL(in.TTL)
	if !ok {
		return time.Time{}, headykey.ErrInvalid.Saying(`A ttl is a number of seconds above 0, or text such as "8h" or "30d".`).About("ttl")
	}
	return time.Now().Add(ttl).UTC().Truncate(time.Microsecond), nil
}

// parseTTL reads whole seconds, or a number of s, m, h or d. At most 100 years.
func parseTTL(v jsontext.Value) (time.Duration, bool) {
	const most = 100 * 365 * 24 * time.Hour
	units := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}
	unit, text := time.Second, strings.TrimSpace(string(v))
	if v.Kind() == '"' {
		var s string
		if json.Unmarshal(v, &s) != nil || s == "" {
			return 0, false
		}
		text = s
		if u, ok := units[s[len(s)-1]]; ok {
			unit, text = u, s[:len(s)-1]
		}
	}
	n, err := strconv.ParseUint(text, 10, 40)
	if err != nil || n == 0 || n > uint64(most/unit) {
		return 0, false
	}
	return time.Duration(n) * unit, true
}

type keyReply struct {
	ID          headykey.ID `json:"id"`
	Prefix      string      `json:"key_prefix"`
	Role        string      `json:"role"`
	Description string      `json:"description"`
	Scopes      []string    `json:"scopes"`
	LastUsed    *time.Time  `json:"last_used_at"`
	LastIP      *string     `json:"last_used_ip"`
	Expires     *time.Time  `json:"expires_at"`
	Created     time.Time   `json:"created_at"`
	User        headykey.ID `json:"user_id,omitempty"` // for operators
}

func spellKey(k *headykey.APIKey) keyReply {
	return keyReply{
		ID: k.ID, Prefix: k.Prefix, Role: k.Role.String(), Description: k.Description, Scopes: k.Scopes,
		LastUsed: orNull(k.LastUsed), LastIP: textOrNull(k.LastAddress), Expires: orNull(k.Expires), Created: k.Created,
	}
}

type keysReply struct {
	Keys []keyReply `json:"keys"`
	Next string     `json:"next,omitempty"`
}

// keys serves GET /api/auth/api-keys.
func (d door) keys(r *http.Request, by headykey.Caller, _ struct{}) (keysReply, error) {
	page, err := d.page(r, "api-keys")
	if err != nil {
		return keysReply{}, err
	}
	all, err := d.Account.APIKeys(r.Context(), by, page.before, page.limit+1)
	if err != nil {
		return keysReply{}, err
	}
	all, next := cut(d, page, all, markOfKey)
	out := keysReply{Next: next}
	for _, k := range all {
		out.Keys = append(out.Keys, spellKey(k))
	}
	return out, nil
}

func markOfKey(k *headykey.APIKey) headykey.Mark { return headykey.Mark{At: k.Created, ID: k.ID} }

type keyEventReply struct {
	At      time.Time `json:"at"`
	Type    string    `json:"type"`
	IP      *string   `json:"ip"`
	Agent   *string   `json:"userAgent"`
	Receipt *string   `json:"receiptId"`
}

type keyEventsReply struct {
	Events []keyEventReply `json:"events"`
}

// keyHistory serves GET /api/auth/api-keys/{id}/audit.
func (d door) keyHistory(r *http.Request, by headykey.Caller, _ struct{}) (keyEventsReply, error) {
	id, err := idIn(r)
	if err != nil {
		return keyEventsReply{}, err
	}
	events, err := d.Account.KeyHistory(r.Context(), by, id)
	out := keyEventsReply{}
	for _, e := range events {
		line := keyEventReply{At: e.At, Type: e.Type, IP: textOrNull(e.Address), Agent: textOrNull(e.Agent)}
		if e.Receipt != "" {
			receipt := "rcp_" + string(e.Receipt)
			line.Receipt = &receipt
		}
		out.Events = append(out.Events, line)
	}
	return out, err
}

// revokeKey serves DELETE /api/auth/api-keys/{id}.
func (d door) revokeKey(r *http.Request, by headykey.Caller, _ struct{}) (doneReply, error) {
	id, err := idIn(r)
	if err != nil {
		return doneReply{}, err
	}
	return doneReply{Status: "revoked", ID: id}, d.Account.RevokeAPIKey(r.Context(), by, id)
}

// rotateKey serves POST /api/auth/api-keys/{id}/rotate.
func (d door) rotateKey(r *http.Request, by headykey.Caller, _ struct{}) (createKeyReply, error) {
	id, err := idIn(r)
	if err != nil {
		return createKeyReply{}, err
	}
	k, err := d.Account.RotateAPIKey(r.Context(), by, id)
	if err != nil {
		return createKeyReply{}, err
	}
	return spellNewKey(k), nil
}

// A page is a place in a list that runs from new to old, and how much of it is
// wanted.
type page struct {
	kind   string
	before headykey.Mark
	limit  int
}

// page reads limit and cursor.
func (d door) page(r *http.Request, kind string) (page, error) {
	p := page{kind: kind}
	var err error
	if p.limit, err = web.Limit(r); err != nil {
		return p, err
	}
	query := r.URL.Query()
	if !query.Has("cursor") {
		return p, nil
	}
	parts, err := d.Cursors.Decode(kind, query.Get("cursor"))
	if err != nil || len(parts) != 2 {
		return p, headykey.ErrInvalidCursor.About("cursor")
	}
	micros, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil {
		return p, headykey.ErrInvalidCursor.About("cursor")
	}
	p.before = headykey.Mark{At: time.UnixMicro(micros).UTC(), ID: headykey.ID(parts[1])}
	return p, nil
}

// cut returns the rows of a page, of which one more than asked was read, and the
// cursor of the next if there is one.
func cut[T any](d door, p page, rows []T, mark func(T) headykey.Mark) ([]T, string) {
	if len(rows) <= p.limit {
		return rows, ""
	}
	rows = rows[:p.limit]
	m := mark(rows[p.limit-1])
	return rows, d.Cursors.Encode(p.kind, strconv.FormatInt(m.At.UnixMicro(), 10), string(m.ID))
}
