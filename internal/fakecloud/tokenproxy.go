package fakecloud

import (
	"net/http"
	"net/http/httputil"
	"net/url"
)

// TokenProxy stands between the pods of an AKS cluster with identity bindings and Entra. It is asked under a name of its
// own for the TLS handshake, and forwards what it is sent.
// https://learn.microsoft.com/azure/aks/identity-bindings-concepts
type TokenProxy struct{ *Server }

// TokenProxyName is the value of AZURE_KUBERNETES_SNI_NAME.
const TokenProxyName = "localhost"

// StartTokenProxy starts a proxy to entra.
func StartTokenProxy(ca *CA, entra *Entra) (*TokenProxy, error) {
	to, err := url.Parse(entra.URL)
	if err != nil {
		return nil, err
	}
	forward := &httputil.ReverseProxy{Transport: ca.Client().Transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	server, err := listen(ca, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS.ServerName != TokenProxyName {
			http.Error(w, "unknown server name", http.StatusMisdirectedRequest)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	return &TokenProxy{server}, err
}
