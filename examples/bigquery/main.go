// Bigquery asks BigQuery what day it is, from Azure, without a secret: as the identity that the virtual machine, pod, app or
// pipeline already has there.
//
//	go run ./examples/bigquery -sandbox
//	go run ./examples/bigquery -project my-project -service-account reader@my-project.iam.gserviceaccount.com \
//	    -audience //iam.googleapis.com/projects/123456789/locations/global/workloadIdentityPools/azure/providers/entra
//
// IDFERRY_RESOURCE names the Entra application whose token the provider takes, where that is not its default. On a laptop
// GOOGLE_APPLICATION_CREDENTIALS may name the key file of a service account.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials"
	"cloud.google.com/go/bigquery"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"

	"github.com/idferry/idferry/federation"
)

func main() {
	project := flag.String("project", "", "project that the query is charged to")
	audience := flag.String("audience", "", "full resource name of the provider that trusts the Azure identity")
	account := flag.String("service-account", "", "service account to act as; without it the pool's principal has to have the roles")
	sandboxed := flag.Bool("sandbox", false, "run offline, on stand-ins of both clouds")
	flag.Parse()
	end := func() {}
	if *sandboxed {
		*project, *audience, *account, end = sandbox()
	}
	err := run(context.Background(), *project, *audience, *account)
	end()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bigquery:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, project, audience, account string) error {
	credentials, err := choose(audience, account)
	if err != nil {
		return err
	}
	client, err := bigquery.NewClient(ctx, project, option.WithAuthCredentials(credentials))
	if err != nil {
		return err
	}
	defer client.Close()
	rows, err := client.Query("SELECT CURRENT_DATE()").Read(ctx)
	if err != nil {
		return err
	}
	for {
		var row []bigquery.Value
		switch err := rows.Next(&row); {
		case errors.Is(err, iterator.Done):
			return nil
		case err != nil:
			return err
		}
		fmt.Println(row[0])
	}
}

// choose returns the key file's credentials where a developer names one, and else those of the Azure identity.
func choose(audience, account string) (*auth.Credentials, error) {
	if os.Getenv("GOOGLE_APPLICATION_CREDENTIALS") != "" {
		return credentials.DetectDefault(&credentials.DetectOptions{Scopes: []string{bigquery.Scope}})
	}
	return federation.NewGoogleCredentials(audience, &federation.GoogleCredentialsOptions{ServiceAccount: account})
}
