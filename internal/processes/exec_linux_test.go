package processes

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/idferry/idferry/internal/fakecloud"
)

// executed is `azure-token-helper exec -- sh -c SCRIPT`, below the words in front.
func (p *place) executed(b built, script string, front ...string) *exec.Cmd {
	argv := append(front, b.helper, "exec", "--runtime-dir", p.home, "--client-id", fakecloud.SandboxApp, "--tenant-id", fakecloud.SandboxTenant, "--", "/bin/sh", "-c", script)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.Dir = p.env, p.home
	return cmd
}

// left is what exec left behind.
func (p *place) left(t *testing.T) {
	t.Helper()
	if files, _ := filepath.Glob(filepath.Join(p.home, "idferry-exec*", "*")); len(files) > 0 {
		t.Errorf("left behind: %v", files)
	}
}

// soon waits for what is about to be so.
func soon(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); <-tick.C {
		if so() {
			return
		}
	}
	t.Fatalf("waited in vain: %s", what)
}

// terminal is a new one: what is written to master are the keys.
func terminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	need(t, err)
	t.Cleanup(func() { _ = master.Close() })
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	need(t, err)
	t.Cleanup(func() { _ = slave.Close() })
	return master, slave
}

// Terraform takes a second interrupt for "at once", and a terminal tells everybody in its foreground of the first.
func TestCtrlCReachesTheProgramOnce(t *testing.T) {
	b, p := build(t), newPlace(t)
	master, slave := terminal(t)
	cmd := p.executed(b, `trap 'echo INT >>heard' INT; trap 'echo TERM >>heard; exit 5' TERM; echo >up; while :; do sleep 0.02; done`)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, master) }()
	heard := func() string { text, _ := os.ReadFile(filepath.Join(p.home, "heard")); return string(text) }
	soon(t, "the program runs", func() bool { _, err := os.Stat(filepath.Join(p.home, "up")); return err == nil })
	if _, err := master.Write([]byte{3}); err != nil {
		t.Fatal(err)
	}
	soon(t, "Ctrl-C is heard", func() bool { return heard() != "" })
	// What is not a key is passed on; it also comes after whatever else Ctrl-C might have led to.
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var ended *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &ended) || ended.ExitCode() != 5 {
		t.Errorf("ended: %v", err)
	}
	if heard() != "INT\nTERM\n" {
		t.Errorf("heard: %q", heard())
	}
	p.left(t)
}

// Process 1 of a container gets every orphan, and the kernel spares it what it does not ask for.
func TestExecIsAContainersFirstProcess(t *testing.T) {
	b, p := build(t), newPlace(t)
	front := []string{"unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc"}
	if out, err := exec.Command(front[0], append(front[1:], "true")...).CombinedOutput(); err != nil {
		need(t, fmt.Errorf("no namespaces: %w %s", err, out))
	}
	// The program is not the first itself, and an orphan is gone once it has ended.
	out, err := p.executed(b, `test $$ != 1 || exit 3; (sh -c 'echo $$ >orphan' &); until test -s orphan && ! test -d /proc/$(cat orphan); do :; done; kill -9 $$`, front...).CombinedOutput()
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.ExitCode() != 128+9 {
		t.Errorf("killed by signal 9: %v %s", err, out)
	}
	p.left(t)
	cmd := p.executed(b, `trap 'exit 6' TERM; echo >up; while :; do sleep 0.02; done`, front...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	soon(t, "the program runs", func() bool { _, err := os.Stat(filepath.Join(p.home, "up")); return err == nil })
	id := strconv.Itoa(cmd.Process.Pid)
	children, err := os.ReadFile("/proc/" + id + "/task/" + id + "/children")
	if err != nil {
		t.Fatal(err)
	}
	first, err := strconv.Atoi(strings.TrimSpace(string(children)))
	if err != nil {
		t.Fatal(err)
	}
	// As `docker stop` does.
	if err := syscall.Kill(first, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); !errors.As(err, &ended) || ended.ExitCode() != 6 {
		t.Errorf("asked to end: %v", err)
	}
	p.left(t)
}

func TestNobodyElseGetsWhatExecGives(t *testing.T) {
	b, p := build(t), newPlace(t)
	needRoot(t)
	// The way there is open, so that the directory itself is what keeps them out.
	for dir := p.home; dir != "/"; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, info.Mode()|0o055); err != nil {
			t.Fatal(err)
		}
	}
	cmd := p.executed(b, `echo $AZURE_FEDERATED_TOKEN_FILE; echo $ARM_OIDC_REQUEST_URL; echo $ARM_OIDC_REQUEST_TOKEN; read line`)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	var given []string
	for len(given) < 3 && lines.Scan() {
		given = append(given, lines.Text())
	}
	if len(given) < 3 {
		t.Fatal(given)
	}
	asNobody := func(words ...string) error {
		cmd := exec.Command(words[0], words[1:]...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		return cmd.Run()
	}
	if err := asNobody("ls", p.home); err != nil {
		t.Fatalf("the way there: %v", err)
	}
	for _, words := range [][]string{{"cat", given[0]}, {"ls", filepath.Dir(given[0])}, {"ls", filepath.Dir(filepath.Dir(given[0]))}} {
		if asNobody(words...) == nil {
			t.Errorf("somebody else can %v", words)
		}
	}
	for bearer, want := range map[string]int{"": 401, "another": 401, given[2]: 200} {
		request, err := http.NewRequest(http.MethodGet, given[1], nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+bearer)
		answer, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("asked with %d bytes: %d", len(bearer), answer.StatusCode)
		}
	}
	_ = stdin.Close()
	_ = cmd.Wait()
	p.left(t)
}
