package fakecloud

import "net/http"

// StartProxy starts a forward proxy that answers every request with status, as one that wants a password does with 407.
func StartProxy(status int) (*Server, error) {
	return listen(nil, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if status == http.StatusProxyAuthRequired {
			w.Header().Set("Proxy-Authenticate", `Basic realm="proxy"`)
		}
		w.WriteHeader(status)
	}))
}
