package fakecloud

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func (g googleTest) query(t *testing.T, token, sql string) answer {
	t.Helper()
	return g.json(t, g.BigQuery.URL+"/bigquery/v2/projects/acme/queries", token, map[string]any{"query": sql, "useLegacySql": false})
}

func TestAFederatedIdentityRunsAQuery(t *testing.T) {
	g, e := trusting(t)
	token, err := g.exchanged(t, g.external(t, signed(t, e.key, e.claims(g.clock.now()))))
	if err != nil {
		t.Fatal(err)
	}
	if got := g.query(t, token, "SELECT CURRENT_DATE()"); got.status != http.StatusForbidden ||
		got.at(t, "error", "message") != "Access Denied: Project acme: User does not have bigquery.jobs.create permission in project acme." {
		t.Errorf("without a grant: %d %s", got.status, got.body)
	}
	g.GrantBigQuery(federated, "acme")
	got := g.query(t, token, "select current_date();")
	var result struct {
		Kind        string
		JobComplete bool
		TotalRows   string
		Schema      struct{ Fields []struct{ Name, Type string } }
		Rows        []struct{ F []struct{ V string } }
	}
	if err := json.Unmarshal([]byte(got.body), &result); err != nil || got.status != http.StatusOK {
		t.Fatalf("%d %s %v", got.status, got.body, err)
	}
	if result.Kind != "bigquery#queryResponse" || !result.JobComplete || result.TotalRows != "1" ||
		result.Schema.Fields[0].Type != "DATE" || result.Rows[0].F[0].V != "2026-11-23" {
		t.Errorf("result = %s", got.body)
	}
	if got.header.Get("X-Fake-Principal") != federated || !slices.Equal(g.Served(), []string{federated}) {
		t.Errorf("served %v", g.Served())
	}
}

func TestBigQueryRefusesAsTheRealOneDoes(t *testing.T) {
	g := startGoogle(t)
	g.GrantBigQuery("serviceAccount:"+robot, "acme")
	token := g.AccessToken("serviceAccount:"+robot, time.Hour, bigQueryScope)
	narrow := g.AccessToken("serviceAccount:"+robot, time.Hour, iamScope)
	for name, c := range map[string]struct {
		token, sql string
		status     int
		text       string
	}{
		"a made-up token":   {"ya29.d.made-up", "SELECT CURRENT_DATE()", 401, `"reason":"authError"`},
		"too narrow scopes": {narrow, "SELECT CURRENT_DATE()", 403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT"},
		"another query":     {token, "SELECT 1", 400, `"reason":"invalidQuery"`},
		"no query":          {token, "", 400, `"reason":"required"`},
	} {
		if got := g.query(t, c.token, c.sql); got.status != c.status || !strings.Contains(got.body, c.text) {
			t.Errorf("%s: got %d %s", name, got.status, got.body)
		}
	}
	g.clock.advance(time.Hour)
	if got := g.query(t, token, "SELECT CURRENT_DATE()"); got.status != http.StatusUnauthorized {
		t.Errorf("expired: got %d %s", got.status, got.body)
	}
	if len(g.Served()) != 0 {
		t.Errorf("served %v", g.Served())
	}
}

// google-cloud-bigquery's query() makes a job and reads its results; bq does too.
func TestAQueryMayBeAJobOfItsCreator(t *testing.T) {
	g := startGoogle(t)
	base := g.BigQuery.URL + "/bigquery/v2/projects/acme"
	token := func(email string) string {
		g.GrantBigQuery("serviceAccount:"+email, "acme")
		return g.AccessToken("serviceAccount:"+email, time.Hour, bigQueryScope)
	}
	creator, other := token(robot), token(target)
	job := map[string]any{
		"jobReference":  map[string]string{"projectId": "acme", "jobId": "report"},
		"configuration": map[string]any{"query": map[string]any{"query": "SELECT CURRENT_DATE()", "useLegacySql": false}},
	}
	if got := g.json(t, base+"/jobs", creator, job); got.status != http.StatusOK || got.at(t, "status", "state") != "DONE" || got.at(t, "jobReference", "jobId") != "report" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	for _, c := range []struct {
		path, token string
		status      int
		text        string
	}{
		{"/jobs/report", creator, 200, `"state":"DONE"`},
		{"/queries/report", creator, 200, `"v":"2026-11-23"`},
		{"/queries/report", other, 403, "bigquery.jobs.get"},
		{"/queries/another", creator, 404, "Not found: Job acme:another"},
		{"/queries/report", "ya29.c.made-up", 401, `"reason":"authError"`},
	} {
		if got := g.do(t, http.MethodGet, base+c.path, "", "", "Authorization", "Bearer "+c.token); got.status != c.status || !strings.Contains(got.body, c.text) {
			t.Errorf("%s: %d %s", c.path, got.status, got.body)
		}
	}
}

// Some services take the tokens of accounts only: https://cloud.google.com/iam/docs/federated-identity-supported-services
func TestAServiceWithoutFederationTakesServiceAccountsOnly(t *testing.T) {
	g := startGoogle(t)
	const account = "serviceAccount:reader@acme.iam.gserviceaccount.com"
	for _, member := range []string{federated, account} {
		g.GrantBigQuery(member, "acme")
	}
	asked := func(member string) answer {
		return g.query(t, g.AccessToken(member, time.Hour, bigQueryScope), "SELECT CURRENT_DATE()")
	}
	if got := asked(federated); got.status != http.StatusOK {
		t.Errorf("at first: %d %s", got.status, got.body)
	}
	g.RefuseFederated("bigquery.googleapis.com")
	got := asked(federated)
	if message := got.at(t, "error", "message"); got.status != http.StatusUnauthorized || got.at(t, "error", "status") != "UNAUTHENTICATED" ||
		!strings.HasPrefix(message, "Request had invalid authentication credentials. Expected OAuth 2 access token") {
		t.Errorf("federated: %d %s", got.status, got.body)
	}
	if got := asked(account); got.status != http.StatusOK {
		t.Errorf("account: %d %s", got.status, got.body)
	}
}
