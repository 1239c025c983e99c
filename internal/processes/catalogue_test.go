package processes

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/catalogue"
	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/fakecloud"
	"github.com/idferry/idferry/internal/sts"
)

// illness is one way to fall ill with an entry of a catalogue.
type illness struct {
	name, program string
	// code and says name the entry.
	code, says string
	// breaks makes it happen.
	breaks func(*patient)
	// run is which of the commands is typed; mends, where it is set, does in its place what the advice says in words.
	run   int
	mends func(*patient, found) error
}

const (
	helper = "azure-token-helper"
	source = "gcp-executable-source"
)

// Every entry of both catalogues is brought about by a cloud, named by doctor with the command that mends it, and gone
// when exactly that command has been typed.
func TestEveryFailureIsNamedAndMended(t *testing.T) {
	b := build(t)
	all := slices.Concat(federatedIllnesses(), assertionIllnesses(), entraIllnesses(), passingIllnesses(), subjectIllnesses(), targetIllnesses(), accountIllnesses())
	entries := slices.Concat(entra.Catalogue(), sts.Catalogue())
	for _, e := range entries {
		// Those that no hop of doctor's meets are told to it; see TestErrorsOfOtherProgramsAreExplained.
		if !slices.ContainsFunc(all, func(i illness) bool { return i.is(e) }) && !slices.Contains(toldOnly(), e.Code) {
			t.Errorf("nobody falls ill with %s %q", e.Code, e.Says)
		}
	}
	for _, i := range all {
		at := slices.IndexFunc(entries, i.is)
		if at < 0 {
			t.Errorf("%s is in no catalogue", i.name)
			continue
		}
		t.Run(i.name, func(t *testing.T) {
			t.Parallel()
			i.course(t, b, entries[at])
		})
	}
}

func (i illness) is(e catalogue.Entry) bool {
	return e.Code == i.code && (i.says == "" && len(e.Says) <= 1 || slices.Contains(e.Says, i.says) && e.Says[len(e.Says)-1] == i.says)
}

func (i illness) course(t *testing.T, b built, e catalogue.Entry) {
	p := newPatient(t, b, i.program)
	i.breaks(p)
	ill := p.examine()
	at := slices.IndexFunc(ill.Hops, func(h struct {
		Name, Status string
		Error        *struct {
			Code, Message, Cause, Mend, Wait string
			Run                              []string
		}
	}) bool {
		return h.Status == "failed" && h.Error.Cause == e.Cause
	})
	if at < 0 {
		t.Fatalf("doctor does not name it: %+v", ill.well())
	}
	said := ill.Hops[at].Error
	if !strings.Contains(said.Code, e.Code) || len(said.Run) != len(e.Run) || said.Wait != e.Wait {
		t.Errorf("%+v", *said)
	}
	switch {
	case i.mends != nil:
		if err := i.mends(p, ill); err != nil {
			t.Fatal(err)
		}
	case i.run >= len(said.Run):
		t.Fatalf("there is no command %d: %q", i.run, said.Run)
	default:
		if err := p.typed(said.Run[i.run]); err != nil {
			t.Fatalf("%s: %v", said.Run[i.run], err)
		}
	}
	if err := p.examine().well(); err != nil {
		t.Errorf("after %q: %v", said.Run, err)
	}
}

// passes is a mend in words: somebody waits, or does what no command can.
func passes(then func(*patient)) func(*patient, found) error {
	return func(p *patient, _ found) error { then(p); return nil }
}

func (p *patient) app(change func(*fakecloud.Application)) {
	p.Entra.Change(fakecloud.SandboxTenant, fakecloud.SandboxApp, change)
}

// cluster puts the machine into a pod of GKE, whose token kubelet writes into a file.
func (p *patient) cluster(lifetime time.Duration) {
	token, err := p.ProjectedToken(lifetime)
	if err != nil {
		p.t.Fatal(err)
	}
	p.set("AZURE_FEDERATED_TOKEN_FILE", p.write("token", token))
}

