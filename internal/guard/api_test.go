package guard

import (
	"bytes"
	"go/ast"
	"go/doc"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the library exports is a promise: a change of it shows in testdata/api.golden, beside the code that makes it.
func TestWhatTheLibraryExports(t *testing.T) {
	var all bytes.Buffer
	for _, dir := range []string{"federation", "federation/cache"} {
		writeAPI(t, &all, dir)
	}
	golden := filepath.Join("testdata", "api.golden")
	if os.Getenv("IDFERRY_TEST_RECORD") != "" {
		if err := os.WriteFile(golden, all.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(golden); err != nil || string(want) != all.String() {
		t.Errorf("%v: what is exported is not what %s has: IDFERRY_TEST_RECORD=1 go test ./internal/guard, and say so in CHANGELOG.md\n%s", err, golden, all.String())
	}
}

// writeAPI writes the exported declarations of a package without their comments.
func writeAPI(t *testing.T, w *bytes.Buffer, dir string) {
	t.Helper()
	set := token.NewFileSet()
	paths, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(dir), "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	exported, err := doc.NewFromFiles(set, files, module+dir)
	if err != nil {
		t.Fatal(err)
	}
	w.WriteString("package " + exported.ImportPath + "\n")
	declare := func(d ast.Node) {
		w.WriteString("\n")
		if err := format.Node(w, set, d); err != nil {
			t.Fatal(err)
		}
		w.WriteString("\n")
	}
	for _, f := range exported.Funcs {
		declare(f.Decl)
	}
	for _, c := range exported.Types {
		declare(c.Decl)
		for _, f := range append(c.Funcs, c.Methods...) {
			declare(f.Decl)
		}
	}
	w.WriteString("\n")
}
