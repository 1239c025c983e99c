// Package guard holds the tests that keep the shape of the house: which room may use which, what may be linked into the
// binaries, who may read a token's value, and who may look at the process's environment.
package guard

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/idferry/idferry/"

type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func list(t *testing.T, args ...string) []listed {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,Deps"}, args...)...)
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p listed
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// rooms lists what each room may use of ours. Arrows run one way: cmd, contracts, clouds and cache, token.
func rooms() map[string][]string {
	const lowest = "token problem"
	allowed := map[string]string{
		"problem": "", "token": "",
		"machine": "token", "child": "", "upstream": lowest, "cache": lowest + " ownfile",
		"catalogue": lowest, "entra": lowest + " upstream catalogue", "sts": lowest + " upstream catalogue",
		"azure": lowest + " upstream machine child entra catalogue", "google": lowest + " upstream machine child sts catalogue", "resourcemanager": lowest + " upstream",
		"doctor":  lowest + " upstream catalogue cache",
		"ownfile": "problem", "tokenfile": lowest + " ownfile",
		"pluggable": lowest + " ownfile", "azcli": lowest, "kubeexec": lowest, "cli": lowest + " attempt cache catalogue doctor ownfile",
		"attempt": lowest, "toazure": lowest + " entra google", "togoogle": lowest + " attempt azure catalogue entra",
		"launch": "problem ownfile child", "oidcrequest": lowest,
		"kubeconfig": lowest, "shim": lowest, "externalaccount": lowest + " pluggable ownfile",
		"fakecloud": "", "fuzzing": lowest, "guard": "", "faults": "", "storytest": "fakecloud", "processes": "", "desktop": "", "manual": "catalogue entra sts", "reference": "", "leanstart": "", "trust": lowest + " catalogue sts",
	}
	rooms := map[string][]string{
		"federation":       within("token problem attempt azure catalogue entra externalaccount google sts toazure togoogle upstream"),
		"federation/cache": append(within("cache problem token"), "federation"),
	}
	for room, uses := range allowed {
		rooms["internal/"+room] = within(uses)
	}
	return rooms
}

func within(uses string) []string {
	var rooms []string
	for _, u := range strings.Fields(uses) {
		rooms = append(rooms, "internal/"+u)
	}
	return rooms
}

func TestArrowsRunOneWay(t *testing.T) {
	allowed := rooms()
	for _, p := range list(t, "./internal/...", "./federation/...") {
		room := strings.TrimPrefix(p.ImportPath, module)
		uses, known := allowed[room]
		if !known {
			t.Errorf("%s is a new room: add it here, with what it may use", room)
		}
		for _, i := range p.Imports {
			if own, ours := strings.CutPrefix(i, module); ours && !slices.Contains(uses, own) {
				t.Errorf("%s may not use %s", room, own)
			}
		}
	}
}

// Who uses the library without the sealed cache links neither a keyring nor what the programs are made of.
func TestTheLibraryLinksNoKeyring(t *testing.T) {
	heavy := []string{
		"github.com/spf13/", "github.com/zalando/go-keyring", "github.com/adrg/xdg", "github.com/godbus/", "github.com/gofrs/flock", "google.golang.org/grpc",
		"google.golang.org/api", "github.com/jmespath-community/", "go.yaml.in/yaml", module + "internal/cache", module + "internal/cli", module + "internal/fakecloud", "testing",
	}
	for _, p := range list(t, "./federation") {
		for _, dep := range p.Deps {
			if slices.ContainsFunc(heavy, func(h string) bool { return dep == h || strings.HasPrefix(dep, strings.TrimSuffix(h, "/")+"/") }) {
				t.Errorf("%s links %s", p.ImportPath, dep)
			}
		}
	}
}

func TestOnlyWhatIsNeededIsLinked(t *testing.T) {
	heavy := []string{
		"k8s.io/", "google.golang.org/api", "google.golang.org/grpc", "google.golang.org/protobuf", "cloud.google.com/go/auth", "github.com/spf13/viper",
		"github.com/go-jose/", "github.com/Azure/azure-sdk-for-go/sdk/storage", "github.com/rogpeppe/", "testing", "net/http/httptest", module + "internal/fakecloud", "text/template/parse/",
	}
	for _, p := range list(t, "./cmd/...") {
		for _, dep := range p.Deps {
			for _, h := range heavy {
				if dep == h || strings.HasPrefix(dep, h) && (strings.HasSuffix(h, "/") || strings.HasPrefix(dep, h+"/")) {
					t.Errorf("%s links %s", p.ImportPath, dep)
				}
			}
		}
		if strings.HasSuffix(p.ImportPath, "azure-token-helper") && slices.Contains(p.Deps, "github.com/Azure/azure-sdk-for-go/sdk/azidentity") {
			t.Errorf("%s links azidentity, whose start-up it would pay at every call for nothing", p.ImportPath)
		}
	}
}

// sources parses every file that is not a test.
func sources(t *testing.T, visit func(path string, file *ast.File, set *token.FileSet)) {
	t.Helper()
	set := token.NewFileSet()
	root := filepath.Join("..", "..")
	for _, dir := range []string{"cmd", "internal", "federation"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || slices.ContainsFunc([]string{"internal/fakecloud/", "internal/desktop/"}, func(room string) bool { return strings.Contains(filepath.ToSlash(path), room) }) {
				return err
			}
			file, err := parser.ParseFile(set, path, nil, 0)
			if err == nil {
				relative, _ := filepath.Rel(root, path)
				visit(filepath.ToSlash(relative), file, set)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func calls(file *ast.File, visit func(name string, call *ast.CallExpr)) {
	ast.Inspect(file, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if s, ok := call.Fun.(*ast.SelectorExpr); ok {
				name := s.Sel.Name
				if x, ok := s.X.(*ast.Ident); ok {
					name = x.Name + "." + name
				}
				visit(name, call)
			}
		}
		return true
	})
}

// A token's value leaves only here: into a contract's output, to the issuer, into the sealed cache.
func TestWhoRevealsTokens(t *testing.T) {
	allowed := []string{
		"internal/pluggable/response.go", "internal/kubeexec/kubeexec.go", "internal/azcli/token.go", "internal/token/secret.go", "internal/token/claims.go", "internal/sts/exchange.go", "internal/sts/proof.go", "internal/resourcemanager/resourcemanager.go", "internal/tokenfile/tokenfile.go", "internal/oidcrequest/oidcrequest.go",
		"cmd/azure-token-helper/get_token.go", "cmd/azure-token-helper/assertion.go", "cmd/azure-token-helper/exec_environment.go",
	}
	allowedRooms := []string{"internal/cache/", "internal/entra/", "internal/google/", "internal/azure/", "federation/"}
	sources(t, func(path string, file *ast.File, set *token.FileSet) {
		calls(file, func(name string, call *ast.CallExpr) {
			if !strings.HasSuffix(name, ".Reveal") && name != "Reveal" || slices.Contains(allowed, path) {
				return
			}
			if !slices.ContainsFunc(allowedRooms, func(room string) bool { return strings.HasPrefix(path, room) }) {
				t.Errorf("%s reveals a token", set.Position(call.Pos()))
			}
		})
	})
}

func TestOnlyMainReadsTheProcess(t *testing.T) {
	forbidden := []string{"os.Getenv", "os.LookupEnv", "os.Environ", "os.Setenv", "os.Exit", "log.Fatal", "log.Fatalf", "time.Sleep"}
	sources(t, func(path string, file *ast.File, set *token.FileSet) {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s has an init function", path)
			}
		}
		if filepath.Base(path) == "main.go" || path == "internal/cli/process.go" {
			return
		}
		calls(file, func(name string, call *ast.CallExpr) {
			// godbus looks nowhere else for the bus.
			if name == "os.Setenv" && path == "internal/cache/holder_keyring_bus.go" {
				return
			}
			// A library has no main of ours to be told the environment by.
			if strings.HasPrefix(path, "federation/") && name == "os.Getenv" {
				return
			}
			if slices.Contains(forbidden, name) {
				t.Errorf("%s calls %s", set.Position(call.Pos()), name)
			}
		})
	})
}
