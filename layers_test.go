package headykey_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "headykey.com/headykey"

// floors is the plan of the house (docs/architecture.md): imports only go down.
// A new package takes its place here; "*" stands for one folder's name.
var floors = []struct {
	floor int
	rooms string // relative to the module; "." is the root package
}{
	{7, "cmd/headykey"},
	{6, "internal/cli"},
	{5, "internal/server"},
	{4, "internal/door/*"},
	{3, "internal/auth internal/oauth internal/account internal/directory internal/agent"},
	{2, "internal/token internal/receipt internal/outbox internal/keyring internal/hook"},
	{1, "internal/store internal/web internal/upstream internal/mail internal/captcha"},
	{1, "guard"}, // beside the house, for other people's servers: knows floor 0 alone
	{0, ". internal/secret internal/jose internal/fetch internal/web3 internal/embedding"},
	{cellar, "internal/phi"},
	{tool, "internal/secret/commongen"},
	{outside, "test/* test/*/*"},
}

const (
	cellar  = -1 // measures that floor 0 uses, too
	tool    = 90 // programs that write our source; nobody imports them
	outside = 99 // black-box tests and their tools: see only what the public sees
)

// sidesteps lists the imports that stay on one floor, each with its reason.
// Short is good, empty is best.
var sidesteps = map[[2]string]string{
	{"internal/token", "internal/keyring"}:   "tokens are signed with keys of the ring",
	{"internal/receipt", "internal/keyring"}: "receipts are signed with keys of the ring",
}

// words lists what only some may import. Tests are free to.
var words = []struct {
	prefix string
	may    func(importer string, floor int) bool
	why    string
}{
	{"database/sql", onlyStore, "all SQL lives in internal/store"},
	{"modernc.org/sqlite", onlyStore, "all SQL lives in internal/store"},
	{"github.com/jackc/pgx", onlyStore, "all SQL lives in internal/store"},
	{"github.com/pressly/goose", onlyStore, "all SQL lives in internal/store"},
	{"net/http", func(_ string, floor int) bool { return floor != 3 }, "rules speak no HTTP: doors do"},
}

func onlyStore(importer string, floor int) bool {
	return importer == "internal/store" || floor == outside
}

func TestEveryPackageHasAFloor(t *testing.T) {
	for _, dir := range slices.Compact(dirs(sources(t))) {
		if _, ok := floorOf(dir); !ok {
			t.Errorf("package %s is on no floor: give it a line in the table floors of layers_test.go, as low in the house as its imports allow", dir)
		}
	}
}

func TestImportsOnlyGoDown(t *testing.T) {
	for _, src := range sources(t) {
		if _, ok := floorOf(src.dir); !ok {
			continue // TestEveryPackageHasAFloor says so, once
		}
		for _, imported := range src.imports {
			if fault := faultOf(src.dir, imported, src.test); fault != "" {
				t.Errorf("%s imports %s: %s", src.path, imported, fault)
			}
		}
	}
}

func TestTheFloorsHold(t *testing.T) {
	tests := []struct {
		name, importer, imported string
		test                     bool
		fault                    string
	}{
		{"down", "internal/door/heady", module + "/internal/account", false, ""},
		{"down to the dictionary", "internal/account", module, false, ""},
		{"up", "internal/store", module + "/internal/account", false, "floor 1 reaches up to floor 3"},
		{"rule to rule", "internal/auth", module + "/internal/oauth", false, "both are on floor 3"},
		{"door to door", "internal/door/oidc", module + "/internal/door/heady", false, "both are on floor 4"},
		{"door to store", "internal/door/oidc", module + "/internal/store", false, "a door asks a rule, never the store"},
		{"the store in a door's test", "internal/door/oidc", module + "/internal/store", true, ""},
		{"the root to anything of ours", ".", module + "/internal/phi", false, "the dictionary imports nothing of ours"},
		{"floor 0 to the measures", "internal/secret", module + "/internal/phi", false, ""},
		{"guard to floor 0", "guard", module + "/internal/jose", false, ""},
		{"guard to the ledgers", "guard", module + "/internal/token", false, "floor 1 reaches up to floor 2"},
		{"a tool", "internal/secret", module + "/internal/secret/commongen", false, "floor 0 reaches up to floor 90"},
		{"black box to the dictionary", "test/e2e", module, true, ""},
		{"black box to black box", "test/e2e", module + "/test/client", true, ""},
		{"black box to the inside", "test/e2e", module + "/internal/store", true, "tests from outside see only what the public sees"},
		{"unlisted", "internal/manager", module, false, "internal/manager is on no floor"},
		{"SQL in a rule", "internal/account", "database/sql", false, "all SQL lives in internal/store"},
		{"a driver's package in a rule", "internal/account", "github.com/jackc/pgx/v5/pgconn", false, "all SQL lives in internal/store"},
		{"SQL in the store", "internal/store", "database/sql", false, ""},
		{"SQL in a test from outside", "test/faults", "database/sql", true, ""},
		{"HTTP in a rule", "internal/oauth", "net/http", false, "rules speak no HTTP: doors do"},
		{"HTTP in a door", "internal/door/oidc", "net/http", false, ""},
		{"a neighbour by name only", "internal/oauth", "net/httpx", false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := faultOf(tt.importer, tt.imported, tt.test); got != tt.fault {
				t.Errorf("got %q, want %q", got, tt.fault)
			}
		})
	}
}

