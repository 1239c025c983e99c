package processes

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

const (
	victim, attacker, shared = 412_000_001, 412_000_002, 412_000_003
	// fight is how long each lasts, and most how often the victim's program is run in it.
	fight = 2500 * time.Millisecond
	most  = 400
)

// ground is where both may write.
type ground struct {
	name       string
	owner, gid int
	mode       os.FileMode
	// kernel is set where links are harmless by the kernel's own settings, unless these are off.
	kernel bool
}

func grounds() []ground {
	return []ground{
		{"everybody's, sticky", 0, 0, 0o777 | os.ModeSticky, true},
		{"a group's", 0, shared, 0o770, false},
		{"the attacker's own", attacker, shared, 0o777, false},
	}
}

// written is one thing that the programs write.
type written struct {
	name string
	// names are those that it has where it is written.
	names []string
	// args are the command line, with the directory that it is to be in.
	args func(b built, dir string) []string
	// always is set where there is a token whatever becomes of it.
	always bool
}

func everythingWritten() []written {
	app := []string{"--client-id", fakecloud.SandboxApp, "--tenant-id", fakecloud.SandboxTenant}
	return []written{
		{name: "output file", names: []string{"out.json"}, args: func(b built, dir string) []string {
			return append(append([]string{b.source}, ofIdentity("")...), "--cache", "off", "--output-file", filepath.Join(dir, "out.json"))
		}},
		{name: "token file", names: []string{"token"}, args: func(b built, dir string) []string {
			return append(append([]string{b.source, "token-file", "--once", "--force", "--path", filepath.Join(dir, "token")}, ofIdentity("")...), "--cache", "off")
		}},
		{name: "log", names: []string{"log"}, args: func(b built, dir string) []string {
			return append(append([]string{b.source}, ofIdentity("")...), "--cache", "off", "--log-file", filepath.Join(dir, "log"))
		}},
		{name: "cache", names: []string{"cache", "key-v1"}, always: true, args: func(b built, dir string) []string {
			return append(append([]string{b.source}, ofIdentity("")...), "--cache", "file", "--cache-dir", filepath.Join(dir, "cache"))
		}},
		{name: "exec's directory", names: []string{"idferry-exec-" + strconv.Itoa(victim)}, args: func(b built, dir string) []string {
			return append(append([]string{b.helper, "exec", "--runtime-dir", dir}, app...), "--", "/bin/true")
		}},
	}
}

// unprotected turns the kernel's own protection of links off until the test ends, or says why it cannot.
func unprotected(t *testing.T) error {
	var errs []error
	for _, name := range []string{"protected_symlinks", "protected_hardlinks", "protected_regular", "protected_fifos"} {
		errs = append(errs, setting(t, name, "0"))
	}
	return errors.Join(errs...)
}

// setting gives a setting of the kernel's a value until the test ends.
func setting(t *testing.T, name, value string) error {
	path := "/proc/sys/fs/" + name
	before, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, []byte(value), 0o600)
	}
	if err == nil {
		t.Cleanup(func() { _ = os.WriteFile(path, before, 0o600) })
	}
	return err
}

// arena is a machine with programs that its other users may run, and what they attack with.
func arena(t *testing.T) (b built, p *place, attacker string) {
	t.Helper()
	needRoot(t)
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	b, p = build(t), newPlace(t)
	open(t, p.home)
	if err := os.Chmod(filepath.Join(p.home, "authorities.pem"), 0o644); err != nil {
		t.Fatal(err)
	}
	return b, p, copyOfTheTests(t, p)
}

// Somebody else exchanges directories for links, and plants links wherever something is written, while it is being
// written. Nothing of it is theirs to read, and none of our own files is touched through a link.
func TestNobodyLeadsAWriterAstray(t *testing.T) {
	b, p, self := arena(t)
	protected := unprotected(t)
	if protected != nil {
		t.Logf("the kernel's protection of links stays on: %v", protected)
	}
	for _, where := range grounds() {
		for _, what := range everythingWritten() {
			t.Run(where.name+"/"+what.name, func(t *testing.T) {
				if where.kernel && protected != nil {
					t.Skip("in a sticky directory the kernel's own protection would win this")
				}
				newDuel(t, b, p, where, what).fought(t, self)
			})
		}
	}
}

// Where the kernel protects hard links, as it does wherever systemd is, a log may be in anybody's directory.
func TestNobodyLeadsALogAstrayWhereTheKernelProtectsHardLinks(t *testing.T) {
	b, p, self := arena(t)
	if err := setting(t, "protected_hardlinks", "1"); err != nil {
		t.Skip("the kernel's settings cannot be changed:", err)
	}
	for _, where := range grounds() {
		for _, what := range everythingWritten() {
			if what.name == "log" && !where.kernel {
				t.Run(where.name, func(t *testing.T) { newDuel(t, b, p, where, what).fought(t, self) })
			}
		}
	}
}

