package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/idferry/idferry/internal/storytest"
	"github.com/idferry/idferry/internal/token"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"azure-token-helper": main, "az": main, "azd": main, "watch": watch})
}

func TestStories(t *testing.T) { storytest.Run(t, "testdata") }

// watch DURATION LEFT: a program that reads its token file all the time, and finds the whole of a token that has so much
// left. It prints how many there were.
func watch() {
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lasting, err := time.ParseDuration(os.Args[1])
	if err != nil {
		fail(err)
	}
	promised, err := time.ParseDuration(os.Args[2])
	if err != nil {
		fail(err)
	}
	seen := map[string]bool{}
	tick := time.NewTicker(time.Millisecond)
	for end := time.Now().Add(lasting); time.Now().Before(end); <-tick.C {
		held, err := os.ReadFile(os.Getenv("AZURE_FEDERATED_TOKEN_FILE"))
		if err != nil {
			fail(err)
		}
		claims, err := token.ReadClaims(string(held))
		if left := time.Until(claims.Expiry); err != nil || held[len(held)-1] == '\n' || left < promised {
			fail(fmt.Errorf("%d bytes, of which %s are left: %v", len(held), left, err))
		}
		seen[string(held)] = true
	}
	fmt.Println(len(seen), "tokens")
}
