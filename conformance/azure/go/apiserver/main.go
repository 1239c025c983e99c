// Apiserver is as much of a Kubernetes API server as kubectl needs to say who it is and to list namespaces. Kubernetes'
// own OIDC authenticator judges the bearer token, with the keys that the issuer publishes, as in a cluster whose
// AuthenticationConfiguration names Entra ID. It prints its URL and ends with its standard input.
// https://kubernetes.io/docs/reference/access-authn-authz/authentication/#using-authentication-configuration
//
//	apiserver -issuer URL -discovery URL -ca FILE -audience ID -cert FILE -key FILE
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	authentication "k8s.io/api/authentication/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/request/bearertoken"
	"k8s.io/apiserver/plugin/pkg/authenticator/token/oidc"
)

func main() {
	issuer, discovery, audience := flag.String("issuer", "", "issuer of the tokens"), flag.String("discovery", "", "where its discovery document is"), flag.String("audience", "", "audience of the tokens")
	ca, cert, key := flag.String("ca", "", "authority of the issuer's server"), flag.String("cert", "", "our certificate"), flag.String("key", "", "its key")
	flag.Parse()
	if err := serve(*issuer, *discovery, *audience, *ca, *cert, *key); err != nil {
		fmt.Fprintln(os.Stderr, "apiserver:", err)
		os.Exit(1)
	}
}

func serve(issuer, discovery, audience, ca, cert, key string) error {
	judge, err := newJudge(issuer, discovery, audience, ca)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("https://%s\n", listener.Addr())
	ended := make(chan error, 2)
	go func() { ended <- http.ServeTLS(listener, authenticated(judge), cert, key) }()
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		ended <- err
	}()
	return <-ended
}

// newJudge waits for the keys, which the authenticator learns in the background.
func newJudge(issuer, discovery, audience, ca string) (authenticator.Request, error) {
	roots, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	unprefixed := ""
	verifier, err := oidc.New(context.Background(), oidc.Options{
		JWTAuthenticator: apiserver.JWTAuthenticator{
			Issuer:        apiserver.Issuer{URL: issuer, DiscoveryURL: discovery, Audiences: []string{audience}},
			ClaimMappings: apiserver.ClaimMappings{Username: apiserver.PrefixedClaimOrExpression{Claim: "oid", Prefix: &unprefixed}},
		},
		CAContentProvider: authority(roots),
	})
	if err != nil {
		return nil, err
	}
	for start := time.Now(); verifier.HealthCheck() != nil; time.Sleep(20 * time.Millisecond) {
		if time.Since(start) > 15*time.Second {
			return nil, verifier.HealthCheck()
		}
	}
	return bearertoken.New(verifier), nil
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
