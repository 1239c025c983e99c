package entra

// hintFor says what to do about an AADSTS code, or "".
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes; every code also has a page at
// https://login.microsoftonline.com/error?code=N.
func hintFor(number string) string {
	const (
		credential  = "compare with the federated credentials of the application: az ad app federated-credential list --id APPLICATION; a new one takes some minutes to work"
		application = "check the application (client) id and the tenant: az ad app list --display-name NAME --query '[].appId' -o tsv; an object id is not a client id"
		cloud       = "check the tenant and the cloud (--cloud or --environment): az account show --query tenantId -o tsv"
		scope       = "a scope ends in /.default: --scope RESOURCE/.default"
		passing     = "it is a passing fault: try again"
		person      = "somebody has to sign in again, at a terminal: --credential device-code"
	)
	hints := map[string]string{
		"70021": credential, "700211": credential, "700212": credential, "700213": credential, "7002137": credential, "7002138": credential,
		"700024":  "the assertion is too old or the clock is wrong: date -u",
		"700027":  "the assertion was changed, or is signed with a key that is not registered or has expired: az ad app credential list --id APPLICATION --cert",
		"50027":   "what was presented is no JSON Web Token for this purpose: is it an access token, or an empty file?",
		"50013":   "the assertion was not made for this application",
		"7000215": "use the secret's value, not its id, or make a new one: az ad app credential reset --id APPLICATION --append",
		"7000222": "the secret has expired; trust an identity instead (federated credential), or: az ad app credential reset --id APPLICATION --append",
		"7000218": "set AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH",
		"700016":  application,
		"7000112": "it was disabled: az ad sp update --id APPLICATION --set accountEnabled=true",
		"90002":   cloud, "900382": cloud, "90038": cloud, "50049": cloud, "900023": cloud,
		"500011": "check the resource's App ID URI: az ad app list --query '[].identifierUris' -o tsv; its service principal must exist in this tenant: az ad sp create --id RESOURCE",
		"65001":  "an administrator has to consent: az ad app permission admin-consent --id APPLICATION",
		"70011":  scope, "1002012": scope,
		"53003":  "a Conditional Access policy of the tenant blocks this identity, often by its network location; the sign-in log of the tenant names the policy",
		"100007": "regional endpoints refuse this identity: unset AZURE_REGIONAL_AUTHORITY_NAME",
		"90033":  passing, "90006": passing, "50033": passing,
		"90055": "too many requests: try again in a minute",
		"50076": person, "50079": person, "50173": person, "700082": person, "70043": person,
	}
	return hints[number]
}
