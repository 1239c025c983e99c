package faults

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/idferry/idferry/internal/fakecloud"
)

// names are what the binaries are started under, with the one that each is.
func names() map[string]string {
	return map[string]string{helper: helper, "az": helper, "azd": helper, source: source}
}

// under is a program under one of its names.
func (m *machine) under(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(m.files(), "names", name)
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = os.Symlink(filepath.Join(m.programs, names()[name]), path)
	}
	if err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
	return path
}

// verbs are those that a program says it has under that name, groups without what is in them included, as "az account show".
func verbs(t *testing.T, m *machine, name string) []string {
	t.Helper()
	found := []string{name}
	for i := 0; i < len(found); i++ {
		words := strings.Fields(found[i])
		if slices.Contains(words[1:], "help") {
			continue // it completes to what there is help for
		}
		cmd := exec.Command(m.under(t, name), slices.Concat([]string{"__complete"}, words[1:], []string{""})...)
		cmd.Env = m.env
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("what %s has: %v", found[i], err)
		}
		for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
			word, _, described := strings.Cut(lines.Text(), "\t")
			if described || word == "no-help" {
				found = append(found, found[i]+" "+word)
			}
		}
	}
	return found
}

// verbOf is the longest of all verbs that a command line begins with.
func verbOf(all []string, name string, args []string) string {
	verb := name
	for _, a := range args {
		if !slices.Contains(all, verb+" "+a) {
			break
		}
		verb += " " + a
	}
	return verb
}

// quiet is a verb that gives no token. It succeeds.
func quiet(program, as string, args ...string) contract {
	return contract{
		name: strings.Join(append([]string{as}, args...), " "), program: program, as: as, silent: true, args: func(hop) []string { return args },
		read: func(_ *machine, r result) (outcome, error) {
			if r.code != 0 {
				return outcome{}, fmt.Errorf("exit code %d: %s%s", r.code, r.stdout, r.stderr)
			}
			return outcome{well: true}, nil
		},
	}
}

// finding is a verb that says what it finds wrong: its exit code says as much.
func finding(program string, args ...string) contract {
	c := quiet(program, program, args...)
	c.read = func(_ *machine, r result) (outcome, error) {
		return outcome{well: r.code == 0, said: string(r.stderr)}, nil
	}
	return c
}

// inFile is a verb that writes its token to a file.
func inFile(name string, path func(m *machine) string, args ...string) contract {
	c := quiet(source, source)
	c.name = name
	c.holds = func(m *machine) []string { return []string{path(m)} }
	c.prepare = func(m *machine) { m.set("IDFERRY_RESOURCE=" + fakecloud.SandboxResource) }
	c.atPath = func(m *machine) []string { return append(args, path(m)) }
	read := c.read
	c.read = func(m *machine, r result) (outcome, error) {
		o, err := read(m, r)
		if err != nil {
			return o, err
		}
		held, err := os.ReadFile(path(m))
		o.token = string(held)
		return o, err
	}
	return c
}

// executed is exec, whose program looks around.
func executed(program string, args ...string) contract {
	c := quiet(program, program, slices.Concat([]string{"exec"}, args, []string{"--", "program"})...)
	c.prepare = func(m *machine) {
		m.tool("program", "")
		m.set("IDFERRY_RESOURCE="+fakecloud.SandboxResource, "GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE="+fakecloud.SandboxProvider)
	}
	read := c.read
	c.read = func(m *machine, r result) (outcome, error) {
		o, err := read(m, r)
		if err != nil {
			return o, err
		}
		seen := m.children()
		i := slices.IndexFunc(seen, func(c child) bool { return c.Name == "program" })
		if i < 0 {
			return o, errors.New("the program was not run")
		}
		var answer struct{ Value string }
		o.token = seen[i].Files["google-id-token"] + seen[i].Files["subject-token"]
		if program == helper && (json.Unmarshal([]byte(seen[i].Answer), &answer) != nil || answer.Value == "" || o.token == "") {
			return o, fmt.Errorf("the program found no token: %d files, answered %d bytes", len(seen[i].Files), len(seen[i].Answer))
		}
		if limit := seen[i].CoreLimit; limit != "" && limit != "unlimited" && m.traced {
			return o, fmt.Errorf("the program's limit of cores is %q, and the caller's was none", limit)
		}
		return o, nil
	}
	return c
}

