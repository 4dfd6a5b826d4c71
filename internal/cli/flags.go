package cli

import (
	"fmt"
	"reflect"
	"strconv"
)

// newFlags returns a pointer to a struct with one field per setting that has a
// flag, for the parser to fill: *bool for a switch, *string otherwise, nil if the
// flag was not given. The struct is made of the table, so that no flag, help or
// default is written twice.
func newFlags() any {
	var fields []reflect.StructField
	for i, s := range settings {
		if s.flag() == "" {
			continue
		}
		help := s.help
		if s.text != "" && s.hint != "" {
			help += " Default: " + s.text + "."
		}
		tag := fmt.Sprintf(`name:%q help:%q group:"Settings:"`, s.flag(), help)
		field := reflect.StructField{Name: "Setting" + strconv.Itoa(i), Type: reflect.TypeFor[*string]()}
		if s.hint == "" {
			field.Type = reflect.TypeFor[*bool]()
			tag += ` negatable:""`
		} else {
			tag += fmt.Sprintf(` placeholder:%q`, s.hint)
		}
		field.Tag = reflect.StructTag(tag)
		fields = append(fields, field)
	}
	return reflect.New(reflect.StructOf(fields)).Interface()
}

// givenFlags returns what the flags that newFlags made say.
func givenFlags(flags any) layer {
	said := layer{}
	values := reflect.ValueOf(flags).Elem()
	at := 0
	for _, s := range settings {
		if s.flag() == "" {
			continue
		}
		switch v := values.Field(at).Interface().(type) {
		case *string:
			if v != nil {
				said[s.path] = given{*v, source{"flag", "--" + s.flag()}}
			}
		case *bool:
			if v != nil {
				said[s.path] = givenSwitch(s, *v)
			}
		}
		at++
	}
	return said
}

// givenSwitch returns what --name or --no-name says.
func givenSwitch(s setting, on bool) given {
	name := "--" + s.flag()
	if !on {
		name = "--no-" + s.flag()
	}
	return given{strconv.FormatBool(on), source{"flag", name}}
}
