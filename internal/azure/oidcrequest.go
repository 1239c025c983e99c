package azure

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
	"github.com/idferry/idferry/internal/upstream"
)

// oidcRequest asks a pipeline's service for a federated token, once for each exchange.
type oidcRequest struct {
	method string
	url    *url.URL
	bearer token.Secret
	header http.Header
	// field is the member of the answer that holds the token.
	field string
	// what names the attempt; hint says what mends a refusal.
	what, hint string
}

// exchanged is an identity for which a pipeline's service vouches.
type exchanged struct {
	exchange entra.Exchange
	selects  []token.Input
}

func (s Settings) exchanged(tenant, client string, r oidcRequest, selects ...token.Input) (source, error) {
	httpClient := s.HTTP
	if httpClient == nil {
		httpClient = upstream.NewClient(upstream.Options{RequireJSON: true, Log: s.Log})
	}
	options := azcore.ClientOptions{Transport: witnessed(httpClient, watched{}), Telemetry: policy.TelemetryOptions{Disabled: true}}
	pipeline := runtime.NewPipeline("idferry", "", runtime.PipelineOptions{}, &options)
	e := &exchanged{
		exchange: entra.Exchange{
			Cloud: s.Cloud, TenantID: tenant, ClientID: client, HTTP: httpClient, Log: s.Log,
			Assertion: token.SourceFunc(func(ctx context.Context) (token.Token, error) { return r.token(ctx, pipeline) }),
		},
		selects: append(selects, token.Input{Name: "resolved-tenant", Value: tenant}, token.Input{Name: "resolved-client", Value: client}),
	}
	return e, e.exchange.Check()
}

func (e *exchanged) token(ctx context.Context, scope string) (token.Token, error) {
	return e.exchange.Token(ctx, []string{scope}, "")
}

func (e *exchanged) inputs() ([]token.Input, string) { return e.selects, "" }

func (r oidcRequest) token(ctx context.Context, pipeline runtime.Pipeline) (token.Token, error) {
	request, err := runtime.NewRequest(entraPatience().within(ctx, &witness{}), r.method, r.url.String())
	if err != nil {
		return token.Token{}, problem.New(problem.BadInput, "%s: %w", r.what, err)
	}
	for name, values := range r.header {
		request.Raw().Header[name] = values
	}
	request.Raw().Header.Set("Authorization", "Bearer "+r.bearer.Reveal())
	resp, err := pipeline.Do(request)
	if err != nil {
		return token.Token{}, r.unanswered(ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return token.Token{}, problem.New(problem.Unreachable, "%s: %w", r.what, err)
	}
	if status := resp.StatusCode; status != http.StatusOK {
		hint := r.hint
		if status == http.StatusTooManyRequests || status >= http.StatusInternalServerError {
			hint = "it is a passing fault: try again in a minute"
		}
		return token.Token{}, problem.New(problem.Refused, "%s: %s answered %d: %s", r.what, r.url.Host, status, refusalText(resp, body)).WithHint("%s", hint)
	}
	var answer map[string]any
	value := ""
	if json.Unmarshal(body, &answer) == nil {
		value, _ = answer[r.field].(string)
	}
	claims, err := token.ReadClaims(value)
	if err != nil {
		return token.Token{}, problem.New(problem.BadAnswer, "%s: the answer of %s holds no token in %q", r.what, r.url.Host, r.field).WithHint("%s", r.hint)
	}
	return token.Token{Value: token.NewSecret(value), ExpiresOn: claims.Expiry}, nil
}

// unanswered says why there was no answer, or none that is one.
func (r oidcRequest) unanswered(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return problem.New(problem.DeadlineExceeded, "%s: %s did not answer in time: %w", r.what, r.url.Host, ctx.Err())
	}
	e := problem.From(upstream.Unreachable(err))
	if e == nil {
		e = problem.From(err)
	}
	shown := *e
	shown.Message = r.what + ": " + e.Message
	if shown.Hint == "" {
		shown.Hint = "check the proxy (HTTPS_PROXY, NO_PROXY) and the network"
	}
	return &shown
}

// refusalText is what a refusal says, in the forms of Azure DevOps and GitHub.
func refusalText(resp *http.Response, body []byte) string {
	var answer struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &answer) == nil && answer.Message != "" {
		return quote(answer.Message)
	}
	return upstream.Describe(resp.Header.Get("Content-Type"), body)
}
