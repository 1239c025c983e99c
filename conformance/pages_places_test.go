package conformance

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/idferry/idferry/internal/fakecloud"
)

// Whoever reads a page and types what it says has what it promises.
func TestPages(t *testing.T) {
	for _, page := range []string{
		"README.md", "SECURITY.md", "CONTRIBUTING.md", "examples/README.md", "docs/azure-to-google.md", "docs/google-to-azure.md", "docs/integrations.md", "docs/faq.md",
		"docs/doctor.md", "docs/doctor-json.md", "docs/first-steps.md", "docs/performance.md", "docs/proof.md", "docs/dependencies.md",
	} {
		t.Run(page, func(t *testing.T) {
			reader := &reader{place: newPlace(t), terminals: map[string]*terminal{}, application: fakecloud.SandboxApp}
			for _, b := range blocks(t, filepath.Join("..", page)) {
				reader.reads(t, page, b)
			}
		})
	}
	// What is not among them is made from the catalogue, each of whose commands internal/processes types.
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil || len(pages) != 11 {
		t.Errorf("which pages are not run? %q %v", pages, err)
	}
}

// reader is a person with a page and the machines that it is about.
type reader struct {
	*place
	terminals map[string]*terminal
	// application is the one that the page is about: the sandbox's, until an administrator makes one.
	application string
}

func (r *reader) reads(t *testing.T, page string, b block) {
	t.Helper()
	where := func(c typed) string { return page + ": " + strings.SplitN(c.command, "\n", 2)[0] }
	switch b.place {
	case "ci":
		standsIn(t, page, b.commands(), ".ci/run")
		return
	case "published":
		standsIn(t, page, b.commands(), ".github/workflows/installed.yml")
		return
	case "deb":
		// The tests of the release run it, in such a system.
		return
	}
	terminal := r.terminal(t, b.place)
	all := b.commands()
	for i, c := range all {
		out, code := terminal.types(t, r.here(c.command))
		if (code != 0) != (b.fails && i == len(all)-1) {
			t.Errorf("%s: exit code %d\n%s", where(c), code, out)
		}
		if made := regexp.MustCompile(`export AZURE_CLIENT_ID=(\S+)`).FindStringSubmatch(out); made != nil && b.place == "admin" {
			r.application = made[1]
		}
		if !strings.Contains(c.command, "raw") && !strings.Contains(c.command, "accessToken") && !strings.Contains(c.command, "assertion") {
			mustShowNoToken(t, out)
		}
		if len(c.shown) > 0 {
			mustShow(t, where(c), c.shown, r.there(out))
		}
	}
}

// names are what the pages call the things that the sandbox has under other names.
func (r *reader) names() []string {
	return []string{
		"/home/me", r.path("home"), "reader@my-project.iam.gserviceaccount.com", fakecloud.SandboxAccount, "my-project", fakecloud.SandboxProject,
		"SUBSCRIPTION-ID", "22222222-2222-2222-2222-222222222222", "APPLICATION-ID", r.application, "TENANT-ID", fakecloud.SandboxTenant,
		"api://my-app", fakecloud.SandboxResource, "NUMERIC-ID", fakecloud.SandboxAccountID, "OBJECT-ID", fakecloud.SandboxSystemOID,
	}
}

func (r *reader) here(text string) string { return strings.NewReplacer(r.names()...).Replace(text) }

func (r *reader) there(text string) string {
	names := r.names()
	for i := 0; i < len(names); i += 2 {
		names[i], names[i+1] = names[i+1], names[i]
	}
	return strings.NewReplacer(names...).Replace(text)
}

// terminal is the one at that place.
func (r *reader) terminal(t *testing.T, at string) *terminal {
	t.Helper()
	if r.terminals[at] == nil {
		environment := map[string]string{"IDFERRY_CACHE": "file"}
		switch at {
		case "azure":
			environment["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = r.clouds.IMDS.URL
			r.gives(t, "terraform/google-from-azure-pipelines/main.tf", "home")
		case "google":
			environment["GCE_METADATA_HOST"] = r.clouds.Google.MetadataHost()
			environment["AZURE_CLIENT_ID"], environment["AZURE_TENANT_ID"] = fakecloud.SandboxApp, fakecloud.SandboxTenant
			r.gives(t, "terraform/azurerm-from-cloud-build/main.tf", "home")
			r.cluster(t)
		case "admin":
			environment["IDFERRY_ADMIN"] = r.administration(t)
			environment["PATH"] = r.path("admin") + ":" + r.environment["PATH"]
		default:
			t.Fatalf("where is %q?", at)
		}
		shell := exec.CommandContext(t.Context(), "bash", "--norc", "--noprofile")
		shell.Dir = r.path("home")
		for _, of := range []map[string]string{r.environment, environment} {
			for name, value := range of {
				shell.Env = append(shell.Env, name+"="+value)
			}
		}
		r.terminals[at] = newTerminal(t, shell)
	}
	return r.terminals[at]
}

// gives puts a file of the examples into a directory of the place.
func (r *reader) gives(t *testing.T, example, directory string) {
	t.Helper()
	for _, name := range []string{"azure-token-helper", "gcp-executable-source"} {
		if err := os.Link(binary(name), r.path("bin", name)); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(r.path(directory, filepath.Base(example)), readExample(t, example), 0o600); err != nil {
		t.Fatal(err)
	}
}

// cluster puts a kubeconfig that runs kubelogin where kubectl looks for it.
func (r *reader) cluster(t *testing.T) {
	t.Helper()
	config := kubeconfig(r.clouds, "client.authentication.k8s.io/v1beta1", "--server-id", fakecloud.AKSServer)
	for _, user := range config.AuthInfos {
		user.Exec.Command = "kubelogin"
	}
	if err := os.MkdirAll(r.path("home", ".kube"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := clientcmd.WriteToFile(*config, r.path("home", ".kube", "config")); err != nil {
		t.Fatal(err)
	}
}

// administration answers the stand-ins for az and gcloud with what an administrator's shell says, at the address that it
// returns.
func (r *reader) administration(t *testing.T) string {
	t.Helper()
	if err := os.Mkdir(r.path("admin"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"az", "gcloud"} {
		if err := os.Symlink(binary("standin"), r.path("admin", name)); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		var words []string
		err := json.NewDecoder(request.Body).Decode(&words)
		for i, word := range words {
			words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
		answer := ""
		if err == nil {
			answer, err = r.clouds.Run(strings.Join(words, " "))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	return server.URL
}
