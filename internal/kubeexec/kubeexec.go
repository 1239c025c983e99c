// Package kubeexec is client-go's exec credential plugin contract: KUBERNETES_EXEC_INFO in, one ExecCredential out.
//
// https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
// The types are written out here because importing Kubernetes' own doubles the start-up of a program that ends
// within milliseconds; conformance/ checks them against client-go.
package kubeexec

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// Variable is where client-go tells what it wants.
const Variable = "KUBERNETES_EXEC_INFO"

// API versions that client-go accepts. It refuses an answer in another version than its kubeconfig names.
const (
	V1      = "client.authentication.k8s.io/v1"
	V1Beta1 = "client.authentication.k8s.io/v1beta1"
)

const kind = "ExecCredential"

// Request is what client-go sent.
type Request struct {
	// APIVersion is the version to answer in: V1 or V1Beta1.
	APIVersion string
	// Interactive reports whether the plugin was lent the terminal. It is answered back as it came.
	Interactive bool
}

// ReadRequest reads KUBERNETES_EXEC_INFO. Without it (somebody runs the verb by hand) the answer is v1beta1, as
// kubelogin's is.
func ReadRequest(lookup func(string) (string, bool)) (Request, error) {
	text, ok := lookup(Variable)
	if !ok || strings.TrimSpace(text) == "" {
		return Request{APIVersion: V1Beta1}, nil
	}
	var info struct {
		Kind       string `json:"kind"`
		APIVersion string `json:"apiVersion"`
		Spec       struct {
			Interactive bool `json:"interactive"`
		} `json:"spec"`
	}
	if err := json.Unmarshal([]byte(text), &info); err != nil {
		return Request{}, problem.Input("$"+Variable, "it is not an ExecCredential in JSON: %w", err).
			WithHint("kubectl sets it itself; unset it to run this by hand")
	}
	if info.Kind != "" && info.Kind != kind {
		return Request{}, problem.Input("$"+Variable, "its kind is %q, not %s", info.Kind, kind)
	}
	switch info.APIVersion {
	case V1, V1Beta1:
	case "":
		info.APIVersion = V1Beta1
	default:
		return Request{}, problem.Input("$"+Variable, "apiVersion %q is not supported", info.APIVersion).
			WithHint("set apiVersion: %s in the exec section of the kubeconfig's user", V1)
	}
	return Request{APIVersion: info.APIVersion, Interactive: info.Spec.Interactive}, nil
}

// credential is the ExecCredential, its fields in kubelogin's order.
type credential struct {
	Kind       string `json:"kind"`
	APIVersion string `json:"apiVersion"`
	Spec       spec   `json:"spec"`
	Status     status `json:"status"`
}

type spec struct {
	Interactive bool `json:"interactive"`
}

type status struct {
	ExpirationTimestamp string `json:"expirationTimestamp"`
	Token               string `json:"token"`
}

// Credential returns the document for t on one line. Its expirationTimestamp (RFC 3339, whole seconds, UTC) is
// early by PublishedExpiry's margin: client-go compares it with the clock and allows no skew.
func Credential(r Request, t token.Token, now time.Time) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(credential{
		Kind: kind, APIVersion: r.APIVersion, Spec: spec{r.Interactive},
		Status: status{t.PublishedExpiry(now).UTC().Format(time.RFC3339), t.Value.Reveal()},
	})
	return b.Bytes()
}
