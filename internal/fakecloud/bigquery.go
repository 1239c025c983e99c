package fakecloud

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// GrantBigQuery lets a member run queries in a project (roles/bigquery.user).
func (g *Google) GrantBigQuery(member, project string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.queriers = append(g.queriers, iamBinding{member: member, role: "roles/bigquery.user", resource: project})
}

// Served lists the principals whose queries BigQuery answered, oldest first.
func (g *Google) Served() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.served)
}

// serveBigQuery answers jobs.query for SELECT CURRENT_DATE(), a query that needs a right but no data.
// https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/query
func (g *Google) serveBigQuery(w http.ResponseWriter, r *http.Request) {
	rest, ok := strings.CutPrefix(r.URL.Path, "/bigquery/v2/projects/")
	project, method, _ := strings.Cut(rest, "/")
	if !ok || project == "" || method != "queries" || r.Method != http.MethodPost {
		htmlError(w, http.StatusNotFound, "The requested URL <code>"+escaped(r)+"</code> was not found on this server.")
		return
	}
	caller, ok := g.authenticate(w, r, "bigquery.googleapis.com", bigQueryScope, cloudPlatformScope)
	if !ok {
		return
	}
	g.mu.Lock()
	allowed := slices.ContainsFunc(g.queriers, func(b iamBinding) bool { return b.resource == project && memberCovers(b.member, caller.principal) })
	g.mu.Unlock()
	if !allowed {
		bigQueryError(w, http.StatusForbidden, "PERMISSION_DENIED", "accessDenied",
			fmt.Sprintf("Access Denied: Project %s: User does not have bigquery.jobs.create permission in project %s.", project, project))
		return
	}
	var query struct {
		Query        string `json:"query"`
		UseLegacySQL *bool  `json:"useLegacySql"`
		RequestID    string `json:"requestId"`
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil || json.Unmarshal(data, &query) != nil {
		bigQueryError(w, http.StatusBadRequest, "INVALID_ARGUMENT", "badRequest", "Invalid JSON payload received. Unexpected token.")
		return
	}
	statement := strings.ToUpper(strings.Join(strings.Fields(strings.TrimRight(query.Query, "; \t\r\n")), " "))
	switch statement {
	case "SELECT CURRENT_DATE()":
	case "":
		bigQueryError(w, http.StatusBadRequest, "INVALID_ARGUMENT", "required", "Required parameter is missing: query")
		return
	default:
		bigQueryError(w, http.StatusBadRequest, "INVALID_ARGUMENT", "invalidQuery", "this stand-in answers SELECT CURRENT_DATE() only")
		return
	}
	// Legacy SQL, the default of the REST method, gives CURRENT_DATE() as a string.
	kind := "STRING"
	if query.UseLegacySQL != nil && !*query.UseLegacySQL {
		kind = "DATE"
	}
	g.mu.Lock()
	g.served = append(g.served, caller.principal)
	job := fmt.Sprintf("job_fake%d", len(g.served))
	g.mu.Unlock()
	w.Header().Set("X-Fake-Principal", caller.principal)
	writeJSON(w, http.StatusOK, map[string]any{
		"kind":                "bigquery#queryResponse",
		"schema":              map[string]any{"fields": []map[string]string{{"name": "f0_", "type": kind, "mode": "NULLABLE"}}},
		"jobReference":        map[string]string{"projectId": project, "jobId": job, "location": "US"},
		"totalRows":           "1",
		"rows":                []map[string]any{{"f": []map[string]string{{"v": g.now().UTC().Format("2006-01-02")}}}},
		"totalBytesProcessed": "0",
		"jobComplete":         true,
		"cacheHit":            false,
	})
}

func bigQueryError(w http.ResponseWriter, code int, status, reason, message string) {
	apiError{Code: code, Status: status, Message: message,
		Errors: []map[string]any{{"message": message, "domain": "global", "reason": reason}}}.write(w)
}
