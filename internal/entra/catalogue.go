package entra

import (
	"maps"
	"strings"

	"github.com/idferry/idferry/internal/catalogue"
	"github.com/idferry/idferry/internal/problem"
)

// Places of the entries that callers of Advise can fill; Exchange fills those of federated credentials.
const (
	Application = "application" // the application's client id
	Tenant      = "tenant"      // its tenant
	Resource    = "resource"    // what the token is asked for, without /.default
	Certificate = "certificate" // file with the application's certificate
)

// Advise returns e with the advice of the catalogue for its code, filled with values, where there is any. What has been
// filled by somebody who knew more stays.
func Advise(e *problem.Error, values catalogue.Values) *problem.Error {
	if e.Advice != nil && e.Advice.Filled {
		return e
	}
	entry, ok := catalogue.Find(Catalogue(), e.Code, e.Message)
	if !ok {
		return e
	}
	filled := Places()
	maps.Copy(filled, values)
	advised := *e
	a := entry.Advice(filled)
	a.Filled = values != nil
	return advised.WithAdvice(a)
}

// Places fills the places that are no single word, where their values are not known.
func Places() catalogue.Values {
	return catalogue.Values{
		"credential": `{"name":"NAME","issuer":"ISSUER","subject":"SUBJECT","audiences":["AUDIENCE"]}`,
		"change":     `{"issuer":"ISSUER","subject":"SUBJECT","audiences":["AUDIENCE"]}`, "by-subject": "[?subject=='SUBJECT'].id",
		"wanted": "api://AzureADTokenExchange",
	}
}

// Catalogue returns what is known of AADSTS codes, of those that the identities and exchanges of both programs meet.
// Meanings follow https://learn.microsoft.com/entra/identity-platform/reference-error-codes; every code also has a page at
// https://login.microsoftonline.com/error?code=N.
func Catalogue() []catalogue.Entry {
	all := federated()
	for _, more := range [][]catalogue.Entry{assertions(), applications(), tenants(), scopes(), passing(), people()} {
		all = append(all, more...)
	}
	for i, e := range all {
		if e.See == "" {
			all[i].See = "https://login.microsoftonline.com/error?code=" + strings.TrimPrefix(e.Code, "AADSTS")
		}
	}
	return all
}

const (
	propagates = "a new federated credential takes some minutes to work"
	// Its issuer and subject are in another credential already, and no application has two of the same.
	updateCredential = `az ad app federated-credential update --id {application} --federated-credential-id "$(az ad app federated-credential list --id {application} --query {by-subject} -o tsv)" --parameters {change}`
	createCredential = "az ad app federated-credential create --id {application} --parameters {credential}"
	createForManaged = "az identity federated-credential create --identity-name IDENTITY --resource-group GROUP --name {name} --issuer {issuer} --subject {subject} --audiences {audience} # where it is a user-assigned managed identity"
	considerations   = "https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations"
)

// federated are refusals of a federated token: issuer, subject and audience have to match letter by letter.
func federated() []catalogue.Entry {
	create := []string{createCredential, createForManaged}
	trust := func(code, cause string) catalogue.Entry {
		return catalogue.Entry{
			Code: code, Cause: cause, Run: create, Wait: propagates, See: considerations,
			Mend: "if that is the identity to trust, make the application trust it, letter by letter",
		}
	}
	return []catalogue.Entry{
		trust("AADSTS70021", "the application has no federated credential with this issuer, subject and audience, or has it for a few minutes only"),
		trust("AADSTS700211", "no federated credential of the application has this issuer: it may have a slash more at its end, or other capitals"),
		{
			Code: "AADSTS700212", Cause: "a federated credential of the application has this issuer and subject, and another audience",
			Mend: "have the token made for the audience that the credential names, as a rule {wanted}; or change the credential to what was presented", Run: []string{updateCredential}, Wait: propagates, See: considerations,
		},
		trust("AADSTS700213", "the issuer is trusted, and no federated credential has this subject: an e-mail address stands where Google's numeric id belongs, or the account was deleted and made again"),
		trust("AADSTS7002137", "the subject is that of a managed identity, and no federated credential has it"),
		trust("AADSTS7002138", "a federated credential has this subject in other capitals, which makes it another one"),
	}
}

// assertions are refusals of what proves an application: a token, a certificate, a secret.
func assertions() []catalogue.Entry {
	newSecret := []string{`export AZURE_CLIENT_SECRET="$(az ad app credential reset --id {application} --append --query password -o tsv)"`}
	const ownToken = "let the token be asked for in place of being read from a file that nobody renews, or name another file"
	return []catalogue.Entry{
		{Code: "AADSTS700024", Cause: "the assertion is past its end or not valid yet: a file with a token that nobody renews, or a clock that is off", Mend: "compare the clock (date -u), and let the system set it", Run: []string{"timedatectl set-ntp true"}},
		{Code: "AADSTS700027", Cause: "the assertion's signature does not fit: it was changed on its way, or its certificate is not registered for the application", Mend: "register the certificate, or present a token as its issuer gave it", Run: []string{"az ad app credential reset --id {application} --append --cert @{certificate}"}},
		{Code: "AADSTS50027", Cause: "what was presented is no JSON Web Token that stands for an identity: an access token, or a file of something else", Mend: ownToken, Run: []string{"unset AZURE_FEDERATED_TOKEN_FILE"}},
		{Code: "AADSTS50013", Cause: "the assertion's signature is not its issuer's, or it was made for somebody else", Mend: ownToken, Run: []string{"unset AZURE_FEDERATED_TOKEN_FILE"}},
		{Code: "AADSTS7000272", Cause: "the token is signed with a key that its issuer does not publish, or not any more: a cluster whose keys were rotated, or a file with a token that nobody renews", Mend: ownToken, Run: []string{"unset AZURE_FEDERATED_TOKEN_FILE"}},
		{Code: "AADSTS7000215", Cause: "the client secret is wrong: often it is the secret's id in place of its value", Mend: "make a new one, or better trust an identity, which has none", Run: newSecret},
		{Code: "AADSTS7000222", Cause: "the client secret has expired", Mend: "make a new one, or better trust an identity, which has none", Run: newSecret},
		{Code: "AADSTS7000218", Cause: "the application is confidential, and was to sign somebody in without a secret, certificate or assertion of its own", Mend: "allow public client flows", Run: []string{"az ad app update --id {application} --is-fallback-public-client true"}},
	}
}