// open lets everybody through to a directory of the test's.
func open(t *testing.T, dir string) {
	t.Helper()
	for ; dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

type duel struct {
	attack
	b    built
	what written
	env  []string
}

// newDuel makes the ground, with a directory of the victim's in it, and what the victim has elsewhere.
func newDuel(t *testing.T, b built, p *place, where ground, what written) *duel {
	t.Helper()
	base := t.TempDir()
	open(t, base)
	d := &duel{b: b, what: what, attack: attack{
		Ground: filepath.Join(base, "ground"), Dir: "own", Decoy: filepath.Join(base, "decoy"), Names: what.names, Precious: filepath.Join(base, "precious"),
	}}
	home := filepath.Join(base, "home")
	d.env = append(append([]string{}, p.env...), "HOME="+home, "IDFERRY_CACHE_DIR="+filepath.Join(home, "cache"), "TMPDIR="+home)
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(d.Ground, 0o700))
	must(os.Chown(d.Ground, where.owner, where.gid))
	must(os.Chmod(d.Ground, where.mode))
	for _, dir := range []string{home, d.Decoy, filepath.Join(d.Ground, d.Dir)} {
		must(os.Mkdir(dir, 0o700))
		must(os.Chown(dir, victim, victim))
	}
	files := []string{d.Precious}
	for _, name := range []string{"out.json", "token", "log", "key-v1"} {
		files = append(files, filepath.Join(d.Decoy, name))
	}
	for _, file := range files {
		must(os.WriteFile(file, []byte("precious"), 0o600))
		must(os.Chown(file, victim, victim))
	}
	return d
}

func (d *duel) fought(t *testing.T, self string) {
	before := d.belongings(t)
	attacking := d.begin(t, self)
	tokens, refused := d.defend(t)
	s := attacking()
	if after := d.belongings(t); after != before {
		t.Errorf("what the victim has elsewhere was\n%s\nand is\n%s", before, after)
	}
	if len(s.Read) > 0 {
		t.Errorf("the attacker read a token in %q", s.Read)
	}
	if tokens+refused == 0 || s.Swapped+s.Planted == 0 {
		t.Error("it was no fight")
	}
	if d.what.always && refused > 0 {
		t.Errorf("%d calls got no token, which a cache must never cost", refused)
	}
	t.Logf("%d tokens and %d errors of %s; %d exchanges, %d links planted, %d of them hard", tokens, refused, d.what.name, s.Swapped, s.Planted, s.Linked)
}

// begin starts the attacker. What it returns ends that and says what came of it.
func (d *duel) begin(t *testing.T, self string) func() spoils {
	t.Helper()
	plan, err := json.Marshal(d.attack)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), roleVariable+"=attack "+string(plan))
	cmd.SysProcAttr = somebody(attacker)
	cmd.Stderr = os.Stderr
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
	out := bufio.NewReader(stdout)
	if line, err := out.ReadString('\n'); line != "begun\n" {
		t.Fatal(line, err)
	}
	return func() (s spoils) {
		_ = stdin.Close()
		if err := errors.Join(json.NewDecoder(out).Decode(&s), cmd.Wait()); err != nil {
			t.Error(err)
		}
		return s
	}
}

func somebody(who uint32) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: who, Gid: who, Groups: []uint32{shared}}}
}

// defend runs the victim's program, in its own directory and beside it, as often as there is time for.
func (d *duel) defend(t *testing.T) (tokens, refused int) {
	t.Helper()
	end := time.Now().Add(fight)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for n := 0; n < most/4 && time.Now().Before(end); n++ {
				dir := d.Ground
				if (n+worker)%2 == 0 {
					dir = filepath.Join(d.Ground, d.Dir)
				}
				well, err := d.run(dir)
				mu.Lock()
				switch {
				case err != nil:
					t.Error(err)
				case well:
					tokens++
				default:
					refused++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return tokens, refused
}

// run runs it once: there is a token, or an error that says so.
func (d *duel) run(dir string) (well bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	args := d.what.args(d.b, dir)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env, cmd.Dir, cmd.SysProcAttr = d.env, "/", somebody(victim)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	var ended *exec.ExitError
	said := stdout.String() + stderr.String()
	switch {
	case err == nil && strings.Contains(said, `"success":false`):
		if !strings.Contains(said, `"message":"`) {
			return false, fmt.Errorf("no error: %s", said)
		}
		return false, nil
	case err == nil:
		return true, nil
	case errors.As(err, &ended) && ended.Exited() && strings.HasPrefix(stderr.String(), filepath.Base(args[0])+": ") && !strings.Contains(said, "panic"):
		return false, nil
	}
	return false, fmt.Errorf("%w: %s", err, said)
}

// belongings are what the victim has elsewhere, with contents, modes and owners.
func (d *duel) belongings(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, root := range []string{d.Decoy, d.Precious} {
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := e.Info()
			if err != nil {
				return err
			}
			held := ""
			if info.Mode().IsRegular() {
				data, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				held = fmt.Sprintf("%.40q", data)
			}
			_, _ = fmt.Fprintln(&all, path, info.Mode(), info.Sys().(*syscall.Stat_t).Uid, held)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	return all.String()
}
