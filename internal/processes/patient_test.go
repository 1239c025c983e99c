package processes

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

// patient is a machine with an identity in one cloud that needs the other: something is broken about it, doctor looks, and
// what doctor says is typed.
type patient struct {
	*fakecloud.Sandbox
	t       *testing.T
	program string
	home    string
	// mu guards env and ahead: clouds read them while a program runs.
	mu   sync.Mutex
	env  map[string]string
	args []string
	// ahead is how far the clouds' clocks are before the machine's.
	ahead time.Duration
	file  map[string]any
}

// newPatient is well. program is azure-token-helper on a Google machine, or gcp-executable-source on an Azure one.
func newPatient(t *testing.T, b built, program string) *patient {
	t.Helper()
	p := &patient{t: t, home: t.TempDir(), program: b.helper}
	clouds, err := fakecloud.StartSandbox(p.now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(clouds.Close)
	p.Sandbox = clouds
	p.env = map[string]string{
		"HOME": p.home, "LOCALAPPDATA": p.home, "PATH": filepath.Dir(b.helper) + string(os.PathListSeparator) + os.Getenv("PATH"), "SYSTEMROOT": os.Getenv("SYSTEMROOT"),
		"SSL_CERT_FILE": p.write("ca.pem", string(clouds.CA.PEM)), "SSL_CERT_DIR": p.home, "IDFERRY_CACHE": "off", "DBUS_SESSION_BUS_ADDRESS": "disabled:",
		"AZURE_AUTHORITY_HOST": clouds.Entra.URL + "/", "IDFERRY_RESOURCE_MANAGER": clouds.ResourceManager.URL + "/",
		"CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS": clouds.Google.IAM.URL + "/",
	}
	if program == "azure-token-helper" {
		maps.Copy(p.env, map[string]string{"GCE_METADATA_HOST": clouds.Google.MetadataHost(), "AZURE_TENANT_ID": fakecloud.SandboxTenant, "AZURE_CLIENT_ID": fakecloud.SandboxApp})
		return p
	}
	p.program = b.source
	maps.Copy(p.env, map[string]string{
		"AZURE_POD_IDENTITY_AUTHORITY_HOST": clouds.IMDS.URL, "IDFERRY_CREDENTIAL": "managed-identity", "IDFERRY_RESOURCE": fakecloud.SandboxResource,
		"GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES": "1", "GOOGLE_APPLICATION_CREDENTIALS": filepath.Join(p.home, "google.json"),
	})
	p.file = map[string]any{
		"type": "external_account", "universe_domain": "googleapis.com", "audience": fakecloud.SandboxProvider, "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
		"token_url": clouds.Google.STSURL(), "token_info_url": clouds.Google.TokenInfoURL(), "service_account_impersonation_url": clouds.Google.ImpersonationURL(fakecloud.SandboxAccount),
		"credential_source": map[string]any{"executable": map[string]any{"command": filepath.ToSlash(b.source + exe()), "timeout_millis": 30000}},
	}
	return p
}

func (p *patient) now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Add(p.ahead)
}

func (p *patient) get(name string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.env[name]
}

func (p *patient) set(name, value string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.env[name] = value
}

