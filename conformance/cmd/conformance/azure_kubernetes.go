package main

import (
	"context"
	"crypto/tls"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"time"

	authentication "k8s.io/api/authentication/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/request/bearertoken"
	"k8s.io/apiserver/plugin/pkg/authenticator/token/oidc"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/idferry/idferry/internal/fakecloud"
)

// kubernetesAPI is as much of an API server as kubectl needs to say who it is and to list namespaces. It lets Kubernetes'
// own OIDC authenticator judge the bearer token, with the keys that the fake Entra ID publishes, as a cluster does whose
// AuthenticationConfiguration names Entra ID.
// https://kubernetes.io/docs/reference/access-authn-authz/authentication/#using-authentication-configuration
func kubernetesAPI(ctx context.Context, m *machine) (*httptest.Server, error) {
	unprefixed := ""
	verifier, err := oidc.New(ctx, oidc.Options{
		JWTAuthenticator: apiserver.JWTAuthenticator{
			Issuer: apiserver.Issuer{
				URL: fakecloud.IssuerV1(fakecloud.SandboxTenant), Audiences: []string{fakecloud.AKSServer},
				DiscoveryURL: m.clouds.Entra.URL + "/" + fakecloud.SandboxTenant + "/.well-known/openid-configuration",
			},
			ClaimMappings: apiserver.ClaimMappings{Username: apiserver.PrefixedClaimOrExpression{Claim: "oid", Prefix: &unprefixed}},
		},
		CAContentProvider: authority(m.clouds.CA.PEM),
	})
	if err != nil {
		return nil, err
	}
	// It learns the keys in the background.
	for start := time.Now(); verifier.HealthCheck() != nil; time.Sleep(20 * time.Millisecond) {
		if time.Since(start) > 15*time.Second {
			return nil, fmt.Errorf("the OIDC authenticator is not ready: %w", verifier.HealthCheck())
		}
	}
	server := httptest.NewUnstartedServer(authenticated(bearertoken.New(verifier)))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{m.server}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	return server, nil
}

// authority is what the authenticator asks for the issuer's certificate authority.
type authority []byte

func (a authority) CurrentCABundleContent() []byte { return a }

func authenticated(judge authenticator.Request) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, ok, err := judge.AuthenticateRequest(r)
		if err != nil || !ok {
			reply(w, http.StatusUnauthorized, meta.Status{
				TypeMeta: meta.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: meta.StatusFailure,
				Reason: meta.StatusReasonUnauthorized, Message: "Unauthorized", Code: http.StatusUnauthorized,
			})
			return
		}
		namespaces := meta.APIResource{Name: "namespaces", SingularName: "namespace", Kind: "Namespace", Verbs: meta.Verbs{"get", "list"}, ShortNames: []string{"ns"}}
		switch r.Method + " " + r.URL.Path {
		case "GET /api":
			reply(w, http.StatusOK, meta.APIVersions{TypeMeta: meta.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}})
		case "GET /apis":
			reply(w, http.StatusOK, meta.APIGroupList{TypeMeta: meta.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}})
		case "GET /api/v1":
			reply(w, http.StatusOK, meta.APIResourceList{TypeMeta: meta.TypeMeta{Kind: "APIResourceList"}, GroupVersion: "v1", APIResources: []meta.APIResource{namespaces}})
		case "GET /api/v1/namespaces":
			reply(w, http.StatusOK, core.NamespaceList{
				TypeMeta: meta.TypeMeta{Kind: "NamespaceList", APIVersion: "v1"}, Items: []core.Namespace{{ObjectMeta: meta.ObjectMeta{Name: "prod"}}},
			})
		case "POST /apis/authentication.k8s.io/v1/selfsubjectreviews":
			reply(w, http.StatusCreated, authentication.SelfSubjectReview{
				TypeMeta: meta.TypeMeta{Kind: "SelfSubjectReview", APIVersion: "authentication.k8s.io/v1"},
				Status:   authentication.SelfSubjectReviewStatus{UserInfo: authentication.UserInfo{Username: who.User.GetName()}},
			})
		default:
			http.NotFound(w, r)
		}
	})
}

func reply(w http.ResponseWriter, status int, object any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(object)
}

// clusters writes a kubeconfig for each way the plugin is run, and returns their paths.
func clusters(ctx context.Context, m *machine) (paths map[string]string, stop func(), err error) {
	server, err := kubernetesAPI(ctx, m)
	if err != nil {
		return nil, nil, err
	}
	const v1, v1beta1 = "client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"
	paths = map[string]string{}
	for name, plugin := range map[string]struct{ version, resource string }{
		"v1": {v1, fakecloud.AKSServer}, "v1beta1": {v1beta1, fakecloud.AKSServer}, "storage": {v1, storage},
	} {
		config := api.NewConfig()
		config.Clusters["aks"] = &api.Cluster{Server: server.URL, CertificateAuthorityData: m.certPEM}
		config.AuthInfos["me"] = &api.AuthInfo{Exec: &api.ExecConfig{
			APIVersion: plugin.version, Command: "azure-token-helper", Args: []string{"get-token", "--server-id", plugin.resource}, InteractiveMode: api.IfAvailableExecInteractiveMode,
		}}
		config.Contexts["aks"] = &api.Context{Cluster: "aks", AuthInfo: "me"}
		config.CurrentContext = "aks"
		paths[name] = filepath.Join(m.dir, "kubeconfig-"+name)
		if err := clientcmd.WriteToFile(*config, paths[name]); err != nil {
			server.Close()
			return nil, nil, err
		}
	}
	return paths, server.Close, nil
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
	paths, stop, err := clusters(ctx, m)
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

func clientGoAsks(ctx context.Context, _ *workshop, m *machine) ([]ask, func(), error) {
	paths, stop, err := clusters(ctx, m)
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
