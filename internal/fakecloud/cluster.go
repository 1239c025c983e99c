package fakecloud

import (
	"net/http"
	"time"
)

// Cluster is the token issuer of a Kubernetes cluster: what signs the projected service-account tokens of AKS and
// GKE pods, with its discovery document and keys.
type Cluster struct {
	*Server
	key *signingKey
	now func() time.Time
}

// StartCluster starts an issuer. Its issuer name is its URL, as a cluster's is.
func StartCluster(ca *CA, now func() time.Time) (*Cluster, error) {
	key, err := newSigningKey()
	if err != nil {
		return nil, err
	}
	c := &Cluster{key: key, now: now}
	c.Server, err = listen(ca, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.Path {
		case "GET /.well-known/openid-configuration":
			writeJSON(w, http.StatusOK, map[string]any{
				"issuer": c.Issuer(), "jwks_uri": c.JWKSURL(), "response_types_supported": []string{"id_token"},
				"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"},
			})
		case "GET /openid/v1/jwks":
			writeJSON(w, http.StatusOK, key.jwks())
		default:
			http.NotFound(w, r)
		}
	}))
	return c, err
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
	return c.key.sign(map[string]any{
		"iss": c.Issuer(), "sub": "system:serviceaccount:" + namespace + ":" + account, "aud": []string{audience},
		"iat": issued.Unix(), "nbf": issued.Unix(), "exp": now.Add(lifetime).Unix(),
		"kubernetes.io": map[string]any{"namespace": namespace, "serviceaccount": map[string]string{"name": account}},
	})
}