// write leaves a file in the home and returns its path.
func (p *patient) write(name, content string) string {
	p.t.Helper()
	path := filepath.Join(p.home, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// found is doctor's document.
type found struct {
	Status string
	Hops   []struct {
		Name, Status string
		Error        *struct {
			Code, Message, Cause, Mend, Wait string
			Run                              []string
		}
	}
}

// run runs the program with the patient's environment. A machine without AZURE_AUTHORITY_HOST finds the sandbox too: that
// is where the names of Microsoft's clouds lead here.
func (p *patient) run(args ...string) ([]byte, int) {
	p.t.Helper()
	if p.file != nil {
		data, err := json.Marshal(p.file)
		if err != nil {
			p.t.Fatal(err)
		}
		p.write("google.json", string(data))
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.program+exe(), args...)
	p.mu.Lock()
	for name, value := range p.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if p.env["AZURE_AUTHORITY_HOST"] == "" {
		cmd.Env = append(cmd.Env, "AZURE_AUTHORITY_HOST="+p.Entra.URL+"/")
	}
	p.mu.Unlock()
	out, err := cmd.Output()
	if cmd.ProcessState == nil || !cmd.ProcessState.Exited() {
		p.t.Fatal(err)
	}
	if strings.Contains(string(out), "eyJ") || strings.Contains(string(out), fakecloud.SandboxSecret) {
		p.t.Error("a secret is shown")
	}
	return out, cmd.ProcessState.ExitCode()
}

// fetch asks one of the clouds for a page.
func (p *patient) fetch(address string) string {
	p.t.Helper()
	resp, err := p.CA.Client().Get(address)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		p.t.Fatal(resp.Status, err)
	}
	return string(body)
}

// examine lets doctor look.
func (p *patient) examine() found {
	p.t.Helper()
	out, code := p.run(append([]string{"doctor", "--json"}, p.args...)...)
	var f found
	if err := json.Unmarshal(out, &f); err != nil {
		p.t.Fatalf("exit code %d: %v: %s", code, err, out)
	}
	if want := map[string]int{"ok": 0, "failed": 1, "unknown": 2}[f.Status]; code != want {
		p.t.Errorf("status %s with exit code %d", f.Status, code)
	}
	return f
}

// well says what is wrong with a patient that is to be well.
func (f found) well() error {
	for _, h := range f.Hops {
		if h.Status == "failed" || h.Status == "unknown" {
			return fmt.Errorf("%s: %+v", h.Name, *h.Error)
		}
	}
	return nil
}

// typed does what a command line does that doctor prints: on the machine, or in a cloud.
func (p *patient) typed(command string) error {
	if strings.HasPrefix(command, "curl ") {
		first, then, _ := strings.Cut(command, " && ")
		words := strings.Fields(first)
		address, public := strings.CutPrefix(words[len(words)-1], "https://"+fakecloud.PublicAuthority)
		if len(words) != 5 || words[1] != "-sSf" || words[2] != "-o" || !public {
			return fmt.Errorf("curl is not known for that: %s", first)
		}
		path := p.write(words[3], p.fetch(p.Entra.URL+address))
		return p.typed(strings.ReplaceAll(then, "="+words[3], "="+path))
	}
	words, err := fakecloud.Words(command, func(inner string) (string, error) {
		if name, ok := strings.CutPrefix(inner, "$"); ok {
			return p.get(name), nil
		}
		return p.RunWith(inner, p.variables())
	})
	if err != nil {
		return err
	}
	switch {
	case len(words) == 0:
		return fmt.Errorf("there is no command in %q", command)
	case slices.Equal(words, []string{"timedatectl", "set-ntp", "true"}):
		p.mu.Lock()
		defer p.mu.Unlock()
		p.ahead = 0
		return nil
	case words[0] == "echo":
		// What the other side is to type.
		return p.typed(strings.Join(words[1:], " "))
	case words[0] == "export" && len(words) == 2 && strings.Contains(words[1], "="):
		name, value, _ := strings.Cut(words[1], "=")
		p.set(name, value)
		return nil
	case words[0] == "unset" && len(words) == 2:
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.env, words[1])
		return nil
	case len(words) == 1 && strings.Contains(words[0], "="):
		name, value, _ := strings.Cut(words[0], "=")
		p.set(name, value)
		return nil
	case words[0] == "gcp-executable-source" || words[0] == "azure-token-helper":
		if out, code := p.run(words[1:]...); code != 0 {
			return fmt.Errorf("%s: exit code %d: %s", command, code, out)
		}
		return nil
	}
	_, err = p.RunWith(command, p.variables())
	return err
}

// variables are those that commands may use; the program's environment has them as well.
func (p *patient) variables() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.env)
}