// secret lets an application with a secret be the Azure identity.
func (p *patient) secret(value string) {
	p.set("IDFERRY_CREDENTIAL", "environment")
	p.set("AZURE_TENANT_ID", fakecloud.SandboxTenant)
	p.set("AZURE_CLIENT_ID", fakecloud.SandboxApp)
	p.set("AZURE_CLIENT_SECRET", value)
}

func federatedIllnesses() []illness {
	google := func(change func(*fakecloud.FederatedCredential)) func(*patient) {
		return func(p *patient) {
			p.app(func(a *fakecloud.Application) {
				for i := range a.Federated {
					if a.Federated[i].Issuer == fakecloud.GoogleIssuer {
						change(&a.Federated[i])
					}
				}
			})
		}
	}
	return []illness{
		{name: "no federated credential, told with the old code", program: helper, code: "AADSTS70021", breaks: func(p *patient) {
			p.Entra.RefuseFederatedAsOnce()
			p.app(func(a *fakecloud.Application) { a.Federated = nil })
		}},
		{name: "issuer with a slash", program: helper, code: "AADSTS700211", breaks: google(func(f *fakecloud.FederatedCredential) { f.Issuer += "/" })},
		{name: "issuer with a slash, managed identity", program: helper, code: "AADSTS700211", breaks: google(func(f *fakecloud.FederatedCredential) { f.Issuer += "/" }), run: 1},
		{name: "another audience", program: helper, code: "AADSTS700212", breaks: google(func(f *fakecloud.FederatedCredential) { f.Audience = "api://AzureADTokenExchangeUSGov" })},
		{name: "e-mail as subject", program: helper, code: "AADSTS700213", breaks: google(func(f *fakecloud.FederatedCredential) { f.Subject = fakecloud.SandboxAccount })},
		{name: "a managed identity's token", program: helper, code: "AADSTS7002137", breaks: managedIdentityToken},
		{name: "subject in other capitals", program: helper, code: "AADSTS7002138", breaks: func(p *patient) {
			p.cluster(time.Hour)
			p.app(func(a *fakecloud.Application) {
				for i := range a.Federated {
					a.Federated[i].Subject = strings.Replace(a.Federated[i].Subject, "prod:app", "Prod:App", 1)
				}
			})
		}},
	}
}

// managedIdentityToken lets a managed identity's own token be presented, of an issuer that is trusted for another identity.
func managedIdentityToken(p *patient) {
	const exchange = "api://token-exchange"
	p.Entra.AddApplication(fakecloud.Application{TenantID: fakecloud.SandboxTenant, ClientID: "67676767-6767-6767-6767-676767676767", ObjectID: "67676767-0000-0000-0000-00000000000d", AppIDURI: exchange, RequestedTokenVersion: 2})
	p.Entra.TrustIssuer(fakecloud.IssuerV2(fakecloud.SandboxTenant), p.Entra.JWKSURL())
	p.app(func(a *fakecloud.Application) {
		a.Federated = append(a.Federated, fakecloud.FederatedCredential{Issuer: fakecloud.IssuerV2(fakecloud.SandboxTenant), Subject: fakecloud.SandboxUserOID, Audience: exchange, Name: "another-identity"})
	})
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.IMDS.URL+"/metadata/identity/oauth2/token?api-version=2018-02-01&resource="+url.QueryEscape(exchange), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Metadata", "true")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.AccessToken == "" {
		p.t.Fatal(resp.Status, err)
	}
	p.set("AZURE_FEDERATED_TOKEN_FILE", p.write("token", answer.AccessToken))
}

