package conformance

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"
)

// checksums are those of the release, by file name.
func checksums(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dist(t), "checksums.txt"))
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]string{}
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		sums[fields[1]] = fields[0]
	}
	return sums
}

func needs(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skip(err)
	}
}

// The cask links all that the archive of the machine has, and takes both programs out of quarantine, on macOS alone.
func TestReleaseCask(t *testing.T) {
	file := filepath.Join(dist(t), "homebrew", "Casks", "idferry.rb")
	needs(t, "ruby")
	output(t, "ruby", "-c", file)
	sums := checksums(t)
	for _, machine := range []struct{ system, arch, archive string }{
		{"macos", "intel", "_darwin_amd64.tar.gz"}, {"macos", "arm", "_darwin_arm64.tar.gz"},
		{"linux", "intel", "_linux_amd64.tar.gz"}, {"linux", "arm", "_linux_arm64.tar.gz"},
	} {
		var asked map[string][]any
		if err := json.Unmarshal([]byte(output(t, "ruby", "testdata/cask.rb", file, machine.system, machine.arch)), &asked); err != nil {
			t.Fatal(err)
		}
		archive := artefact(t, machine.archive)
		if got := asked["sha256"]; len(got) != 1 || got[0] != sums[filepath.Base(archive)] {
			t.Errorf("%+v: %v", machine, got)
		}
		if got := asked["url"]; len(got) != 1 || filepath.Base(got[0].(string)) != filepath.Base(archive) {
			t.Errorf("%+v: %v", machine, got)
		}
		var linked []string
		for _, stanza := range []string{"binary", "manpage", "bash_completion", "fish_completion", "zsh_completion"} {
			for _, name := range asked[stanza] {
				linked = append(linked, name.(string))
			}
		}
		for _, name := range archived(t, archive) {
			read := strings.HasSuffix(name, ".md") || strings.HasSuffix(name, "LICENSE") || strings.HasSuffix(name, "LICENSES") || strings.HasSuffix(name, ".ps1")
			if !read && !slices.Contains(linked, name) {
				t.Errorf("%+v: the archive has %s, and the cask does not link it", machine, name)
			}
		}
		for _, name := range linked {
			if !slices.Contains(archived(t, archive), name) {
				t.Errorf("%+v: the cask links %s, which is not there", machine, name)
			}
		}
		freed, _ := json.Marshal(asked["system_command"])
		for _, program := range []string{"azure-token-helper", "gcp-executable-source"} {
			if strings.Contains(string(freed), `"STAGED/`+program+`"`) != (machine.system == "macos") {
				t.Errorf("%+v: %s", machine, freed)
			}
		}
	}
}

// The formula for homebrew-core is Ruby, and builds and links both.
func TestReleaseFormula(t *testing.T) {
	needs(t, "ruby")
	output(t, "ruby", "-c", "../packaging/homebrew/idferry.rb")
	text, err := os.ReadFile("../packaging/homebrew/idferry.rb")
	if err != nil || strings.Count(string(text), "%w[gcp-executable-source azure-token-helper].each") != 2 {
		t.Error(err)
	}
}

// follows checks a document against a schema that its reader publishes.
func follows(t *testing.T, schema string, document []byte) {
	t.Helper()
	compiled, err := jsonschema.NewCompiler().Compile("testdata/schemas/" + schema)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err == nil {
		err = compiled.Validate(value)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, document)
	}
}

func TestReleaseScoop(t *testing.T) {
	document, err := os.ReadFile(filepath.Join(dist(t), "scoop", "bucket", "idferry.json"))
	if err != nil {
		t.Fatal(err)
	}
	follows(t, "scoop.json", document)
	var manifest struct {
		Architecture map[string]struct {
			URL, Hash string
			Bin       []string
		}
	}
	if err := json.Unmarshal(document, &manifest); err != nil {
		t.Fatal(err)
	}
	sums := checksums(t)
	for _, arch := range []string{"64bit", "arm64"} {
		m := manifest.Architecture[arch]
		if m.Hash == "" || m.Hash != sums[filepath.Base(m.URL)] || !slices.Equal(m.Bin, []string{"gcp-executable-source.exe", "azure-token-helper.exe"}) {
			t.Errorf("%s: %+v", arch, m)
		}
	}
}

func TestReleaseWinget(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(dist(t), "winget", "manifests", "i", "idferry", "idferry", "*", "*.yaml"))
	if err != nil || len(files) != 3 {
		t.Fatal(files, err)
	}
	sums := checksums(t)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		document, err := yaml.YAMLToJSON(text)
		if err != nil {
			t.Fatal(err)
		}
		var manifest struct {
			Kind       string `json:"ManifestType"`
			Version    string `json:"ManifestVersion"`
			Installers []struct {
				Architecture, InstallerURL, InstallerSha256 string
				Files                                       []struct{ RelativeFilePath, PortableCommandAlias string } `json:"NestedInstallerFiles"`
			}
		}
		if err := json.Unmarshal(document, &manifest); err != nil {
			t.Fatal(err)
		}
		follows(t, "winget."+manifest.Kind+"."+manifest.Version+".json", document)
		if manifest.Kind != "installer" {
			continue
		}
		if len(manifest.Installers) != 2 {
			t.Errorf("%+v", manifest.Installers)
		}
		for _, i := range manifest.Installers {
			if !strings.EqualFold(i.InstallerSha256, sums[filepath.Base(i.InstallerURL)]) || len(i.Files) != 2 ||
				i.Files[0].PortableCommandAlias != "gcp-executable-source" || i.Files[1].PortableCommandAlias != "azure-token-helper" {
				t.Errorf("%+v", i)
			}
		}
	}
}
