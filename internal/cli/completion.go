package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// A completionReply is a script that teaches a shell our words.
type completionReply struct {
	Shell  string `json:"shell"`
	Script string `json:"script"`
}

// String returns the script.
func (r completionReply) String() string { return r.Script }

// Run prints the script, made of the very model that parses the command line.
func (cmd completionCommand) Run(c *console, parser *kong.Kong) error {
	var b strings.Builder
	switch spots := completions(parser.Model.Node, "", nil); cmd.Shell {
	case "bash":
		writeBash(&b, spots)
	case "zsh":
		writeZsh(&b, spots)
	case "fish":
		writeFish(&b, spots)
	}
	return c.reply(completionReply{cmd.Shell, b.String()})
}

// A spot is a place on the command line: behind the commands of path, such as
// "/config/print", one of words may follow.
type spot struct {
	path  string
	words []word
}

// A word is a command, a flag with its dashes, or a value that an argument takes.
type word struct{ text, help string }

// completions returns the spots of node at path and below. Flags of the commands
// above stay good.
func completions(node *kong.Node, path string, above []word) []spot {
	var own, flags []word
	for _, child := range node.Children {
		if !child.Hidden {
			own = append(own, word{child.Name, child.Help})
		}
	}
	for _, arg := range node.Positional {
		for _, v := range arg.EnumSlice() {
			if v != "" {
				own = append(own, word{v, arg.Help})
			}
		}
	}
	for _, f := range append(node.Flags, defaultFlags(node)...) {
		flags = append(flags, word{"--" + f.Name, f.Help})
		if f.Tag.Negatable != "" {
			flags = append(flags, word{"--no-" + f.Name, f.Help})
		}
	}
	flags = append(flags, above...)
	spots := []spot{{path, append(own, flags...)}}
	for _, child := range node.Children {
		spots = append(spots, completions(child, path+"/"+child.Name, flags)...)
	}
	return spots
}

// defaultFlags returns the flags of the command that node means by itself.
func defaultFlags(node *kong.Node) []*kong.Flag {
	if node.DefaultCmd == nil {
		return nil
	}
	return node.DefaultCmd.Flags
}

// cases returns the pattern of every path but the first, which is the empty one.
func cases(spots []spot) string {
	var paths []string
	for _, s := range spots[1:] {
		paths = append(paths, s.path)
	}
	return strings.Join(paths, "|")
}

func (s spot) list() string {
	texts := make([]string, len(s.words))
	for i, w := range s.words {
		texts[i] = w.text
	}
	return strings.Join(texts, " ")
}

func writeBash(w io.Writer, spots []spot) {
	fmt.Fprintf(w, `# Completion of headykey for bash: source <(headykey completion bash)
_headykey() {
  local at= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at/${COMP_WORDS[i]}" in
      %s) at="$at/${COMP_WORDS[i]}" ;;
    esac
  done
  local words=
  case "$at" in
`, cases(spots))
	for _, s := range spots {
		fmt.Fprintf(w, "    '%s') words='%s' ;;\n", s.path, s.list())
	}
	fmt.Fprint(w, `  esac
  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _headykey headykey
`)
}

func writeZsh(w io.Writer, spots []spot) {
	fmt.Fprintf(w, `#compdef headykey
# Completion of headykey for zsh: source <(headykey completion zsh)
_headykey() {
  local at= i
  for ((i = 2; i < CURRENT; i++)); do
    case "$at/${words[i]}" in
      %s) at="$at/${words[i]}" ;;
    esac
  done
  case "$at" in
`, strings.ReplaceAll(cases(spots), "|", " | "))
	for _, s := range spots {
		fmt.Fprintf(w, "    '%s') compadd -- %s ;;\n", s.path, s.list())
	}
	fmt.Fprint(w, `  esac
  [[ "$PREFIX" == -* ]] || _files
}
compdef _headykey headykey
`)
}

func writeFish(w io.Writer, spots []spot) {
	fmt.Fprint(w, `# Completion of headykey for fish: headykey completion fish | source
function __headykey_at
  set -l at ''
  for word in (commandline -opc)[2..-1]
    switch "$at/$word"
`)
	fmt.Fprintf(w, "      case %s\n", strings.ReplaceAll(cases(spots), "|", " "))
	fmt.Fprint(w, `        set at "$at/$word"
    end
  end
  test "$at" = "$argv[1]"
end
`)
	quote := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	for _, s := range spots {
		for _, one := range s.words {
			fmt.Fprintf(w, "complete -c headykey -n '__headykey_at \"%s\"' -a '%s' -d '%s'\n",
				s.path, one.text, quote.Replace(one.help))
		}
	}
}
