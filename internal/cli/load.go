package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"strings"

	"headykey.com/headykey/internal/server"
)

const (
	fileVariable = envPrefix + "CONFIG" // names the file of settings
	testPrefix   = envPrefix + "TEST_"  // such variables belong to our tests
	defaultFile  = "./headykey.toml"    // read if it exists
)

// A source is where a value came from; the zero source is the default.
type source struct {
	Kind string // file, environment or flag
	Name string // of the file, the variable, or the flag with its dashes
}

// String returns the source in words, such as "flag --listen".
func (s source) String() string {
	if s.Kind == "" {
		return "default"
	}
	return s.Kind + " " + s.Name
}

// A given is a value as it was written, and where.
type given struct {
	text string
	from source
}

// A layer is what one place says about settings, by their paths.
type layer map[string]given

// places are where settings may come from.
type places struct {
	flags layer
	file  *string  // of --config; nil: HEADYKEY_CONFIG, or defaultFile if it exists; empty: no file
	env   []string // as [os.Environ] spells it
	dev   bool     // the default of dev
}

// A loaded is a configuration with its sources.
type loaded struct {
	config server.Config
	from   map[string]source // by the path of the setting; none: the default
	file   string            // the file that was read, or ""
}

// load reads all places: a flag counts before the environment, the environment
// before the file, the file before the default. It returns what it could make of
// them, and every fault that it found on the way and in the whole.
func load(p places) (loaded, server.Faults) {
	in := loaded{from: map[string]source{}, file: p.path()}
	file, faults := readFile(in.file)
	if file == nil && len(faults) > 0 {
		return in, faults // what the file would have said may mend or break the rest
	}
	env, more := readEnvironment(p.env)
	faults = append(faults, more...)

	said := layer{}
	if p.dev {
		said["dev"] = given{text: "true"}
	}
	for _, l := range []layer{file, env, p.flags} {
		maps.Copy(said, l)
	}
	faults = append(faults, in.apply(said)...)
	return in, append(faults, in.validate(faults)...)
}

// path returns the file of settings, or "" if there is none.
func (p places) path() string {
	if p.file != nil {
		return *p.file
	}
	for _, variable := range p.env {
		if name, path, _ := strings.Cut(variable, "="); name == fileVariable {
			return path
		}
	}
	if _, err := os.Stat(defaultFile); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return defaultFile
}

// apply sets every field of the configuration to what was said, or its default.
func (in *loaded) apply(said layer) server.Faults {
	var faults server.Faults
	for _, s := range settings {
		g, ok := said[s.path]
		if !ok {
			g.text = s.text
		}
		in.from[s.path] = g.from
		if !ok && g.text == "" {
			continue
		}
		if err := s.set(&in.config, g.text); err != nil {
			faults = append(faults, server.Fault{Setting: s.path, Source: g.from.String(), Text: err.Error()})
		}
	}
	in.suppose(said)
	return faults
}

// suppose sets what was not said and is one thing in development, another
// elsewhere.
func (in *loaded) suppose(said layer) {
	if _, ok := said["confirm_email"]; !ok {
		in.config.ConfirmEmail = !in.config.Dev
	}
	if _, ok := said["registration"]; ok {
		return
	}
	in.config.Registration = server.RegistrationToken
	if in.config.Dev {
		in.config.Registration = server.RegistrationOpen
	}
}

// validate returns the faults of the whole, with their sources. A setting that
// has a fault already is not blamed twice.
func (in *loaded) validate(known server.Faults) server.Faults {
	blamed := map[string]bool{}
	for _, f := range known {
		blamed[f.Setting] = true
	}
	found, _ := errors.AsType[server.Faults](in.config.Validate())
	var faults server.Faults
	for _, f := range found {
		if !blamed[f.Setting] {
			f.Source = in.from[f.Setting].String()
			faults = append(faults, f)
		}
	}
	return faults
}

// readEnvironment returns what the HEADYKEY_ variables of env say.
func readEnvironment(env []string) (layer, server.Faults) {
	said := layer{}
	var faults server.Faults
	for _, one := range env {
		name, text, _ := strings.Cut(one, "=")
		if !strings.HasPrefix(name, envPrefix) || strings.HasPrefix(name, testPrefix) || name == fileVariable {
			continue
		}
		s, twin, ok := find(name, variable)
		if !ok {
			near := nearest(name, append(names(variable), fileVariable))
			faults = append(faults, server.Fault{
				Setting: name, Source: "environment", Text: "is not a setting; the nearest is " + near,
			})
			continue
		}
		if err := said.give(s, twin, text, source{"environment", name}); err != nil {
			faults = append(faults, server.Fault{Setting: s.path, Source: "environment " + name, Text: err.Error()})
		}
	}
	return said, faults
}

// give notes text for s, or what the file called text holds if it is a twin's. A
// setting and its twin exclude each other in one place.
func (l layer) give(s setting, twin bool, text string, from source) error {
	if other, ok := l[s.path]; ok {
		return fmt.Errorf("must not be set twice, here and by %s", other.from.Name)
	}
	if twin {
		b, err := os.ReadFile(text)
		if err != nil {
			return fmt.Errorf("cannot be read: %w", err)
		}
		text = strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	}
	l[s.path] = given{text, from}
	return nil
}

// find returns the setting whose path, or whose twin's path, is spelled name.
func find(name string, spell func(path string) string) (s setting, twin, ok bool) {
	for _, s := range settings {
		switch {
		case name == spell(s.path):
			return s, false, true
		case s.file && name == spell(s.path+fileSuffix):
			return s, true, true
		}
	}
	return setting{}, false, false
}

// names returns how every setting and every twin is spelled.
func names(spell func(path string) string) []string {
	var all []string
	for _, s := range settings {
		all = append(all, spell(s.path))
		if s.file {
			all = append(all, spell(s.path+fileSuffix))
		}
	}
	return all
}
