package processes

import (
	"bufio"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/idferry/idferry/internal/fakecloud"
)

// as is the test binary in a role, before the program that it becomes.
func as(role string) (env, under []string) {
	return []string{roleVariable + "=" + role}, []string{os.Args[0]}
}

func TestWhatTheSystemRefusesTheTokenIsPrinted(t *testing.T) {
	programs := build(t)
	const keys = "keyctl add_key request_key"
	errno := func(e syscall.Errno) string { return strconv.Itoa(int(e)) + " " }
	for name, f := range map[string]struct {
		role, reason string
		modes        []string
	}{
		"Docker's and containerd's seccomp profile refuses the kernel keyring": {"deny " + errno(syscall.EPERM) + keys, "kernel keyring says: operation not permitted", []string{"auto", "kernel"}},
		"the kernel has no keyring":                                {"deny " + errno(syscall.ENOSYS) + keys, "kernel keyring says: function not implemented", []string{"auto", "kernel"}},
		"NFS without a lock manager":                               {"deny " + errno(syscall.ENOLCK) + "flock", "", []string{"file"}},
		"NFS that wants files open for writing":                    {"deny " + errno(syscall.EBADF) + "flock", "", []string{"file"}},
		"a file system whose locks fail":                           {"deny " + errno(syscall.EIO) + "flock", "", []string{"file"}},
		"a kernel keyring that is refused is no matter for a file": {"deny " + errno(syscall.EPERM) + keys, "", []string{"file"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			env, under := as(f.role)
			p.survives(t, programs, fault{modes: f.modes, reason: f.reason, env: env, under: under})
		})
	}
}

// private is a process with mounts of its own; somebody who is not root needs to be so in there.
func private() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	return attr
}

func TestOnAFullOrReadOnlyDiskTheTokenIsPrinted(t *testing.T) {
	programs := build(t)
	for _, tt := range []struct{ name, role, dir, reason string }{
		{"a full disk", "full", "idferry", "no space left on device"},
		{"a full disk and no directory yet", "full", "other", "no space left on device"},
		{"a read-only disk", "readonly", "idferry", "read-only"},
		{"a read-only disk and no directory yet", "readonly", "other", "read-only file system"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			disk := filepath.Join(p.home, "disk")
			if err := os.Mkdir(disk, 0o700); err != nil {
				t.Fatal(err)
			}
			env, under := as(tt.role + " " + disk)
			probe := fault{env: env, under: under, attr: private()}
			if err := mountsWork(p, probe); err != nil {
				need(t, err)
			}
			probe.env = append(probe.env, "IDFERRY_CACHE_DIR="+filepath.Join(disk, tt.dir))
			probe.modes, probe.reason = []string{"file", "auto"}, tt.reason
			p.survives(t, programs, probe)
		})
	}
}

// mountsWork tries the role alone.
func mountsWork(p *place, f fault) error {
	process, err := os.StartProcess(f.under[0], []string{f.under[0], "/bin/true"}, &os.ProcAttr{Env: append(append([]string{}, p.env...), f.env...), Sys: f.attr})
	if err != nil {
		return err
	}
	state, err := process.Wait()
	if err == nil && !state.Success() {
		err = errors.New("mounts of one's own are refused here")
	}
	return err
}

// copyOfTheTests is this binary where other users can run it.
func copyOfTheTests(t *testing.T, p *place) string {
	t.Helper()
	path := filepath.Join(p.home, "test-binary")
	data, err := os.ReadFile(os.Args[0])
	if err := errors.Join(err, os.WriteFile(path, data, 0o755)); err != nil {
		t.Fatal(err)
	}
	return path
}

// exhaust uses up a user's quota of kernel keys until the test ends.
func exhaust(t *testing.T, p *place, who *syscall.SysProcAttr) {
	t.Helper()
	env, _ := as("quota")
	cmd := exec.CommandContext(context.Background(), copyOfTheTests(t, p))
	cmd.Env, cmd.SysProcAttr = append(append([]string{}, p.env...), env...), who
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(stdin.Close(), cmd.Wait()) })
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		t.Fatalf("%q, %v", line, err)
	}
}

func TestAnotherUsersHomeQuotaAndDirectoryCostOnlyTheCache(t *testing.T) {
	needRoot(t)
	programs := build(t)
	// own returns a home of a user that nobody is, nor was in an earlier test: a kernel keyring outlives its user's last
	// process by days.
	own := func(t *testing.T, p *place, mode os.FileMode) (string, *syscall.SysProcAttr) {
		t.Helper()
		stranger := 400_000_000 + rand.IntN(1_000_000)
		dir := filepath.Join(p.home, "of-the-stranger")
		if err := errors.Join(os.Mkdir(dir, 0o700), os.Chown(dir, stranger, stranger), os.Chmod(dir, mode), os.Chmod(p.home, 0o755), os.Chmod(filepath.Dir(p.home), 0o755)); err != nil {
			t.Fatal(err)
		}
		// Everybody may read whom to trust.
		if err := os.Chmod(filepath.Join(p.home, "authorities.pem"), 0o644); err != nil {
			t.Fatal(err)
		}
		return dir, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(stranger), Gid: uint32(stranger)}}
	}
	t.Run("a read-only home", func(t *testing.T) {
		p := newPlace(t)
		home, attr := own(t, p, 0o500)
		p.survives(t, programs, fault{modes: []string{"auto", "file"}, reason: "permission denied", attr: attr, env: []string{"HOME=" + home, "IDFERRY_CACHE_DIR="}})
	})
	t.Run("a cache directory of somebody else", func(t *testing.T) {
		p := newPlace(t)
		_, attr := own(t, p, 0o700)
		foreign := filepath.Join(p.home, "foreign")
		if err := os.Mkdir(foreign, 0o755); err != nil {
			t.Fatal(err)
		}
		p.survives(t, programs, fault{modes: []string{"auto", "file"}, reason: "belongs to another user", attr: attr, env: []string{"IDFERRY_CACHE_DIR=" + foreign}})
	})
	t.Run("a full quota of kernel keys", func(t *testing.T) {
		p := newPlace(t)
		home, attr := own(t, p, 0o700)
		exhaust(t, p, attr)
		p.survives(t, programs, fault{modes: []string{"kernel", "auto"}, reason: "disk quota exceeded", attr: attr, env: []string{"HOME=" + home, "IDFERRY_CACHE_DIR="}})
	})
	t.Run("podman's seccomp profile, which lets look for a kernel key and not add one", func(t *testing.T) {
		p := newPlace(t)
		home, attr := own(t, p, 0o700)
		env, _ := as("deny " + strconv.Itoa(int(syscall.EPERM)) + " add_key")
		p.survives(t, programs, fault{modes: []string{"kernel"}, reason: "it takes no key: the kernel keyring says: operation not permitted", attr: attr,
			under: []string{copyOfTheTests(t, p)}, env: append(env, "HOME="+home, "IDFERRY_CACHE_DIR=")})
	})
	t.Run("and where nothing is wrong it is a hit", func(t *testing.T) {
		p := newPlace(t)
		home, attr := own(t, p, 0o700)
		f := fault{attr: attr, env: []string{"HOME=" + home, "IDFERRY_CACHE_DIR="}}
		p.call(t, programs, f, "file")
		if _, log := p.call(t, programs, f, "file"); !strings.Contains(log, "cached=true") {
			t.Errorf("it was no hit:\n%s", log)
		}
		if n := count(p.Entra.Server, "/oauth2/v2.0/token"); n != 1 {
			t.Errorf("%d exchanges in tenant %s", n, fakecloud.SandboxTenant)
		}
	})
}
