package processes

import (
	"strings"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

func TestFiftyCallsOfABrokenSetUpAskUpstreamOnce(t *testing.T) {
	programs := build(t)
	p := newPlace(t)
	nobodys := "99999999-9999-9999-9999-999999999999"
	args := inTenant(fakecloud.SandboxTenant)
	for i, a := range args {
		if a == fakecloud.SandboxApp {
			args[i] = nobodys
		}
	}
	start := time.Now()
	for range 50 {
		out, err := p.run(t.Context(), programs.helper, args...)
		if err == nil || out != "" || !strings.Contains(err.Error(), "AADSTS700016") || !strings.Contains(err.Error(), nobodys) {
			t.Fatalf("%q, %v", out, err)
		}
	}
	took := time.Since(start)
	// One for every five seconds that the calls took.
	if n, most := count(p.Entra.Server, "/oauth2/v2.0/token"), 1+int(took/(5*time.Second)); n > most {
		t.Errorf("%d requests in %s", n, took)
	}
	// Whoever mends the set-up is not told of the old one.
	if _, err := p.run(t.Context(), programs.helper, inTenant(fakecloud.SandboxTenant)...); err != nil {
		t.Error(err)
	}
}
