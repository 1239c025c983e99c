// Standin is, by the name that it is started under, one of the programs that the examples run. Those that install
// something take it from beside the tests. Those that use a cloud do it as the program does whose name they have, by the
// library that is in that program or the like of it, with what their environment tells them and nothing else; they fail
// where that is not enough to be let in.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	err := run(ctx, filepath.Base(os.Args[0]), os.Args[1:])
	cancel()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s (stand-in): %v\n", filepath.Base(os.Args[0]), err)
		os.Exit(1)
	}
}

func run(ctx context.Context, name string, args []string) error {
	switch name {
	case "go":
		return install(args)
	case "pip":
		return pip(args)
	case "python3":
		return upload(ctx, args)
	case "bq":
		return query(ctx, args)
	case "terraform":
		return terraform(ctx, args)
	case "az", "gcloud":
		return administer(ctx, name, args)
	case "kubectl":
		return kubectl(ctx, args)
	case "server-on-gke":
		return serveFromBlobs(ctx)
	case "server-on-aks":
		return serveFromBigQuery(ctx)
	}
	return fmt.Errorf("nothing is known of a program of this name")
}

// required is the value of a variable that the program cannot do without.
func required(name string) (string, error) {
	if value := os.Getenv(name); value != "" {
		return value, nil
	}
	return "", fmt.Errorf("%s is not set", name)
}
