//go:build darwin || windows

package cache

import (
	"context"
	"os"
	"testing"
	"time"
)

// The Keychain, or the Credential Manager, keeps the key from process to process whatever the tokens' size, and gives it up.
// The item is the one that the programs use, so it is only for machines that are nobody's.
func TestTheSystemsOwnKeyring(t *testing.T) {
	if os.Getenv("IDFERRY_TEST_KEYRING") != "1" {
		t.Skip("IDFERRY_TEST_KEYRING is not 1")
	}
	t.Setenv(dirVariable, privateDir(t))
	if err := unlockedStory(); err != nil {
		t.Fatal(err)
	}
	i := &issuer{clock: newClock(), life: time.Hour}
	c := Open(Options{Mode: Keyring, Dir: os.Getenv(dirVariable), Lookup: os.LookupEnv, Now: i.clock.now})
	removed, err := c.Clear(context.Background(), Selection{Keys: true})
	if err != nil || len(removed) != 3 {
		t.Errorf("%d removed: %v", len(removed), err)
	}
	for _, h := range c.State(context.Background()).Holders {
		if h.HasKey {
			t.Errorf("%s has a key after everything was cleared", h.Name)
		}
	}
}
