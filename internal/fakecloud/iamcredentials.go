package fakecloud

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Roles on a service account that let a member act as it.
const (
	RoleWorkloadIdentityUser = "roles/iam.workloadIdentityUser"
	RoleTokenCreator         = "roles/iam.serviceAccountTokenCreator"
	RoleOpenIDTokenCreator   = "roles/iam.serviceAccountOpenIdTokenCreator"
)

// permitting lists the roles that hold a permission. https://cloud.google.com/iam/docs/roles-permissions/iam
func permitting(permission string) []string {
	switch permission {
	case "iam.serviceAccounts.getAccessToken":
		return []string{RoleWorkloadIdentityUser, RoleTokenCreator}
	case "iam.serviceAccounts.getOpenIdToken":
		return []string{RoleWorkloadIdentityUser, RoleTokenCreator, RoleOpenIDTokenCreator}
	case "iam.serviceAccounts.implicitDelegation":
		return []string{RoleTokenCreator}
	}
	return nil
}

// Bind gives a member a role on a service account. A principalSet covers a whole pool (…/workloadIdentityPools/P/*).
func (g *Google) Bind(member, role, email string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.bindings = append(g.bindings, iamBinding{member, role, email})
}

// Unbind takes every role on a service account away from a member.
func (g *Google) Unbind(member, email string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.bindings = slices.DeleteFunc(g.bindings, func(b iamBinding) bool { return b.member == member && b.resource == email })
}

// ImpersonationURL is the service_account_impersonation_url of an external_account file.
func (g *Google) ImpersonationURL(email string) string {
	return g.IAM.URL + "/v1/projects/-/serviceAccounts/" + email + ":generateAccessToken"
}

func (g *Google) may(principal, permission, email string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.ContainsFunc(g.bindings, func(b iamBinding) bool {
		return b.resource == email && slices.Contains(permitting(permission), b.role) && memberCovers(b.member, principal)
	})
}

// iamRequest is the body of both methods; each refuses the other's fields.
type iamRequest struct {
	Delegates    []string  `json:"delegates"`
	Scope        *[]string `json:"scope"`
	Lifetime     *string   `json:"lifetime"`
	Audience     *string   `json:"audience"`
	IncludeEmail *bool     `json:"includeEmail"`
	// UseEmailAzp makes azp the e-mail address.
	UseEmailAzp *bool `json:"useEmailAzp"`
}

// serveIAM answers projects.serviceAccounts.generateAccessToken and .generateIdToken.
// https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts
func (g *Google) serveIAM(w http.ResponseWriter, r *http.Request) {
	name, method, _ := strings.Cut(r.URL.Path, ":")
	resource, ok := strings.CutPrefix(name, "/v1/projects/")
	project, email, found := strings.Cut(resource, "/serviceAccounts/")
	if !ok || !found || email == "" || r.Method != http.MethodPost || method != "generateAccessToken" && method != "generateIdToken" {
		htmlError(w, http.StatusNotFound, "The requested URL <code>"+escaped(r)+"</code> was not found on this server.")
		return
	}
	caller, ok := g.authenticate(w, r, "iamcredentials.googleapis.com", cloudPlatformScope, iamScope)
	if !ok {
		return
	}
	if refused := g.serviceDisabled("iamcredentials.googleapis.com", "IAM Service Account Credentials API"); refused != nil {
		refused.write(w)
		return
	}
	body, refused := readIAMRequest(r, method)
	if refused == nil && project != "-" {
		refused = new(invalidArgument("Request contains an invalid argument."))
	}
	if refused != nil {
		refused.write(w)
		return
	}
	account, refused := g.actAs(caller.principal, email, body.Delegates, method)
	if refused != nil {
		refused.write(w)
		return
	}
	if method == "generateIdToken" {
		g.generateIDToken(w, account, body)
		return
	}
	g.generateAccessToken(w, account, body)
}

func readIAMRequest(r *http.Request, method string) (iamRequest, *apiError) {
	var body iamRequest
	data, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return body, new(invalidArgument("Invalid JSON payload received. Unexpected token."))
	}
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil {
		if _, field, ok := strings.Cut(err.Error(), "unknown field "); ok {
			return body, new(unknownField(strings.Trim(field, `"`)))
		}
		return body, new(invalidArgument("Invalid JSON payload received. Unexpected token."))
	}
	for _, delegate := range body.Delegates {
		if email, ok := strings.CutPrefix(delegate, "projects/-/serviceAccounts/"); !ok || email == "" {
			return body, new(invalidArgument("Request contains an invalid argument."))
		}
	}
	access := method == "generateAccessToken"
	for _, foreign := range []struct {
		name    string
		present bool
	}{
		{"audience", access && body.Audience != nil}, {"includeEmail", access && body.IncludeEmail != nil},
		{"useEmailAzp", access && body.UseEmailAzp != nil},
		{"scope", !access && body.Scope != nil}, {"lifetime", !access && body.Lifetime != nil},
	} {
		if foreign.present {
			return body, new(unknownField(foreign.name))
		}
	}
	if access && (body.Scope == nil || len(*body.Scope) == 0) || !access && (body.Audience == nil || *body.Audience == "") {
		return body, new(invalidArgument("Request contains an invalid argument."))
	}
	return body, nil
}

