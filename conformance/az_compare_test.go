package conformance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/idferry/idferry/internal/fakecloud"
)

const (
	azVersion         = "2.91.0"
	azSubscription    = "22222222-2222-2222-2222-222222222222"
	unknownResource   = "https://nobody.example.com"
	subscriptionsPage = `{"value":[{"id":"/subscriptions/` + azSubscription + `","managedByTenants":[],"subscriptionId":"` + azSubscription + `",` +
		`"tenantId":"` + fakecloud.SandboxTenant + `","displayName":"` + azSubscription + `","state":"Enabled"}]}`
)

// azDriver runs one command of the real az for each line on stdin, in one process: starting it takes half a second.
const azDriver = `
import contextlib, io, json, os, sys, tempfile
from azure.cli.core import get_default_cli
answers = os.fdopen(os.dup(1), "w")
stderr = tempfile.TemporaryFile()
os.dup2(stderr.fileno(), 2)
for line in sys.stdin:
    os.ftruncate(2, 0)
    os.lseek(2, 0, 0)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            code = get_default_cli().invoke(json.loads(line), out_file=out)
        except SystemExit as e:
            code = e.code
    sys.stderr.flush()
    stderr.seek(0)
    print(json.dumps({"Stdout": out.getvalue(), "Stderr": stderr.read().decode(), "Code": code or 0}), file=answers, flush=True)
`

type azAnswer struct {
	Stdout, Stderr string
	Code           int
}

// azEnvironment installs azure-cli where IDFERRY_TEST_AZ=1 asks for it; it may name a virtual environment that has it.
func azEnvironment(t *testing.T) string {
	t.Helper()
	venv := os.Getenv("IDFERRY_TEST_AZ")
	switch venv {
	case "":
		t.Skip("IDFERRY_TEST_AZ=1 installs azure-cli " + azVersion + " (half a gigabyte) and compares")
	case "1":
		dir, err := os.UserCacheDir()
		if err != nil {
			dir = os.TempDir()
		}
		venv = filepath.Join(dir, "idferry-test", "azure-cli-"+azVersion)
	}
	python := filepath.Join(venv, "bin", "python")
	if err := exec.Command(python, "-c", "import azure.cli.core").Run(); err == nil {
		return venv
	}
	for _, command := range [][]string{{"python3", "-m", "venv", venv}, {python, "-m", "pip", "install", "--quiet", "azure-cli==" + azVersion}} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", command, err, out)
		}
	}
	return venv
}

// bothAz is the real az, logged in to the fake cloud, and the stand-in on a Google machine that stands for the same
// application.
type bothAz struct {
	venv string
	// realEnv and ourEnv are added to the environment of each.
	realEnv, ourEnv []string
	in              io.Writer
	out             *bufio.Reader
}

func startAz(t *testing.T, venv string, realEnv, ourEnv []string) *bothAz {
	t.Helper()
	cmd := exec.Command(filepath.Join(venv, "bin", "python"), "-c", azDriver)
	cmd.Env = append(os.Environ(), realEnv...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	return &bothAz{venv, realEnv, ourEnv, in, bufio.NewReader(out)}
}

func (b *bothAz) real(t *testing.T, args []string) azAnswer {
	t.Helper()
	line, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.in.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	text, err := b.out.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var a azAnswer
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func runAz(t *testing.T, program string, env, args []string) azAnswer {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return azAnswer{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

func (b *bothAz) ours(t *testing.T, args []string) azAnswer {
	t.Helper()
	return runAz(t, binary("az"), b.ourEnv, args)
}

// loggedIn is both, each with the same application, tenant and subscription.
func loggedIn(t *testing.T, venv string) *bothAz {
	t.Helper()
	clouds := googleMachine(t)
	arm := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, subscriptionsPage)
	}))
	t.Cleanup(arm.Close)
	dir := t.TempDir()
	ca := append(slices.Clone(clouds.CA.PEM), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: arm.Certificate().Raw})...)
	for name, content := range map[string]string{
		"ca.pem":        string(ca),
		"config":        "[core]\ninstance_discovery=false\ncollect_telemetry=false\n",
		"clouds.config": "[AzureCloud]\nendpoint_active_directory = " + clouds.Entra.URL + "\nendpoint_resource_manager = " + arm.URL + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// az asks for continuous access of itself, the stand-in when it is told to: the tokens have one length for tables only
	// when neither does.
	b := startAz(t, venv, []string{"AZURE_CONFIG_DIR=" + dir, "REQUESTS_CA_BUNDLE=" + filepath.Join(dir, "ca.pem"), "AZURE_IDENTITY_DISABLE_CP1=1"},
		[]string{"AZURE_SUBSCRIPTION_ID=" + azSubscription})
	if a := b.real(t, []string{"login", "--service-principal", "-u", fakecloud.SandboxApp, "-p", fakecloud.SandboxSecret, "-t", fakecloud.SandboxTenant}); a.Code != 0 {
		t.Fatal(a.Stderr)
	}
	return b
}

