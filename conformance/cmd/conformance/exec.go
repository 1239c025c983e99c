package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

// apart is how long a program that azure-token-helper exec runs waits between two calls.
const apart = 10 * time.Second

// lasting is a program that asks for tokens for longer than any of them lives.
type lasting struct {
	name    string
	install func(ctx context.Context, shop *workshop) ([]string, error)
	// flags are exec's; args make the client ask over and over.
	flags, args []string
}

// execSuite has what asks for a Google ID token at each renewal.
func execSuite() suite {
	return lastingSuite("exec", 5*time.Minute, 90*time.Second, time.Minute, []lasting{
		{name: "terraform", install: installGo("goazuresdk"), args: []string{"every"}},
		{name: "az-shim", install: installGo("azidentity"), flags: []string{"--az-shim"}, args: []string{"AzureCLICredential", storage + "/.default", "every"}},
	})
}

// execFilesSuite has the libraries that read the token file again only after five or ten minutes.
func execFilesSuite() suite {
	file := []string{"WorkloadIdentityCredential", storage + "/.default", "every"}
	return lastingSuite("exec-files", 13*time.Minute, 12*time.Minute, time.Minute, []lasting{
		{name: "go", install: installGo("azidentity"), args: file},
		{name: "python", install: installVenv("azure/python", "requirements.txt"), args: file},
		{name: "node", install: installNode, args: file},
	})
}

// lastingSuite runs the clients beside one another for so long, with Google's and Entra ID's tokens living so long.
func lastingSuite(name string, long, googles, entras time.Duration, clients []lasting) suite {
	s := suite{name: name}
	for _, c := range clients {
		s.clients = append(s.clients, c.name)
	}
	s.run = func(ctx context.Context, shop *workshop, chosen []string, rows *table) error {
		m, err := startMachine(ctx, shop)
		if err != nil {
			return err
		}
		defer m.close()
		m.clouds.Google.IssueIDTokens(googles)
		m.clouds.Entra.Issue(entras, 0)
		m.clouds.Entra.AllowSkew(0)
		// A key is signed with anew each time; the metadata server hands a token out until five minutes are left.
		key := filepath.Join(m.dir, "key.json")
		content, err := m.clouds.Google.NewKeyFile(fakecloud.SandboxAccount)
		if err == nil {
			err = os.WriteFile(key, content, 0o600)
		}
		if err != nil {
			return err
		}
		var running sync.WaitGroup
		defer running.Wait()
		for _, c := range clients {
			if len(chosen) > 0 && !slices.Contains(chosen, c.name) {
				continue
			}
			start := time.Now()
			argv, err := c.install(ctx, shop)
			rows.add(row{client: c.name, verb: "install", took: time.Since(start), err: err})
			if err != nil {
				continue
			}
			words := slices.Concat([]string{filepath.Join(shop.programs, "azure-token-helper"), "exec", "--google-credentials", key}, c.flags, []string{"--"}, argv, c.args,
				[]string{fmt.Sprint(int(long.Seconds())), fmt.Sprint(int(apart.Seconds()))})
			running.Go(func() {
				rows.add(call(ctx, m, m.clouds, c.name, c.name, nil, ask{
					verb: fmt.Sprintf("%s of asking; Google's tokens live %s, Entra's %s", long, googles, entras), argv: words, lasts: long,
					// No az but the one that exec brings.
					env: map[string]string{"PATH": os.Getenv("PATH")}, check: alwaysValid(long, entras),
				}))
			})
		}
		return nil
	}
	return s
}

// alwaysValid wants a token that had not expired from each call, and as many different ones as that takes.
func alwaysValid(long, life time.Duration) func(*machine, answer) error {
	return func(m *machine, a answer) error {
		if !a.OK {
			return errors.New(a.Error)
		}
		// A call that takes time delays the next.
		if least := int(long/apart) * 8 / 10; len(a.Tokens) < least || len(a.Asked) != len(a.Tokens) {
			return fmt.Errorf("%d tokens at %d times, want %d at least", len(a.Tokens), len(a.Asked), least)
		}
		different := map[string]bool{}
		for i, token := range a.Tokens {
			at := time.UnixMilli(a.Asked[i])
			claims, err := m.verify(token)
			if err != nil {
				return err
			}
			exp, _ := claims["exp"].(float64)
			if ends := time.Unix(int64(exp), 0); !at.Before(ends) || claims["appid"] != fakecloud.SandboxApp {
				return fmt.Errorf("call %d got a token that had ended at %s, at %s", i+1, ends, at)
			}
			different[token] = true
		}
		if least := int(long / life); len(different) < least {
			return fmt.Errorf("%d different tokens that live %s in %s", len(different), life, long)
		}
		return nil
	}
}