// actAs walks from the caller over the delegates to the account: each must be allowed to act as the next.
// https://cloud.google.com/iam/docs/create-short-lived-credentials-delegated
func (g *Google) actAs(principal, email string, delegates []string, method string) (ServiceAccount, *apiError) {
	permission := "iam.serviceAccounts.getAccessToken"
	if method == "generateIdToken" {
		permission = "iam.serviceAccounts.getOpenIdToken"
	}
	for _, delegate := range delegates {
		next, refused := g.step(principal, strings.TrimPrefix(delegate, "projects/-/serviceAccounts/"), "iam.serviceAccounts.implicitDelegation")
		if refused != nil {
			return next, refused
		}
		principal = "serviceAccount:" + next.Email
	}
	return g.step(principal, email, permission)
}

func (g *Google) step(principal, email, permission string) (ServiceAccount, *apiError) {
	account, ok := g.account(email)
	if !ok {
		return account, &apiError{Code: http.StatusNotFound, Status: "NOT_FOUND", Message: "Not found; Gaia id not found for email " + email}
	}
	if !g.may(principal, permission, account.Email) {
		return account, &apiError{
			Code: http.StatusForbidden, Status: "PERMISSION_DENIED",
			Message: fmt.Sprintf("Permission '%s' denied on resource (or it may not exist).", permission),
			Details: []map[string]any{errorInfo("IAM_PERMISSION_DENIED", "iam.googleapis.com", map[string]string{"permission": permission})},
		}
	}
	return account, nil
}

func (g *Google) generateIDToken(w http.ResponseWriter, account ServiceAccount, body iamRequest) {
	extra := map[string]any{}
	if body.IncludeEmail != nil && *body.IncludeEmail {
		extra["email"], extra["email_verified"] = account.Email, true
	}
	if body.UseEmailAzp != nil && *body.UseEmailAzp {
		extra["azp"] = account.Email
	}
	token, err := g.mint(account, *body.Audience, extra)
	if err != nil {
		apiError{Code: http.StatusInternalServerError, Status: "INTERNAL", Message: "Internal error encountered."}.write(w)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"token": token})
}

func (g *Google) generateAccessToken(w http.ResponseWriter, account ServiceAccount, body iamRequest) {
	lifetime := time.Hour
	if body.Lifetime != nil {
		parsed, err := time.ParseDuration(*body.Lifetime)
		if err != nil || !strings.HasSuffix(*body.Lifetime, "s") || parsed <= 0 {
			invalidArgument("Invalid value at 'lifetime' (type.googleapis.com/google.protobuf.Duration), \"" + *body.Lifetime + "\"").write(w)
			return
		}
		lifetime = parsed
	}
	switch {
	case lifetime > 12*time.Hour:
		invalidArgument("Request contains an invalid argument.").write(w)
		return
	case lifetime > time.Hour && !account.ExtendedLifetime:
		// Text from https://github.com/google-github-actions/auth/issues/145.
		invalidArgument(fmt.Sprintf("Access tokens for service account %s can not have lifetimes of more than 1 hour. Use the Org Policy "+
			"Constraint constraints/iam.allowServiceAccountCredentialLifetimeExtension to allow up to 12 hours.", account.Email)).write(w)
		return
	}
	expires := g.now().Add(lifetime).UTC().Truncate(time.Second)
	token := g.issue(googleGrant{principal: "serviceAccount:" + account.Email, scopes: *body.Scope, expires: expires})
	writeJSON(w, http.StatusOK, map[string]string{"accessToken": token, "expireTime": expires.Format(time.RFC3339)})
}

func unknownField(name string) apiError {
	return invalidArgument(fmt.Sprintf("Invalid JSON payload received. Unknown name \"%s\": Cannot find field.", name))
}

// DisableAPI makes a service one that the sandbox's project has not enabled.
func (g *Google) DisableAPI(service string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.disabled[service] = true
}

// RefuseFederated makes an API (bigquery.googleapis.com) one that takes no tokens of a workload identity pool, only of accounts.
// https://cloud.google.com/iam/docs/federated-identity-supported-services
func (g *Google) RefuseFederated(service string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.withoutFederated[service] = true
}

func (g *Google) accountsOnly(service string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.withoutFederated[service]
}

// https://cloud.google.com/apis/docs/getting-started#enabling_apis; the text is that of every such API.
func (g *Google) serviceDisabled(service, title string) *apiError {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.disabled[service] {
		return nil
	}
	return &apiError{
		Code: http.StatusForbidden, Status: "PERMISSION_DENIED",
		Message: fmt.Sprintf("%s has not been used in project 123456789 before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/%s/overview?project=123456789 then retry.", title, service),
		Details: []map[string]any{errorInfo("SERVICE_DISABLED", "googleapis.com", map[string]string{"service": service, "consumer": "projects/123456789"})},
	}
}