func assertionIllnesses() []illness {
	certificate := func(p *patient) {
		p.secret("")
		p.set("AZURE_CLIENT_CERTIFICATE_PATH", p.write("app.pem", string(p.CertificatePEM)))
		p.app(func(a *fakecloud.Application) { a.Certificates = nil })
	}
	unsigned := func(p *patient) {
		part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
		claims := fmt.Sprintf(`{"iss":%q,"sub":"system:serviceaccount:prod:app","aud":"api://AzureADTokenExchange","exp":%d}`, p.Cluster.Issuer(), time.Now().Add(time.Hour).Unix())
		p.set("AZURE_FEDERATED_TOKEN_FILE", p.write("token", part(`{"alg":"none"}`)+"."+part(claims)+".c2ln"))
	}
	return []illness{
		{name: "a clock that is an hour behind", program: helper, code: "AADSTS700024", breaks: func(p *patient) {
			p.cluster(30 * time.Minute)
			p.mu.Lock()
			defer p.mu.Unlock()
			p.ahead = time.Hour
		}},
		{name: "a certificate that nobody registered", program: source, code: "AADSTS700027", breaks: certificate},
		{name: "a token without a signature", program: helper, code: "AADSTS50027", breaks: unsigned},
		{name: "a key that was withdrawn", program: helper, code: "AADSTS7000272", breaks: func(p *patient) {
			p.cluster(time.Hour)
			if err := p.Cluster.Rotate(); err != nil {
				p.t.Fatal(err)
			}
		}},
		{name: "an assertion that is somebody else's", program: helper, code: "AADSTS50013", breaks: func(p *patient) {
			p.cluster(time.Hour)
			p.Entra.RefuseWhile(50013, func() bool { return p.get("AZURE_FEDERATED_TOKEN_FILE") != "" })
		}},
		{name: "the id of a secret", program: source, code: "AADSTS7000215", breaks: func(p *patient) { p.secret("0b5c1f2e-1111-2222-3333-444444444444") }},
		{name: "an expired secret", program: source, code: "AADSTS7000222", breaks: func(p *patient) {
			p.secret(fakecloud.SandboxSecret)
			p.app(func(a *fakecloud.Application) { a.ExpiredSecrets = a.Secrets })
		}},
		{name: "no public client", program: source, code: "AADSTS7000218", breaks: func(p *patient) {
			p.secret(fakecloud.SandboxSecret)
			p.app(func(a *fakecloud.Application) { a.PublicClient = false })
			public := false
			p.Entra.RefuseWhile(7000218, func() bool {
				p.app(func(a *fakecloud.Application) { public = a.PublicClient })
				return !public
			})
		}},
	}
}

func entraIllnesses() []illness {
	elsewhere := func(code int) func(*patient) {
		return func(p *patient) {
			p.set("AZURE_ENVIRONMENT", "AzureUSGovernment")
			p.Entra.RefuseWhile(code, func() bool { return p.get("AZURE_ENVIRONMENT") == "AzureUSGovernment" })
		}
	}
	return []illness{
		{name: "an object id in place of the client id", program: helper, code: "AADSTS700016", breaks: func(p *patient) { p.set("AZURE_CLIENT_ID", fakecloud.SandboxAppOID) }},
		{name: "an application of another tenant", program: helper, code: "AADSTS700016", run: 1, breaks: func(p *patient) { p.Entra.RemoveApplication(fakecloud.SandboxTenant, fakecloud.SandboxApp) }},
		{name: "a disabled application", program: helper, code: "AADSTS7000112", breaks: func(p *patient) { p.app(func(a *fakecloud.Application) { a.Disabled = true }) }},
		{name: "a resource that nobody installed", program: source, code: "AADSTS500011", breaks: func(p *patient) {
			p.secret(fakecloud.SandboxSecret)
			p.Entra.RemoveApplication(fakecloud.SandboxTenant, "66666666-6666-6666-6666-666666666666")
		}},
		{name: "no consent", program: helper, code: "AADSTS65001", breaks: func(p *patient) { p.app(func(a *fakecloud.Application) { a.NeedsConsent = true }) }},
		{name: "conditional access", program: helper, code: "AADSTS53003", breaks: func(p *patient) { p.app(func(a *fakecloud.Application) { a.Blocked = true }) },
			mends: passes(func(p *patient) { p.app(func(a *fakecloud.Application) { a.Blocked = false }) })},
		{name: "a regional endpoint", program: helper, code: "AADSTS100007", breaks: func(p *patient) {
			p.set("AZURE_REGIONAL_AUTHORITY_NAME", "westeurope")
			p.Entra.RefuseWhile(100007, func() bool { return p.get("AZURE_REGIONAL_AUTHORITY_NAME") != "" })
		}},
		{name: "a tenant that does not exist", program: helper, code: "AADSTS90002", breaks: func(p *patient) { p.set("AZURE_TENANT_ID", "99999999-9999-9999-9999-999999999999") }},
		{name: "a tenant that is none", program: helper, code: "AADSTS900023", breaks: func(p *patient) {
			p.set("AZURE_TENANT_ID", fakecloud.SandboxOtherTenant)
			p.Entra.RefuseWhile(900023, func() bool { return p.get("AZURE_TENANT_ID") == fakecloud.SandboxOtherTenant })
		}},
		{name: "a tenant of another cloud", program: helper, code: "AADSTS900382", breaks: elsewhere(900382)},
		{name: "a tenant of another cloud, redirected", program: helper, code: "AADSTS90038", breaks: elsewhere(90038)},
		{name: "a host that is no token service", program: helper, code: "AADSTS50049", breaks: func(p *patient) {
			p.Entra.RefuseWhile(50049, func() bool { return p.get("AZURE_AUTHORITY_HOST") != "" })
		}},
		{name: "a permission in place of a resource", program: helper, code: "AADSTS1002012", breaks: func(p *patient) {
			p.args = []string{"--scope", "https://storage.azure.com/user_impersonation"}
		}, mends: typedScope},
		{name: "a permission, to an older endpoint", program: helper, code: "AADSTS70011", breaks: func(p *patient) {
			p.args = []string{"--scope", "https://storage.azure.com/user_impersonation"}
			p.Entra.RefuseWhile(70011, func() bool { return strings.Contains(strings.Join(p.args, " "), "user_impersonation") })
		}, mends: typedScope},
	}
}

