// Tokens asks one of Google's Go libraries for access tokens and prints how that went as one JSON line:
//
//	tokens LIBRARY token|twice|calls FILE SCOPE
//	tokens LIBRARY parallel FILE SCOPE N
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/auth/credentials"
	"golang.org/x/oauth2/google"
	"google.golang.org/api/option"
	"google.golang.org/api/transport"
)

// source gives an access token, which it may remember.
type source func(ctx context.Context) (string, error)

// libraries are those that every program in Go uses, by the module's path.
func libraries() map[string]func(ctx context.Context, file []byte, scope string) (source, error) {
	return map[string]func(context.Context, []byte, string) (source, error){
		"golang.org/x/oauth2": func(ctx context.Context, file []byte, scope string) (source, error) {
			c, err := google.CredentialsFromJSONWithType(ctx, file, google.ExternalAccount, scope)
			if err != nil {
				return nil, err
			}
			return func(context.Context) (string, error) {
				t, err := c.TokenSource.Token()
				if err != nil {
					return "", err
				}
				return t.AccessToken, nil
			}, nil
		},
		"cloud.google.com/go/auth": func(_ context.Context, file []byte, scope string) (source, error) {
			c, err := credentials.NewCredentialsFromJSON(credentials.ExternalAccount, file, &credentials.DetectOptions{Scopes: []string{scope}})
			if err != nil {
				return nil, err
			}
			return func(ctx context.Context) (string, error) {
				t, err := c.Token(ctx)
				if err != nil {
					return "", err
				}
				return t.Value, nil
			}, nil
		},
		// What Terraform's google provider calls.
		"google.golang.org/api": func(ctx context.Context, file []byte, scope string) (source, error) {
			c, err := transport.Creds(ctx, option.WithAuthCredentialsJSON(option.ExternalAccount, file), option.WithScopes(scope))
			if err != nil {
				return nil, err
			}
			return func(context.Context) (string, error) {
				t, err := c.TokenSource.Token()
				if err != nil {
					return "", err
				}
				return t.AccessToken, nil
			}, nil
		},
	}
}

func main() {
	answer := map[string]any{"client": os.Args[1], "version": version(os.Args[1]), "verb": os.Args[2], "ok": true}
	start := time.Now()
	tokens, err := ask(context.Background(), os.Args[1], os.Args[2], os.Args[3:])
	answer["ms"] = time.Since(start).Milliseconds()
	if err != nil {
		answer["ok"], answer["error"] = false, err.Error()
	} else {
		answer["tokens"], answer["token"] = tokens, tokens[len(tokens)-1]
	}
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		panic(err)
	}
}

func ask(ctx context.Context, library, verb string, args []string) ([]string, error) {
	open, ok := libraries()[library]
	if !ok {
		return nil, fmt.Errorf("unknown library %s", library)
	}
	defer http.DefaultClient.CloseIdleConnections()
	file, err := os.ReadFile(args[0])
	if err != nil {
		return nil, err
	}
	s, err := open(ctx, file, args[1])
	if err != nil {
		return nil, err
	}
	number := 1
	switch verb {
	case "token":
	case "calls":
		number = 3
	case "twice":
		number = 2
	case "parallel":
		if number, err = strconv.Atoi(args[2]); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("unknown verb %s", verb)
	}
	tokens, failed := make([]string, number), make([]error, number)
	var calls sync.WaitGroup
	for i := range number {
		if verb == "twice" && i > 0 {
			// What these have is never given up before its end, so the second token is another object's.
			if s, err = open(ctx, file, args[1]); err != nil {
				return nil, err
			}
		}
		calls.Go(func() { tokens[i], failed[i] = s(ctx) })
		if verb != "parallel" {
			calls.Wait()
		}
	}
	calls.Wait()
	return tokens, errors.Join(failed...)
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
