package fakecloud

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
)

// sandbox starts both clouds and returns client options that reach them.
func sandbox(t *testing.T) (*Sandbox, azcore.ClientOptions) {
	t.Helper()
	s, err := StartSandbox(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, azcore.ClientOptions{
		Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: s.Entra.URL + "/"}, Transport: s.CA.Client(), Retry: policy.RetryOptions{MaxRetries: -1},
	}
}

func claimsOf(t *testing.T, s *Sandbox, raw string) map[string]any {
	t.Helper()
	claims, err := verify(s.CA.Client(), s.Entra.JWKSURL(), raw)
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

func ask(scope string) policy.TokenRequestOptions {
	return policy.TokenRequestOptions{Scopes: []string{scope}}
}

// Microsoft's own libraries are the judges of what the token service answers.
func TestEntraServesMicrosoftsLibraries(t *testing.T) {
	s, options := sandbox(t)
	block, rest := pem.Decode(s.CertificatePEM)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	block, _ = pem.Decode(rest)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	secret, err1 := azidentity.NewClientSecretCredential(SandboxTenant, SandboxApp, SandboxSecret, &azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
	certificate, err2 := azidentity.NewClientCertificateCredential(SandboxTenant, SandboxApp, []*x509.Certificate{cert}, key, &azidentity.ClientCertificateCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
	assertion, err3 := azidentity.NewClientAssertionCredential(SandboxTenant, SandboxApp, func(context.Context) (string, error) {
		return s.Google.IDToken(SandboxAccount, AssertionAudience)
	}, &azidentity.ClientAssertionCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		credential azcore.TokenCredential
		method     string
	}{"secret": {secret, "1"}, "certificate": {certificate, "2"}, "federated": {assertion, "2"}} {
		got, err := c.credential.GetToken(t.Context(), ask("https://storage.azure.com/.default"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		claims := claimsOf(t, s, got.Token)
		if claims["iss"] != IssuerV1(SandboxTenant) || claims["aud"] != "https://storage.azure.com" || claims["appid"] != SandboxApp || claims["appidacr"] != c.method || claims["oid"] != SandboxAppOID {
			t.Errorf("%s: %v", name, claims)
		}
		if left := time.Until(got.ExpiresOn); left < 60*time.Minute || left > 90*time.Minute {
			t.Errorf("%s: expires in %s", name, left)
		}
	}
}

// The manifest's requestedAccessTokenVersion decides issuer and audience together.
func TestVersionTwoTokensNameTheClientID(t *testing.T) {
	s, options := sandbox(t)
	s.Entra.AddApplication(Application{TenantID: SandboxTenant, ClientID: "99999999-9999-9999-9999-999999999999", ObjectID: "o", AppIDURI: "api://two", RequestedTokenVersion: 2})
	c, err := azidentity.NewClientSecretCredential(SandboxTenant, SandboxApp, SandboxSecret, &azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.GetToken(t.Context(), ask("api://two/.default"))
	if err != nil {
		t.Fatal(err)
	}
	claims := claimsOf(t, s, got.Token)
	if claims["iss"] != IssuerV2(SandboxTenant) || claims["aud"] != "99999999-9999-9999-9999-999999999999" || claims["azp"] != SandboxApp || claims["ver"] != "2.0" || claims["appid"] != nil {
		t.Error(claims)
	}
}

func TestMSALReadsEntraWithoutDiscoveryElsewhere(t *testing.T) {
	s, _ := sandbox(t)
	secret, err := confidential.NewCredFromSecret(SandboxSecret)
	if err != nil {
		t.Fatal(err)
	}
	client, err := confidential.New(s.Entra.URL+"/"+SandboxTenant, SandboxApp, secret, confidential.WithHTTPClient(s.CA.Client()), confidential.WithInstanceDiscovery(false))
	if err != nil {
		t.Fatal(err)
	}
	result, err := client.AcquireTokenByCredential(t.Context(), []string{"https://graph.microsoft.com/.default"})
	if err != nil || result.AccessToken == "" {
		t.Fatal(err)
	}
	if asked := len(s.Entra.Requests()); asked != 2 {
		t.Errorf("%d requests", asked)
	}
}

func TestEntraRefusesAsTheRealOneDoes(t *testing.T) {
	s, _ := sandbox(t)
	federated := func(audience string, options ...IDTokenOption) url.Values {
		assertion, err := s.Google.IDToken(SandboxAccount, audience, options...)
		if err != nil {
			t.Fatal(err)
		}
		return url.Values{"client_assertion": {assertion}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}}
	}
	own, err := s.ProjectedToken(time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := s.OtherCluster.Token("prod", "app", AssertionAudience, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	with := func(v url.Values, name, value string) url.Values { v.Set(name, value); return v }
	secret := func() url.Values { return url.Values{"client_secret": {SandboxSecret}} }
	for name, c := range map[string]struct {
		form url.Values
		want string
	}{
		"good":                    {federated(AssertionAudience), ""},
		"wrong audience":          {federated("api://other"), "AADSTS700212: No matching federated identity record found for presented assertion audience 'api://other'"},
		"wrong subject":           {federated(AssertionAudience, IDTokenClaim("sub", "115000000000000000003")), "AADSTS700213: No matching federated identity record found for presented assertion subject '115000000000000000003'"},
		"wrong issuer":            {with(federated(AssertionAudience), "client_assertion", foreign), "AADSTS700211: No matching federated identity record found for presented assertion issuer 'https://127.0.0.1:"},
		"forged":                  {federated(AssertionAudience, IDTokenForged()), "AADSTS700027: "},
		"expired":                 {federated(AssertionAudience, IDTokenIssued(time.Now().Add(-2*time.Hour), time.Hour)), "AADSTS700024: Client assertion is not within its valid time range."},
		"from tomorrow":           {federated(AssertionAudience, IDTokenIssued(time.Now().Add(24*time.Hour), time.Hour), IDTokenClaim("nbf", time.Now().Add(24*time.Hour).Unix())), "AADSTS700024: "},
		"not a JWT":               {with(federated(AssertionAudience), "client_assertion", "ya29.access-token"), "AADSTS50027: "},
		"no type":                 {with(federated(AssertionAudience), "client_assertion_type", ""), "AADSTS900144: "},
		"wrong secret":            {url.Values{"client_secret": {"x"}}, "AADSTS7000215: Invalid client secret provided."},
		"nothing":                 {url.Values{}, "AADSTS7000218: "},
		"unknown client":          {with(secret(), "client_id", "00000000-0000-0000-0000-000000000001"), "AADSTS700016: Application with identifier '00000000-0000-0000-0000-000000000001' was not found in the directory"},
		"unknown resource":        {with(secret(), "scope", "https://nobody.example.com/.default"), "AADSTS500011: The resource principal named https://nobody.example.com was not found"},
		"scope without .default":  {with(secret(), "scope", "https://storage.azure.com/user_impersonation"), "AADSTS1002012: "},
		"two resources":           {with(secret(), "scope", "https://storage.azure.com/.default https://vault.azure.net/.default"), "AADSTS1002012: "},
		"no scope":                {with(secret(), "scope", ""), "AADSTS900144: The request body must contain the following parameter: 'scope'."},
		"another grant":           {with(secret(), "grant_type", "password"), "AADSTS70003: "},
		"subject in another case": {with(with(federated(AssertionAudience), "client_assertion", own), "client_id", caseOnly(s)), "AADSTS7002138: "},
	} {
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {SandboxApp}, "scope": {"https://storage.azure.com/.default openid offline_access profile"}}
		for k, v := range c.form {
			form[k] = v
		}
		status, answer := post(t, s, SandboxTenant, form)
		description, _ := answer["error_description"].(string)
		if c.want == "" {
			if status != http.StatusOK || answer["token_type"] != "Bearer" {
				t.Errorf("%s: %d %v", name, status, answer)
			}
		} else if status/100 != 4 || !strings.HasPrefix(description, c.want) || !strings.Contains(description, " Trace ID: ") || !strings.HasPrefix(answer["error_uri"].(string), "https://login.microsoftonline.com/error?code=") {
			t.Errorf("%s: %d %s", name, status, description)
		}
	}
	if status, answer := post(t, s, "00000000-0000-0000-0000-000000000009", url.Values{}); status != 400 || !strings.HasPrefix(answer["error_description"].(string), "AADSTS90002: Tenant ") {
		t.Errorf("unknown tenant: %d %v", status, answer)
	}
}

// caseOnly registers an application whose federated credential differs from what the cluster presents in case only.
func caseOnly(s *Sandbox) string {
	const id = "00000000-0000-0000-0000-0000000000ca"
	s.Entra.AddApplication(Application{TenantID: SandboxTenant, ClientID: id, ObjectID: "ca", Federated: []FederatedCredential{{Issuer: s.Cluster.Issuer(), Subject: "system:serviceaccount:Prod:App", Audience: AssertionAudience, Name: "other"}}})
	return id
}

func post(t *testing.T, s *Sandbox, tenant string, form url.Values) (int, map[string]any) {
	t.Helper()
	resp, err := s.CA.Client().PostForm(s.Entra.URL+"/"+tenant+"/oauth2/v2.0/token", form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer := map[string]any{}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

func TestManagedIdentityEndpointsServeAzidentity(t *testing.T) {
	s, _ := sandbox(t)
	imds := &http.Client{Transport: toward(s.IMDS.URL)}
	for name, c := range map[string]struct {
		id   azidentity.ManagedIDKind
		want string
	}{
		"system": {nil, SandboxSystemOID}, "client": {azidentity.ClientID(SandboxUserClient), SandboxUserOID},
		"object": {azidentity.ObjectID(SandboxUserOID), SandboxUserOID}, "resource": {azidentity.ResourceID(SandboxUserResource), SandboxUserOID},
		"unknown": {azidentity.ClientID("00000000-0000-0000-0000-000000000001"), ""},
	} {
		for _, endpoint := range []string{"IMDS", "App Service"} {
			t.Run(endpoint+"/"+name, func(t *testing.T) {
				options := &azidentity.ManagedIdentityCredentialOptions{ID: c.id, ClientOptions: azcore.ClientOptions{Transport: imds, Retry: policy.RetryOptions{MaxRetries: -1}}}
				if endpoint == "App Service" {
					t.Setenv("IDENTITY_ENDPOINT", s.AppServiceEndpoint())
					t.Setenv("IDENTITY_HEADER", SandboxAppServiceHeader)
					options.Transport = http.DefaultClient
				}
				credential, err := azidentity.NewManagedIdentityCredential(options)
				if err != nil {
					t.Fatal(err)
				}
				got, err := credential.GetToken(t.Context(), ask(SandboxResource+"/.default"))
				if c.want == "" {
					if err == nil {
						t.Error("an identity that is not assigned was served")
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if claims := claimsOf(t, s, got.Token); claims["oid"] != c.want || claims["aud"] != SandboxResource {
					t.Error(claims)
				}
			})
		}
	}
}

func TestIMDSRefusesWhatTheRealOneRefuses(t *testing.T) {
	s, _ := sandbox(t)
	const good = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=" + SandboxResource
	for name, c := range map[string]struct {
		path   string
		header http.Header
		want   int
	}{
		"good": {good, http.Header{"Metadata": {"true"}}, 200}, "no header": {good, nil, 400},
		"forwarded":  {good, http.Header{"Metadata": {"true"}, "X-Forwarded-For": {"10.0.0.1"}}, 400},
		"no version": {"/metadata/identity/oauth2/token?resource=x", http.Header{"Metadata": {"true"}}, 400},
		"elsewhere":  {"/metadata/x", http.Header{"Metadata": {"true"}}, 404},
	} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.IMDS.URL+c.path, nil)
		r.Header = c.header
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s: %d %s", name, resp.StatusCode, body)
		}
		if c.want == 200 && !strings.Contains(string(body), `"expires_in":"4500"`) {
			t.Errorf("numbers are strings there: %s", body)
		}
	}
}

// toward sends every request to base, as AZURE_POD_IDENTITY_AUTHORITY_HOST does.
type toward string

func (base toward) RoundTrip(r *http.Request) (*http.Response, error) {
	to, err := url.Parse(string(base))
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = to.Scheme, to.Host
	return http.DefaultTransport.RoundTrip(r)
}

// fixed is a credential that holds one token.
type fixed string

func (f fixed) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(f), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func TestBlobServesAzblobToTheRightBearerOnly(t *testing.T) {
	s, options := sandbox(t)
	app := Application{TenantID: SandboxTenant, ClientID: SandboxApp, ObjectID: SandboxAppOID}
	mint := func(a Application, resource string) string {
		token, err := s.Entra.mint(a, resource, bySecret)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	forged, err := s.Cluster.key.sign(map[string]any{"iss": IssuerV1(SandboxTenant), "aud": "https://storage.azure.com", "oid": SandboxAppOID, "exp": time.Now().Add(time.Hour).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ token, want string }{
		"the application":   {mint(app, "https://storage.azure.com"), ""},
		"another audience":  {mint(app, "https://vault.azure.net"), "InvalidAuthenticationInfo"},
		"another principal": {mint(Application{TenantID: SandboxTenant, ObjectID: SandboxUserOID}, "https://storage.azure.com"), "AuthorizationPermissionMismatch"},
		"another tenant":    {mint(Application{TenantID: "00000000-0000-0000-0000-000000000009", ObjectID: SandboxAppOID}, "https://storage.azure.com"), "InvalidAuthenticationInfo"},
		"forged":            {forged, "InvalidAuthenticationInfo"},
	} {
		client, err := azblob.NewClient(s.Blob.URL, fixed(c.token), &azblob.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: options.Transport, Retry: options.Retry}})
		if err != nil {
			t.Fatal(err)
		}
		page, err := client.NewListBlobsFlatPager(SandboxContainer, nil).NextPage(t.Context())
		if c.want != "" {
			if !bloberror.HasCode(err, bloberror.Code(c.want)) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || len(page.Segment.BlobItems) != 2 || *page.Segment.BlobItems[0].Name != "2026/10/report.csv" {
			t.Errorf("%s: %v %v", name, page, err)
		}
	}
}
