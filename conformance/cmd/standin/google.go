package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
)

const cloudPlatform = "https://www.googleapis.com/auth/cloud-platform"

// query is `bq query --use_legacy_sql=false SQL`. bq takes credentials and project from gcloud's settings alone.
func query(ctx context.Context, args []string) error {
	if len(args) != 3 || args[0] != "query" || args[1] != "--use_legacy_sql=false" {
		return fmt.Errorf("%q is not a query", args)
	}
	file, err := required("CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE")
	if err != nil {
		return err
	}
	project, err := required("CLOUDSDK_CORE_PROJECT")
	if err != nil {
		return err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	credentials, err := google.CredentialsFromJSONWithType(ctx, data, google.ExternalAccount, cloudPlatform)
	if err != nil {
		return err
	}
	return askBigQuery(ctx, credentials.TokenSource, project, args[2])
}

// serveFromBigQuery is the application of a pod on AKS: Google's libraries find everything by themselves.
func serveFromBigQuery(ctx context.Context) error {
	credentials, err := google.FindDefaultCredentials(ctx, cloudPlatform)
	if err != nil {
		return err
	}
	project, err := required("GOOGLE_CLOUD_PROJECT")
	if err != nil {
		return err
	}
	return askBigQuery(ctx, credentials.TokenSource, project, "SELECT CURRENT_DATE()")
}

func askBigQuery(ctx context.Context, source oauth2.TokenSource, project, sql string) error {
	body, err := json.Marshal(map[string]any{"query": sql, "useLegacySql": false})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://bigquery.googleapis.com/bigquery/v2/projects/"+project+"/queries", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := oauth2.NewClient(ctx, source).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	var result struct {
		Rows []struct {
			F []struct{ V string }
		}
	}
	if err := json.Unmarshal(answer, &result); err != nil || response.StatusCode != http.StatusOK || len(result.Rows) != 1 {
		return fmt.Errorf("%s: %s", response.Status, answer)
	}
	fmt.Printf("row %s\n", result.Rows[0].F[0].V)
	return nil
}
