package faults

import (
	"os"
	"os/exec"
	"runtime"
	"testing"
)

// build compiles both binaries as a release does, and returns their directory.
func build(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds the binaries and starts a thousand processes")
	}
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", dir+string(os.PathSeparator),
		"github.com/idferry/idferry/cmd/azure-token-helper", "github.com/idferry/idferry/cmd/gcp-executable-source")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return dir
}

func exe() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}