// typedScope takes the flag that the advice names.
func typedScope(p *patient, ill found) error {
	for _, h := range ill.Hops {
		if h.Status == "failed" {
			_, scope, ok := strings.Cut(h.Error.Mend, "--scope ")
			if !ok {
				return fmt.Errorf("no flag is in %q", h.Error.Mend)
			}
			p.args = []string{"--scope", scope}
			return nil
		}
	}
	return fmt.Errorf("nothing failed")
}

// passingIllnesses end by themselves, or when somebody has signed in again.
func passingIllnesses() []illness {
	var all []illness
	for _, code := range []int{90033, 90006, 50033, 90055} {
		all = append(all, illness{
			name: fmt.Sprint("a passing fault, ", code), program: helper, code: fmt.Sprint("AADSTS", code),
			breaks: func(p *patient) { p.Entra.Refuse(code, -1) }, mends: passes(func(p *patient) { p.Entra.Refuse(0, 0) }),
		})
	}
	for _, code := range []int{50076, 50079, 50173, 700082, 70043} {
		all = append(all, illness{
			name: fmt.Sprint("somebody's sign-in has ended, ", code), program: source, code: fmt.Sprint("AADSTS", code),
			breaks: func(p *patient) { p.secret(fakecloud.SandboxSecret); p.Entra.Refuse(code, -1) }, mends: passes(func(p *patient) { p.Entra.Refuse(0, 0) }),
		})
	}
	return all
}

// provider breaks something of the provider.
func provider(change func(*fakecloud.OIDCProvider)) func(*patient) {
	return func(p *patient) { p.Google.ChangeProvider(fakecloud.SandboxProvider, change) }
}

