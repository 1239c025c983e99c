package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

// fault is one way in which a set-up does not match, in both directions.
type fault struct {
	name string
	// what is wrong, for the reader.
	what string
	// codes are what the users must be able to read in their library's error: Azure → Google, then Google → Azure.
	codes [2]string
	// token makes the token file that both helpers read; nil where the identity itself is missing.
	token func(*fakecloud.Sandbox) (string, error)
}

func allFaults() []fault {
	const audience = fakecloud.AssertionAudience
	return []fault{
		{"wrong-audience", "the federated token was made for another audience than the trust names", [2]string{"AADSTS700212", "AADSTS700212"},
			func(c *fakecloud.Sandbox) (string, error) {
				return c.Cluster.Token("prod", "app", "api://SomethingElse", time.Hour)
			}},
		{"wrong-issuer", "the federated token comes from another cluster than the trust names", [2]string{"AADSTS700211", "AADSTS700211"},
			func(c *fakecloud.Sandbox) (string, error) {
				return c.OtherCluster.Token("prod", "app", audience, time.Hour)
			}},
		{"expired", "the federated token has expired", [2]string{"AADSTS700024", "expired_token"},
			func(c *fakecloud.Sandbox) (string, error) {
				return c.Cluster.Token("prod", "app", audience, -time.Hour)
			}},
		{"no-identity", "there is no identity: nothing answers at the metadata address", [2]string{"no_identity", "no_identity"}, nil},
	}
}

func faults() []string {
	var names []string
	for _, f := range allFaults() {
		names = append(names, f.name)
	}
	return names
}

// showFault runs the programs of both directions and prints the errors that their libraries give them.
func (w *world) showFault(ctx context.Context, name string) error {
	f, err := findFault(name)
	if err != nil {
		return err
	}
	return w.show(ctx, f)
}

func findFault(name string) (fault, error) {
	for _, f := range allFaults() {
		if f.name == name {
			return f, nil
		}
	}
	return fault{}, fmt.Errorf("-broken %q is not one of %s", name, strings.Join(faults(), ", "))
}

// breaks puts the machine into the fault, and returns the credential that Azure's side has there.
func (w *world) breaks(f fault) (credential string, err error) {
	settings := map[string]string{"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:9", "GCE_METADATA_HOST": "127.0.0.1:9"}
	credential = "managed-identity"
	if f.token != nil {
		credential = "workload-identity"
		token, err := f.token(w.clouds)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(w.path("token.jwt"), []byte(token), 0o600); err != nil {
			return "", err
		}
		settings = map[string]string{"AZURE_FEDERATED_TOKEN_FILE": w.path("token.jwt")}
		if err := w.nameApplication(); err != nil {
			return "", err
		}
	}
	for name, value := range settings {
		if err := os.Setenv(name, value); err != nil {
			return "", err
		}
	}
	return credential, nil
}

func (w *world) show(ctx context.Context, f fault) error {
	say("\nBroken on purpose: %s", f.what)
	credential, err := w.breaks(f)
	if err != nil {
		return err
	}
	file, err := w.externalAccount(ctx, "--credential", credential, "--resource", fakecloud.SandboxResource)
	if err != nil {
		return err
	}
	_, err = w.query(ctx, file)
	if err := visible("Azure → Google, as golang.org/x/oauth2 reports it", err, f.codes[0]); err != nil {
		return err
	}
	if err := w.nameApplication(); err != nil {
		return err
	}
	_, err = w.listBlobs(ctx)
	return visible("Google → Azure, as azidentity.AzureCLICredential reports it", err, f.codes[1])
}

// visible prints what a library reported, and fails unless the helper's code is in it.
func visible(who string, err error, code string) error {
	if err == nil {
		return fmt.Errorf("%s: it succeeded", who)
	}
	say("\n%s:\n  %s", who, strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "\n  "))
	if !strings.Contains(err.Error(), code) {
		return fmt.Errorf("%s: the code %s is not in it", who, code)
	}
	return nil
}
