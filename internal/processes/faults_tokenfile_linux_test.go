package processes

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestOnAFullOrReadOnlyDiskTheTokenFileStays(t *testing.T) {
	programs := build(t)
	// The disk is the process's own, so what is left there is looked at from inside.
	const look = `"$0" "$@"; code=$?; cat "$dir/token"; ls -A "$dir"; exit $code`
	for _, tt := range []struct{ name, role, before, said, left string }{
		{"a full disk", "full", `truncate -s -8K "$dir/../rest"; printf e30.e30.x >"$dir/token"; cat /dev/zero >>"$dir/../rest" 2>/dev/null; `,
			"no space left on device", "e30.e30.xtoken\n"},
		{"a read-only disk", "readonly", "", "read-only file system", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			disk := filepath.Join(p.home, "disk")
			if err := os.Mkdir(disk, 0o700); err != nil {
				t.Fatal(err)
			}
			env, under := as(tt.role + " " + disk)
			if err := mountsWork(p, fault{env: env, under: under, attr: private()}); err != nil {
				need(t, err)
			}
			dir := filepath.Join(disk, "idferry")
			args := append([]string{"/bin/sh", "-c", tt.before + look, programs.source, "token-file", "--once", "--path", filepath.Join(dir, "token")}, ofIdentity("")...)
			cmd := exec.Command(under[0], args...)
			cmd.Env, cmd.SysProcAttr = append(append(append([]string{}, p.env...), env...), "dir="+dir), private()
			var stderr strings.Builder
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 1 {
				t.Fatalf("%v: %s", err, &stderr)
			}
			if lines := strings.SplitN(stderr.String(), "\n", 3); !strings.Contains(lines[0], tt.said) || !strings.HasPrefix(lines[1], "gcp-executable-source: df ") {
				t.Errorf("said: %s", &stderr)
			}
			if string(out) != tt.left {
				t.Errorf("left: %q", out)
			}
		})
	}
}
