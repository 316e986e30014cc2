package house_test

import (
	"go/ast"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// allowed are the package-level variables that hold something that could be
// changed, and the reason why that is right. Sentinel errors, tables (composite
// literals) and guards of interfaces need no entry.
var allowed = map[string]string{
	"cmd/netcore/internal/config.defaultYAML": "embedded by the compiler, which wants a variable",
}

// shared reports whether a value of that type can be changed through a copy.
func shared(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.StarExpr, *ast.MapType, *ast.ChanType:
		return true
	case *ast.ArrayType:
		return x.Len == nil
	}
	return false
}

// suspicious reports whether a variable of that declaration is state rather
// than a name for something constant.
func suspicious(name string, typ, value ast.Expr) bool {
	if name == "_" || strings.HasPrefix(strings.ToLower(name), "err") {
		return false
	}
	if typ != nil && value == nil {
		return true // it is there to be set
	}
	if call, ok := value.(*ast.CallExpr); ok {
		if id, ok := call.Fun.(*ast.Ident); ok && (id.Name == "make" || id.Name == "new") {
			return true
		}
	}
	if u, ok := value.(*ast.UnaryExpr); ok && u.Op == token.AND {
		return true
	}
	_, literal := value.(*ast.CompositeLit)
	return typ != nil && shared(typ) && !literal
}

func TestNoMutablePackageVariables(t *testing.T) {
	used := make(map[string]bool)
	for _, p := range packages(t) {
		if within(p.name(), "test") {
			continue // packages for tests only
		}
		for _, path := range p.files(false) {
			f := parse(t, path)
			if ast.IsGenerated(f) {
				continue
			}
			for _, name := range variables(f) {
				key := p.name() + "." + name
				if _, ok := allowed[key]; ok {
					used[key] = true
					continue
				}
				t.Errorf("%s: %s is mutable and package-level; pass it in, or say in this test's list why not", filepath.Join(p.name(), filepath.Base(path)), name)
			}
		}
	}
	for key := range allowed {
		if !used[key] {
			t.Errorf("%s is in the list, and is no longer there or no longer needs to be", key)
		}
	}
}

// variables returns the names of the suspicious package-level variables of f.
func variables(f *ast.File) (names []string) {
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			for i, n := range v.Names {
				var value ast.Expr
				if i < len(v.Values) {
					value = v.Values[i]
				}
				if suspicious(n.Name, v.Type, value) {
					names = append(names, n.Name)
				}
			}
		}
	}
	return names
}
