package conformance

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idferry/idferry/internal/fakecloud"
	"github.com/idferry/idferry/internal/token"
)

// documented is where the examples for one machine have the program.
const documented = "/usr/local/bin/gcp-executable-source"

// keepsOnce runs a token-file command of the examples, which would go on for ever, until the file is there: in the place
// that stands for directory. It returns the file.
func (p *place) keepsOnce(t *testing.T, environment map[string]string, directory, here string, command []string) string {
	t.Helper()
	if len(command) < 2 || command[0] != documented {
		t.Fatalf("%q does not start %s", command, documented)
	}
	argv, file := []string{binary("gcp-executable-source")}, ""
	for _, word := range command[1:] {
		if path := strings.TrimPrefix(word, "--path="); strings.HasPrefix(path, directory+"/") {
			file = here + strings.TrimPrefix(path, directory)
			word = strings.Replace(word, path, file, 1)
		}
		argv = append(argv, word)
	}
	if out := p.runs(t, "/", environment, append(argv, "--once")...); out != "" {
		t.Errorf("it prints %q", out)
	}
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if claims, err := token.ReadClaims(string(written)); err != nil || len(claims.Audience) != 1 || claims.Audience[0] != fakecloud.SandboxResource {
		t.Errorf("%s holds a token for %q, %v", file, claims.Audience, err)
	}
	return file
}

// setting is the value of the line `name=value` of a unit.
func setting(unit, name string) string {
	for line := range strings.Lines(unit) {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func TestSystemdUnit(t *testing.T) {
	p := newPlace(t)
	data := readExample(t, "systemd/idferry-google-token.service")
	start, environment := setting(string(data), "ExecStart"), map[string]string{}
	for line := range strings.Lines(string(readExample(t, "systemd/idferry-google-token.env"))) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(name, "#") {
			environment[name] = value
		}
	}
	p.environment["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = p.clouds.IMDS.URL
	// The unit's own directory, which systemd makes.
	run := p.path("run")
	if err := os.Mkdir(run, 0o750); err != nil {
		t.Fatal(err)
	}
	file := p.keepsOnce(t, environment, "/run/"+setting(string(data), "RuntimeDirectory"), run, strings.Fields(start))
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("readers of the group: %v %v", info, err)
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	unit := filepath.Join(t.TempDir(), "idferry-google-token.service")
	here := bytes.ReplaceAll(data, []byte("ExecStart="+documented), []byte("ExecStart="+binary("gcp-executable-source")))
	if err := os.WriteFile(unit, here, 0o644); err != nil {
		t.Fatal(err)
	}
	// It says what it does not know and exits with 0 all the same, and it has words for the machine's own units too.
	out, err := exec.Command(analyze, "verify", "--man=no", unit).CombinedOutput()
	if err != nil || strings.Contains(string(out), filepath.Base(unit)) {
		t.Errorf("%v: %s", err, out)
	}
}
