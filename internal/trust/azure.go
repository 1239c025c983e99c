package trust

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/idferry/idferry/internal/token"
)

// GoogleIssuer is the issuer of every Google account's ID tokens.
const GoogleIssuer = "https://accounts.google.com"

// Azure is the trust of an Entra application, or of a user-assigned managed identity, in a Google identity.
// https://learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust-gcp
type Azure struct {
	// Claims are those of the identity's token.
	Claims token.Claims
	// Audience is what the cloud wants of a federated token.
	Audience string
	// ClientID is an application that exists; without it one of the name Application is made.
	ClientID, Application string
	// Identity and ResourceGroup are of a user-assigned managed identity, in place of an application.
	Identity, ResourceGroup string
	// Role is given on Scope, an Azure resource id; both may be empty.
	Role, Scope string
	// Credential is the name of the federated credential.
	Credential string
	// Cloud is the national cloud that the tenant is in (AzureUSGovernment, AzureChinaCloud), or "".
	Cloud string
	// Source are the flags (--name=value) by which azure-token-helper finds the Google identity again.
	Source []string
}

// description says for people who the numeric subject is.
func (a Azure) description() string {
	if a.Claims.Email != "" {
		return oneLine(a.Claims.Email)
	}
	return oneLine(a.Claims.Subject)
}

func (a Azure) about() []string {
	who := "an Entra application"
	if a.Identity != "" {
		who = "a managed identity"
	}
	return []string{
		fmt.Sprintf("%s trusts one Google identity: %s, subject %s.", capital(who), a.description(), a.Claims.Subject),
		"Written by azure-token-helper trust, which runs nothing.",
	}
}

// whySubject says what the subject is for.
func (a Azure) whySubject() []string {
	if a.Claims.Issuer != GoogleIssuer {
		return []string{"Issuer, subject and audience have to match letter by letter."}
	}
	return []string{
		"All of Google's customers have the same issuer: the subject alone says whose account it is. It is the",
		"account's numeric id, not its e-mail address; an account that is deleted and made again has another one.",
	}
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// parameters are what az and Microsoft Graph take.
func (a Azure) parameters() string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(struct {
		Name        string   `json:"name"`
		Issuer      string   `json:"issuer"`
		Subject     string   `json:"subject"`
		Description string   `json:"description"`
		Audiences   []string `json:"audiences"`
	}{a.Credential, a.Claims.Issuer, a.Claims.Subject, a.description(), a.Claims.Audience}) // strings always encode
	return strings.TrimSpace(b.String())
}

// JSON is the trust as a document.
func (a Azure) JSON() (string, error) {
	return document(struct {
		Name          string   `json:"name"`
		Issuer        string   `json:"issuer"`
		Subject       string   `json:"subject"`
		Audiences     []string `json:"audiences"`
		Description   string   `json:"description"`
		ClientID      string   `json:"clientId,omitempty"`
		Application   string   `json:"application,omitempty"`
		Identity      string   `json:"userAssignedIdentity,omitempty"`
		ResourceGroup string   `json:"resourceGroup,omitempty"`
		Role          string   `json:"role,omitempty"`
		Scope         string   `json:"roleScope,omitempty"`
	}{a.Credential, a.Claims.Issuer, a.Claims.Subject, a.Claims.Audience, a.description(), a.ClientID, a.Application, a.Identity, a.ResourceGroup, a.Role, a.Scope})
}
