package sts

import (
	"strings"

	"github.com/idferry/idferry/internal/catalogue"
)

// Places of the entries below, for who fills them.
const (
	Provider  = "provider"  // id of the provider in its pool
	Pool      = "pool"      // id of the pool
	Project   = "project"   // number or id of the project that the pool is in
	Name      = "name"      // full resource name of the provider
	Issuer    = "issuer"    // iss of the subject token
	Audience  = "audience"  // aud of the subject token
	Condition = "condition" // an attribute condition that admits the subject token
	Account   = "account"   // service account that is acted as
	Member    = "member"    // who acts as it, as IAM policies say it
	Role      = "role"      // what the member needs on the account
	Service   = "service"   // project that the caller is charged to
	Workforce = "workforce" // set for a pool of people
)

// update changes a provider. There is no other such command for pools of people but this one's sibling.
const (
	update          = "gcloud iam workload-identity-pools providers update-oidc {provider} --workload-identity-pool={pool} --location=global --project={project}"
	updateWorkforce = "gcloud iam workforce-pools providers update-oidc {provider} --workforce-pool={pool} --location=global"
	troubleshooting = "https://cloud.google.com/iam/docs/troubleshooting-workload-identity-federation"
	changed         = "a change of a provider takes up to a few minutes to work"
	bound           = "a new binding takes up to a few minutes to work"
)

// Catalogue returns what is known of the refusals of Google's Security Token Service, of IAM Credentials, and of the APIs
// that are called with their tokens. Their texts vary, so that an entry asks for phrases only.
func Catalogue() []catalogue.Entry {
	all := subjectTokens()
	for _, more := range [][]catalogue.Entry{targets(), impersonations(), calls()} {
		all = append(all, more...)
	}
	for i, e := range all {
		if e.See == "" {
			all[i].See = troubleshooting
		}
	}
	return all
}

// find returns the entry for a refusal, for the kind of pool that v is about.
func find(code, text string, v catalogue.Values) (catalogue.Entry, bool) {
	e, ok := catalogue.Find(Catalogue(), code, text)
	if ok && v[Workforce] != "" {
		for i, command := range e.Run {
			command = strings.Replace(command, update, updateWorkforce, 1)
			e.Run[i] = strings.Replace(command, "--allowed-audiences=", "--client-id=", 1)
		}
	}
	return e, ok
}

// subjectTokens are refusals of the subject token by the provider.
func subjectTokens() []catalogue.Entry {
	const grant = "invalid_grant"
	return []catalogue.Entry{
		{Code: grant, Says: []string{"The audience in ID Token"}, Cause: "the provider does not allow the audience of the token", Mend: "allow it (the list is replaced: name what else is allowed, too)", Run: []string{update + " --allowed-audiences={audience}"}, Wait: changed},
		{Code: grant, Says: []string{"The issuer in ID Token"}, Cause: "the provider expects another issuer: Entra ID issues version 1 tokens as https://sts.windows.net/TENANT/ and version 2 tokens as https://login.microsoftonline.com/TENANT/v2.0", Mend: "expect the token's", Run: []string{update + " --issuer-uri={issuer}"}, Wait: changed},
		{Code: grant, Says: []string{"is stale to sign-in"}, Cause: "the token is past its end, or its issuer's clock or Google's is off by more than a minute", Mend: "get a new one, and look where this one was kept", Run: []string{"gcp-executable-source cache clear --all"}},
		{Code: grant, Says: []string{"Unable to verify the ID Token signature"}, Cause: "the token's signature does not fit: it is for Microsoft Graph, whose tokens nobody else can verify, or the provider has uploaded keys that are out of date", Mend: "name an application of your own with --resource, or upload the keys that the issuer has now", Run: []string{"curl -sSf -o jwks.json https://login.microsoftonline.com/common/discovery/v2.0/keys && " + update + " --jwk-json-path=jwks.json"}, Wait: changed},
		{Code: grant, Says: []string{"Error connecting to the given credential's issuer"}, Cause: "Google could not read the issuer's keys, or the token's is not among them: a mistyped issuer, or a passing fault", Mend: "try again, and compare the issuer", Run: []string{update + " --issuer-uri={issuer}"}, Wait: changed},
		{Code: grant, Says: []string{"Unable to parse the ID Token"}, Cause: "the subject token is no JSON Web Token", Mend: "name an application of your own with --resource: Microsoft's own services are given tokens of other forms"},
		{Code: "unauthorized_client", Says: []string{"rejected by the attribute condition"}, Cause: "the provider's attribute condition is not true of this identity, or asks for a claim that its token does not have", Mend: "if that is the identity to admit, admit it", Run: []string{update + " --attribute-condition={condition}"}, Wait: changed},
		{Code: "invalid_request", Says: []string{"exceeds the 127 bytes limit"}, Cause: "the subject is longer than the 127 bytes that google.subject may have", Mend: "map the object id, which is as stable and shorter", Run: []string{update + " --attribute-mapping=google.subject=assertion.oid"}, Wait: changed},
		{Code: "invalid_request", Says: []string{"Could not obtain a value for google.subject"}, Cause: "the claim that google.subject is mapped from is not in the token", Mend: "map the object id, which every token of an application has", Run: []string{update + " --attribute-mapping=google.subject=assertion.oid"}, Wait: changed},
	}
}

