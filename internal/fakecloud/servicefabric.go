package fakecloud

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net/http"
	"sync"
	"time"
)

// ServiceFabric is the managed identity token service of a Service Fabric cluster. The code that a caller presents says
// which service it is, and so which identity it has; its certificate is known by its thumbprint alone.
// https://learn.microsoft.com/azure/service-fabric/how-to-managed-identity-service-fabric-app-code
type ServiceFabric struct {
	*Server
	identities identities
	// Thumbprint is the value of IDENTITY_SERVER_THUMBPRINT.
	Thumbprint string

	mu       sync.Mutex
	services map[string]ManagedIdentity
}

// StartServiceFabric starts the service of a node without services; Activate gives it some.
func StartServiceFabric(entra *Entra) (*ServiceFabric, error) {
	s := &ServiceFabric{identities: identities{entra: entra}, services: map[string]ManagedIdentity{}}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	// Nobody else vouches for it, and it names no host that callers could compare.
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ManagedIdentityTokenService"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	s.Thumbprint = fmt.Sprintf("%X", sha1.Sum(der))
	s.Server, err = listenWith(&tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, http.HandlerFunc(s.serve))
	return s, err
}

// Activate runs a service with an identity on the node. code is its IDENTITY_HEADER.
func (s *ServiceFabric) Activate(code string, m ManagedIdentity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.services[code] = m
}

// Endpoint is the value of IDENTITY_ENDPOINT.
func (s *ServiceFabric) Endpoint() string { return s.URL + "/metadata/identity/oauth2/token" }

func (s *ServiceFabric) serve(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, code, message string) {
		writeJSON(w, status, map[string]any{"error": map[string]string{"correlationId": newGUID(), "code": code, "message": message}})
	}
	q := r.URL.Query()
	s.mu.Lock()
	m, known := s.services[r.Header.Get("Secret")]
	s.mu.Unlock()
	switch {
	case r.URL.Path != "/metadata/identity/oauth2/token":
		http.NotFound(w, r)
	case q.Get("api-version") != "2019-07-01-preview":
		refuse(http.StatusBadRequest, "InvalidApiVersion", "The api-version '"+q.Get("api-version")+"' is not supported. Supported version is '2019-07-01-preview'.")
	case q.Get("resource") == "":
		refuse(http.StatusBadRequest, "ArgumentNullOrEmpty", "The parameter 'resource' should not be null or empty string.")
	case r.Header.Get("Secret") == "":
		refuse(http.StatusBadRequest, "SecretHeaderNotFound", "Secret is not found in the request headers.")
	case !known:
		refuse(http.StatusNotFound, "ManagedIdentityNotFound", "Managed identity not found for the specified application host.")
	default:
		token, refused, err := s.identities.issue(m, q.Get("resource"))
		if err != nil || refused != "" {
			refuse(http.StatusInternalServerError, "InternalServerError", "An error occurred.")
			return
		}
		writeJSON(w, http.StatusOK, map[string]any{
			"token_type": "Bearer", "access_token": token, "resource": q.Get("resource"), "expires_on": s.identities.entra.now().Add(s.identities.entra.lifetime()).Unix(),
		})
	}
}
