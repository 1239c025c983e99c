// Quickstart shows both binaries at work, offline: it starts stand-ins of both clouds on loopback, builds the binaries,
// and lets the real client libraries of each cloud run them.
//
//	go run ./examples/quickstart
//	go run ./examples/quickstart -broken wrong-audience|wrong-issuer|expired|no-identity
//	go run ./examples/quickstart -doctor [-broken …]
//
// With -broken it shows what a user of each library sees when something does not match, with -doctor what both programs
// find out about it. It ends by itself, listens on
// 127.0.0.1 only, and leaves nothing behind.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

func main() {
	broken := flag.String("broken", "", "show a failure: "+strings.Join(faults(), ", "))
	doctor := flag.Bool("doctor", false, "let both programs examine their way to the other cloud")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *broken, *doctor)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, broken string, doctor bool) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	clouds, err := fakecloud.StartSandbox(time.Now)
	if err != nil {
		return err
	}
	defer clouds.Close()
	dir, err := os.MkdirTemp("", "idferry-quickstart-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	w := &world{clouds: clouds, dir: dir, log: filepath.Join(dir, "log")}
	if err := w.build(ctx); err != nil {
		return err
	}
	if err := w.settle(); err != nil {
		return err
	}
	if doctor {
		return w.doctor(ctx, broken)
	}
	if broken != "" {
		return w.showFault(ctx, broken)
	}
	if err := w.azureToGoogle(ctx); err != nil {
		return err
	}
	if err := w.nameApplication(); err != nil {
		return err
	}
	return w.googleToAzure(ctx)
}

// world is the machine that the clients run on: a directory with the binaries, and an environment.
type world struct {
	clouds *fakecloud.Sandbox
	dir    string
	log    string
	logged int64
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) binary(name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(w.dir, "bin", name)
}

// build makes both binaries, and the second one once more under the names of the tools it stands in for.
func (w *world) build(ctx context.Context) error {
	start := time.Now()
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", filepath.Join(w.dir, "bin")+string(filepath.Separator), "./cmd/...")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build, from the root of the clone: %w\n%s", err, out)
	}
	for _, name := range []string{"az", "azd"} {
		if err := os.Link(w.binary("azure-token-helper"), w.binary(name)); err != nil {
			return err
		}
	}
	say("built gcp-executable-source and azure-token-helper in %s", time.Since(start).Round(100*time.Millisecond))
	return nil
}

// settle tells where the stand-ins of the clouds are, and that their certificates are trusted. A real machine needs
// none of it.
func (w *world) settle() error {
	if err := os.WriteFile(w.path("ca.pem"), w.clouds.CA.PEM, 0o600); err != nil {
		return err
	}
	for name, value := range map[string]string{
		"PATH":                              filepath.Join(w.dir, "bin") + string(os.PathListSeparator) + os.Getenv("PATH"),
		"SSL_CERT_FILE":                     w.path("ca.pem"),
		"SSL_CERT_DIR":                      w.path("none"),
		"IDFERRY_CACHE":                     "file",
		"IDFERRY_CACHE_DIR":                 w.path("cache"),
		"IDFERRY_LOG":                       w.log,
		"AZURE_POD_IDENTITY_AUTHORITY_HOST": w.clouds.IMDS.URL,
		"GCE_METADATA_HOST":                 w.clouds.Google.MetadataHost(),
		"AZURE_AUTHORITY_HOST":              w.clouds.Entra.URL + "/",
		"GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES": "1",
	} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	// Settings of the machine this runs on must not reach the clients.
	for _, name := range []string{"GOOGLE_APPLICATION_CREDENTIALS", "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE", "IDENTITY_ENDPOINT", "MSI_ENDPOINT", "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_TOKEN_CREDENTIALS", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT", "IDFERRY_GOOGLE_SOURCE", "AZURE_ENVIRONMENT", "KUBERNETES_EXEC_INFO"} {
		if err := os.Unsetenv(name); err != nil {
			return err
		}
	}
	return os.Setenv("CLOUDSDK_CONFIG", w.path("gcloud"))
}

// nameApplication sets the two variables that a Google machine is given once: which application its identity stands for.
func (w *world) nameApplication() error {
	return errors.Join(os.Setenv("AZURE_TENANT_ID", fakecloud.SandboxTenant), os.Setenv("AZURE_CLIENT_ID", fakecloud.SandboxApp))
}

// cached reports whether the helper's calls since the last question were answered by its cache, as its log says.
func (w *world) cached() (bool, error) {
	data, err := os.ReadFile(w.log)
	if err != nil {
		return false, err
	}
	fresh := string(data[w.logged:])
	w.logged = int64(len(data))
	return strings.Contains(fresh, "cached=true") && !strings.Contains(fresh, "cached=false"), nil
}

func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }
