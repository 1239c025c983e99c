// Package pluggable is the contract between Google's client libraries and an executable credential source: a few
// environment variables in, one JSON document out, and a file that may hold the document for the next call.
//
// https://google.aip.dev/auth/4117 and
// https://cloud.google.com/iam/docs/workload-identity-federation-with-other-providers#executable-sourced-credentials
//
// What the clients really do decides where the documents are silent:
//   - Python, Node, Java and PHP join stderr with stdout, so nothing may be written there.
//   - Go and Java drop the document of an executable that exits other than 0, and Rust reads only stderr then; so a
//     failure is a document with success:false and exit code 0, which every client shows.
//   - Rust sets none of the variables, so none is required.
//   - Rust needs token_type in a failure too; Go needs code to be a string and expiration_time an integer.
package pluggable

import (
	"github.com/idferry/idferry/internal/problem"
)

// Token types of subject tokens (RFC 8693 section 3) that an Entra token can be handed over as.
const (
	TypeJWT     = "urn:ietf:params:oauth:token-type:jwt"
	TypeIDToken = "urn:ietf:params:oauth:token-type:id_token"
	typeSAML2   = "urn:ietf:params:oauth:token-type:saml2"
)

// Request is what a client library tells through the environment. Every field may be empty.
type Request struct {
	// Audience is the full resource name of the workload or workforce identity pool provider.
	Audience string
	// TokenType is the subject_token_type of the external_account file.
	TokenType string
	// ImpersonatedEmail is the service account to be impersonated; Python and gcloud never tell it.
	ImpersonatedEmail string
	// OutputFile is where the client looks for a cached response before it runs the executable.
	OutputFile string
	// ID is an account name that Python sends; it is empty in practice.
	ID string
	// Interactive allows a dialogue with the user; the response is then read from OutputFile only.
	Interactive bool
	// NonInteractive is set when the client said so explicitly.
	NonInteractive bool
	// Revoke asks to forget this identity's tokens.
	Revoke bool
}

// ReadRequest reads the request from the environment.
func ReadRequest(lookup func(string) (string, bool)) Request {
	get := func(name string) string {
		v, _ := lookup("GOOGLE_EXTERNAL_ACCOUNT_" + name)
		return v
	}
	interactive := get("INTERACTIVE")
	return Request{
		Audience: get("AUDIENCE"), TokenType: get("TOKEN_TYPE"), ImpersonatedEmail: get("IMPERSONATED_EMAIL"),
		OutputFile: get("OUTPUT_FILE"), ID: get("ID"),
		Interactive: interactive == "1", NonInteractive: interactive == "0", Revoke: get("REVOKE") == "1",
	}
}

// Check returns an error for a request that an Entra token cannot answer.
func (r Request) Check() error {
	switch r.TokenType {
	case "", TypeJWT, TypeIDToken:
		return nil
	case typeSAML2:
		return problem.Input("subject_token_type", "SAML 2.0 assertions are asked for, and Entra ID gives workloads JSON Web Tokens only").
			WithHint("set \"subject_token_type\" of the external_account file to %q", TypeJWT)
	default:
		return problem.Input("subject_token_type", "%q is not a type of token that can be given", r.TokenType).
			WithHint("set \"subject_token_type\" of the external_account file to %q", TypeJWT)
	}
}

// responseType is the token_type to answer with. It only selects the field that holds the token, and every client
// reads id_token for both types.
func (r Request) responseType() string {
	if r.TokenType == TypeIDToken {
		return TypeIDToken
	}
	return TypeJWT
}
