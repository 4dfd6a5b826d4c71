// Package cli is the command line: commands, settings, and the composition of one
// process.
//
// A command is a struct with flags and arguments as its fields and a method
// Run(*console) error. It asks the console for the settings, does its work, and
// replies with one struct, which has JSON tags for programs and a String method
// for people. It joins the program by a field of commands.
package cli

import (
	"io"
	"slices"

	"github.com/alecthomas/kong"

	"headykey.com/headykey/internal/server"
)

// commands is the command line.
type commands struct {
	JSON     bool         `help:"Print one JSON object."`
	File     *string      `name:"config" placeholder:"FILE" help:"Read settings from FILE, not from headykey.toml."`
	Settings kong.Plugins `embed:""`

	Serve    serveCommand     `cmd:"" help:"Run the server. Without any arguments, headykey is headykey serve --dev."`
	Users    usersCommands    `cmd:"" help:"Make and manage accounts."`
	APIKeys  apiKeysCommands  `cmd:"" name:"api-keys" help:"Make and revoke API keys."`
	Clients  clientsCommands  `cmd:"" help:"Register and manage programs that get tokens (OAuth clients)."`
	Consents consentsCommands `cmd:"" help:"List and withdraw what people allowed to programs."`

	RegistrationToken registrationTokenCommand `cmd:"" help:"Print a token that lets its holder register clients."`

	SupabaseKeys supabaseKeysCommand `cmd:"" help:"Print the keys that apps of the Supabase API are made with."`

	Keys       keysCommands      `cmd:"" help:"List and rotate signing keys."`
	Receipts   receiptsCommands  `cmd:"" help:"List and verify trust receipts."`
	Admin      adminCommands     `cmd:"" help:"Let somebody become an administrator."`
	Doctor     doctorCommand     `cmd:"" help:"Check the installation; exit 3 if something is wrong."`
	Config     configCommands    `cmd:"" help:"Show and check the settings."`
	Completion completionCommand `cmd:"" help:"Print a completion script for a shell."`
	Version    versionCommand    `cmd:"" help:"Print the version."`
}

const description = `Identity for people and AI agents, and proof of what happened.

Each setting is a flag, a HEADYKEY_ variable and a key of headykey.toml, in this
order of weight; "headykey config print" lists them all.`

// Main runs the command line args (without the program's name) with the variables
// of env, as [os.Environ] spells them, and returns the exit code: 0 done, 1
// failed, 2 the command line or a setting is wrong, 3 a check found problems.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer, env []string) int {
	c := &console{in: stdin, out: stdout, err: stderr, json: slices.Contains(args, "--json")}
	bare := len(args) == 0 // a newcomer: everything on, on loopback
	if bare {
		args = []string{"serve"}
	}
	flags := newFlags()
	cmds := &commands{Settings: kong.Plugins{flags}}
	helped := false
	parser, err := kong.New(cmds,
		kong.Name("headykey"),
		kong.Description(description),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 80}),
	)
	if err != nil {
		return c.exit(err)
	}
	ctx, err := parser.Parse(args)
	if helped {
		return exitDone
	}
	if err != nil {
		return c.exit(usageError{err})
	}
	c.json = cmds.JSON
	c.load = func() (loaded, server.Faults) {
		return load(places{flags: givenFlags(flags), file: cmds.File, env: env, dev: bare})
	}
	return c.exit(ctx.Run(c))
}
