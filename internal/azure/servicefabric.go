package azure

import (
	"bytes"
	"io"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/idferry/idferry/internal/upstream"
)

// pinnable is a client for Service Fabric. MSAL pins the certificate on a copy of its transport and takes no other
// transport than net/http's, so what came back is seen by a policy instead.
func (s Settings) pinnable() *http.Client {
	if s.HTTP != nil {
		return s.HTTP
	}
	return &http.Client{Transport: upstream.NewTransport(s.machineTransport())}
}

// witnessing is a policy that reports to the context's witness.
type witnessing struct{}

// Do implements policy.Policy.
func (witnessing) Do(r *policy.Request) (*http.Response, error) {
	resp, err := r.Next()
	var body []byte
	if err == nil {
		body, err = runtime.Payload(resp)
		body = upstream.Strike(r.Raw(), resp, body)
		resp.Body = io.NopCloser(bytes.NewReader(body))
		if err == nil {
			err = cutShort(r.Raw().Context())
		}
		if err == nil {
			err = upstream.RequireObject(r.Raw(), resp, body)
		}
	}
	if w, ok := r.Raw().Context().Value(witnessKey{}).(*witness); ok {
		w.report(r.Raw(), resp, body, err)
	}
	return resp, err
}
