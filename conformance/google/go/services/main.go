// Services asks a client library of Google Cloud for one thing and prints how that went as one JSON line:
//
//	services bigquery FILE PROJECT ENDPOINT    SELECT CURRENT_DATE()
//	services storage FILE BUCKET ENDPOINT      writes an object and lists the bucket
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"cloud.google.com/go/bigquery"
	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
)

func main() {
	verb, file, name, endpoint := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	module := "cloud.google.com/go/" + verb
	answer := map[string]any{"client": module, "version": version(module), "verb": verb, "ok": true}
	start := time.Now()
	result, err := ask(context.Background(), verb, file, name, endpoint)
	answer["ms"] = time.Since(start).Milliseconds()
	answer["result"] = result
	if err != nil {
		answer["ok"], answer["error"] = false, err.Error()
	}
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		panic(err)
	}
}

func ask(ctx context.Context, verb, file, name, endpoint string) ([]string, error) {
	credentials := option.WithAuthCredentialsFile(option.ExternalAccount, file)
	switch verb {
	case "bigquery":
		client, err := bigquery.NewClient(ctx, name, credentials, option.WithEndpoint(endpoint+"/bigquery/v2/"))
		if err != nil {
			return nil, err
		}
		defer client.Close()
		return query(ctx, client)
	case "storage":
		client, err := storage.NewClient(ctx, credentials, option.WithEndpoint(endpoint+"/storage/v1/"))
		if err != nil {
			return nil, err
		}
		defer client.Close()
		return store(ctx, client.Bucket(name))
	}
	return nil, fmt.Errorf("unknown verb %s", verb)
}

func query(ctx context.Context, client *bigquery.Client) ([]string, error) {
	rows, err := client.Query("SELECT CURRENT_DATE()").Read(ctx)
	if err != nil {
		return nil, err
	}
	var result []string
	for {
		var row []bigquery.Value
		switch err := rows.Next(&row); {
		case errors.Is(err, iterator.Done):
			return result, nil
		case err != nil:
			return nil, err
		}
		result = append(result, fmt.Sprint(row[0]))
	}
}

func store(ctx context.Context, bucket *storage.BucketHandle) ([]string, error) {
	w := bucket.Object("go/report.csv").NewWriter(ctx)
	_, err := w.Write([]byte("a,b\n"))
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, err
	}
	var names []string
	for objects := bucket.Objects(ctx, nil); ; {
		object, err := objects.Next()
		switch {
		case errors.Is(err, iterator.Done):
			return names, nil
		case err != nil:
			return nil, err
		}
		names = append(names, object.Name)
	}
}

// version is the one that this program was built with.
func version(module string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == module {
				return strings.TrimPrefix(m.Version, "v")
			}
		}
	}
	return ""
}
