package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

// shortLife can be waited for, and is longer than all that a client does before it waits.
const shortLife = 10 * time.Second

// tokensLive says how long the tokens of both clouds live, and that Entra ID takes none of Google's a second longer; 0
// means the usual again.
func (m *machine) tokensLive(life time.Duration) {
	skew := time.Duration(0)
	if life == 0 {
		skew = fakecloud.AssertionSkew
	}
	m.clouds.Google.IssueIDTokens(life)
	m.clouds.Entra.Issue(life, 0)
	m.clouds.Entra.AllowSkew(skew)
}

// tokenRequests counts what Entra ID is asked by one client after another.
type tokenRequests struct {
	entra *fakecloud.Entra
	seen  int
}

// made wants at least so many requests for tokens since the last look, the last of them when the first's token had
// expired, and a program that ended well with these words.
func (t *tokenRequests) made(least int, words string) func(*machine, answer) error {
	return func(_ *machine, a answer) error {
		requests := t.entra.Requests()
		var asked []time.Time
		for _, r := range requests[t.seen:] {
			if r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/oauth2/v2.0/token") {
				asked = append(asked, r.At)
			}
		}
		t.seen = len(requests)
		switch {
		case !a.OK:
			return errors.New(a.Error)
		case len(asked) < least || least > 1 && asked[len(asked)-1].Sub(asked[0]) < shortLife:
			return fmt.Errorf("tokens that live %s were asked for %d times: %s", shortLife, len(asked), asked)
		}
		return saysAll(a.Output, words)
	}
}