// faultOf says what is wrong with an import, or "". Tests inside the house may
// import what they like: they furnish whole rooms.
func faultOf(importer, imported string, test bool) string {
	floor, ok := floorOf(importer)
	if !ok {
		return importer + " is on no floor"
	}
	if floor != outside && test {
		return ""
	}
	for _, w := range words {
		if below(imported, w.prefix) && !w.may(importer, floor) {
			return w.why
		}
	}
	if !below(imported, module) {
		return ""
	}
	return faultInside(importer, floor, folder(imported))
}

// faultInside judges an import of ours.
func faultInside(importer string, floor int, imported string) string {
	under, ok := floorOf(imported)
	_, allowed := sidesteps[[2]string{importer, imported}]
	switch {
	case !ok:
		return imported + " is on no floor"
	case floor == outside && under != outside && imported != "." && imported != "guard":
		return "tests from outside see only what the public sees"
	case floor == outside || allowed:
		return ""
	case importer == ".":
		return "the dictionary imports nothing of ours"
	case under > floor:
		return "floor " + strconv.Itoa(floor) + " reaches up to floor " + strconv.Itoa(under)
	case under == floor:
		return "both are on floor " + strconv.Itoa(floor)
	case floor == 4 && imported == "internal/store":
		return "a door asks a rule, never the store"
	}
	return ""
}

// floorOf returns the floor of a package, given relative to the module.
func floorOf(dir string) (floor int, ok bool) {
	for _, f := range floors {
		for room := range strings.FieldsSeq(f.rooms) {
			if ok, _ := path.Match(room, dir); ok {
				return f.floor, true
			}
		}
	}
	return 0, false
}

// below reports whether an import path is prefix or lies below it.
func below(imported, prefix string) bool {
	return imported == prefix || strings.HasPrefix(imported, prefix+"/")
}

// folder turns an import path of ours into a folder: "." for the root.
func folder(imported string) string {
	return path.Clean(strings.TrimPrefix(strings.TrimPrefix(imported, module), "/"))
}

// A source is one Go file of this module.
type source struct {
	path, dir string // relative to the module
	test      bool
	imports   []string
	lines     int
	set       *token.FileSet
	file      *ast.File
}

// sources parses every Go file of the module, whatever its build tags say.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() && name != "." && (base == "testdata" || base == "node_modules" || base[0] == '.' || base[0] == '_') {
			return fs.SkipDir
		}
		if d.IsDir() || filepath.Ext(name) != ".go" {
			return nil
		}
		src, err := parse(name)
		all = append(all, src)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func parse(name string) (source, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return source{}, err
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return source{}, err
	}
	src := source{
		path: filepath.ToSlash(name), dir: path.Dir(filepath.ToSlash(name)),
		test: strings.HasSuffix(name, "_test.go"), lines: bytes.Count(text, []byte("\n")),
		set: set, file: file,
	}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return source{}, err
		}
		src.imports = append(src.imports, imported)
	}
	return src, nil
}

func dirs(all []source) []string {
	var found []string
	for _, src := range all {
		found = append(found, src.dir)
	}
	slices.Sort(found)
	return found
}
