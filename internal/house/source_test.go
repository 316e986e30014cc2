package house_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// maxLines is how long a file may be that a person has written.
const maxLines = 500

func parse(t *testing.T, path string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// relative is a file's path within the module, for messages.
func relative(p *pkg, path string) string { return filepath.Join(p.name(), filepath.Base(path)) }

func TestOnePackageComment(t *testing.T) {
	for _, p := range packages(t) {
		var with []string
		for _, path := range p.files(false) {
			if f := parse(t, path); f.Doc != nil && !ast.IsGenerated(f) {
				with = append(with, filepath.Base(path))
			}
		}
		if len(p.GoFiles) > 0 && len(with) != 1 {
			t.Errorf("%s: files with a package comment: %v, want one", p.name(), with)
		}
	}
}

func TestNoInit(t *testing.T) {
	for _, p := range packages(t) {
		for _, path := range p.files(true) {
			f := parse(t, path)
			if ast.IsGenerated(f) {
				continue
			}
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					t.Errorf("%s: func init: what must happen at the start belongs into main or a constructor", relative(p, path))
				}
			}
		}
	}
}

func TestFilesAreSmall(t *testing.T) {
	for _, p := range packages(t) {
		for _, path := range p.files(true) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(b), "\n"); n > maxLines && !ast.IsGenerated(parse(t, path)) {
				t.Errorf("%s: %d lines, want at most %d", relative(p, path), n, maxLines)
			}
		}
	}
}

// unfinished are the words of things put off. They are put together here so
// that this file does not contain them.
var unfinished = regexp.MustCompile(`\b(` + strings.Join([]string{"TO" + "DO", "FIX" + "ME", "X" + "XX"}, "|") + `)\b`)

func TestNothingIsPutOff(t *testing.T) {
	for _, p := range packages(t) {
		for _, path := range p.files(true) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i, line := range strings.Split(string(b), "\n") {
				if unfinished.MatchString(line) {
					t.Errorf("%s:%d: %s", relative(p, path), i+1, strings.TrimSpace(line))
				}
			}
		}
	}
}
