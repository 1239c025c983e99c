// Lean is what the hit path alone would be: a program that links the cache and one contract, and neither cloud. It tells
// what a second, smaller program in front of each binary could save (docs/performance.md), and is not released.
//
//	lean DIR MODE [TOKEN]    prints the token remembered in DIR as an ExecCredential; with TOKEN, remembers that first
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/idferry/idferry/internal/cache"
	"github.com/idferry/idferry/internal/kubeexec"
	"github.com/idferry/idferry/internal/token"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "lean:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return errors.New("a directory and a mode are missing")
	}
	request, err := kubeexec.ReadRequest(os.LookupEnv)
	if err != nil {
		return err
	}
	remembered := cache.Open(cache.Options{Dir: args[0], Mode: cache.Mode(args[1]), Lookup: os.LookupEnv})
	wanted := token.Request{Purpose: "lean", Inputs: []token.Input{{Name: "for", Value: "bench"}}}
	t, hit := remembered.Remembered(context.Background(), wanted)
	if !hit && len(args) == 3 {
		t, _, err = remembered.Token(context.Background(), wanted, func(context.Context) (token.Token, error) {
			return token.Token{Value: token.NewSecret(args[2]), ExpiresOn: time.Now().Add(time.Hour)}, nil
		})
	} else if !hit {
		err = errors.New("nothing is remembered")
	}
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(kubeexec.Credential(request, t, time.Now()))
	return err
}
