package cli

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"

	"headykey.com/headykey/internal/server"
)

type configCommands struct {
	Print configPrint `cmd:"" default:"1" help:"Print each setting with its source; secrets are masked."`
	Check configCheck `cmd:"" help:"Check the settings; exit 3 if a server cannot run by them."`
}

type configPrint struct{}

// A configReply is every setting with its source, by path.
type configReply struct {
	File     string                 `json:"file"` // the file that was read, or ""
	Settings map[string]settingInfo `json:"settings"`
}

type settingInfo struct {
	Value  string `json:"value"`  // masked if secret
	Source string `json:"source"` // default, file, environment or flag
	From   string `json:"from"`   // name of the file, the variable or the flag
}

// Run prints the settings in force.
func (configPrint) Run(c *console) error {
	in, err := c.settings()
	if err != nil {
		return err
	}
	r := configReply{File: in.file, Settings: map[string]settingInfo{}}
	for _, s := range settings {
		from := in.from[s.path]
		r.Settings[s.path] = settingInfo{s.get(&in.config), cmp.Or(from.Kind, "default"), from.Name}
	}
	return c.reply(r)
}

// String returns a line per setting, or two where one would be too long.
func (r configReply) String() string {
	var b strings.Builder
	for _, s := range settings {
		info := r.Settings[s.path]
		from := source{info.Source, info.From}.String()
		line := fmt.Sprintf("%-29s %-24s ", s.path, cmp.Or(info.Value, "-"))
		if utf8.RuneCountInString(line+from) > 80 {
			line = strings.TrimRight(line, " ") + "\n" + strings.Repeat(" ", 30)
		}
		b.WriteString(strings.TrimRight(line+from, " ") + "\n")
	}
	return b.String()
}

type configCheck struct{}

// A checkReply is all that is wrong with the settings.
type checkReply struct {
	OK     bool          `json:"ok"`
	File   string        `json:"file"` // the file that was read, or ""
	Faults server.Faults `json:"faults"`
}

// Run checks the settings without touching anything.
func (configCheck) Run(c *console) error {
	in, faults := c.load()
	r := checkReply{OK: len(faults) == 0, File: in.file, Faults: append(server.Faults{}, faults...)}
	if err := c.reply(r); err != nil {
		return err
	}
	if !r.OK {
		return errProblems
	}
	return nil
}

// String returns a paragraph per fault.
func (r checkReply) String() string {
	if r.OK {
		return "The settings are good. File: " + cmp.Or(r.File, "none") + ".\n"
	}
	var b strings.Builder
	for _, f := range r.Faults {
		b.WriteString(wrap(f.String()))
	}
	return b.String()
}
