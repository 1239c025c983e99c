package fakecloud

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Kubernetes is an API server of AKS's kind as far as authentication goes: it takes the bearer tokens that Entra ID
// signs for its server application, checks them as the AKS webhook does, and answers who the caller is and which pods
// there are.
type Kubernetes struct {
	*Server
	client           *http.Client
	jwksURL          string
	issuer, audience string
	// host, when set, makes it a cluster connected to Azure Arc, which takes proofs of possession made for that name.
	host string
	// google, when set, makes it a cluster of GKE, which takes Google's access tokens instead.
	google *Google
	now    func() time.Time
}

// StartKubernetes starts an API server that trusts tokens of issuer (keys at jwksURL) for audience, the server
// application's id.
func StartKubernetes(ca *CA, jwksURL, issuer, audience string, now func() time.Time) (*Kubernetes, error) {
	k := &Kubernetes{client: ca.Client(), jwksURL: jwksURL, issuer: issuer, audience: audience, now: now}
	var err error
	k.Server, err = listen(ca, http.HandlerFunc(k.serve))
	return k, err
}

// StartGKE starts an API server that takes the access tokens of google's service accounts.
func StartGKE(ca *CA, google *Google) (*Kubernetes, error) {
	k := &Kubernetes{google: google, now: google.now}
	var err error
	k.Server, err = listen(ca, http.HandlerFunc(k.serve))
	return k, err
}

func (k *Kubernetes) serve(w http.ResponseWriter, r *http.Request) {
	claims, err := k.authenticate(r.Header.Get("Authorization"))
	if err != nil {
		kubernetesStatus(w, http.StatusUnauthorized, "Unauthorized", "Unauthorized")
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /version":
		writeJSON(w, http.StatusOK, map[string]string{"major": "1", "minor": "34", "gitVersion": "v1.34.0", "platform": "linux/amd64"})
	case "POST /apis/authentication.k8s.io/v1/selfsubjectreviews":
		// AKS names a service principal by its object id, and passes it on in extra as well.
		oid, _ := claims["oid"].(string)
		writeJSON(w, http.StatusCreated, map[string]any{
			"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview",
			"metadata": map[string]any{"creationTimestamp": k.now().UTC().Format(time.RFC3339)},
			"status": map[string]any{"userInfo": map[string]any{
				"username": oid, "groups": []string{"system:authenticated"}, "extra": map[string][]string{"oid": {oid}},
			}},
		})
	default:
		if answer := kubernetesObject(r); answer != nil {
			writeJSON(w, http.StatusOK, answer)
			return
		}
		kubernetesStatus(w, http.StatusNotFound, "NotFound", "the server could not find the requested resource")
	}
}

func (k *Kubernetes) authenticate(header string) (map[string]any, error) {
	raw, ok := strings.CutPrefix(header, "Bearer ")
	if !ok {
		return nil, fmt.Errorf("no bearer token")
	}
	if k.google != nil {
		return k.google.inGKE(raw)
	}
	if k.host != "" {
		var err error
		if raw, err = provenToken(raw, k.host, k.now()); err != nil {
			return nil, err
		}
	}
	claims, err := verify(k.client, k.jwksURL, raw)
	if err != nil {
		return nil, err
	}
	expires, ok := seconds(claims, "exp")
	audiences := []any{k.audience, "spn:" + k.audience}
	switch {
	case !ok || !k.now().Before(expires):
		return nil, fmt.Errorf("expired")
	case claims["iss"] != k.issuer:
		return nil, fmt.Errorf("issued by %v", claims["iss"])
	case !slices.Contains(audiences, claims["aud"]):
		return nil, fmt.Errorf("made for %v", claims["aud"])
	}
	return claims, nil
}

// inGKE are the claims by which a cluster of GKE knows who has an access token: one of a service account, by its e-mail
// address. https://cloud.google.com/kubernetes-engine/docs/how-to/api-server-authentication
func (g *Google) inGKE(token string) (map[string]any, error) {
	granted, ok := g.granted(token)
	email, isAccount := strings.CutPrefix(granted.principal, "serviceAccount:")
	if !ok || !isAccount || !granted.has(cloudPlatformScope, userinfoEmailScope) {
		return nil, fmt.Errorf("no access token of a service account that tells its address")
	}
	return map[string]any{"oid": email}, nil
}

// kubernetesStatus answers with the Status object that client-go turns into an error.
func kubernetesStatus(w http.ResponseWriter, code int, reason, message string) {
	writeJSON(w, code, map[string]any{
		"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "status": "Failure",
		"message": message, "reason": reason, "code": code,
	})
}
