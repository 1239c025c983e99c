package conformance

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

// readExample reads a file of the examples, filled in as its reader would fill it in.
func readExample(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "examples", name))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte("\t")) && !strings.HasSuffix(name, ".md") {
		t.Errorf("%s has tabs", name)
	}
	return []byte(strings.NewReplacer(
		"my-project-tfstate", "my-project-tfstate", // a bucket's name, which is nobody's project
		"reader@my-project.iam.gserviceaccount.com", fakecloud.SandboxAccount, "deployer@my-project.iam.gserviceaccount.com", fakecloud.SandboxAccount,
		"my-project", fakecloud.SandboxProject, "api://my-app", fakecloud.SandboxResource,
		"SUBSCRIPTION-ID", "22222222-2222-2222-2222-222222222222", "APPLICATION-ID", fakecloud.SandboxApp, "TENANT-ID", fakecloud.SandboxTenant,
	).Replace(string(data)))
}

// place is where an example runs: a home, both clouds by their public names, and nothing of this process' environment.
type place struct {
	clouds *fakecloud.Sandbox
	dir    string
	// environment is what the system sets that the example is for.
	environment map[string]string
}

// programs are the names under which cmd/standin is on PATH.
var programs = [...]string{"go", "pip", "python3", "bq", "terraform", "kubectl", "server-on-gke", "server-on-aks"}

func newPlace(t *testing.T) *place {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the examples are for Linux")
	}
	clouds, err := fakecloud.StartSandbox(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(clouds.Close)
	clouds.Blob.Put("tfstate", "example.tfstate", []byte("{}"))
	clouds.Blob.Put("reports", "2026/11/report.csv", []byte("a,b\n"))
	clouds.Blob.GrantContributor(fakecloud.SandboxAppOID)
	clouds.Google.GrantStorage("serviceAccount:"+fakecloud.SandboxAccount, "my-project-tfstate")
	net, err := fakecloud.StartInternet(clouds, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		net.Close()
		if refused := net.Refused(); len(refused) > 0 {
			t.Errorf("somebody asks for %q", refused)
		}
	})
	p := &place{clouds: clouds, dir: t.TempDir()}
	authorities := p.path("ca.pem")
	if err := os.WriteFile(authorities, clouds.CA.PEM, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"home", "bin", "work", "tmp"} {
		if err := os.Mkdir(p.path(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range programs {
		if err := os.Symlink(binary("standin"), p.path("bin", name)); err != nil {
			t.Fatal(err)
		}
	}
	p.environment = map[string]string{
		"HOME": p.path("home"), "TMPDIR": p.path("tmp"), "PATH": p.path("bin") + ":/usr/local/bin:/usr/bin:/bin",
		"HTTPS_PROXY": net.URL, "SSL_CERT_FILE": authorities, "SSL_CERT_DIR": p.path("none"), "CURL_CA_BUNDLE": authorities,
		// The key of the tokens that are remembered stays out of this machine's keyrings.
		"IDFERRY_CACHE": "off",
		// Where the stand-in for go takes the programs from.
		"IDFERRY_CONFORMANCE_BIN": binaries(),
	}
	return p
}

// path is a path in the place.
func (p *place) path(elements ...string) string {
	return filepath.Join(append([]string{p.dir}, elements...)...)
}

// runs runs a command in dir with more variables, and returns what it prints. It has to succeed.
func (p *place) runs(t *testing.T, dir string, more map[string]string, argv ...string) string {
	t.Helper()
	out, err := p.run(t, dir, more, argv...)
	if err != nil {
		t.Fatalf("%q: %v\n%s", argv, err, out)
	}
	mustShowNoToken(t, out)
	return out
}

func (p *place) run(t *testing.T, dir string, more map[string]string, argv ...string) (string, error) {
	t.Helper()
	environment := maps.Clone(p.environment)
	maps.Copy(environment, more)
	program := argv[0]
	for _, d := range filepath.SplitList(environment["PATH"]) {
		if file := filepath.Join(d, program); !filepath.IsAbs(argv[0]) && executable(file) {
			program = file
			break
		}
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Args, cmd.Dir, cmd.WaitDelay = argv, dir, time.Second
	for name, value := range environment {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func executable(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// script writes a script that starts with its interpreter's name, and returns where.
func (p *place) script(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(file, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

// checkout copies a directory of the examples, filled in, to where it is in a clone, and returns where.
func (p *place) checkout(t *testing.T, example string) string {
	t.Helper()
	return checkout(t, p.path("work"), example)
}

func checkout(t *testing.T, root, example string) string {
	t.Helper()
	files, err := os.ReadDir(filepath.Join("..", "examples", example))
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(root, "examples", example)
	if err := os.MkdirAll(to, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(to, f.Name()), readExample(t, filepath.Join(example, f.Name())), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// leavesNothing fails where something of exec's outlives it.
func (p *place) leavesNothing(t *testing.T, directory string) {
	t.Helper()
	_ = filepath.WalkDir(directory, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			t.Errorf("left behind: %s", path)
		}
		return nil
	})
}

func mustShowNoToken(t *testing.T, out string) {
	t.Helper()
	if regexp.MustCompile(`eyJ[\w-]+\.eyJ`).MatchString(out) {
		t.Errorf("a token is shown: %s", out)
	}
}

func mustPrint(t *testing.T, out string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+out, "\n"+line) {
			t.Errorf("no line starts with %q:\n%s", line, out)
		}
	}
}
