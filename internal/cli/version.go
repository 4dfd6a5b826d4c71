package cli

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"headykey.com/headykey/internal/server"
)

type versionCommand struct{}

// A versionReply says which program this is.
type versionReply struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`           // operating system/architecture
	Commit   string `json:"commit,omitempty"`   // empty: not built from a checkout
	Modified bool   `json:"modified,omitempty"` // the checkout differed from the commit
}

// Run prints the version.
func (versionCommand) Run(c *console) error {
	r := versionReply{
		Version:  server.Version,
		Go:       runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				r.Commit = s.Value
			case "vcs.modified":
				r.Modified = s.Value == "true"
			}
		}
	}
	return c.reply(r)
}

// String returns the version in a line.
func (r versionReply) String() string {
	commit := cmp.Or(r.Commit, "unknown")
	commit = commit[:min(len(commit), 12)]
	if r.Modified {
		commit += " and changes"
	}
	return fmt.Sprintf("headykey %s (%s, %s, commit %s)\n", r.Version, r.Go, r.Platform, commit)
}