// applications are refusals that are about the application or what it asks for.
func applications() []catalogue.Entry {
	return []catalogue.Entry{
		{
			Code: "AADSTS700016", Cause: "the tenant knows no application of this client id: it is the object id, or the tenant is another",
			Mend: "give the application (client) id",
			Run:  []string{`export AZURE_CLIENT_ID="$(az ad app show --id {application} --query appId -o tsv)"`, "az ad sp create --id {application} # where it belongs to another tenant and has not been installed in this one"},
		},
		{Code: "AADSTS7000112", Cause: "the application is disabled in this tenant", Mend: "enable it", Run: []string{"az ad sp update --id {application} --set accountEnabled=true"}},
		{
			Code: "AADSTS500011", Cause: "the tenant has no service principal for the resource that the token is for: the App ID URI is misspelt, or nobody installed it there",
			Mend: "check the spelling (az ad app list --query '[].identifierUris' -o tsv), and install the resource", Run: []string{"az ad sp create --id {resource}"}, Wait: "it takes up to a minute",
		},
		{Code: "AADSTS65001", Cause: "nobody has allowed the application to use this resource", Mend: "an administrator consents", Run: []string{"az ad app permission admin-consent --id {application}"}, Wait: "it takes up to a minute"},
		{
			Code: "AADSTS53003", Cause: "a Conditional Access policy of the tenant blocks this identity, often because of its network's address",
			Mend: "an administrator finds the policy in the sign-in log (Entra admin center, Sign-in logs, Service principal sign-ins) and lets the identity or its address in", See: "https://learn.microsoft.com/entra/identity/conditional-access/workload-identity",
		},
		{Code: "AADSTS100007", Cause: "regional endpoints take certificates and managed identities only", Mend: "ask the global endpoint", Run: []string{"unset AZURE_REGIONAL_AUTHORITY_NAME"}},
	}
}

// tenants are refusals that are about the tenant or the cloud it is in.
func tenants() []catalogue.Entry {
	const elsewhere = "the tenant is in another of Microsoft's clouds than the one that was asked"
	cloud := []string{`export AZURE_ENVIRONMENT="$(az cloud show --query name -o tsv)"`}
	return []catalogue.Entry{
		{Code: "AADSTS90002", Cause: "no such tenant is in this cloud: the id is mistyped, or the tenant is in another cloud", Mend: "take the tenant that you are signed in to, or name the cloud (AZURE_ENVIRONMENT)", Run: []string{`export AZURE_TENANT_ID="$(az account show --query tenantId -o tsv)"`}},
		{Code: "AADSTS900023", Cause: "the tenant is neither a GUID nor a domain name of one", Mend: "take the tenant that you are signed in to", Run: []string{`export AZURE_TENANT_ID="$(az account show --query tenantId -o tsv)"`}},
		{Code: "AADSTS900382", Cause: elsewhere, Mend: "name its cloud", Run: cloud},
		{Code: "AADSTS90038", Cause: elsewhere, Mend: "name its cloud", Run: cloud},
		{Code: "AADSTS50049", Cause: "the host that was asked is no token service of Microsoft's", Mend: "take the cloud's own", Run: []string{"unset AZURE_AUTHORITY_HOST"}},
	}
}

// scopes are refusals of the scope.
func scopes() []catalogue.Entry {
	e := catalogue.Entry{Cause: "what is asked for is no scope that an application can be given: it names a permission, or several resources", Mend: "ask for one resource: --scope {resource}/.default"}
	first, second := e, e
	first.Code, second.Code = "AADSTS70011", "AADSTS1002012"
	return []catalogue.Entry{first, second}
}

// passing are faults that end by themselves.
func passing() []catalogue.Entry {
	var all []catalogue.Entry
	for _, code := range []string{"AADSTS90033", "AADSTS90006", "AADSTS50033"} {
		all = append(all, catalogue.Entry{Code: code, Cause: "it is a passing fault of the token service", Mend: "try again"})
	}
	return append(all, catalogue.Entry{Code: "AADSTS90055", Cause: "too many requests were made for this application or from this address", Mend: "try again in a minute; one cache for all programs of a machine keeps them few (--cache)"})
}

// people are refusals of somebody's sign-in.
func people() []catalogue.Entry {
	all := []catalogue.Entry{
		{Code: "AADSTS50076", Cause: "the tenant wants another factor of the person who signed in"},
		{Code: "AADSTS50079", Cause: "the person has to register another factor first"},
		{Code: "AADSTS50173", Cause: "the person's password was changed, which ended the sign-in"},
		{Code: "AADSTS700082", Cause: "the sign-in has not been used for too long"},
		{Code: "AADSTS70043", Cause: "a policy of the tenant limits how long a sign-in lasts"},
	}
	for i := range all {
		all[i].Mend = "somebody has to sign in again, at a terminal: --credential device-code"
	}
	return all
}
