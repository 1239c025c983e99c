package conformance

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// debian is a Debian system of its own in a directory, with nothing but what a person has who uses a shell.
type debian struct{ root string }

func newDebian(t *testing.T) debian {
	t.Helper()
	dist(t)
	needs(t, "mmdebstrap")
	if os.Getuid() != 0 {
		t.Skip("only root makes a system in a directory")
	}
	d := debian{filepath.Join(t.TempDir(), "root")}
	output(t, "mmdebstrap", "--quiet", "--variant=apt", "--include=bash-completion,ca-certificates,fish,man-db,zsh", "--keyring=/usr/share/keyrings/debian-archive-keyring.gpg",
		"bookworm", d.root)
	return d
}

// command is one in the system, with processes and devices mounted where only it sees them.
func (d debian) command(t *testing.T, argv ...string) *exec.Cmd {
	t.Helper()
	return exec.CommandContext(t.Context(), "unshare", append([]string{"--mount", "--propagation", "private", "sh", "-c",
		`mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"`, d.root}, argv...)...)
}

// runs runs a program in the system and returns what it prints.
func (d debian) runs(t *testing.T, argv ...string) string {
	t.Helper()
	cmd := d.command(t, argv...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "MANPAGER=cat", "MANWIDTH=100"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", argv, err, out)
	}
	return string(out)
}

// files are all that the system has, but for what dpkg, apt and man remember of themselves.
func (d debian) files(t *testing.T) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(d.root, func(path string, e fs.DirEntry, err error) error {
		name := strings.TrimPrefix(path, d.root)
		if slices.Contains([]string{"/proc", "/dev", "/sys", "/tmp", "/var/cache", "/var/log", "/var/lib/dpkg", "/var/lib/apt"}, name) {
			return fs.SkipDir
		}
		all = append(all, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The package goes on with apt, has its pages and completions where the shells look, and leaves nothing.
func TestReleaseDeb(t *testing.T) {
	d := newDebian(t)
	d.runs(t, "useradd", "--create-home", "--uid", "4711", "me")
	before := d.files(t)
	output(t, "cp", artefact(t, "_linux_amd64.deb"), filepath.Join(d.root, "tmp", "idferry_1.0.0_linux_amd64.deb"))
	d.runs(t, "sh", "-c", "cd /tmp && apt-get install --yes ./idferry_*_linux_amd64.deb")

	for _, program := range []string{"azure-token-helper", "gcp-executable-source"} {
		if out := d.runs(t, program, "version"); !strings.HasPrefix(out, program+" 0.0.1-dev (go1.") {
			t.Error(out)
		}
		if out := d.runs(t, "man", program); !strings.Contains(out, "EXIT STATUS") || !strings.Contains(out, "ENVIRONMENT") {
			t.Errorf("man %s: %s", program, out)
		}
		if out := d.runs(t, "apropos", program); !strings.Contains(out, program+"-doctor (1)") {
			t.Errorf("apropos %s: %s", program, out)
		}
	}
	for shell, script := range map[string]string{
		"bash": `. /usr/share/bash-completion/bash_completion
			_completion_loader azure-token-helper || [ $? = 124 ]
			COMP_WORDS=(azure-token-helper get-token --google-source "") COMP_CWORD=3 COMP_LINE="azure-token-helper get-token --google-source " COMP_POINT=44 COMP_TYPE=9
			__start_azure-token-helper
			printf '%s\n' "${COMPREPLY[@]}"`,
		"fish": `complete --do-complete "azure-token-helper get-token --google-source "`,
		// zsh completes for a person at a terminal alone: zpty is one.
		"zsh": `zmodload zsh/zpty
			zpty shell 'PS1=; exec zsh -f -i'
			zpty -w shell 'autoload -U compinit; compinit -u -D; bindkey "^I" complete-word; zstyle ":completion:*" list-prompt ""'
			zpty -w -n shell $'azure-token-helper get-token --google-source \t\t'
			until [[ $out = *metadata* && $out = *key-file* && $out = *impersonation* && $out = *gcloud* ]] { zpty -r shell chunk || break; out+=$chunk }
			print -r -- $out`,
	} {
		out := d.runs(t, shell, "-c", script)
		for _, source := range []string{"metadata", "key-file", "impersonation", "gcloud"} {
			if !strings.Contains(out, source) {
				t.Errorf("%s completes to %s", shell, out)
			}
		}
	}
	firstSteps(t, d)

	d.runs(t, "apt-get", "purge", "--yes", "idferry")
	for _, name := range d.files(t) {
		if !slices.Contains(before, name) && !strings.HasPrefix(name, "/home/") && !strings.HasPrefix(name, "/root") {
			t.Errorf("the package leaves %s", name)
		}
	}
}

// firstSteps types docs/first-steps.md in the system, as somebody who has the package and a virtual machine in Azure.
func firstSteps(t *testing.T, d debian) {
	t.Helper()
	r := &reader{place: newPlace(t), application: "none"}
	authorities, err := os.ReadFile(r.environment["SSL_CERT_FILE"])
	if err == nil {
		err = os.WriteFile(filepath.Join(d.root, "home", "me", "ca.pem"), authorities, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	shell := d.command(t, "setpriv", "--reuid=me", "--regid=me", "--clear-groups", "bash", "--norc", "--noprofile")
	shell.Env = []string{
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/home/me", "LC_ALL=C.UTF-8", "HTTPS_PROXY=" + r.environment["HTTPS_PROXY"], "SSL_CERT_FILE=/home/me/ca.pem",
		"AZURE_POD_IDENTITY_AUTHORITY_HOST=" + r.clouds.IMDS.URL,
	}
	terminal, began := newTerminal(t, shell), time.Now()
	if out, code := terminal.types(t, "cd /home/me"); code != 0 {
		t.Fatal(out)
	}
	page := "docs/first-steps.md"
	for _, b := range blocks(t, filepath.Join("..", page)) {
		for _, c := range b.commands() {
			if b.place != "deb" || strings.HasPrefix(c.command, "sudo apt install") {
				continue
			}
			out, code := terminal.types(t, r.here(c.command))
			if code != 0 {
				t.Errorf("%s: %s: exit code %d\n%s", page, c.command, code, out)
			}
			t.Logf("$ %s\n%s", c.command, r.there(out))
			mustShow(t, page+": "+c.command, c.shown, r.there(out))
		}
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("the machine took %s of the two minutes", took)
	}
}