// targets are refusals of what the exchange is asked for.
func targets() []catalogue.Entry {
	return []catalogue.Entry{
		{
			Code: "invalid_target", Cause: "there is no such pool and provider, or one of them is disabled or deleted; the audience has the project's number, not its id",
			Mend: "enable it, bring it back (within 30 days), or create it",
			Run: []string{
				update + " --no-disabled", "gcloud iam workload-identity-pools providers undelete {provider} --workload-identity-pool={pool} --location=global --project={project}",
				"gcp-executable-source trust --project={project} --pool={pool} --provider={provider}",
			},
			Wait: changed,
		},
		{Code: "invalid_request", Says: []string{`Invalid value for "audience"`}, Cause: "the audience is not the full resource name of a provider", Mend: "write it as //iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER: gcp-executable-source config does"},
		{Code: "quota_exceeded", Cause: "too many exchanges were made for the project", Mend: "try again in some seconds; Google's libraries keep their tokens only within a process"},
		{Code: "invalid_client", Cause: "the exchange was authenticated by an OAuth client that does not exist", Mend: "remove client_id and client_secret from the file: only pools of people have a use for them"},
		{Code: "FAILED_PRECONDITION", Says: []string{"Org Policy violated", "iam.workloadIdentityPoolProviders"}, Cause: "the organization allows other issuers only for its pools", Mend: "somebody who may set policies allows this one", Run: []string{"gcloud resource-manager org-policies allow constraints/iam.workloadIdentityPoolProviders {issuer} --project={project}"}, Wait: "a new policy takes up to a few minutes to work", See: "https://cloud.google.com/iam/docs/manage-workload-identity-pools-providers#restrict"},
	}
}

// impersonations are refusals of IAM Credentials.
func impersonations() []catalogue.Entry {
	const denied = "PERMISSION_DENIED"
	bind := []string{"gcloud iam service-accounts add-iam-policy-binding {account} --member={member} --role={role}"}
	return []catalogue.Entry{
		{Code: denied, Says: []string{"iam.serviceAccounts."}, Cause: "the caller may not act as the service account, or there is no such account", Mend: "allow it", Run: bind, Wait: bound},
		{Code: denied, Says: []string{"iam.serviceAccounts.", "implicitDelegation"}, Cause: "an account of the chain may not act as the next", Mend: "every account of the chain needs roles/iam.serviceAccountTokenCreator on the next; for the first", Run: bind, Wait: bound},
		{Code: denied, Says: []string{"SERVICE_DISABLED"}, Cause: "the IAM Service Account Credentials API is not enabled in the project", Mend: "enable it", Run: []string{"gcloud services enable iamcredentials.googleapis.com --project={service}"}, Wait: "it takes up to a few minutes"},
		{Code: denied, Says: []string{"ACCESS_TOKEN_SCOPE_INSUFFICIENT"}, Cause: "the machine's access scopes are too narrow", Mend: "stop it, then", Run: []string{"gcloud compute instances set-service-account INSTANCE --scopes=cloud-platform"}},
		{Code: "NOT_FOUND", Says: []string{"not found for email"}, Cause: "there is no such service account", Mend: "check the address", Run: []string{"gcloud iam service-accounts describe {account}"}},
		{Code: "INVALID_ARGUMENT", Says: []string{"lifetimes of more than 1 hour"}, Cause: "tokens of a service account live for an hour unless a policy of the organization names it", Mend: "ask for an hour (token_lifetime_seconds of the file), or have the account named", Run: []string{"gcloud resource-manager org-policies allow constraints/iam.allowServiceAccountCredentialLifetimeExtension {account} --project={project}"}},
	}
}

// calls are refusals of APIs.
func calls() []catalogue.Entry {
	return []catalogue.Entry{{
		Code: "UNAUTHENTICATED", Says: []string{"Expected OAuth 2 access token"}, Cause: "the service takes no token of a workload identity pool, or the token has ended",
		Mend: "act as a service account", Run: []string{"gcp-executable-source config --force --audience={name} --service-account=EMAIL FILE"}, See: "https://cloud.google.com/iam/docs/federated-identity-supported-services",
	}}
}
