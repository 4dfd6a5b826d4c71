package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/server"
)

// A setting is one thing that an operator may choose. Its flag, its environment
// variable and its key in the file are all spelled from its path.
type setting struct {
	path string // key in headykey.toml, such as mail.from
	text string // default, as an operator would write it; empty: the zero value
	hint string // what stands for the value in help; empty: a switch, without one
	help string // one sentence
	kind kind
	file bool // also by a _file twin that names a file to read
	set  func(*server.Config, string) error
	get  func(*server.Config) string // for people's eyes: secrets are masked
}

// A kind is how a setting is written in TOML, and whether it may be seen.
type kind uint8

const (
	plain  kind = iota // a string
	toggle             // a boolean
	list               // an array of strings; elsewhere commas between them
	tables             // an array of tables; elsewhere a JSON array of objects
	sealed             // a string that is never shown, and never a flag
)

const (
	envPrefix  = "HEADYKEY_"
	fileSuffix = "_file" // of a twin's key; its variable ends in _FILE
	masked     = "********"
)

// flag returns the name of the setting's flag, or "" if it has none: settings in
// tables are for the file, and a secret on the command line is seen by everybody.
func (s setting) flag() string {
	if s.kind == sealed || strings.Contains(s.path, ".") {
		return ""
	}
	return strings.ReplaceAll(s.path, "_", "-")
}

// variable returns the environment variable of the setting or twin at path.
func variable(path string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(path, ".", "__"))
}

// A value is how the text of a setting becomes a field of the configuration, and
// the other way round.
type value struct {
	kind kind
	set  func(*server.Config, string) error
	get  func(*server.Config) string
}

// row returns the setting at path with value v.
func row(path, text, hint, help string, v value) setting {
	return setting{
		path: path, text: text, hint: hint, help: help,
		kind: v.kind, file: v.kind == sealed, set: v.set, get: v.get,
	}
}

// text returns the value of a string.
func text(at func(*server.Config) *string) value {
	return value{
		set: func(c *server.Config, s string) error { *at(c) = s; return nil },
		get: func(c *server.Config) string { return *at(c) },
	}
}

// address returns the value of a URL that may hold a secret: it is shown without its
// password and its query.
func address(at func(*server.Config) *string) value {
	v := text(at)
	v.get = func(c *server.Config) string { return maskDSN(*at(c)) }
	return v
}

// onOff returns the value of a boolean.
func onOff(at func(*server.Config) *bool) value {
	return value{
		kind: toggle,
		set: func(c *server.Config, s string) error {
			switch s {
			case "on", "true", "1":
				*at(c) = true
			case "off", "false", "0":
				*at(c) = false
			default:
				return fmt.Errorf("must be on or off, not %q", s)
			}
			return nil
		},
		get: func(c *server.Config) string { return strconv.FormatBool(*at(c)) },
	}
}

// span returns the value of a length of time.
func span(at func(*server.Config) *time.Duration) value {
	return value{
		set: func(c *server.Config, s string) (err error) { *at(c), err = parseSpan(s); return err },
		get: func(c *server.Config) string { return formatSpan(*at(c)) },
	}
}

// words returns the value of a list of strings.
func words(at func(*server.Config) *[]string) value {
	return value{
		kind: list,
		set:  func(c *server.Config, s string) error { *at(c) = split(s); return nil },
		get:  func(c *server.Config) string { return strings.Join(*at(c), ",") },
	}
}

// records returns the value of an array of tables, each read strictly into a T by
// its JSON names.
func records[T any](at func(*server.Config) *[]T) value {
	return value{
		kind: tables,
		set: func(c *server.Config, s string) error {
			*at(c) = nil
			if s == "" {
				return nil
			}
			if err := json.Unmarshal([]byte(s), at(c), json.RejectUnknownMembers(true)); err != nil {
				return errors.New("must be tables with the keys of this setting alone, or a JSON array of such objects")
			}
			return nil
		},
		get: func(c *server.Config) string {
			if len(*at(c)) == 0 {
				return ""
			}
			text, err := json.Marshal(*at(c))
			if err != nil {
				return masked
			}
			return string(text)
		},
	}
}

