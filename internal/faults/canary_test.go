package faults

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// bait are secrets in the environment of every call, whether it has a use for them or not.
func bait() []string {
	var set []string
	for i, name := range []string{
		"AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_PASSWORD", "SYSTEM_ACCESSTOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "IDENTITY_HEADER", "MSI_SECRET",
		"ARM_CLIENT_SECRET", "ARM_OIDC_TOKEN", "ARM_ACCESS_KEY", "ARM_SAS_TOKEN", "GOOGLE_OAUTH_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN",
	} {
		set = append(set, fmt.Sprintf("%s=canary%02d~Vw8~kQ4~Zr2~Xm6", name, i))
	}
	// Nothing on loopback is asked through it.
	return append(set, "HTTPS_PROXY=http://canary-user:"+baitPassword+"@127.0.0.1:9", "https_proxy=")
}

const baitPassword = "canary-password-of-a-proxy"

func baitSecrets() []string {
	secrets := []string{baitPassword}
	for _, variable := range bait() {
		if _, value, _ := strings.Cut(variable, "="); strings.HasPrefix(value, "canary") {
			secrets = append(secrets, value)
		}
	}
	return secrets
}

// errand is a cell whose call is watched more closely.
func errand(t *testing.T, h hop, f fault, told contract, at *clouds, other *elsewhere, programs, home string) *cell {
	t.Helper()
	c := newCell(t, h, f, told, at, other, programs, home)
	m := c.machine
	m.own = append(m.own, baitSecrets()...)
	for _, dir := range []string{"tmp", "run"} {
		if err := os.Mkdir(filepath.Join(home, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	m.env = append(bait(), m.env...)
	// Where nothing is yet, the program makes it.
	m.set("IDFERRY_CACHE_DIR="+filepath.Join(home, "made", "cache"), "TMPDIR="+filepath.Join(home, "tmp"), "XDG_RUNTIME_DIR="+filepath.Join(home, "run"))
	return c
}

// front are the words before a program's own.
func (c *cell) front() (words []string) {
	if c.umask != "" {
		words = append(words, "/bin/sh", "-c", anyCore+"; umask "+c.umask+`; exec "$@"`, "sh")
	}
	if c.machine.traced {
		words = append(words, strace(), "-f", "-qq", "-v", "-s", "100000", "-e", "trace=execve,%file", "-e", "signal=none", "-o", c.trace())
	}
	if c.hop.inside != nil {
		words = append(words, c.hop.inside(c.machine)...)
	}
	return words
}

// anyCore has a shell and what it starts leave cores of any size, where it may.
const anyCore = "(ulimit -c unlimited) 2>/dev/null && ulimit -c unlimited"

func (c *cell) trace() string { return filepath.Join(c.machine.files(), "trace") }

// strace is where it is installed and sees into these programs, which show their memory to nobody but root; or it is "".
func strace() string {
	path, err := exec.LookPath("strace")
	if err != nil || os.Geteuid() != 0 || exec.Command(path, "-f", "-o", os.DevNull, "true").Run() != nil {
		return ""
	}
	return path
}

// Every verb of both programs, under all their names and by every contract, and every kind of credential: nobody can
// observe twelve bytes of a secret, and what is left on disk is for its owner alone, whatever the umask is.
func TestNoSecretIsSeen(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the tools are links and the umask a shell's")
	}
	programs := build(t)
	at, other, homes := newClouds(t, 0), newElsewhere(t), t.TempDir()
	fine := fault{name: "nothing"}
	traced := strace() != ""
	if !traced {
		t.Log("without strace (root has to run it), file names that do not last and arguments of children of unknown names are not looked at")
	}
	var cells []*cell
	add := func(h hop, told ...contract) {
		for _, umask := range []string{"000", "077"} {
			for _, contract := range told {
				c := errand(t, h, fine, contract, at, other, programs, filepath.Join(homes, strconv.Itoa(len(cells))))
				c.umask, c.machine.traced = umask, traced && umask == "000"
				cells = append(cells, c)
			}
		}
	}
	for _, h := range slices.Concat(toAzure(), googleTools()) {
		add(h, append(h.told, finding(helper, "doctor"), finding(helper, "doctor", "--json"), finding(helper, "trust"))...)
	}
	for _, h := range slices.Concat(toGoogle(), onArc(), azureTools()) {
		add(h, append(h.told, finding(source, "doctor"), finding(source, "doctor", "--json"))...)
	}
	add(toAzure()[0], toolsOfGoogle()...)
	add(toGoogle()[0], toolsOfAzure()...)
	missing := everyVerb(t, cells[0].machine)
	all := slices.Clone(missing)
	for _, c := range cells {
		verb := verbOf(all, c.contract.as, c.args())
		missing = slices.DeleteFunc(missing, func(v string) bool { return v == verb })
	}
	// What only leads to other verbs is run for its help.
	for _, verb := range missing {
		words := strings.Fields(verb)
		group := slices.ContainsFunc(all, func(v string) bool { return strings.HasPrefix(v, verb+" ") })
		if !group && words[len(words)-1] != "help" && words[len(words)-1] != "no-help" {
			t.Errorf("%s is run with no secrets at all: add it to toolsOfGoogle or toolsOfAzure", verb)
		}
	}
	for _, verb := range all {
		words := strings.Fields(verb)
		h := map[string]hop{helper: toAzure()[0], source: toGoogle()[0]}[names()[words[0]]]
		add(h, finding(names()[words[0]], append(words[1:], "--help")...).named(words[0]))
	}

	each(cells, 6, func(c *cell) { c.first = c.call(programs) })
	for _, c := range cells {
		t.Run(c.hop.name+"/"+c.contract.name+"/umask "+c.umask, func(t *testing.T) {
			if c.first.failed != nil || c.first.malformed != nil {
				t.Errorf("%v %v: %s%s", c.first.failed, c.first.malformed, c.first.stdout, c.first.stderr)
			}
			c.judgeSecrets(t)
			c.judgeModes(t)
		})
	}
	t.Logf("%d runs of %d verbs", len(cells), len(all))
}

func (c contract) named(as string) contract {
	c.as = as
	c.name = as + " " + strings.Join(c.args(hop{}), " ")
	return c
}

// everyVerb lists the verbs of both programs under all their names.
func everyVerb(t *testing.T, m *machine) (all []string) {
	t.Helper()
	for name := range names() {
		all = append(all, verbs(t, m, name)...)
	}
	slices.Sort(all)
	if len(all) < 40 || !slices.Contains(all, "azure-token-helper get-token") || !slices.Contains(all, "az account show") {
		t.Fatalf("these are not all verbs: %q", all)
	}
	return all
}

// judgeModes holds what is left to SECURITY.md's table: files 0600 in directories 0700, all of the caller's own.
func (c *cell) judgeModes(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(c.machine.home, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == c.machine.files() {
			return fs.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if path != c.machine.home && info.Mode().Perm() != want || !ownedByUs(info) {
			t.Errorf("%s: mode %04o, want %04o; ours: %v", path, info.Mode().Perm(), want, ownedByUs(info))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// judgeTrace looks at every name of a file and every argument and variable with which a process was started.
func (c *cell) judgeTrace(t *testing.T, look func(where, text string, field bool)) {
	t.Helper()
	if !c.machine.traced {
		return
	}
	text, err := os.ReadFile(c.trace())
	if err != nil || !strings.Contains(string(text), "execve(") || !strings.Contains(string(text), "authorities.pem") && !strings.Contains(string(text), "--help") && c.contract.holds != nil {
		t.Errorf("nothing was traced: %v, %d bytes", err, len(text))
	}
	own := map[string]bool{}
	for _, variable := range c.machine.env {
		own[variable] = true
	}
	quoted := regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
	var seen strings.Builder
	for _, m := range quoted.FindAllStringSubmatch(string(text), -1) {
		if said := strings.NewReplacer(`\"`, `"`, `\n`, "\n", `\\`, `\`).Replace(m[1]); !own[said] {
			own[said] = true
			seen.WriteString(said + "\n\n")
		}
	}
	look("what strace saw", seen.String(), false)
}
