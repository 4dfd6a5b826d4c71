package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/pelletier/go-toml/v2"

	"headykey.com/headykey/internal/server"
)

// inTable is how a setting is spelled in the file whose name is a table's, too: TOML
// has no room for both under one name.
var inTable = map[string]string{"registration.who": "registration"}

// readFile returns what the TOML file at path says; no path says nothing.
func readFile(path string) (layer, server.Faults) {
	if path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		if p, ok := errors.AsType[*fs.PathError](err); ok {
			err = p.Err
		}
		return nil, server.Faults{{Setting: path, Text: "cannot be read: " + err.Error()}}
	}
	return parseFile(path, b)
}

// parseFile returns what b, the TOML text of the file at path, says.
func parseFile(path string, b []byte) (layer, server.Faults) {
	var tree map[string]any
	if err := toml.Unmarshal(b, &tree); err != nil {
		fault := server.Fault{Setting: path, Text: "is damaged: " + strings.TrimPrefix(err.Error(), "toml: ")}
		if at, ok := errors.AsType[*toml.DecodeError](err); ok {
			line, _ := at.Position()
			fault.Source = "line " + strconv.Itoa(line)
		}
		return nil, server.Faults{fault}
	}
	leaves := map[string]any{}
	flatten(leaves, "", tree)

	said := layer{}
	var faults server.Faults
	for _, name := range slices.Sorted(maps.Keys(leaves)) {
		if err := said.take(name, leaves[name], path); err != nil {
			faults = append(faults, server.Fault{Setting: name, Source: "file " + path, Text: err.Error()})
		}
	}
	return said, faults
}

// flatten puts the leaves of tree into leaves by their dotted paths. A key that
// holds a dot itself is quoted, so that it cannot pass for a path; a table
// without keys is a leaf.
func flatten(leaves map[string]any, prefix string, tree map[string]any) {
	for key, v := range tree {
		if key == "" || strings.Contains(key, ".") {
			key = strconv.Quote(key)
		}
		sub, ok := v.(map[string]any)
		if ok && (len(sub) > 0 || slices.Contains(tableNames(), prefix+key)) {
			flatten(leaves, prefix+key+".", sub)
			continue
		}
		leaves[prefix+key] = v
	}
}

// tableNames returns the names of the tables of settings, and of tables in them.
func tableNames() []string {
	var all []string
	for _, s := range settings {
		for at, c := range s.path {
			if c == '.' && !slices.Contains(all, s.path[:at]) {
				all = append(all, s.path[:at])
			}
		}
	}
	return all
}

// take notes v, the value of the key called name in the file at path.
func (l layer) take(name string, v any, path string) error {
	s, twin, ok := find(cmp.Or(inTable[name], name), asIs)
	if !ok && slices.Contains(tableNames(), name) {
		return errors.New("must be a table")
	}
	if !ok {
		near := nearest(name, append(names(asIs), tableNames()...))
		return fmt.Errorf("is not a setting; the nearest is %s", near)
	}
	wanted := s.kind
	if twin {
		wanted = plain
	}
	text, err := spell(wanted, v)
	if err != nil {
		return err
	}
	return l.give(s, twin, text, source{"file", path})
}

// asIs is how the file spells a path.
func asIs(path string) string { return path }

// spell returns the TOML value v as text. Types are strict: what is not of the
// kind is an error, which does not show v.
func spell(k kind, v any) (string, error) {
	switch k {
	case toggle:
		if b, ok := v.(bool); ok {
			return strconv.FormatBool(b), nil
		}
		return "", errors.New("must be true or false, without quotes")
	case list:
		return spellList(v)
	case tables:
		return spellTables(v)
	}
	if s, ok := v.(string); ok {
		return s, nil
	}
	return "", errors.New("must be a string in quotes")
}

func spellList(v any) (string, error) {
	fault := errors.New("must be an array of strings without commas")
	all, ok := v.([]any)
	if !ok {
		return "", fault
	}
	texts := make([]string, len(all))
	for i, one := range all {
		s, ok := one.(string)
		if !ok || strings.Contains(s, ",") {
			return "", fault
		}
		texts[i] = s
	}
	return strings.Join(texts, ","), nil
}

func spellTables(v any) (string, error) {
	fault := errors.New("must be tables in double brackets")
	all, ok := v.([]any)
	if !ok {
		return "", fault
	}
	for _, one := range all {
		if _, ok := one.(map[string]any); !ok {
			return "", fault
		}
	}
	text, err := json.Marshal(all, json.Deterministic(true))
	if err != nil {
		return "", fault
	}
	return string(text), nil
}
