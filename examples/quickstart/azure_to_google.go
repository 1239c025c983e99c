package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"github.com/idferry/idferry/internal/fakecloud"
)

const cloudPlatform = "https://www.googleapis.com/auth/cloud-platform"

// azureToGoogle lets Google's own Go library read an external_account file, run the helper, and query with what it
// gets.
func (w *world) azureToGoogle(ctx context.Context) error {
	say("\nAzure → Google: a virtual machine's managed identity queries BigQuery")
	file, err := w.externalAccount(ctx, "--credential", "managed-identity", "--resource", fakecloud.SandboxResource)
	if err != nil {
		return err
	}
	say("  gcp-executable-source config wrote %[1]s; golang.org/x/oauth2 reads it and runs gcp-executable-source", filepath.Base(file))
	for call := 1; call <= 2; call++ {
		start := time.Now()
		imds := len(w.clouds.IMDS.Requests())
		row, err := w.query(ctx, file)
		if err != nil {
			return err
		}
		hit, err := w.cached()
		if err != nil {
			return err
		}
		from := fmt.Sprintf("the managed identity endpoint, asked %d time", len(w.clouds.IMDS.Requests())-imds)
		if hit {
			from = "the cache; nothing was asked"
		}
		say("  call %d  Entra token from %s", call, from)
		served := w.clouds.Google.Served()
		say("          → Google STS → %s → BigQuery SELECT CURRENT_DATE() = %s   %s", strings.TrimPrefix(served[len(served)-1], "serviceAccount:"), row, took(start))
		if hit != (call == 2) {
			return fmt.Errorf("call %d: answered by the cache: %v", call, hit)
		}
	}
	return nil
}

// externalAccount has config write the file, and puts the sandbox's endpoints in place of Google's.
func (w *world) externalAccount(ctx context.Context, flags ...string) (string, error) {
	path := w.path("external_account.json")
	args := append([]string{"config", "--audience", fakecloud.SandboxProvider, "--service-account", fakecloud.SandboxAccount}, flags...)
	if out, err := exec.CommandContext(ctx, w.binary("gcp-executable-source"), append(args, path)...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("gcp-executable-source config: %w\n%s", err, out)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	endpoints := strings.NewReplacer("https://sts.googleapis.com/v1/token", w.clouds.Google.STSURL(), "https://iamcredentials.googleapis.com", w.clouds.Google.IAM.URL)
	return path, os.WriteFile(path, []byte(endpoints.Replace(string(data))), 0o600)
}

// query is a program of a Google user: credentials from a file, one call of BigQuery.
func (w *world) query(ctx context.Context, file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, w.clouds.CA.Client())
	credentials, err := google.CredentialsFromJSONWithType(ctx, data, google.ExternalAccount, cloudPlatform)
	if err != nil {
		return "", err
	}
	at := w.clouds.Google.BigQuery.URL + "/bigquery/v2/projects/" + fakecloud.SandboxProject + "/queries"
	resp, err := oauth2.NewClient(ctx, credentials.TokenSource).Post(at, "application/json", strings.NewReader(`{"query":"SELECT CURRENT_DATE()","useLegacySql":false}`))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil || resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("BigQuery answered %s: %s %w", resp.Status, bytes.TrimSpace(body), err)
	}
	var answer struct {
		Rows []struct {
			F []struct {
				V string `json:"v"`
			} `json:"f"`
		} `json:"rows"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.Rows) != 1 || len(answer.Rows[0].F) != 1 {
		return "", fmt.Errorf("BigQuery answered %s: %w", body, err)
	}
	return answer.Rows[0].F[0].V, nil
}

func took(start time.Time) string { return time.Since(start).Round(time.Millisecond).String() }
