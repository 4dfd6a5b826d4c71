package conformance

import (
	"iter"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// A form is one of a page, as it stands: its fields hold what would be sent.
type form struct {
	action, method string
	label          string // its accessible name
	fields         url.Values
	kinds          map[string]string // kind of input: name
	buttons        []button
}

type button struct{ name, value string }

func (p page) forms() []form {
	var all []form
	for n := range p.elements("form") {
		all = append(all, p.form(n))
	}
	return all
}

func (p page) form(n *html.Node) form {
	f := form{label: attr(n, "aria-label"), method: strings.ToLower(attr(n, "method")), fields: url.Values{}, kinds: map[string]string{}}
	if u, err := p.url.Parse(attr(n, "action")); err == nil {
		f.action = u.String()
	}
	if raw := attr(n, "action"); strings.Contains(raw, "://") {
		f.action = raw // byte for byte
	}
	for d := range n.Descendants() {
		switch d.Data {
		case "input":
			f.input(d)
		case "button":
			if kind := attr(d, "type"); kind == "" || kind == "submit" {
				f.buttons = append(f.buttons, button{attr(d, "name"), attr(d, "value")})
			}
		case "select":
			f.choose(d)
		}
	}
	return f
}

func (f *form) input(n *html.Node) {
	kind, name := attr(n, "type"), attr(n, "name")
	f.kinds[kind] = name
	switch {
	case kind == "submit":
		f.buttons = append(f.buttons, button{name, attr(n, "value")})
	case name == "", (kind == "checkbox" || kind == "radio") && !has(n, "checked"):
	default:
		f.fields.Add(name, attr(n, "value"))
	}
}

func (f *form) choose(n *html.Node) {
	for d := range n.Descendants() {
		if d.Data == "option" && (has(d, "selected") || !f.fields.Has(attr(n, "name"))) {
			f.fields.Set(attr(n, "name"), attr(d, "value"))
		}
	}
}

// refresh is where a page without scripts goes on to by itself; "": nowhere.
func (p page) refresh() string {
	if _, to, found := strings.Cut(p.header.Get("Refresh"), "url="); found {
		return to
	}
	for n := range p.elements("meta") {
		if strings.EqualFold(attr(n, "http-equiv"), "refresh") {
			_, to, _ := strings.Cut(attr(n, "content"), "url=")
			return to
		}
	}
	return ""
}

// links are the addresses that a page has in an attribute of elements of one kind.
func (p page) links(element, attribute string) []string {
	var all []string
	for n := range p.elements(element) {
		if v := attr(n, attribute); v != "" {
			all = append(all, v)
		}
	}
	return all
}

func (p page) elements(name string) iter.Seq[*html.Node] {
	return func(yield func(*html.Node) bool) {
		if p.doc == nil {
			return
		}
		for n := range p.doc.Descendants() {
			if n.Type == html.ElementNode && n.Data == name && !yield(n) {
				return
			}
		}
	}
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}
