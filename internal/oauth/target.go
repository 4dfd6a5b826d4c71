package oauth

import (
	"net/url"
	"strings"
)

// sameTarget reports whether text, the htu of a proof, is the address of the
// request, whose queries and fragments do not count (RFC 9449 §4.3).
func sameTarget(text, address string) bool {
	got, ok := normalTarget(text)
	want, known := normalTarget(address)
	return ok && known && got == want
}

// normalTarget writes an http or https URL as RFC 3986 §6.2.2 and §6.2.3 have it,
// without query and fragment.
func normalTarget(text string) (string, bool) {
	u, err := url.Parse(text)
	if err != nil || u.User != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", false
	}
	host := strings.ToLower(u.Host)
	if usual := map[string]string{"https": ":443", "http": ":80"}[u.Scheme]; u.Port() == "" || ":"+u.Port() == usual {
		host = strings.TrimSuffix(strings.TrimSuffix(host, usual), ":")
	}
	return u.Scheme + "://" + host + withoutDots(normalEscapes(u.EscapedPath())), true
}

// normalEscapes undoes the escapes of unreserved characters, and writes the others in
// upper case (RFC 3986 §6.2.2.1, §6.2.2.2). The escapes of path are well formed.
func normalEscapes(path string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(path, "%")
		b.WriteString(before)
		if !found || len(after) < 2 {
			return b.String()
		}
		c, err := url.PathUnescape("%" + after[:2])
		if err == nil && unreserved(c[0]) {
			b.WriteString(c)
		} else {
			b.WriteString("%" + strings.ToUpper(after[:2]))
		}
		path = after[2:]
	}
}

// withoutDots resolves the segments . and .. of a path (RFC 3986 §5.2.4).
func withoutDots(path string) string {
	all := strings.Split(strings.TrimPrefix(path, "/"), "/")
	var out []string
	for i, segment := range all {
		last := i == len(all)-1
		switch {
		case segment == "." && !last:
		case segment == "..":
			out = out[:max(len(out)-1, 0)]
			if last {
				out = append(out, "")
			}
		case segment == ".":
			out = append(out, "")
		default:
			out = append(out, segment)
		}
	}
	return "/" + strings.Join(out, "/")
}
