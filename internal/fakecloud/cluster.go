package fakecloud

import (
	"net/http"
	"sync"
	"time"
)

// Cluster is the token issuer of a Kubernetes cluster: what signs the projected service-account tokens of AKS and
// GKE pods, with its discovery document and keys.
type Cluster struct {
	*Server
	now func() time.Time

	mu  sync.Mutex
	key *signingKey
}

// StartCluster starts an issuer. Its issuer name is its URL, as a cluster's is.
func StartCluster(ca *CA, now func() time.Time) (*Cluster, error) {
	key, err := newSigningKey()
	if err != nil {
		return nil, err
	}
	c := &Cluster{now: now, key: key}
	c.Server, err = listen(ca, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.Path {
		case "GET /.well-known/openid-configuration":
			writeJSON(w, http.StatusOK, map[string]any{
				"issuer": c.Issuer(), "jwks_uri": c.JWKSURL(), "response_types_supported": []string{"id_token"},
				"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"},
			})
		case "GET /openid/v1/jwks":
			writeJSON(w, http.StatusOK, c.signer().jwks())
		default:
			http.NotFound(w, r)
		}
	}))
	return c, err
}

// Rotate replaces the key: tokens signed so far are no longer verified by what the cluster publishes.
// https://learn.microsoft.com/azure/aks/use-oidc-issuer#rotate-the-oidc-key
func (c *Cluster) Rotate() error {
	key, err := newSigningKey()
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.key = key
	return nil
}

func (c *Cluster) signer() *signingKey {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.key
}

// Issuer is the iss of the cluster's tokens.
func (c *Cluster) Issuer() string { return c.URL + "/" }

// JWKSURL is where the cluster's keys are.
func (c *Cluster) JWKSURL() string { return c.URL + "/openid/v1/jwks" }

// Token is a projected token for a service account, as kubelet writes it into a pod: valid from now for lifetime, which
// may be negative for one that has expired.
func (c *Cluster) Token(namespace, account, audience string, lifetime time.Duration) (string, error) {
	now := c.now()
	issued := now
	if lifetime < 0 {
		issued = now.Add(lifetime - time.Hour)
	}
	return c.signer().sign(map[string]any{
		"iss": c.Issuer(), "sub": "system:serviceaccount:" + namespace + ":" + account, "aud": []string{audience},
		"iat": issued.Unix(), "nbf": issued.Unix(), "exp": now.Add(lifetime).Unix(),
		"kubernetes.io": map[string]any{"namespace": namespace, "serviceaccount": map[string]string{"name": account}},
	})
}