// fresh is both as they are for nobody in particular, in one of Microsoft's clouds.
func fresh(t *testing.T, venv, cloud string) *bothAz {
	t.Helper()
	return startAz(t, venv, []string{"AZURE_CONFIG_DIR=" + t.TempDir(), "AZURE_CLOUD_NAME=" + cloud, "AZURE_CORE_COLLECT_TELEMETRY=no"},
		[]string{"AZURE_ENVIRONMENT=" + cloud, "AZURE_AUTHORITY_HOST="})
}

// alike hides what differs between any two calls: the token, which has the same length for both, and its times.
func alike(s string) string {
	s = regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`).ReplaceAllString(s, "TOKEN")
	s = regexp.MustCompile(`20\d\d-\d\d-\d\d\s+\d\d:\d\d:\d\d\.000000`).ReplaceAllString(s, "TIME")
	return regexp.MustCompile(`\b[12]\d{9}\b`).ReplaceAllString(s, "SECONDS")
}

func (b *bothAz) compare(t *testing.T, args []string) azAnswer {
	t.Helper()
	theirs, ours := b.real(t, args), b.ours(t, args)
	if alike(ours.Stdout) != alike(theirs.Stdout) || ours.Code != theirs.Code {
		t.Errorf("az %q\nours %d %q %s\naz   %d %q %.300s", args, ours.Code, alike(ours.Stdout), ours.Stderr, theirs.Code, alike(theirs.Stdout), theirs.Stderr)
	}
	if ours.Code == 0 && ours.Stderr != "" {
		t.Errorf("az %q succeeds and writes on stderr: %s", args, ours.Stderr)
	}
	return theirs
}

// azQueries work on every document: what one lacks is null there.
func azQueries() []string {
	return []string{
		"@", "tenant", "accessToken", "id", "name", "user", "user.name", "tenantId", "nope", "nope.nope", "[]", "[0]", "[-1]", "[*]", "*", "[].id", "[].name", "[*].name | [0]",
		"keys(@)", "[0].keys(@)", "keys(@) | sort(@)", "keys(@)[0]", "length(@)", "type(@)", "to_string(@)", "to_array(@) | length(@)", "not_null(nope, id, name, 'none')",
		"[id, name]", "[tenantId, isDefault, user.name, nope]", "{name: name, id: id}", "{id: id, name: name}", "{z: tenant, a: subscription, m: tokenType}", "{t: tokenType, e: expires_on, o: expiresOn}",
		"{User: user.name, Sub: id, Default: isDefault, None: nope}", "[].{name: name, active: isActive, state: state}", "[].[name, isActive]", "[?isDefault].id | [0]", "[?isActive].name",
		"[?isActive].endpoints.resourceManager | [0]", "[?name == 'AzureCloud'].profile", "[?name == `AzureCloud`].suffixes.storageEndpoint", "[?name > 'AzureC'].name", "[?!isActive].name", "[?isActive && name != 'x'].name",
		"[?contains(name, 'Cloud')].name", "[?starts_with(name, 'Azure')] | length(@)", "sort_by([], &name)[].name", "max_by([], &name).name", "reverse([].name)", "map(&name, [])", "join(', ', [].name)", "endpoints.activeDirectory",
		"endpoints.keys(@) | [0:3]", "suffixes", "suffixes.*", "[0].endpoints.[management, portal]", "[].endpoints.portal[]", "merge(user, {b: id, a: name})", "merge(@, {extra: 'x'})", "@.\"azure-cli\"", "\"azure-cli-core\"",
		"extensions", "{v: \"azure-cli\", n: length(extensions)}", "managedByTenants", "isDefault", "isActive", "`true`", "`null`", "`[1, 2]`", "`{\"b\": 1, \"a\": null}`", "'text'", "'a: b'", "`\"yes\"`", "`\"é <&>\"`",
		"expires_on", "expires_on > `5`", "expires_on >= `5` && tokenType == 'Bearer'", "expiresOn > '2020'", "values(user)", "nope | [a]", "nope.{a: a}", "id || name", "nope || 'fallback'", "contains(keys(@), 'tenant')",
		"[[name], [id, tenantId]]", "[{a: name}, {b: id}]", "user.{n: name} | n", "floor(`1.5`)", "abs(`-2`)", "ends_with('ab', 'b')", "to_number('12')", "min([`3`, `2`])", "sum([`3`, `2`])",
	}
}

