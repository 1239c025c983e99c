package trust

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// need says which claim is missing that no trust can do without, or cannot be shown as it is to whoever reads the trust.
func need(c token.Claims) error {
	audience := strings.Join(c.Audience, "")
	for _, claim := range []struct{ name, value string }{{"iss", c.Issuer}, {"sub", c.Subject}, {"aud", audience}} {
		if strings.TrimSpace(claim.value) == "" {
			return problem.Input("token", "it has no claim %q, and a trust names it", claim.name)
		}
	}
	for _, claim := range []struct{ name, value string }{
		{"iss", c.Issuer}, {"sub", c.Subject}, {"aud", audience}, {"tid", c.TenantID}, {"oid", c.ObjectID}, {"email", c.Email},
	} {
		// A terminal obeys some of them, and others turn the order of what is read: nobody would see what is admitted.
		if !utf8.ValidString(claim.value) || strings.ContainsFunc(claim.value, func(r rune) bool { return !unicode.IsGraphic(r) }) {
			return problem.Input("token", "its claim %q has a character that cannot be seen: %+q", claim.name, claim.value)
		}
	}
	return nil
}

// isGUID reports whether an id is one as Entra ID gives to tenants and objects, and Azure to roles.
func isGUID(id string) bool {
	return regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`).MatchString(id)
}

// Check says what cannot be written down.
func (g Google) Check() error {
	if err := need(g.Claims); err != nil {
		return err
	}
	switch {
	case g.Project == "":
		return problem.Input("--project", "it is missing: which project gets the pool?").WithHint("gcloud projects list --format='value(projectId)'")
	case len(g.Claims.Audience) != 1:
		return problem.Input("token", "it has %d audiences, and a provider's allowed audience is one of its own", len(g.Claims.Audience))
	case strings.Contains(g.Claims.Audience[0], "/workforcePools/"):
		return problem.Input("token", "its audience is a workforce pool of people, which an organization has and no project: %s", g.Claims.Audience[0]).
			WithHint("https://cloud.google.com/iam/docs/workforce-sign-in-microsoft-entra-id")
	// gcloud takes a list there, in which a comma separates, or what stands between two carets before it (gcloud topic escaping).
	case strings.Contains(g.Claims.Audience[0], ",") || strings.HasPrefix(g.Claims.Audience[0], "^"):
		return problem.Input("token", "its audience %q would be read as several", g.Claims.Audience[0])
	case !strings.HasPrefix(g.Claims.Issuer, "https://"):
		return problem.Input("token", "its issuer %q is no https URL, which Google wants", g.Claims.Issuer)
	case g.Claims.TenantID == "" || g.Claims.ObjectID == "":
		return problem.Input("token", "it has no claims tid and oid, so that it is none of Entra ID's; no condition can tell this identity from others by it")
	case !isGUID(g.Claims.TenantID) || !isGUID(g.Claims.ObjectID):
		return problem.Input("token", "its claims tid %q and oid %q are no GUIDs, so that it is none of Entra ID's", g.Claims.TenantID, g.Claims.ObjectID)
	}
	for _, id := range []struct{ flag, value string }{{"--pool", g.Pool}, {"--provider", g.Provider}} {
		if err := checkID(id.flag, id.value); err != nil {
			return err
		}
	}
	switch {
	case g.ServiceAccount != "" && g.Role != "":
		return problem.Input("--role", "it is for the identity itself, which with --service-account may do what the account may").WithHint("leave one of the two out")
	case g.On != "" && g.On != "project" && g.Role == "":
		return problem.Input("--on", "it says where --role is given, which is missing").WithHint("for example --role roles/storage.objectViewer --on gs://BUCKET")
	}
	_, err := g.grant()
	return err
}

// checkID says what cannot be the id of a pool or provider.
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools/create
func checkID(flag, id string) error {
	if !regexp.MustCompile(`^[a-z0-9-]{4,32}$`).MatchString(id) || strings.HasPrefix(id, "gcp-") {
		return problem.Input(flag, "%q cannot be its id, which is 4 to 32 small letters, digits and hyphens, and does not begin with gcp-", id)
	}
	return nil
}

// Check says what cannot be written down.
func (a Azure) Check() error {
	if err := need(a.Claims); err != nil {
		return err
	}
	switch {
	case len(a.Claims.Audience) != 1 || a.Claims.Audience[0] != a.Audience:
		return problem.Input("token", "its audience is %s, and this cloud wants %s", oneLine(strings.Join(a.Claims.Audience, ", ")), a.Audience).
			WithHint("leave --assertion-audience out, or name the cloud with --environment; a token file has to be made for that audience")
	case !strings.HasPrefix(a.Claims.Issuer, "https://"):
		return problem.Input("token", "its issuer %q is no https URL, and Entra ID reads the issuer's keys there", a.Claims.Issuer)
	case a.Claims.Issuer == GoogleIssuer && strings.Trim(a.Claims.Subject, "0123456789") != "":
		return problem.Input("token", "its subject %q is not the numeric id that Google gives its accounts", oneLine(a.Claims.Subject)).
			WithHint("gcloud iam service-accounts describe EMAIL --format='value(uniqueId)'")
	// az takes what follows a @ for the name of a file whose content is meant, and what begins with a hyphen for a flag.
	case strings.HasPrefix(a.Claims.Subject, "@") || strings.HasPrefix(a.Claims.Subject, "-"):
		return problem.Input("token", "its subject %q begins with what az takes for something else", a.Claims.Subject)
	case a.ClientID != "" && a.Application != "":
		return problem.Input("--application", "it names an application to create, and --client-id one that exists").WithHint("leave one of the two out")
	case a.Identity != "" && (a.ClientID != "" || a.Application != ""):
		return problem.Input("--user-assigned-identity", "it goes with neither --client-id nor --application: one of them trusts the account")
	case a.Identity != "" && a.ResourceGroup == "":
		return problem.Input("--resource-group", "it is missing, and managed identities are in one").WithHint("az group list --query '[].name' -o tsv")
	case a.Identity == "" && a.ResourceGroup != "":
		return problem.Input("--resource-group", "it goes with --user-assigned-identity: applications are in none")
	case (a.Role == "") != (a.Scope == ""):
		return problem.Input("--role", "it is given on a resource: --role and --role-scope go together").
			WithHint("for example --role 'Storage Blob Data Reader' --role-scope \"$(az storage account show --name ACCOUNT --query id -o tsv)\"")
	}
	return nil
}
