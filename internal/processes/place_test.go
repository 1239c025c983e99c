package processes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
	"github.com/idferry/idferry/internal/token"
)

// faultsVariable says that the tests have the machine to themselves, so that time counts, and that it has all they need:
// what is missing for a fault (a daemon, root) is then a failure and no skip. CI sets it to 1.
const faultsVariable = "IDFERRY_TEST_FAULTS"

// built are the programs that the tests run.
type built struct{ helper, source, bare string }

// build compiles both binaries as a release does, and a bare program that prints what it is given; once for all tests.
func build(t *testing.T) built {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds the binaries and starts hundreds of processes")
	}
	b, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var (
	compiled = sync.OnceValues(compile)
	programs string // directory
)

func TestMain(m *testing.M) {
	takeRole()
	code := m.Run()
	if programs != "" {
		_ = os.RemoveAll(programs)
	}
	os.Exit(code)
}

func compile() (b built, err error) {
	if programs, err = os.MkdirTemp("", "processes"); err != nil {
		return b, err
	}
	// Other users run them too.
	if err := os.Chmod(programs, 0o755); err != nil {
		return b, err
	}
	bare := filepath.Join(programs, "bare.go")
	if err := os.WriteFile(bare, []byte("package main\n\nimport \"os\"\n\nfunc main() { os.Stdout.WriteString(os.Args[1]) }\n"), 0o600); err != nil {
		return b, err
	}
	b = built{filepath.Join(programs, "azure-token-helper"), filepath.Join(programs, "gcp-executable-source"), filepath.Join(programs, "bare")}
	for out, pkg := range map[string]string{
		b.helper: "github.com/idferry/idferry/cmd/azure-token-helper", b.source: "github.com/idferry/idferry/cmd/gcp-executable-source", b.bare: bare,
	} {
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out+exe(), pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := cmd.CombinedOutput(); err != nil {
			return b, fmt.Errorf("%w: %s", err, text)
		}
	}
	return b, nil
}

func exe() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}

// place is a machine of Google Cloud with a home of its own.
type place struct {
	*fakecloud.Sandbox
	home string
	env  []string
}

func newPlace(t *testing.T) *place {
	t.Helper()
	clouds, err := fakecloud.StartSandbox(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(clouds.Close)
	p := &place{Sandbox: clouds, home: t.TempDir()}
	// With the system's own authorities beside the sandbox's: reading them all is what makes the collector run in the
	// middle of an exchange.
	authorities := clouds.CA.PEM
	for _, path := range []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"} {
		if more, err := os.ReadFile(path); err == nil {
			authorities = append(more, authorities...)
			break
		}
	}
	bundle := filepath.Join(p.home, "authorities.pem")
	if err := os.WriteFile(bundle, authorities, 0o600); err != nil {
		t.Fatal(err)
	}
	p.env = []string{
		"HOME=" + p.home, "LOCALAPPDATA=" + p.home, "PATH=" + os.Getenv("PATH"), "SYSTEMROOT=" + os.Getenv("SYSTEMROOT"), "SSL_CERT_FILE=" + bundle,
		"IDFERRY_CACHE=file", "IDFERRY_CACHE_DIR=" + p.cacheDir(), "DBUS_SESSION_BUS_ADDRESS=disabled:",
		"AZURE_AUTHORITY_HOST=" + clouds.Entra.URL, "GCE_METADATA_HOST=" + clouds.Google.MetadataHost(), "AZURE_POD_IDENTITY_AUTHORITY_HOST=" + clouds.IMDS.URL,
	}
	return p
}

func (p *place) cacheDir() string { return filepath.Join(p.home, "idferry") }

// run runs a program and returns what it printed. Anything on stderr is an error.
func (p *place) run(ctx context.Context, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program+exe(), args...)
	cmd.Env = p.env
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil && stderr.Len() > 0 {
		err = errors.New("on stderr")
	}
	if err != nil {
		err = fmt.Errorf("%w: %s", err, stderr.String())
	}
	return string(out), err
}

// inTenant are the arguments for a token of the sandbox's application in a tenant.
func inTenant(tenant string) []string {
	return []string{"get-token", "-o", "raw", "--resource", "https://storage.azure.com", "--client-id", fakecloud.SandboxApp, "--tenant-id", tenant}
}

// ofIdentity are the arguments for a subject token of a managed identity, of the system's where client is "".
func ofIdentity(client string) []string {
	args := []string{"--credential", "managed-identity", "--resource", fakecloud.SandboxResource}
	if client != "" {
		args = append(args, "--client-id", client)
	}
	return args
}

// claims reads a whole token from what a program printed: a bare one or in a response of the executable contract.
func claims(out string) (token.Claims, error) {
	if strings.HasPrefix(out, "{") {
		var response struct {
			Success bool   `json:"success"`
			IDToken string `json:"id_token"`
			Message string `json:"message"`
		}
		if err := json.Unmarshal([]byte(out), &response); err != nil || !response.Success {
			return token.Claims{}, fmt.Errorf("%w: %s", errors.Join(err, errors.New("no success")), response.Message)
		}
		out = response.IDToken
	}
	return token.ReadClaims(strings.TrimSpace(out))
}

// count is how many requests for a path with this ending came in.
func count(s *fakecloud.Server, ending string) (n int) {
	for _, r := range s.Requests() {
		if strings.HasSuffix(r.Path, ending) {
			n++
		}
	}
	return n
}
