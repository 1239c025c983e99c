package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

const (
	openTofuModule  = "github.com/opentofu/opentofu"
	openTofuVersion = "1.12.6"
)

func openTofu(shop *workshop) string {
	return filepath.Join(shop.dir, "azure", "opentofu", "tofu-"+openTofuVersion)
}

// installOpenTofu builds the whole program from the module proxy's source, which takes minutes. It builds in the module's
// own directory: go install takes no module that replaces another.
func installOpenTofu(ctx context.Context, shop *workshop) ([]string, error) {
	program := openTofu(shop)
	if _, err := os.Stat(program); err == nil {
		return []string{program}, nil
	}
	out, err := shop.command(ctx, shop.dir, "go", "mod", "download", "-json", openTofuModule+"@v"+openTofuVersion).Output()
	var module struct{ Dir, Error string }
	if bad := json.Unmarshal(out, &module); bad != nil || module.Error != "" {
		return nil, fmt.Errorf("go mod download: %w %s", errors.Join(err, bad), module.Error)
	}
	build := shop.command(ctx, module.Dir, "go", "build", "-trimpath", "-ldflags", "-s -w -X "+openTofuModule+"/version.dev=no", "-o", program, "./cmd/tofu")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	return []string{program}, shop.wait(build)
}

// openTofuAsks lets OpenTofu's azurerm backend keep its state in Azurite, with what azure-token-helper exec puts into its
// environment. In a cloud of its list it takes the real names of Entra ID and of an account; a proxy leads them to ours.
func openTofuAsks(ctx context.Context, shop *workshop, m *machine) ([]ask, func(), error) {
	dir := filepath.Join(m.dir, "opentofu")
	if err := os.CopyFS(dir, os.DirFS("azure/opentofu")); err != nil {
		return nil, nil, err
	}
	azurite, stopAzurite, err := startAzurite(ctx, shop, m)
	if err != nil {
		return nil, nil, err
	}
	proxy, err := startConnectProxy(map[string]string{
		azuriteHost + ":443":               strings.TrimPrefix(azurite, "https://"),
		fakecloud.PublicAuthority + ":443": strings.TrimPrefix(m.clouds.Entra.URL, "https://"),
	})
	if err != nil {
		stopAzurite()
		return nil, nil, err
	}
	state, err := newStateContainer(ctx, m, azurite, "tfstate")
	if err != nil {
		proxy.close()
		stopAzurite()
		return nil, nil, err
	}
	m.tokensLive(shortLife)
	stop := func() {
		m.tokensLive(0)
		proxy.close()
		stopAzurite()
	}

	tofu := []string{openTofu(shop), "-chdir=" + dir}
	apply := func(lasting time.Duration) []string {
		return slices.Concat(tofu, []string{"apply", "-auto-approve", "-input=false", "-no-color", fmt.Sprintf("-var=seconds=%.0f", lasting.Seconds())})
	}
	requests := &tokenRequests{entra: m.clouds.Entra, seen: len(m.clouds.Entra.Requests())}
	asks := []ask{
		{verb: "exec -- tofu init", argv: append(tofu, "init", "-input=false", "-no-color"), check: requests.made(1, `Successfully configured the backend "azurerm"`)},
		{
			verb: "exec -- tofu apply, longer than any token lives", argv: apply(shortLife + time.Second),
			check: all(requests.made(2, "Apply complete!"), state.holds(ctx, shortLife+time.Second)),
		},
		// Terraform and the providers ask the URL for what OpenTofu reads in the file.
		{
			verb: "the same by the request URL, with stray credentials", argv: append([]string{"env", "-u", "AZURE_FEDERATED_TOKEN_FILE"}, apply(shortLife+2*time.Second)...),
			env:   map[string]string{"ARM_CLIENT_SECRET": "stray", "ARM_CLIENT_SECRET_FILE_PATH": m.bundle, "ARM_CLIENT_ID_FILE_PATH": m.bundle, "ARM_OIDC_TOKEN": "stray", "ARM_OIDC_TOKEN_FILE_PATH": m.bundle},
			check: all(requests.made(2, "Apply complete!"), state.holds(ctx, shortLife+2*time.Second)),
		},
		{
			verb: "exec -- tofu plan, untrusted audience", argv: append(tofu, "plan", "-input=false", "-no-color"),
			env: map[string]string{"IDFERRY_ASSERTION_AUDIENCE": "api://Other"}, check: refused("AADSTS700212", "audience 'api://Other'"),
		},
	}
	for i := range asks {
		a := &asks[i]
		a.plain, a.version = true, openTofuVersion
		a.argv = append([]string{filepath.Join(m.programs, "azure-token-helper"), "exec", "--"}, a.argv...)
		// Where OIDC is unusable it would turn to az, which is another way of ours.
		env := map[string]string{"HTTPS_PROXY": proxy.URL, "AZURE_AUTHORITY_HOST": "", "ARM_USE_CLI": "false"}
		maps.Copy(env, a.env)
		a.env, a.check = env, all(noToken, proxy.nowhereElse, a.check)
	}
	return asks, stop, nil
}

// all says what the first check says that fails.
func all(checks ...func(*machine, answer) error) func(*machine, answer) error {
	return func(m *machine, a answer) error {
		for _, check := range checks {
			if err := check(m, a); err != nil {
				return err
			}
		}
		return nil
	}
}

// noToken wants none on standard output either.
func noToken(_ *machine, a answer) error { return notShown("standard output", a.Output) }
