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
// is neither; within the host none stands for what would end it. It fails with one
// sentence about what cannot be read.
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

// globs are what the marks of a pattern stand for, hostGlobs within the host.
var (
	globs     = strings.NewReplacer(`\*\*`, `.*`, `\*`, `[^./]*`, `\?`, `[^./]`)
	hostGlobs = strings.NewReplacer(`\*\*`, `[^/?]*`, `\*`, `[^./?]*`, `\?`, `[^./?]`)
)

func compileGlob(pattern string) (*regexp.Regexp, error) {
	head, rest := "", pattern
	if scheme, after, found := strings.Cut(pattern, "://"); found {
		end := strings.IndexByte(after, '/')
		if end < 0 {
			end = len(strings.TrimSuffix(after, "**")) // ** at the end of all stands for any path, too
		}
		head, rest = scheme+"://"+after[:end], after[end:]
	}
	return regexp.Compile(`^` + hostGlobs.Replace(regexp.QuoteMeta(head)) + globs.Replace(regexp.QuoteMeta(rest)) + `$`)
}

// Owns reports whether pages of origin are of the site or of the list.
func (t *Targets) Owns(origin string) bool { return slices.Contains(t.origins, origin) }

// Choose returns where r wants the outcome: its header redirect_to, the parameter, or
// the page that it came from, whichever is first and accepted, else the site.
func (t *Targets) Choose(r *http.Request) string {
	for _, wish := range []string{r.Header.Get("redirect_to"), r.URL.Query().Get("redirect_to"), r.Referer()} {
		if bare, _, _ := strings.Cut(wish, "#"); t.Accepts(bare) {
			return bare
		}
	}
	return t.site.String()
}

// Accept returns wish without its fragment if a browser may be sent there, else the
// site.
func (t *Targets) Accept(wish string) string {
	bare, _, _ := strings.Cut(wish, "#")
	if t.Accepts(bare) {
		return bare
	}
	return t.site.String()
}

// Accepts reports whether a browser may be sent to an address, which has no fragment.
func (t *Targets) Accepts(bare string) bool {
	u, err := url.Parse(bare)
	if err != nil || u.Scheme == "" || u.User != nil || strings.ContainsFunc(bare, foreign) || closed(u) || odd(u) {
		return false
	}
	return t.ofSite(u) || t.listed(bare)
}

// foreign reports a character that no address has, or that browsers read as another.
func foreign(r rune) bool { return r <= ' ' || r == 0x7F || r == '\\' }

// closed reports an address that runs in the browser itself.
func closed(u *url.URL) bool {
	return slices.Contains([]string{"javascript", "data", "vbscript", "file", "filesystem", "about", "blob", "view-source"}, lowerASCII(u.Scheme))
}

// odd reports a web address whose host a browser could read otherwise than we do:
// none, with letters that it turns into others, or a number that it takes for an IP
// address (https://url.spec.whatwg.org/#ends-in-a-number-checker).
func odd(u *url.URL) bool {
	if scheme := lowerASCII(u.Scheme); scheme != "http" && scheme != "https" {
		return false
	}
	host := u.Hostname()
	if host == "" || u.Opaque != "" || strings.ContainsFunc(u.Host, func(r rune) bool { return r > '~' || r == '%' }) {
		return true
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	last := lowerASCII(labels[len(labels)-1])
	return last == "" || strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x")
}

// ofSite reports whether u is of the site, or of this very machine by its number,
// whatever the port.
func (t *Targets) ofSite(u *url.URL) bool {
	if u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	if originOf(u) == originOf(t.site) {
		return true
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil {
		return addr.Unmap().IsLoopback()
	}
	host := lowerASCII(u.Hostname())
	return u.Scheme == t.site.Scheme && loopbackHost(host) && host == lowerASCII(t.site.Hostname())
}

func (t *Targets) listed(text string) bool {
	return slices.ContainsFunc(t.allowed, func(p *regexp.Regexp) bool { return p.MatchString(text) })
}
