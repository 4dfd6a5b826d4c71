package headykey_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"testing"
)

// The measures of readable code. They are limits, not aims: most files stay
// below 350 lines, most functions below 40.
const (
	maxFile     = 500 // lines, tests aside
	maxFunc     = 80  // lines
	maxTestFunc = 120 // lines: a story may be long, and tables are
	maxNesting  = 3   // if, for, switch and select inside each other
)

func TestFilesAreShort(t *testing.T) {
	for _, src := range ours(t) {
		if !src.test && src.lines > maxFile {
			t.Errorf("%s:1: %d lines, at most %d: split it where the thought changes", src.path, src.lines, maxFile)
		}
	}
}

func TestFunctionsAreShortAndFlat(t *testing.T) {
	for _, src := range ours(t) {
		limit := maxFunc
		if src.test {
			limit = maxTestFunc
		}
		for _, decl := range src.file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			if n := src.line(f.End()) - src.line(f.Pos()) + 1; n > limit {
				t.Errorf("%s: %s has %d lines, at most %d", src.at(f), f.Name.Name, n, limit)
			}
			for _, deep := range tooDeep(f.Body, 0) {
				t.Errorf("%s: %s nests more than %d blocks here", src.at(deep), f.Name.Name, maxNesting)
			}
		}
	}
}

func TestExportedNamesAreExplained(t *testing.T) {
	for _, src := range ours(t) {
		if src.test || src.file.Name.Name == "main" {
			continue
		}
		for _, decl := range src.file.Decls {
			for name, node := range unexplained(decl) {
				t.Errorf("%s: %s has no doc comment", src.at(node), name)
			}
		}
	}
}

func TestNestingIsCounted(t *testing.T) {
	tests := []struct {
		name, body string
		want       int // blocks that are too deep
	}{
		{"three", "for { if a { switch { case b: c() } } }", 0},
		{"four", "for { if a { switch { case b: for { c() } } } }", 1},
		{"else if is one level", "if a { } else if b { } else if c { } else if d { } else { e() }", 0},
		{"four below an else", "for { for { if a { } else { if b { } } } }", 1},
		{"a function literal begins no new count", "for { for { for { go func() { select {} }() } } }", 1},
		{"before the brace of an if", "for { for { if err := f(func() { for { if a { } } }); err != nil { } } }", 1},
		{"side by side", "if a { }; if b { }; if c { }; if d { }", 0},
		{"the deepest is blamed once", "for { for { for { for { for { } } } } }", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := len(tooDeep(body(t, tt.body), 0)); got != tt.want {
				t.Errorf("%s: got %d, want %d", tt.body, got, tt.want)
			}
		})
	}
}

// ours is every file that a person wrote.
func ours(t *testing.T) []source {
	t.Helper()
	var written []source
	for _, src := range sources(t) {
		if !ast.IsGenerated(src.file) {
			written = append(written, src)
		}
	}
	return written
}

func (s source) line(p token.Pos) int { return s.set.Position(p).Line }

func (s source) at(n ast.Node) string { return fmt.Sprintf("%s:%d", s.path, s.line(n.Pos())) }

// tooDeep returns the blocks in n that lie in more than maxNesting others,
// counting the depth that n itself is at.
func tooDeep(n ast.Node, depth int) (deep []ast.Node) {
	ast.Inspect(n, func(in ast.Node) bool {
		if in == n {
			return true
		}
		switch b := in.(type) {
		case *ast.IfStmt:
			deep = append(deep, deepIf(b, depth)...)
			return false
		case *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
			deep = append(deep, deeper(b, b, depth)...)
			return false
		}
		return true
	})
	return deep
}

// deepIf takes a chain of else ifs for one level. What stands before the brace,
// a function literal maybe, is not inside.
func deepIf(b *ast.IfStmt, depth int) []ast.Node {
	deep := append(deeper(b, b.Body, depth), tooDeep(b.Cond, depth)...)
	if b.Init != nil {
		deep = append(deep, tooDeep(b.Init, depth)...)
	}
	switch e := b.Else.(type) {
	case *ast.IfStmt:
		return append(deep, deepIf(e, depth)...)
	case *ast.BlockStmt:
		return append(deep, deeper(b, e, depth)...)
	}
	return deep
}

// deeper blames the block, or looks into it.
func deeper(block, inside ast.Node, depth int) []ast.Node {
	if depth == maxNesting {
		return []ast.Node{block}
	}
	return tooDeep(inside, depth+1)
}

// unexplained yields the exported names of a declaration that no comment
// explains. One comment is enough for a group of constants or variables.
func unexplained(decl ast.Decl) map[string]ast.Node {
	found := map[string]ast.Node{}
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Doc == nil && d.Name.IsExported() && receiverIsExported(d) {
			found[d.Name.Name] = d
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			if d.Doc == nil || d.Tok == token.TYPE && d.Lparen.IsValid() {
				unexplainedSpec(spec, found)
			}
		}
	}
	return found
}

func unexplainedSpec(spec ast.Spec, found map[string]ast.Node) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Doc == nil && s.Name.IsExported() {
			found[s.Name.Name] = s
		}
	case *ast.ValueSpec:
		for _, name := range s.Names {
			if s.Doc == nil && s.Comment == nil && name.IsExported() {
				found[name.Name] = name
			}
		}
	}
}

// receiverIsExported is true for a plain function, too.
func receiverIsExported(f *ast.FuncDecl) bool {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return true
	}
	exported := true
	ast.Inspect(f.Recv.List[0].Type, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if ok {
			exported = id.IsExported()
		}
		return !ok && n != nil && exported
	})
	return exported
}

// body parses the statements of a function.
func body(t *testing.T, text string) *ast.BlockStmt {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "", "package p; func f() { "+text+" }", 0)
	if err != nil {
		t.Fatal(err)
	}
	return file.Decls[0].(*ast.FuncDecl).Body
}
