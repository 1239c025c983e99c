package main

import (
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/idferry/idferry/internal/fakecloud"
)

// kubernetesAPI starts azure/go/apiserver and returns its URL.
func kubernetesAPI(ctx context.Context, shop *workshop, m *machine) (string, func(), error) {
	argv, err := installGo("apiserver")(ctx, shop)
	if err != nil {
		return "", nil, err
	}
	return m.serve(ctx, "https://", append(argv, "-issuer", fakecloud.IssuerV1(fakecloud.SandboxTenant), "-audience", fakecloud.AKSServer,
		"-discovery", m.clouds.Entra.URL+"/"+fakecloud.SandboxTenant+"/.well-known/openid-configuration", "-ca", m.bundle, "-cert", m.certFile, "-key", m.keyFile))
}

// clusters writes a kubeconfig for each way the plugin is run, and returns their paths.
func clusters(ctx context.Context, shop *workshop, m *machine) (paths map[string]string, stop func(), err error) {
	server, stop, err := kubernetesAPI(ctx, shop, m)
	if err != nil {
		return nil, nil, err
	}
	const v1, v1beta1 = "client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"
	paths = map[string]string{}
	for name, plugin := range map[string]struct{ version, resource string }{
		"v1": {v1, fakecloud.AKSServer}, "v1beta1": {v1beta1, fakecloud.AKSServer}, "storage": {v1, storage},
	} {
		config := api.NewConfig()
		config.Clusters["aks"] = &api.Cluster{Server: server, CertificateAuthorityData: m.certPEM}
		config.AuthInfos["me"] = &api.AuthInfo{Exec: &api.ExecConfig{
			APIVersion: plugin.version, Command: "azure-token-helper", Args: []string{"get-token", "--server-id", plugin.resource}, InteractiveMode: api.IfAvailableExecInteractiveMode,
		}}
		config.Contexts["aks"] = &api.Context{Cluster: "aks", AuthInfo: "me"}
		config.CurrentContext = "aks"
		paths[name] = filepath.Join(m.dir, "kubeconfig-"+name)
		if err := clientcmd.WriteToFile(*config, paths[name]); err != nil {
			stop()
			return nil, nil, err
		}
	}
	return paths, stop, nil
}

// kubectlAsks is what a person types.
func kubectlAsks(ctx context.Context, shop *workshop, m *machine) ([]ask, func(), error) {
	info, err := buildinfo.ReadFile(goProgram(shop, "kubectl"))
	if err != nil {
		return nil, nil, err
	}
	version := ""
	for _, dep := range info.Deps {
		if dep.Path == "k8s.io/kubectl" {
			version = dep.Version
		}
	}
	paths, stop, err := clusters(ctx, shop, m)
	if err != nil {
		return nil, nil, err
	}
	whoami := []string{"auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"}
	asks := []ask{
		{verb: "auth whoami, plugin of v1", args: append(whoami, "--kubeconfig", paths["v1"]), check: printed(fakecloud.SandboxAppOID)},
		{verb: "auth whoami, plugin of v1beta1", args: append(whoami, "--kubeconfig", paths["v1beta1"]), check: printed(fakecloud.SandboxAppOID)},
		{verb: "get namespaces", args: []string{"get", "namespaces", "-o", "name", "--kubeconfig", paths["v1"]}, check: printed("namespace/prod")},
		{verb: "auth whoami, a token for something else", args: append(whoami, "--kubeconfig", paths["storage"]), check: fails("Unauthorized")},
		{verb: "auth whoami, untrusted audience", args: append(whoami, "--kubeconfig", paths["v1"]), env: map[string]string{"IDFERRY_ASSERTION_AUDIENCE": "api://Other"}, check: refused("AADSTS700212", "audience api://Other")},
		{verb: "auth whoami, Entra hangs", args: append(whoami, "--kubeconfig", paths["v1"]), hangs: true, check: fails("deadline_exceeded")},
	}
	for i := range asks {
		asks[i].plain, asks[i].version = true, version
	}
	return asks, stop, nil
}

func clientGoAsks(ctx context.Context, shop *workshop, m *machine) ([]ask, func(), error) {
	paths, stop, err := clusters(ctx, shop, m)
	if err != nil {
		return nil, nil, err
	}
	return []ask{
		{verb: "SelfSubjectReview, plugin of v1", args: []string{paths["v1"]}, check: recognised},
		{verb: "SelfSubjectReview, plugin of v1beta1", args: []string{paths["v1beta1"]}, check: recognised},
		{verb: "SelfSubjectReview, a token for something else", args: []string{paths["storage"]}, check: fails("Unauthorized")},
		{verb: "SelfSubjectReview, untrusted audience", args: []string{paths["v1"]}, env: map[string]string{"IDFERRY_ASSERTION_AUDIENCE": "api://Other"}, check: fails("azure-token-helper failed with exit code 1")},
	}, stop, nil
}

func recognised(_ *machine, a answer) error {
	if !a.OK || a.User != fakecloud.SandboxAppOID {
		return fmt.Errorf("the API server takes it for %q, not %q: %s", a.User, fakecloud.SandboxAppOID, a.Error)
	}
	return nil
}

// printed wants that output and no word beside it.
func printed(want string) func(*machine, answer) error {
	return func(_ *machine, a answer) error {
		if got := strings.TrimSpace(a.Output); !a.OK || got != want || a.Diagnostics != "" {
			return fmt.Errorf("it printed %q and said %q, want %q: %s", got, a.Diagnostics, want, a.Error)
		}
		return nil
	}
}

// fails wants a failure that says what.
func fails(what string) func(*machine, answer) error {
	return func(_ *machine, a answer) error {
		if a.OK {
			return errors.New("it worked, where it was to fail")
		}
		return saysAll(a.Error, what)
	}
}