func subjectIllnesses() []illness {
	const grant = "invalid_grant"
	return []illness{
		{name: "an audience that is not allowed", program: source, code: grant, says: "The audience in ID Token", breaks: provider(func(o *fakecloud.OIDCProvider) { o.AllowedAudiences = []string{"api://something-else"} })},
		{name: "a version 2 issuer", program: source, code: grant, says: "The issuer in ID Token", breaks: provider(func(o *fakecloud.OIDCProvider) { o.Issuer = fakecloud.IssuerV2(fakecloud.SandboxTenant) })},
		{name: "an old token", program: source, code: grant, says: "is stale to sign-in", breaks: func(p *patient) { p.set("IDFERRY_CACHE", "file"); p.Entra.Issue(-2*time.Minute, 0) }, mends: func(p *patient, ill found) error {
			p.Entra.Issue(0, 0)
			return p.typed("gcp-executable-source cache clear --all")
		}},
		{name: "uploaded keys that are out of date", program: source, code: grant, says: "Unable to verify the ID Token signature", breaks: func(p *patient) {
			others := p.fetch(p.Google.JWKSURL)
			provider(func(o *fakecloud.OIDCProvider) { o.UploadedKeys = others })(p)
		}},
		{name: "keys that cannot be fetched", program: source, code: grant, says: "Error connecting to the given credential's issuer", breaks: provider(func(o *fakecloud.OIDCProvider) { o.JWKSURL = "https://127.0.0.1:9/keys" })},
		{name: "a token that is no JWT", program: source, code: grant, says: "Unable to parse the ID Token", breaks: func(p *patient) {
			const opaque = "https://opaque.example"
			p.secret(fakecloud.SandboxSecret)
			p.Entra.AddApplication(fakecloud.Application{TenantID: fakecloud.SandboxTenant, ClientID: "68686868-6868-6868-6868-686868686868", ObjectID: "68686868-0000-0000-0000-00000000000d", AppIDURI: opaque, Opaque: true})
			p.set("IDFERRY_RESOURCE", opaque)
		}, mends: passes(func(p *patient) { p.set("IDFERRY_RESOURCE", fakecloud.SandboxResource) })},
		{name: "an attribute condition", program: source, code: "unauthorized_client", says: "rejected by the attribute condition", breaks: provider(func(o *fakecloud.OIDCProvider) { o.Condition = func(map[string]any) bool { return false } })},
		{name: "a subject of more than 127 bytes", program: source, code: "invalid_request", says: "exceeds the 127 bytes limit", breaks: func(p *patient) {
			p.secret(fakecloud.SandboxSecret)
			p.app(func(a *fakecloud.Application) {
				a.Claims = map[string]any{"sub": "/eid1/c/pub/t/" + strings.Repeat("x", 120)}
			})
		}},
		{name: "a subject that is missing", program: source, code: "invalid_request", says: "Could not obtain a value for google.subject", breaks: provider(func(o *fakecloud.OIDCProvider) { o.Subject = "assertion.email" })},
	}
}

func targetIllnesses() []illness {
	return []illness{
		{name: "a disabled provider", program: source, code: "invalid_target", breaks: provider(func(o *fakecloud.OIDCProvider) { o.Disabled = true })},
		{name: "a deleted provider", program: source, code: "invalid_target", run: 1, breaks: func(p *patient) { p.Google.RemoveProvider(fakecloud.SandboxProvider) }},
		{name: "an audience with https:", program: source, code: "invalid_request", says: `Invalid value for "audience"`, breaks: func(p *patient) {
			p.set("GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE", "https:"+fakecloud.SandboxProvider)
		}, mends: passes(func(p *patient) { p.set("GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE", fakecloud.SandboxProvider) })},
		{name: "too many exchanges", program: source, code: "quota_exceeded", breaks: func(p *patient) { p.Google.Throttle(-1) }, mends: passes(func(p *patient) { p.Google.Throttle(0) })},
		{name: "an OAuth client that does not exist", program: source, code: "invalid_client", breaks: func(p *patient) { p.file["client_id"], p.file["client_secret"] = "nobody", "none" },
			mends: passes(func(p *patient) { delete(p.file, "client_id"); delete(p.file, "client_secret") })},
	}
}