func TestStandInPrintsWhatAzPrints(t *testing.T) {
	venv := azEnvironment(t)
	b, nobody := loggedIn(t, venv), fresh(t, venv, "AzureCloud")
	var recorded bytes.Buffer
	everything := []string{"json", "jsonc", "yaml", "yamlc", "table", "tsv", "none"}
	for _, format := range []string{"json", "yaml", "table", "tsv"} {
		for verb, who := range map[string]*bothAz{"account show": b, "account list": b, "account get-access-token --resource https://storage.azure.com": b,
			"version": nobody, "cloud list": nobody, "cloud show": nobody} {
			t.Run(verb+" -o "+format, func(t *testing.T) {
				for _, query := range append([]string{""}, azQueries()...) {
					args := append(strings.Fields(verb), "-o", format)
					if query != "" {
						args = append(args, "--query", query)
					}
					answer := who.compare(t, args)
					if worthRecording(verb, query, answer.Stdout) {
						_ = json.NewEncoder(&recorded).Encode(map[string]any{"args": args, "stdout": answer.Stdout})
					}
				}
			})
		}
	}
	for _, format := range everything {
		for _, verb := range []string{"account show", "account list", "account get-access-token", "account get-access-token --tenant " + fakecloud.SandboxTenant,
			"account show --query nope", "account get-access-token --query accessToken", "account set -s " + azSubscription} {
			b.compare(t, append(strings.Fields(verb), "--output", format))
		}
		for _, cloud := range []string{"AzureChinaCloud", "AzureUSGovernment", "AzureBleuCloud"} {
			nobody.compare(t, []string{"cloud", "show", "--name", cloud, "-o", format})
		}
	}
	for _, cloud := range []string{"AzureChinaCloud", "AzureUSGovernment"} {
		there := fresh(t, venv, cloud)
		there.compare(t, []string{"cloud", "show"})
		there.compare(t, []string{"cloud", "list", "--query", "[?isActive].name", "-o", "tsv"})
	}
	if record := os.Getenv("IDFERRY_TEST_AZ_RECORD"); record != "" && !t.Failed() {
		lines := strings.SplitAfter(recorded.String(), "\n")
		slices.Sort(lines)
		if err := os.WriteFile(record, []byte(strings.Join(lines, "")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// worthRecording picks what becomes testdata/azure-cli/recorded.jsonl, for the tests that have no az: what az prints is
// the same for everybody, is not long unless it is the whole document, and depends on the document.
func worthRecording(verb, query, stdout string) bool {
	switch {
	case stdout == "" || strings.Contains(verb, "get-access-token"):
		return false
	case query == "" || verb == "account show":
		return true
	default:
		return len(stdout) < 400 && !strings.ContainsAny(query[:1], "`'")
	}
}

// The ways of saying the same that callers use.
func TestStandInReadsArgumentsAsAzDoes(t *testing.T) {
	b := loggedIn(t, azEnvironment(t))
	token := []string{"account", "get-access-token"}
	for _, args := range [][]string{
		append(token, "-o=json", "--resource=https://storage.azure.com"), append(token, "-ojson", "--query=tenant"), append(token, "--out", "JSON", "--quer", "tenant"),
		append(token, "--scope", "https://storage.azure.com/.default", "--query", "tenant"), append(token, "--scope", "--query", "tenant"),
		append(token, "--resource-type", "ms-graph", "--query", "tenant"), append(token, "--resource-t", "arm", "-t", fakecloud.SandboxTenant),
		append(token, "--resource", unknownResource, "--scope", "https://storage.azure.com/.default", "--query", "tokenType"),
		append(token, "--name", azSubscription), append(token, "-n", azSubscription, "--only-show-errors"), append(token, "-s", azSubscription), append(token, "--sub", strings.ToUpper(azSubscription)),
		{"account", "show", "--subscription", azSubscription}, {"account", "show", "-s", azSubscription, "--query", "id", "-otsv"}, {"account", "show", "--name", ""},
		{"account", "list", "--all"}, {"account", "list", "--refresh", "--all", "-o", "table"}, {"account", "set", "--subscription", azSubscription}, {"account", "set", "--name", azSubscription, "--query", "id"},
	} {
		b.compare(t, args)
	}
}

func TestStandInFailsWhereAzFails(t *testing.T) {
	b := loggedIn(t, azEnvironment(t))
	token := []string{"account", "get-access-token"}
	code := regexp.MustCompile(`AADSTS\d+`)
	for _, args := range [][]string{
		append(token, "--resource", unknownResource), append(token, "--scope", unknownResource+"/.default"), append(token, "--resource-type", "data-lake"),
		append(token, "--scope", "https://storage.azure.com/.default", "https://vault.azure.net/.default"), append(token, "--tenant", "99999999-9999-9999-9999-999999999999"),
		append(token, "--subscription", "nope"), append(token, "--res", "x"), append(token, "--resource"), append(token, "--bogus", "x"), append(token, "extra"), append(token, "--claims-challenge", "x"),
		append(token, "-o", "xml"), append(token, "-o"), append(token, "--resource-type", "nonsense"), append(token, "--debug=x"), append(token, "-q", "id"),
		append(token, "--query", "tenant["), append(token, "--query", ""), append(token, "--query"), append(token, "--query", "nope(@)"), append(token, "--query", "length(expires_on)"),
		append(token, "--query", "sum(@)"), append(token, "--query", "length(@, @)"), append(token, "--query", "*.keys(@)"), append(token, "--query", "foo bar"),
		append(token, "--query", "a-b"), append(token, "--query", "upper(tokenType)"), append(token, "--query", "let $x = tenant in $x"),
		{"account", "show", "-s", "nope"}, {"account", "set"}, {"account", "set", "-s", "nope"}, {"account", "set", "-s", ""}, {"account", "list", "--subscription", azSubscription}, {"account"}, {"account", "frobnicate"},
		{"frobnicate"}, {"cloud"}, {"cloud", "show", "-n", "nope"}, {"cloud", "show", "-n", "azurecloud"}, {"cloud", "show", "--subscription", "x"}, {"version", "--bogus"}, {"login", "--bogus"}, {"logout", "--bogus"},
	} {
		theirs := b.compare(t, args)
		ours := b.ours(t, args)
		if want := code.FindString(theirs.Stderr); want != "" && !strings.Contains(ours.Stderr, want) {
			t.Errorf("az %q: no %s in %s", args, want, ours.Stderr)
		}
		if ours.Code == 0 || !strings.HasPrefix(ours.Stderr, "ERROR: ") || strings.Count(ours.Stderr, "\n") != 1 {
			t.Errorf("az %q: %d %s", args, ours.Code, ours.Stderr)
		}
		mustNotLeak(t, fmt.Errorf("%s%s", ours.Stdout, ours.Stderr))
	}
}

// Where the stand-in is not az on purpose. Each line is looked at, so that none outlives its reason.
func TestStandInDiffersFromAzOnPurpose(t *testing.T) {
	b := loggedIn(t, azEnvironment(t))
	token := []string{"account", "get-access-token"}
	for _, c := range []struct {
		args []string
		why  string
	}{
		{append(token, "--subscription", azSubscription, "--tenant", fakecloud.SandboxTenant), "OpenTofu's azurerm backend gives both when it is configured with both"},
		{append(token, "--scope", unknownResource+"/.default", "--scope", "https://storage.azure.com/.default", "--query", "tenant"), "az forgets all but the last --scope; here Entra is asked for all of them"},
		{append(token, "--query", "`1.0`"), "a whole number is shown as one: no document of az's has any other"},
		{append(token, "--subscription", "23232323-2323-2323-2323-232323232323", "--query", "tokenType"), "any subscription of the tenant takes the token, and which ones there are Azure Resource Manager alone knows"},
		{[]string{}, "az greets; a stand-in says what it is for"},
	} {
		if theirs, ours := b.real(t, c.args), b.ours(t, c.args); alike(theirs.Stdout) == alike(ours.Stdout) && theirs.Code == ours.Code {
			t.Errorf("az %q: no difference any more (%s)", c.args, c.why)
		}
	}
	// Without a subscription az gives the tenant's id in its place, which no caller can use as one.
	b.ourEnv = nil
	if a := b.ours(t, token); a.Code != 0 || strings.Contains(a.Stdout, `"subscription"`) {
		t.Error(alike(a.Stdout), a.Stderr)
	}
}

// The driver is no other az than the program that people run.
func TestDriverIsTheProgram(t *testing.T) {
	b := loggedIn(t, azEnvironment(t))
	for _, args := range [][]string{{"account", "show"}, {"account", "get-access-token", "-o", "table"}, {"account", "show", "-s", "nope"}, {"account", "show", "--bogus"}} {
		a := runAz(t, filepath.Join(b.venv, "bin", "az"), b.realEnv, args)
		driven := b.real(t, args)
		if alike(a.Stdout) != alike(driven.Stdout) || a.Code != driven.Code {
			t.Errorf("az %q: %d %q, driven %d %q", args, a.Code, alike(a.Stdout), driven.Code, alike(driven.Stdout))
		}
	}
}
