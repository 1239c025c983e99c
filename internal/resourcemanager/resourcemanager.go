// Package resourcemanager asks Azure Resource Manager the one thing that every identity may ask: in which tenants it is
// known.
package resourcemanager

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
	"github.com/idferry/idferry/internal/upstream"
)

// Tenants returns the ids of the tenants that the bearer of the token can be seen in. endpoint is the URL of Resource
// Manager, for example https://management.azure.com/. It needs no role assignment.
// https://learn.microsoft.com/rest/api/resources/tenants/list
func Tenants(ctx context.Context, log *slog.Logger, endpoint string, bearer token.Secret) ([]string, error) {
	address := strings.TrimRight(endpoint, "/") + "/tenants?api-version=2022-12-01"
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, problem.Input("address of resource manager", "%w", err)
	}
	r.Header.Set("Authorization", "Bearer "+bearer.Reveal())
	resp, err := upstream.NewClient(upstream.Options{RequireJSON: true, Log: log}).Do(r)
	if err != nil {
		if e := upstream.Unreachable(err); e != nil {
			return nil, e
		}
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, problem.New(problem.Unreachable, "asking %s for tenants: the answer broke off: %w", r.URL.Host, err)
	}
	var answer struct {
		Value []struct {
			TenantID string `json:"tenantId"`
		} `json:"value"`
		Error struct{ Code, Message string } `json:"error"`
	}
	// A proxy's answer is no JSON; then there is only the status to tell.
	_ = json.Unmarshal(body, &answer)
	if resp.StatusCode != http.StatusOK {
		code := answer.Error.Code
		if !problem.IsCode(code) {
			code = problem.Refused
		}
		return nil, problem.New(code, "asking %s for tenants: answered %d %s", r.URL.Host, resp.StatusCode, token.Quote(answer.Error.Message, 600))
	}
	if answer.Value == nil {
		return nil, problem.New(problem.BadAnswer, "asking %s for tenants: answered 200 without a list of them", r.URL.Host)
	}
	var ids []string
	for _, t := range answer.Value {
		ids = append(ids, t.TenantID)
	}
	return ids, nil
}
