package main

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

// kubelogin is Azure/kubelogin in a pod of AKS. The key of its cache is on the user's keyring in the kernel.
func (n *neighbours) kubelogin(flags ...string) peer {
	name := strings.Join(append([]string{"Azure/kubelogin " + strings.TrimPrefix(kubeloginVersion, "v")}, flags...), " ")
	return peer{name: name, cluster: n.clouds.Kubernetes, ready: func(ctx context.Context) (command, error) {
		path, err := n.goProgram(ctx, "kubelogin", "github.com/Azure/kubelogin", kubeloginVersion)
		if err != nil {
			return command{}, err
		}
		token, err := n.projected()
		if err != nil {
			return command{}, err
		}
		file := n.in("federated-token")
		if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
			return command{}, err
		}
		return command{path, append([]string{
			"get-token", "--login", "workloadidentity", "--server-id", fakecloud.AKSServer, "--client-id", fakecloud.SandboxApp, "--tenant-id", fakecloud.SandboxTenant,
			"--federated-token-file", file, "--authority-host", "https://" + fakecloud.PublicAuthority + "/",
		}, flags...), n.env}, nil
	}}
}

// projected is a token of the cluster that outlives every run.
func (n *neighbours) projected() (string, error) { return n.clouds.ProjectedToken(12 * time.Hour) }

// az is the Azure CLI signed in as a workload. A managed identity's tokens it does not remember.
func (n *neighbours) az() peer {
	return peer{name: "az account get-access-token " + azVersion, slow: true, ready: func(ctx context.Context) (command, error) {
		path, err := n.azureCLI(ctx)
		if err != nil {
			return command{}, err
		}
		token, err := n.projected()
		if err != nil {
			return command{}, err
		}
		// It takes no authority but those of the bundle that requests is told of.
		bundle := n.in("authority.pem")
		if err := os.WriteFile(bundle, n.clouds.CA.PEM, 0o600); err != nil {
			return command{}, err
		}
		env := append(slices.Clone(n.env), "AZURE_CONFIG_DIR="+n.in("azure"), "AZURE_CORE_COLLECT_TELEMETRY=no", "REQUESTS_CA_BUNDLE="+bundle)
		login := exec.CommandContext(ctx, path, "login", "--service-principal", "--username", fakecloud.SandboxApp, "--federated-token", token,
			"--tenant", fakecloud.SandboxTenant, "--allow-no-subscriptions", "--output", "none")
		login.Env = env
		if _, err := said(login); err != nil {
			return command{}, err
		}
		return command{path, []string{"account", "get-access-token", "--query", "accessToken", "--output", "tsv"}, env}, nil
	}}
}
