package sts

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/catalogue"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
	"github.com/idferry/idferry/internal/upstream"
)

// CloudPlatform is the scope that Google's libraries ask for.
const CloudPlatform = "https://www.googleapis.com/auth/cloud-platform"

// Exchange turns a subject token into an access token of Google's for the principal that a provider maps it to.
// https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token
type Exchange struct {
	// URL is the token_url of the external_account file.
	URL string
	// Audience is the full resource name of the provider.
	Audience string
	// SubjectTokenType is the file's (RFC 8693 section 3).
	SubjectTokenType string
	// UserProject is the file's workforce_pool_user_project, or "".
	UserProject string
	// ClientID and ClientSecret are the file's, where it has them: Google's libraries authenticate the exchange with them.
	ClientID, ClientSecret string
	// HTTP makes the request; nil means a client of package upstream.
	HTTP *http.Client
	Now  func() time.Time
	Log  *slog.Logger
}

// Token exchanges subject. A refusal carries the catalogue's advice with what was presented.
func (e Exchange) Token(ctx context.Context, subject token.Secret) (token.Token, error) {
	form := url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "requested_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
		"audience": {e.Audience}, "scope": {CloudPlatform}, "subject_token": {subject.Reveal()}, "subject_token_type": {e.SubjectTokenType},
	}
	if e.UserProject != "" {
		form.Set("options", `{"userProject":"`+e.UserProject+`"}`)
	}
	claims, _ := subject.Claims()
	var granted struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
	}
	what := "exchanging the token at " + host(e.URL)
	r, err := formRequest(ctx, what, e.URL, form)
	if err != nil {
		return token.Token{}, err
	}
	if e.ClientID != "" {
		r.SetBasicAuth(url.QueryEscape(e.ClientID), url.QueryEscape(e.ClientSecret))
	}
	if err := (call{e.HTTP, e.Log}).do(r, what, &granted, Presented(e.Audience, claims)); err != nil {
		return token.Token{}, err
	}
	if granted.AccessToken == "" {
		return token.Token{}, problem.New(problem.BadAnswer, "%s: the answer holds no token", what)
	}
	return token.Token{Value: token.NewSecret(granted.AccessToken), ExpiresOn: e.Now().Add(time.Duration(min(granted.ExpiresIn, maxSeconds)) * time.Second)}, nil
}

// maxSeconds keeps a life within a time.Duration: half a century.
const maxSeconds = 1<<31 - 1

// Presented are the catalogue's values for a token that is presented to a provider.
func Presented(audience string, claims token.Claims) catalogue.Values {
	v := Target(audience)
	v[Issuer], v[Audience] = claims.Issuer, strings.Join(claims.Audience, ",")
	if claims.ObjectID != "" {
		v[Condition] = Admits(claims)
	}
	return v
}

// Target are the catalogue's values for a provider, by its full resource name.
func Target(audience string) catalogue.Values {
	v := catalogue.Values{Name: audience}
	parts := strings.Split(strings.TrimPrefix(audience, "//iam.googleapis.com/"), "/")
	for i := 0; i+1 < len(parts); i += 2 {
		switch parts[i] {
		case "projects":
			v[Project] = parts[i+1]
		case "workloadIdentityPools":
			v[Pool] = parts[i+1]
		case "workforcePools":
			v[Pool], v[Workforce] = parts[i+1], "yes"
		case "providers":
			v[Provider] = parts[i+1]
		}
	}
	return v
}

// Impersonation asks IAM Credentials for an access token of a service account.
// https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
type Impersonation struct {
	// URL is the service_account_impersonation_url of the external_account file, Account the e-mail in it.
	URL, Account string
	// Lifetime is how long the token is to live; zero means an hour.
	Lifetime time.Duration
	// Member is the caller as IAM policies name it, for what is said of a refusal.
	Member string
	HTTP   *http.Client
	Log    *slog.Logger
}

// Token asks with the access token of an Exchange.
func (i Impersonation) Token(ctx context.Context, caller token.Secret) (token.Token, error) {
	what := "acting as " + i.Account
	// Google tells whose a token is by its address only where that scope was asked for; gcloud asks for it too.
	asked := map[string]any{"scope": []string{CloudPlatform, "https://www.googleapis.com/auth/userinfo.email"}}
	if i.Lifetime != 0 {
		asked["lifetime"] = strconv.Itoa(int(i.Lifetime/time.Second)) + "s"
	}
	body, err := json.Marshal(asked)
	if err != nil {
		return token.Token{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, i.URL, strings.NewReader(string(body)))
	if err != nil {
		return token.Token{}, problem.Input("service_account_impersonation_url", "%w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+caller.Reveal())
	var granted struct {
		AccessToken string    `json:"accessToken"`
		ExpireTime  time.Time `json:"expireTime"`
	}
	if err := (call{i.HTTP, i.Log}).do(r, what, &granted, ActingAs(i.Account, i.Member)); err != nil {
		return token.Token{}, err
	}
	if granted.AccessToken == "" {
		return token.Token{}, problem.New(problem.BadAnswer, "%s: the answer holds no token", what)
	}
	return token.Token{Value: token.NewSecret(granted.AccessToken), ExpiresOn: granted.ExpireTime}, nil
}

// ActingAs are the catalogue's values for a service account that member acts as.
func ActingAs(account, member string) catalogue.Values {
	return catalogue.Values{Account: account, Member: member, Role: "roles/iam.workloadIdentityUser", Project: projectOf(account), Service: projectOf(account)}
}

// projectOf is the project that a service account's address names, or "".
func projectOf(account string) string {
	_, domain, _ := strings.Cut(account, "@")
	project, found := strings.CutSuffix(domain, ".iam.gserviceaccount.com")
	if !found {
		return ""
	}
	return project
}

// call is one request for a JSON document.
type call struct {
	http *http.Client
	log  *slog.Logger
}

func formRequest(ctx context.Context, what, address string, form url.Values) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, problem.Input(what, "%w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r, nil
}

func (c call) post(ctx context.Context, what, address string, form url.Values, answer any) error {
	r, err := formRequest(ctx, what, address, form)
	if err != nil {
		return err
	}
	return c.do(r, what, answer, nil)
}

func (c call) do(r *http.Request, what string, answer any, values catalogue.Values) error {
	client := c.http
	if client == nil {
		client = upstream.NewClient(upstream.Options{RequireJSON: true, Log: c.log})
	}
	resp, err := client.Do(r)
	if err != nil {
		if e := upstream.Unreachable(err); e != nil {
			return e
		}
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return problem.New(problem.Unreachable, "%s: the answer broke off: %w", what, err)
	}
	if resp.StatusCode != http.StatusOK {
		return ReadRefusal(resp.StatusCode, resp.Header.Get("Content-Type"), body).Problem(what, values)
	}
	if json.Unmarshal(body, answer) != nil {
		return problem.New(problem.BadAnswer, "%s: the answer is not of the documented form", what)
	}
	return nil
}

func host(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	return address
}