func accountIllnesses() []illness {
	const denied = "PERMISSION_DENIED"
	member := "principal:" + strings.TrimSuffix(fakecloud.SandboxProvider, "/providers/entra") + "/subject/" + fakecloud.SandboxSystemOID
	return []illness{
		{name: "a service account that lets nobody in", program: source, code: denied, says: "iam.serviceAccounts.", breaks: func(p *patient) { p.Google.Unbind(member, fakecloud.SandboxAccount) }},
		{name: "a chain with a link missing", program: helper, code: denied, says: "implicitDelegation", breaks: func(p *patient) {
			p.Google.Bind("serviceAccount:"+fakecloud.SandboxOtherAccount, fakecloud.RoleOpenIDTokenCreator, fakecloud.SandboxAccount)
			p.Google.Unbind("serviceAccount:"+fakecloud.SandboxAccount, fakecloud.SandboxOtherAccount)
			p.set("IDFERRY_GOOGLE_SOURCE", "impersonation")
			p.set("IDFERRY_IMPERSONATE_SERVICE_ACCOUNT", fakecloud.SandboxOtherAccount+","+fakecloud.SandboxAccount)
		}},
		{name: "an API that is not enabled", program: source, code: denied, says: "SERVICE_DISABLED", breaks: func(p *patient) { p.Google.DisableAPI("iamcredentials.googleapis.com") }},
		{name: "narrow access scopes", program: helper, code: denied, says: "ACCESS_TOKEN_SCOPE_INSUFFICIENT", breaks: func(p *patient) {
			if err := p.WithoutIdentityEndpoint("https://www.googleapis.com/auth/devstorage.read_only"); err != nil {
				p.t.Fatal(err)
			}
		}},
		{name: "a service account that does not exist", program: source, code: "NOT_FOUND", says: "not found for email", breaks: func(p *patient) {
			p.file["service_account_impersonation_url"] = p.Google.ImpersonationURL("gone@sandbox-project.iam.gserviceaccount.com")
		}, mends: func(p *patient, ill found) error {
			for _, h := range ill.Hops {
				if h.Status == "failed" && (len(h.Error.Run) == 0 || p.typed(h.Error.Run[0]) == nil) {
					return fmt.Errorf("the command finds the account: %+v", h.Error)
				}
			}
			p.file["service_account_impersonation_url"] = p.Google.ImpersonationURL(fakecloud.SandboxAccount)
			return nil
		}},
		{name: "a lifetime of two hours", program: source, code: "INVALID_ARGUMENT", says: "lifetimes of more than 1 hour", breaks: func(p *patient) {
			p.file["service_account_impersonation"] = map[string]any{"token_lifetime_seconds": 7200}
		}},
	}
}

// toldOnly are the codes that no hop of doctor's meets: what an administrator is refused, and what an API answers.
func toldOnly() []string { return []string{"FAILED_PRECONDITION", "UNAUTHENTICATED"} }

// What other programs show is explained too, and mended by what is said of it.
func TestErrorsOfOtherProgramsAreExplained(t *testing.T) {
	p := newPatient(t, build(t), source)
	explain := func(text, cause string) string {
		out, code := p.run("doctor", "--explain", text)
		if code != 0 || !strings.Contains(string(out), cause) {
			t.Fatalf("%s: exit code %d: %s", text, code, out)
		}
		for line := range strings.Lines(string(out)) {
			if command, ok := strings.CutPrefix(strings.TrimSpace(line), "run "); ok {
				return strings.TrimSpace(command)
			}
		}
		return ""
	}

	// An organization that allows other issuers only.
	p.Google.RestrictProviders("https://token.actions.githubusercontent.com")
	create := "gcloud iam workload-identity-pools providers create-oidc other --workload-identity-pool=azure --location=global --project=sandbox-project --issuer-uri=" +
		fakecloud.IssuerV1(fakecloud.SandboxTenant) + " --attribute-mapping=google.subject=assertion.sub"
	_, err := p.Run(create)
	if err == nil {
		t.Fatal("the policy allows it")
	}
	command := explain(err.Error(), "the organization allows other issuers only")
	command = strings.NewReplacer("ISSUER", fakecloud.IssuerV1(fakecloud.SandboxTenant), "PROJECT", fakecloud.SandboxProject).Replace(command)
	if err := p.typed(command); err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	if _, err := p.Run(create); err != nil {
		t.Error(err)
	}

	// An API that does not know the token.
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.Google.BigQuery.URL+"/bigquery/v2/projects/"+fakecloud.SandboxProject+"/queries", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer ya29.d.nobody")
	resp, err := p.CA.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	command = explain(string(body), "the service takes no token of a workload identity pool")
	path := p.write("other.json", "")
	command = strings.NewReplacer("NAME", fakecloud.SandboxProvider, "EMAIL", fakecloud.SandboxAccount, "FILE", path).Replace(command)
	if err := p.typed(command); err != nil {
		t.Errorf("%s: %v", command, err)
	}
}
