package processes

import (
	"context"
	"io/fs"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// doctorLimit is what a person waits at most, whatever is wrong.
const doctorLimit = 15 * time.Second

// examined runs doctor and returns what it printed, its exit code, and how long it took.
func (p *place) examined(t *testing.T, program string, env ...string) (string, int, time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program+exe(), "doctor")
	cmd.Env = append(append(p.env, "AZURE_TENANT_ID=11111111-1111-1111-1111-111111111111", "AZURE_CLIENT_ID=33333333-3333-3333-3333-333333333333",
		"IDFERRY_RESOURCE_MANAGER="+p.ResourceManager.URL, "IDFERRY_CREDENTIAL=managed-identity", "IDFERRY_RESOURCE=api://idferry-sandbox"), env...)
	begun := time.Now()
	out, err := cmd.Output()
	took := time.Since(begun)
	if cmd.ProcessState == nil || !cmd.ProcessState.Exited() {
		t.Fatal(err)
	}
	if took > doctorLimit {
		t.Errorf("it took %s", took)
	}
	return string(out), cmd.ProcessState.ExitCode(), took
}

// silent is an address at which somebody listens and nobody answers.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

func TestDoctorSaysWhatIsWrongWithTheKeyring(t *testing.T) {
	programs := build(t)
	for name, c := range map[string]struct {
		breaks func(*testing.T, *place, func() error, func())
		reason string
	}{
		"locked":  {func(t *testing.T, _ *place, lock func() error, _ func()) { need(t, lock()) }, "collection is locked"},
		"stopped": {func(_ *testing.T, _ *place, _ func() error, stop func()) { stop() }, "did not answer within 2s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, d := seated(t)
			c.breaks(t, p, d.Lock, func() { send(t, d.Service, syscall.SIGSTOP) })
			out, code, _ := p.examined(t, programs.helper, "IDFERRY_CACHE=keyring", "DISPLAY=", "WAYLAND_DISPLAY=")
			if code != 0 || !strings.Contains(out, "! cache") || !strings.Contains(out, c.reason) || !strings.Contains(out, "✓ call to Azure") {
				t.Errorf("exit code %d: %s", code, out)
			}
		})
	}
}

// Two endpoints that are silent cost no more than doctor's own time, and the first of them is the cause.
func TestDoctorEndsByItself(t *testing.T) {
	programs := build(t)
	for program, c := range map[string]struct {
		env   func(string) []string
		cause string
	}{
		programs.helper: {func(at string) []string {
			return []string{"AZURE_AUTHORITY_HOST=https://" + at, "GCE_METADATA_HOST=" + at}
		}, "to mend: way to Entra ID"},
		programs.source: {func(at string) []string {
			return []string{"HTTPS_PROXY=http://" + at, "AZURE_POD_IDENTITY_AUTHORITY_HOST=http://" + at}
		}, "to mend: way to Google"},
	} {
		t.Run(filepath.Base(program), func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			out, code, took := p.examined(t, program, c.env(silent(t))...)
			if code != 1 || !strings.Contains(out, c.cause) {
				t.Errorf("exit code %d: %s", code, out)
			}
			t.Logf("%s", took)
		})
	}
}

func TestDoctorWritesNothing(t *testing.T) {
	programs, p := build(t), newPlace(t)
	held := func() map[string]time.Time {
		files := map[string]time.Time{}
		err := filepath.WalkDir(p.home, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err == nil {
				files[path] = info.ModTime()
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	before := held()
	for _, program := range []string{programs.helper, programs.source} {
		if out, code, _ := p.examined(t, program); code != 0 && program == programs.helper {
			t.Errorf("exit code %d: %s", code, out)
		}
	}
	after := held()
	for path, at := range after {
		if !before[path].Equal(at) {
			t.Errorf("%s was written", path)
		}
	}
	if len(after) != len(before) {
		t.Errorf("%d files, and there were %d", len(after), len(before))
	}
}
