// Command headykey is an identity server for people and AI agents, and the tool
// that runs it.
package main

import (
	"os"

	"headykey.com/headykey/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ())) }
