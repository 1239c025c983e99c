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

// serveBigQuery answers SELECT CURRENT_DATE(), a query that needs a right but no data, by each of the ways that clients take:
// jobs.query, which is one request, and jobs.insert with jobs.get and jobs.getQueryResults.
// https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs
func (g *Google) serveBigQuery(w http.ResponseWriter, r *http.Request) {
	rest, ok := strings.CutPrefix(r.URL.Path, "/bigquery/v2/projects/")
	project, method, _ := strings.Cut(rest, "/")
	collection, job, one := strings.Cut(method, "/")
	known := collection == "queries" || collection == "jobs"
	if !ok || project == "" || !known || one != (r.Method == http.MethodGet) || !one && r.Method != http.MethodPost {
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
	var q queryJob
	if one {
		g.mu.Lock()
		q, ok = g.jobs[project+":"+job]
		g.mu.Unlock()
		if !ok {
			bigQueryError(w, http.StatusNotFound, "NOT_FOUND", "notFound", fmt.Sprintf("Not found: Job %s:%s", project, job))
			return
		}
		// Its creator may read a job without bigquery.jobs.get.
		if q.principal != caller.principal {
			bigQueryError(w, http.StatusForbidden, "PERMISSION_DENIED", "accessDenied",
				fmt.Sprintf("Access Denied: Job %s:%s: User does not have bigquery.jobs.get permission for job %s:%s.", project, job, project, job))
			return
		}
	} else if q, ok = g.startQuery(w, r, collection, project, caller.principal); !ok {
		return
	}
	w.Header().Set("X-Fake-Principal", caller.principal)
	switch {
	case collection == "jobs":
		writeJSON(w, http.StatusOK, q.resource())
	case one:
		writeJSON(w, http.StatusOK, q.results("bigquery#getQueryResultsResponse", g.now()))
	default:
		writeJSON(w, http.StatusOK, q.results("bigquery#queryResponse", g.now()))
	}
}

// queryJob is a query that was answered.
type queryJob struct {
	project, id, principal string
	// kind is the type of the only column.
	kind  string
	query map[string]any
}

// startQuery reads the query of jobs.query or jobs.insert, or says what is wrong with it and reports false.
func (g *Google) startQuery(w http.ResponseWriter, r *http.Request, collection, project, principal string) (queryJob, bool) {
	var body struct {
		Query         string `json:"query"`
		UseLegacySQL  *bool  `json:"useLegacySql"`
		Configuration struct {
			Query map[string]any `json:"query"`
		} `json:"configuration"`
		JobReference struct {
			JobID string `json:"jobId"`
		} `json:"jobReference"`
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil || json.Unmarshal(data, &body) != nil {
		bigQueryError(w, http.StatusBadRequest, "INVALID_ARGUMENT", "badRequest", "Invalid JSON payload received. Unexpected token.")
		return queryJob{}, false
	}
	if collection == "jobs" {
		body.Query, _ = body.Configuration.Query["query"].(string)
		if legacy, ok := body.Configuration.Query["useLegacySql"].(bool); ok {
			body.UseLegacySQL = &legacy
		}
	}
	switch strings.ToUpper(strings.Join(strings.Fields(strings.TrimRight(body.Query, "; \t\r\n")), " ")) {
	case "SELECT CURRENT_DATE()":
	case "":
		bigQueryError(w, http.StatusBadRequest, "INVALID_ARGUMENT", "required", "Required parameter is missing: query")
		return queryJob{}, false
	default:
		bigQueryError(w, http.StatusBadRequest, "INVALID_ARGUMENT", "invalidQuery", "this stand-in answers SELECT CURRENT_DATE() only")
		return queryJob{}, false
	}
	q := queryJob{project: project, id: body.JobReference.JobID, principal: principal, kind: "STRING", query: body.Configuration.Query}
	// Legacy SQL, the default of the REST method, gives CURRENT_DATE() as a string.
	if body.UseLegacySQL != nil && !*body.UseLegacySQL {
		q.kind = "DATE"
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.served = append(g.served, principal)
	if q.id == "" {
		q.id = fmt.Sprintf("job_fake%d", len(g.served))
	}
	g.jobs[project+":"+q.id] = q
	return q, true
}

func (q queryJob) reference() map[string]string {
	return map[string]string{"projectId": q.project, "jobId": q.id, "location": "US"}
}

// resource is the job as jobs.insert and jobs.get tell it.
func (q queryJob) resource() map[string]any {
	return map[string]any{
		"kind": "bigquery#job", "id": q.project + ":US." + q.id, "jobReference": q.reference(), "user_email": q.principal,
		"configuration": map[string]any{"jobType": "QUERY", "query": q.query},
		"status":        map[string]string{"state": "DONE"},
		"statistics":    map[string]any{"query": map[string]any{"statementType": "SELECT", "totalBytesProcessed": "0", "cacheHit": false}},
	}
}

func (q queryJob) results(kind string, now time.Time) map[string]any {
	return map[string]any{
		"kind":                kind,
		"schema":              map[string]any{"fields": []map[string]string{{"name": "f0_", "type": q.kind, "mode": "NULLABLE"}}},
		"jobReference":        q.reference(),
		"totalRows":           "1",
		"rows":                []map[string]any{{"f": []map[string]string{{"v": now.UTC().Format("2006-01-02")}}}},
		"totalBytesProcessed": "0",
		"jobComplete":         true,
		"cacheHit":            false,
	}
}

func bigQueryError(w http.ResponseWriter, code int, status, reason, message string) {
	apiError{Code: code, Status: status, Message: message,
		Errors: []map[string]any{{"message": message, "domain": "global", "reason": reason}}}.write(w)
}
