package google

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/idferry/idferry/internal/catalogue"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/sts"
	"github.com/idferry/idferry/internal/token"
)

const (
	// iamEndpointVariable is gcloud's own name for the endpoint's override (the property
	// api_endpoint_overrides/iamcredentials), for private endpoints.
	iamEndpointVariable = "CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS"
	defaultUniverse     = "googleapis.com"
	cloudPlatform       = "https://www.googleapis.com/auth/cloud-platform"
	openIDTokenCreator  = "roles/iam.serviceAccountOpenIdTokenCreator"
	tokenCreator        = "roles/iam.serviceAccountTokenCreator"
	workloadIdentity    = "roles/iam.workloadIdentityUser"
	resourcePrefix      = "projects/-/serviceAccounts/"
)

// bearer is an access token with which IAM Credentials is asked.
type bearer struct {
	value token.Secret
	// quotaProject is charged for the call; it may be empty.
	quotaProject string
	// universe is the domain of the caller's Google Cloud.
	universe string
	// member names the caller as an IAM policy does. It is called only to say what is missing.
	member func(context.Context) string
	// role is the one to advise for the caller.
	role string
}

// base gives access tokens of the identity that impersonation starts from.
type base interface {
	accessToken(context.Context) (bearer, error)
	inputs() []token.Input
}

// impersonated asks IAM Credentials for the ID token of a service account.
type impersonated struct {
	base     base
	chain    chain
	audience string
	// endpoint is scheme and host; empty means that of the base's universe.
	endpoint string
	http     *http.Client
}

func (i *impersonated) inputs() []token.Input {
	return append([]token.Input{
		{Name: "target", Value: i.chain.target}, {Name: "delegates", Value: strings.Join(i.chain.delegates, ",")},
	}, i.base.inputs()...)
}

func (i *impersonated) idToken(ctx context.Context) (token.Secret, error) {
	caller, err := i.base.accessToken(ctx)
	if err != nil {
		return token.Secret{}, err
	}
	return i.generate(ctx, caller)
}

// generate calls projects.serviceAccounts.generateIdToken.
// https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateIdToken
func (i *impersonated) generate(ctx context.Context, caller bearer) (token.Secret, error) {
	endpoint := i.endpoint
	if endpoint == "" {
		endpoint = "https://iamcredentials." + caller.universe
	}
	delegates := make([]string, 0, len(i.chain.delegates))
	for _, d := range i.chain.delegates {
		delegates = append(delegates, resourcePrefix+strings.TrimPrefix(d, resourcePrefix))
	}
	body, err := json.Marshal(struct {
		Audience     string   `json:"audience"`
		IncludeEmail bool     `json:"includeEmail"`
		Delegates    []string `json:"delegates,omitempty"`
	}{i.audience, true, delegates})
	if err != nil {
		return token.Secret{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+"/v1/"+resourcePrefix+url.PathEscape(i.chain.target)+":generateIdToken", bytes.NewReader(body))
	if err != nil {
		return token.Secret{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+caller.value.Reveal())
	if caller.quotaProject != "" {
		r.Header.Set("X-Goog-User-Project", caller.quotaProject)
	}
	what := "asking IAM Credentials for an ID token of " + i.chain.target
	resp, err := i.http.Do(r)
	if err != nil {
		return token.Secret{}, unanswered(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return token.Secret{}, problem.New(problem.Unreachable, "%s: the answer broke off: %w", what, err)
	}
	if resp.StatusCode != http.StatusOK {
		refused := sts.ReadRefusal(resp.StatusCode, resp.Header.Get("Content-Type"), answer)
		return token.Secret{}, refused.Problem(what, i.values(ctx, caller, refused))
	}
	var granted struct {
		Token string `json:"token"`
	}
	if json.Unmarshal(answer, &granted) != nil || granted.Token == "" {
		return token.Secret{}, problem.New(problem.BadAnswer, "%s: answered %d without a token", what, resp.StatusCode)
	}
	return token.NewSecret(granted.Token), nil
}

// values are what the catalogue's places stand for in this call.
func (i *impersonated) values(ctx context.Context, caller bearer, r sts.Refusal) catalogue.Values {
	v := catalogue.Values{sts.Account: i.chain.target, sts.Service: strings.TrimPrefix(r.Consumer, "projects/")}
	if r.Status != http.StatusForbidden {
		return v
	}
	links := append([]string{""}, i.chain.delegates...)
	links = append(links, i.chain.target)
	// Of a chain, the error does not say which link is missing; implicitDelegation is about every link but the last.
	at := len(links) - 2
	role := openIDTokenCreator
	if strings.Contains(r.Message, "implicitDelegation") {
		at, role = 0, tokenCreator
	}
	if at > 0 {
		v[sts.Member] = "serviceAccount:" + links[at]
	} else {
		v[sts.Member] = caller.member(ctx)
		if role == openIDTokenCreator && caller.role != "" {
			role = caller.role
		}
	}
	v[sts.Account], v[sts.Role] = links[at+1], role
	return v
}

// iamEndpoint returns where IAM Credentials is asked: the override, else where a file's own
// service_account_impersonation_url points, else "" for the default of the caller's universe.
func (s Settings) iamEndpoint(impersonationURL string) (string, error) {
	if override, _ := s.Lookup(iamEndpointVariable); override != "" {
		if err := checkHTTPS("$"+iamEndpointVariable, override); err != nil {
			return "", err
		}
		return strings.TrimRight(override, "/"), nil
	}
	if impersonationURL == "" {
		return "", nil
	}
	before, _, ok := strings.Cut(impersonationURL, "/v1/"+resourcePrefix)
	if !ok {
		return "", nil
	}
	return before, nil
}