// toolsOfGoogle are the errands of a machine of Google Cloud, beside those of get-token.
func toolsOfGoogle() []contract {
	const sub = "22222222-2222-2222-2222-222222222222"
	helps := func(args ...string) contract { return quiet(helper, helper, args...) }
	az := func(args ...string) contract { return quiet(helper, "az", args...) }
	kubeconfig := quiet(helper, helper, "kubeconfig", "--command", "/usr/local/bin/azure-token-helper")
	kubeconfig.prepare = func(m *machine) {
		text, err := os.ReadFile("../../testdata/kubeconfig/aks-user.yaml")
		if err != nil {
			m.t.Fatal(err)
		}
		m.set("KUBECONFIG=" + m.file("kubeconfig", string(text)))
	}
	shim := func(verb string) contract {
		c := quiet(helper, helper)
		c.name = "shim " + verb
		c.atPath = func(m *machine) []string { return []string{"shim", verb, "--dir", filepath.Join(m.files(), "shims")} }
		return c
	}
	subscribed := func(c contract) contract {
		c.prepare = func(m *machine) { m.set("AZURE_SUBSCRIPTION_ID=" + sub) }
		return c
	}
	behind := quiet(helper, "az", "storage", "account", "list")
	behind.name = "a command for the real az"
	behind.prepare = func(m *machine) { m.tool("az", "[]") }
	return []contract{
		verb("assertion", oneLine("", ""), "assertion"), getToken("exec", rawExec), helps("completion", "bash"), helps("completion", "zsh"), helps("completion", "fish"), helps("completion", "powershell"),
		executed(helper), executed(helper, "--az-shim"), kubeconfig, shim("install"), shim("uninstall"), finding(helper, "trust"), finding(helper, "trust", "--format", "json"),
		helps("cache", "list"), helps("cache", "list", "--json"), helps("cache", "clear"), helps("cache", "clear", "--all"), helps("version"), helps("version", "--json"),
		subscribed(helps("account", "show")), subscribed(helps("account", "list")), subscribed(helps("account", "set", "--subscription", sub)), helps("account", "clear"),
		verb("account get-access-token", readCLI, "account", "get-access-token", "--resource", storage), verb("auth token", readDeveloper, "auth", "token", "--scope", storage+"/.default"),
		subscribed(az("account", "show")), subscribed(az("account", "list")), subscribed(az("account", "set", "--subscription", sub)), az("account", "clear"), az("cloud", "list"), az("cloud", "show"),
		az("login"), az("login", "--service-principal", "-u", fakecloud.SandboxApp, "-t", fakecloud.SandboxTenant), az("logout"), az("version"), behind,
		quiet(helper, "azd", "completion", "bash"), quiet(helper, "azd", "completion", "zsh"), quiet(helper, "azd", "completion", "fish"), quiet(helper, "azd", "completion", "powershell"),
		finding(helper, "doctor"), finding(helper, "doctor", "--json"), cli(), developer(), developerTool(), tool(), raw(), header(), env(), execCredential(),
	}
}

func rawExec(out []byte) (string, error) {
	var credential struct{ Status struct{ Token string } }
	err := json.Unmarshal(out, &credential)
	return credential.Status.Token, err
}

// toolsOfAzure are the errands of a machine of Azure, beside those of the protocol.
func toolsOfAzure() []contract {
	gives := func(args ...string) contract { return quiet(source, source, args...) }
	file := func(m *machine) string { return filepath.Join(m.home, "private", "token") }
	config := gives()
	config.name = "config FILE"
	config.atPath = func(m *machine) []string {
		return []string{"config", "--audience", fakecloud.SandboxProvider, "--resource", fakecloud.SandboxResource, filepath.Join(m.outputDir(), "google.json")}
	}
	examined := func(c contract) contract {
		c.prepare = func(m *machine) {
			m.set("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1", "GOOGLE_APPLICATION_CREDENTIALS="+m.executableSource(m.clouds.Google.STSURL(), m.clouds.Google.ImpersonationURL(fakecloud.SandboxAccount), m.clouds.Google.TokenInfoURL()))
		}
		return c
	}
	check := examined(finding(source))
	check.name = "config --check"
	check.atPath = func(m *machine) []string {
		return []string{"config", "--check", "--json", filepath.Join(m.files(), "google.json")}
	}
	trust := func(args ...string) contract {
		c := finding(source, append([]string{"trust", "--project", "my-project"}, args...)...)
		c.prepare = func(m *machine) { m.set("IDFERRY_RESOURCE=" + fakecloud.SandboxResource) }
		return c
	}
	kept := executed(source, "--source", "file")
	kept.untimed = true
	return []contract{
		executable(), executableWithFile(), config, check, inFile("token-file", file, "token-file", "--once", "--path"),
		executed(source), kept, trust(), trust("--format", "json"), examined(finding(source, "doctor")), examined(finding(source, "doctor", "--json")),
		gives("cache", "list"), gives("cache", "list", "--json"), gives("cache", "clear"), gives("cache", "clear", "--all"), gives("version"), gives("version", "--json"),
		gives("completion", "bash"), gives("completion", "zsh"), gives("completion", "fish"), gives("completion", "powershell"),
	}
}
