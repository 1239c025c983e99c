package fakecloud

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// upload writes an object as the client libraries do a small one: metadata and content in one request.
func (g googleTest) upload(t *testing.T, bucket, token, name string) answer {
	t.Helper()
	return g.uploadBounded(t, bucket, token, name, "boundary=b")
}

func (g googleTest) uploadBounded(t *testing.T, bucket, token, name, boundary string) answer {
	t.Helper()
	body := "--b\r\nContent-Type: application/json\r\n\r\n{\"name\":\"" + name + "\"}\r\n--b\r\nContent-Type: text/csv\r\n\r\na,b\n\r\n--b--"
	return g.do(t, http.MethodPost, g.Storage.URL+"/upload/storage/v1/b/"+bucket+"/o?uploadType=multipart", "multipart/related; "+boundary, body, "Authorization", "Bearer "+token)
}

func (g googleTest) list(t *testing.T, bucket, token string) answer {
	t.Helper()
	return g.do(t, http.MethodGet, g.Storage.URL+"/storage/v1/b/"+bucket+"/o", "", "", "Authorization", "Bearer "+token)
}

func TestAGrantedAccountWritesAndListsObjects(t *testing.T) {
	g := startGoogle(t)
	g.GrantStorage("serviceAccount:"+robot, "reports")
	token := g.AccessToken("serviceAccount:"+robot, time.Hour, storageScope)
	// The second is gcloud storage's.
	for name, boundary := range map[string]string{"2026/11.csv": `boundary="b"`, "2026/10.csv": "boundary='b'"} {
		if got := g.uploadBounded(t, "reports", token, name, boundary); got.status != http.StatusOK || got.at(t, "name") != name || got.at(t, "size") != "4" {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	got := g.list(t, "reports", token)
	if first, second := strings.Index(got.body, `"name":"2026/10.csv"`), strings.Index(got.body, `"name":"2026/11.csv"`); got.status != http.StatusOK || first < 0 || second < first {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func (g googleTest) read(t *testing.T, object, token string) answer {
	t.Helper()
	return g.do(t, http.MethodGet, g.Storage.URL+"/"+object, "", "", "Authorization", "Bearer "+token)
}

func TestAGrantedAccountReadsObjects(t *testing.T) {
	g := startGoogle(t)
	g.GrantStorage("serviceAccount:"+robot, "reports")
	g.PutObject("reports", "2026/11.csv", []byte("a,b\n"))
	token := g.AccessToken("serviceAccount:"+robot, time.Hour, storageScope)
	if got := g.read(t, "reports/2026/11.csv", token); got.status != http.StatusOK || got.body != "a,b\n" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := g.read(t, "storage/v1/b/reports/o/2026/11.csv", token); got.status != http.StatusOK || got.at(t, "size") != "4" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := g.read(t, "storage/v1/b/reports/o/2026/12.csv", token); got.status != http.StatusNotFound {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := g.read(t, "reports/2026/12.csv", token); got.status != http.StatusNotFound || !strings.Contains(got.body, "<Code>NoSuchKey</Code>") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := g.read(t, "reports/2026/11.csv", g.AccessToken("serviceAccount:"+target, time.Hour, storageScope)); got.status != http.StatusForbidden {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestStorageRefusesAsTheRealOneDoes(t *testing.T) {
	g := startGoogle(t)
	g.GrantStorage("serviceAccount:"+robot, "reports")
	token := g.AccessToken("serviceAccount:"+robot, time.Hour, storageScope)
	for name, c := range map[string]struct {
		bucket, token string
		status        int
		text          string
	}{
		"a made-up token":   {"reports", "ya29.c.made-up", 401, `"reason":"authError"`},
		"too narrow scopes": {"reports", g.AccessToken("serviceAccount:"+robot, time.Hour, bigQueryScope), 403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT"},
		"no grant":          {"reports", g.AccessToken("serviceAccount:"+target, time.Hour, storageScope), 403, target + " does not have storage.objects."},
		"no such bucket":    {"nowhere", token, 404, "The specified bucket does not exist."},
	} {
		for verb, got := range map[string]answer{"upload": g.upload(t, c.bucket, c.token, "x"), "list": g.list(t, c.bucket, c.token)} {
			if got.status != c.status || !strings.Contains(got.body, c.text) {
				t.Errorf("%s of %s: got %d %s", verb, name, got.status, got.body)
			}
		}
	}
	g.clock.advance(time.Hour)
	if got := g.list(t, "reports", token); got.status != http.StatusUnauthorized {
		t.Errorf("expired: got %d %s", got.status, got.body)
	}
}
