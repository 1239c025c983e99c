package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/idferry/idferry/internal/attempt"
	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/launch"
	"github.com/idferry/idferry/internal/oidcrequest"
	"github.com/idferry/idferry/internal/shim"
	"github.com/idferry/idferry/internal/token"
	"github.com/idferry/idferry/internal/tokenfile"
)

const execLong = `Run a program that finds the Google identity of this machine, pod or build wherever it looks for an Azure
one, for as long as it runs.

The Azure SDKs are given a file with a Google ID token that is kept fresh (AZURE_FEDERATED_TOKEN_FILE, for
WorkloadIdentityCredential), Terraform and OpenTofu an address on loopback to ask for one at each renewal
(ARM_OIDC_REQUEST_URL). Static tokens and secrets that would win over them are not passed on, and named on
standard error.

The program has this terminal, these streams and every signal; it ends, and is ended, as if it had been run by
itself: with its exit code, or by its signal. The exit code is 125 when there is no identity or a setting is
unusable, 126 or 127 when the program cannot be run or is not found. A renewal that fails is told once on
standard error and repeated.`

const execExample = `  # Terraform or OpenTofu, provider and azurerm backend, for hours
  azure-token-helper exec --client-id APP --tenant-id TENANT --subscription SUBSCRIPTION -- terraform apply

  # a program that uses any Azure SDK
  azure-token-helper exec -- python3 upload.py

  # a script that runs az account get-access-token, or a tool that does
  azure-token-helper exec --az-shim -- ./deploy.sh`

// execute is the verb that runs a program with the identity.
type execute struct {
	federation
	subscription, runtimeDir string
	azShim                   bool
	// typed are the flags that were given as such, and not by a variable.
	typed map[string]bool
}

func newExec(p cli.Process, code *int) *cobra.Command {
	v := &execute{federation: federation{process: p}, typed: map[string]bool{}}
	cmd := &cobra.Command{
		Use: "exec [flags] [--] PROGRAM [ARGUMENT…]", Short: "Run a program with the Google identity, for as long as it runs",
		Long: execLong, Example: execExample, Args: cli.NeedsProgram,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range []string{"client-id", "tenant-id", "subscription"} {
				v.typed[name] = cmd.Flags().Changed(name)
			}
			end, err := launch.AsInit(p.Started, p.Args, p.Environ, func() (launch.End, error) { return v.run(cmd.Context(), args) })
			if err == nil {
				*code = end.Mirror()
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	// What follows the program's name is the program's.
	flags.SetInterspersed(false)
	b := cli.NewSettings(flags, p.Lookup)
	v.settings = b
	b.String(&v.clientID, "client-id", "", "", "Entra application that trusts the Google account", "AZURE_CLIENT_ID", "AAD_SERVICE_PRINCIPAL_CLIENT_ID", "ARM_CLIENT_ID")
	b.String(&v.tenantID, "tenant-id", "t", "", "Entra tenant of the application", "AZURE_TENANT_ID", "ARM_TENANT_ID")
	b.String(&v.subscription, "subscription", "s", "", "id of the subscription, for Terraform and the stand-in for az", "AZURE_SUBSCRIPTION_ID", "ARM_SUBSCRIPTION_ID")
	b.Bool(&v.azShim, "az-shim", "put an az and an azd of this program's first on PATH", "IDFERRY_AZ_SHIM")
	v.bindShared(b, 25*time.Second)
	b.String(&v.runtimeDir, "runtime-dir", "", "", "where the private directory is made (default: $XDG_RUNTIME_DIR, or the directory for temporary files)", "IDFERRY_RUNTIME_DIR")
	return cmd
}

func (v *execute) run(ctx context.Context, args []string) (launch.End, error) {
	s, err := v.open("")
	if err != nil {
		return launch.End{}, err
	}
	defer s.close()
	if err := (entra.Exchange{Cloud: s.cloud, TenantID: s.tenantID, ClientID: s.clientID, Assertion: s.google}).Check(); err != nil {
		return launch.End{}, err
	}
	dir, err := launch.NewDirectory(v.runtimeDir, v.process.Lookup)
	if err != nil {
		return launch.End{}, err
	}
	defer dir.Close()
	bin := ""
	if v.azShim {
		if bin, err = v.standIns(dir.Path); err != nil {
			return launch.End{}, err
		}
	}
	program := launch.Program{Args: args}
	if program.Path, err = launch.Find(args[0], bin); err != nil {
		return launch.End{}, err
	}
	a := &assertions{session: s}
	file := tokenfile.File{Field: "--runtime-dir", Path: filepath.Join(dir.Path, "google-id-token")}
	var k *tokenfile.Keeper
	k = tokenfile.NewKeeper(file, a.renew, v.process.Now, v.process.Renewal("the Google ID token", func() time.Time { return k.ExpiresOn() }))
	if err := k.Renew(ctx); err != nil {
		return launch.End{}, err
	}
	endpoint, err := oidcrequest.Start(first(s.assertionAudience, s.cloud.AssertionAudience), a.current)
	if err != nil {
		return launch.End{}, err
	}
	defer endpoint.Close()
	program.Env = v.environment(s, endpoint, file.Path, bin)
	ctx, stop := context.WithCancel(ctx)
	var kept sync.WaitGroup
	kept.Go(func() { k.Keep(ctx) })
	defer kept.Wait()
	defer stop()
	return launch.Run(program)
}

// standIns makes az and azd of this program in a directory of dir.
func (v *execute) standIns(dir string) (string, error) {
	self, err := v.process.Program()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		return "", err
	}
	_, err = shim.Shims{Program: self, Dir: bin, Tools: shim.Names()}.Install()
	return bin, err
}

// assertions are the Google ID tokens of one run, for the file and the endpoint alike.
type assertions struct {
	session *session
	mu      sync.Mutex
	held    token.Token
}

// enough is what a token has to be good for when Terraform is given it: its exchange at once.
const enough = 30 * time.Second

// renew asks for a token to take the place of the last.
func (a *assertions) renew(ctx context.Context) (token.Token, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.session
	t, err := attempt.Within(ctx, s.timeout, fmt.Sprintf("asking for a Google ID token (%s)", s.google.Name()), s.google.Token)
	if err == nil {
		t, err = attempt.Unexpired(t, s.process.Now(), s.google.Name())
	}
	if err == nil {
		a.held = t
	}
	return t, err
}

// current returns the newest token, and a new one where that is about to end.
func (a *assertions) current(ctx context.Context) (token.Token, error) {
	if t, left := a.newest(); left >= enough {
		return t, nil
	}
	t, err := a.renew(ctx)
	if last, left := a.newest(); err != nil && left > 0 {
		return last, nil
	}
	return t, err
}

func (a *assertions) newest() (token.Token, time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.held, a.held.ExpiresOn.Sub(a.session.process.Now())
}
