package pages

import (
	"cmp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
)

// A scope is one thing that an app asks for, as people read it.
type scope struct {
	Name   string
	Text   string // "": the name has to do
	Help   string
	Locked bool // nothing works without it
	Writes bool // it can change data
	Ticked bool
}

// sentences are what scopes let an app do. Of them Help may name what it will see.
var sentences = map[string]scope{
	headykey.ScopeOpenID:  {Text: "Know that you are you", Help: "Your account ID. Always needed.", Locked: true},
	"profile":             {Text: "See your name"},
	"email":               {Text: "See your email address"},
	headykey.ScopeOffline: {Text: "Stay signed in when you are away"},
}

// scopesOf tells the scopes called names to person. What can change data is left
// unticked unless somebody vouched for the app.
func scopesOf(names []string, person *headykey.User, vouched bool) []scope {
	seen := map[string]string{"profile": headykey.ShownName(person.Name), "email": person.Email}
	var out []scope
	for _, name := range names {
		s := sentences[name]
		s.Name, s.Help = name, cmp.Or(s.Help, seen[name])
		s.Writes = writes(name)
		s.Ticked = vouched || !s.Writes
		if !s.Ticked {
			s.Help = "Asked for, off until you turn it on."
		}
		out = append(out, s)
	}
	return out
}

// writes reports whether a scope's name says that it can change data.
func writes(name string) bool {
	low := headykey.Fold(name)
	return strings.HasSuffix(low, ".*") || slices.ContainsFunc([]string{"write", "delete", "admin", "manage"}, func(word string) bool {
		return strings.Contains(low, word)
	})
}

// A detail is one object of authorization_details (RFC 9396 §2), as people read it.
type detail struct {
	Type    string
	Members []member
}

type member struct{ Name, Text string }

// detailsOf reads objects that were found well formed before.
func detailsOf(all []jsontext.Value) []detail {
	var out []detail
	for _, one := range all {
		var members map[string]jsontext.Value
		if json.Unmarshal(one, &members) != nil {
			members = map[string]jsontext.Value{"value": one} // whatever it is, it is shown
		}
		d := detail{}
		for name, value := range members {
			if name == "type" {
				d.Type = plain(value)
				continue
			}
			d.Members = append(d.Members, member{headykey.ShownText(name), plain(value)})
		}
		slices.SortFunc(d.Members, func(a, b member) int { return cmp.Compare(a.Name, b.Name) })
		out = append(out, d)
	}
	return out
}

// plain is a JSON value as people read it: text without its quotes, a list of texts
// with commas, anything else as it stands.
func plain(value jsontext.Value) string {
	var text string
	var list []string
	switch {
	case json.Unmarshal(value, &text) == nil:
		return headykey.ShownText(text)
	case json.Unmarshal(value, &list) == nil && len(list) > 0:
		return headykey.ShownText(strings.Join(list, ", "))
	}
	return headykey.ShownText(string(value))
}
