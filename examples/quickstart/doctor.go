package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/idferry/idferry/internal/fakecloud"
)

// doctor lets both programs examine their own way, well or with the fault of that name. What they print is theirs: this
// only starts them, with the terminal that it has itself.
func (w *world) doctor(ctx context.Context, broken string) error {
	credential, code := "managed-identity", 0
	if broken != "" {
		f, err := findFault(broken)
		if err != nil {
			return err
		}
		if credential, err = w.breaks(f); err != nil {
			return err
		}
		code = 1
	}
	// The log is for the other demonstrations, which look into it.
	if err := errors.Join(os.Unsetenv("IDFERRY_LOG"), os.Chdir(w.dir)); err != nil {
		return err
	}
	for name, value := range map[string]string{"IDFERRY_RESOURCE_MANAGER": w.clouds.ResourceManager.URL + "/", "IDFERRY_TOKEN_INFO_URL": w.clouds.Google.TokenInfoURL()} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	if _, err := w.externalAccount(ctx, "--credential", credential, "--resource", fakecloud.SandboxResource); err != nil {
		return err
	}
	say("\n$ gcp-executable-source doctor external_account.json")
	if err := examine(ctx, code, w.binary("gcp-executable-source"), "doctor", "external_account.json"); err != nil {
		return err
	}
	if err := w.nameApplication(); err != nil {
		return err
	}
	say("\n$ azure-token-helper doctor")
	return examine(ctx, code, w.binary("azure-token-helper"), "doctor")
}

func examine(ctx context.Context, code int, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		return fmt.Errorf("doctor ended with %d, not %d", got, code)
	}
	return nil
}
