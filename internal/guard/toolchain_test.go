package guard

import (
	"encoding/json"
	"go/version"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The runners' setup-go installs the toolchain that go.mod names and lets go fetch no other. Without one it installs the go
// line's, which is what importers of federation need at least: a standard library without any of its later mends, in a
// release, and too old for the conformance modules.
func TestReleasesAreBuiltByTheToolchainThatIsNamed(t *testing.T) {
	toolchain := goMod(t, ".").Toolchain
	if toolchain == "" {
		t.Fatal("go.mod names no toolchain")
	}
	for _, dir := range []string{".", "conformance", "conformance/azure/go", "conformance/google/go"} {
		if needs := "go" + goMod(t, dir).Go; version.Compare(toolchain, needs) < 0 {
			t.Errorf("go.mod names %s, and %s needs %s", toolchain, dir, needs)
		}
	}
	// What releases are built by is what the daily scan looks at.
	for _, workflow := range []string{"release.yml", "govulncheck.yml"} {
		text, err := os.ReadFile(filepath.Join("..", "..", ".github", "workflows", workflow))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "go-version-file: go.mod") || strings.Contains(string(text), "go-version:") {
			t.Errorf("%s does not take its Go from go.mod", workflow)
		}
	}
}

func goMod(t *testing.T, dir string) (mod struct{ Go, Toolchain string }) {
	t.Helper()
	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Dir = filepath.Join("..", "..", filepath.FromSlash(dir))
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &mod)
	}
	if err != nil {
		t.Fatal(err)
	}
	return mod
}