// prefixes returns the value of a list of networks.
func prefixes(at func(*server.Config) *[]netip.Prefix) value {
	return value{
		kind: list,
		set: func(c *server.Config, s string) error {
			var all []netip.Prefix
			for _, one := range split(s) {
				p, err := parsePrefix(one)
				if err != nil {
					return err
				}
				all = append(all, p)
			}
			*at(c) = all
			return nil
		},
		get: func(c *server.Config) string {
			var texts []string
			for _, p := range *at(c) {
				texts = append(texts, p.String())
			}
			return strings.Join(texts, ",")
		},
	}
}

// level returns the value of a log level.
func level(at func(*server.Config) *slog.Level) value {
	return value{
		set: func(c *server.Config, s string) error {
			for _, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
				if s == strings.ToLower(l.String()) {
					*at(c) = l
					return nil
				}
			}
			return fmt.Errorf("must be debug, info, warn or error, not %q", s)
		},
		get: func(c *server.Config) string { return strings.ToLower(at(c).String()) },
	}
}

// hidden returns the value of a secret: parse makes it of text that is not empty.
func hidden[T ~string | ~[]byte | ~[]string](at func(*server.Config) *T, parse func(string) (T, error)) value {
	return value{
		kind: sealed,
		set: func(c *server.Config, s string) (err error) {
			if s == "" {
				return errors.New("must not be empty")
			}
			*at(c), err = parse(s)
			return err
		},
		get: func(c *server.Config) string {
			if len(*at(c)) == 0 {
				return ""
			}
			return masked
		},
	}
}

// verbatim is the parse of secrets that are what their text is.
func verbatim[T ~string | ~[]byte](s string) (T, error) { return T(s), nil }

// parseKey is the parse of the master key.
func parseKey(s string) ([]byte, error) {
	key, err := secret.ParseMasterKey(s)
	if err != nil {
		return nil, errors.New("must be 64 hexadecimal digits, or base64 of 32 bytes")
	}
	return key, nil
}

// split returns the words of s between commas, without the space around them.
func split(s string) []string {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	all := strings.Split(s, ",")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// parsePrefix returns the network spelled s: a CIDR, or one address.
func parsePrefix(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if a, notOne := netip.ParseAddr(s); notOne == nil && a.Zone() == "" {
		p, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	if err != nil || p.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("must be networks such as 10.0.0.0/8 or addresses, not %q", s)
	}
	return p.Masked(), nil
}

const day = 24 * time.Hour

// parseSpan returns the length of time spelled s: as Go spells durations, with
// days (24 h) before the hours, as in 30d or 1d12h.
func parseSpan(s string) (time.Duration, error) {
	fault := fmt.Errorf("must be a length of time such as 34m, 8h or 30d, not %q", s)
	days, rest, ok := strings.Cut(s, "d")
	if !ok {
		days, rest = "0", s
	}
	n, err := strconv.ParseUint(days, 10, 16) // at most 179 years: no overflow
	if err != nil {
		return 0, fault
	}
	if ok && rest == "" {
		rest = "0"
	}
	d, err := time.ParseDuration(rest)
	if err != nil || ok && (d < 0 || d >= day) {
		return 0, fault
	}
	return time.Duration(n)*day + d, nil
}

// formatSpan spells d as parseSpan reads it, in the largest unit that divides it.
func formatSpan(d time.Duration) string {
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if d >= unit.size && d%unit.size == 0 {
			return strconv.FormatInt(int64(d/unit.size), 10) + unit.name
		}
	}
	return d.String()
}

// maskDSN returns the URL dsn, such as a database's, without its password and its query, where
// another may stand.
func maskDSN(dsn string) string {
	u, err := url.Parse(dsn)
	switch {
	case dsn == "":
		return ""
	case err != nil || u.Host == "":
		return masked
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	text := shown.String()
	if u.User != nil {
		who := u.User.Username()
		if _, ok := u.User.Password(); ok {
			who += ":" + masked
		}
		text = strings.Replace(text, "://", "://"+who+"@", 1)
	}
	if u.RawQuery != "" {
		text += "?" + masked
	}
	return text
}
