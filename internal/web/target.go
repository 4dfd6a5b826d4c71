package web

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Targets are the addresses that a browser may be sent to with the outcome of a
// letter or a sign-in: those of one site, and those of a list.
type Targets struct {
	site    *url.URL
	allowed []*regexp.Regexp
	origins []string // that pages of the site and of the list have
}

// NewTargets returns the addresses of site and those that match a pattern. In a
// pattern * stands for any characters but . and /, ** for any at all, ? for one that
// is neither. It fails with one sentence about what cannot be read.
func NewTargets(site string, patterns []string) (*Targets, error) {
	u, err := url.Parse(site)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("%q is not an address to send people to", site)
	}
	t := &Targets{site: u, origins: []string{originOf(u)}}
	for _, p := range patterns {
		p, _, _ = strings.Cut(p, "#")
		match, err := compileGlob(p)
		if err != nil {
			return nil, fmt.Errorf("the pattern %q cannot be read", p)
		}
		t.allowed = append(t.allowed, match)
		if u, err := url.Parse(p); err == nil && CheckOrigin(originOf(u)) == nil && !strings.ContainsAny(u.Host, "*?[]{}") {
			t.origins = append(t.origins, originOf(u))
		}
	}
	return t, nil
}

// globs are what the marks of a pattern stand for.
var globs = strings.NewReplacer(`\*\*`, `.*`, `\*`, `[^./]*`, `\?`, `[^./]`)

func compileGlob(pattern string) (*regexp.Regexp, error) {
	return regexp.Compile(`^` + globs.Replace(regexp.QuoteMeta(pattern)) + `$`)
}

// Owns reports whether pages of origin are of the site or of the list.
func (t *Targets) Owns(origin string) bool { return slices.Contains(t.origins, origin) }

// Choose returns where r wants the outcome: its header redirect_to, the parameter, or
// the page that it came from, whichever is first and accepted, else the site.
func (t *Targets) Choose(r *http.Request) string {
	for _, wish := range []string{r.Header.Get("redirect_to"), r.URL.Query().Get("redirect_to"), r.Referer()} {
		if wish != "" {
			return t.Accept(wish)
		}
	}
	return t.site.String()
}

// Accept returns wish if a browser may be sent there, else the site.
func (t *Targets) Accept(wish string) string {
	bare, _, _ := strings.Cut(wish, "#")
	u, err := url.Parse(bare)
	if err != nil || u.Scheme == "" || u.User != nil || strings.ContainsFunc(bare, foreign) || t.closed(u) {
		return t.site.String()
	}
	if t.ofSite(u) || t.listed(bare) {
		return bare
	}
	return t.site.String()
}

// foreign reports a character that no address has.
func foreign(r rune) bool { return r <= ' ' || r == 0x7F || r == '\\' }

// closed reports an address that runs in the browser itself.
func (t *Targets) closed(u *url.URL) bool {
	return slices.Contains([]string{"javascript", "data", "vbscript", "file", "about", "blob"}, strings.ToLower(u.Scheme))
}

// ofSite reports whether u is of the site, or of this very machine, whatever its port.
func (t *Targets) ofSite(u *url.URL) bool {
	if u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil {
		return addr.IsLoopback()
	}
	if !strings.EqualFold(u.Hostname(), t.site.Hostname()) {
		return false
	}
	return loopbackHost(u.Hostname()) || originOf(u) == originOf(t.site)
}

func (t *Targets) listed(text string) bool {
	return slices.ContainsFunc(t.allowed, func(p *regexp.Regexp) bool { return p.MatchString(text) })
}
