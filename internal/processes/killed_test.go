package processes

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
	"github.com/idferry/idferry/internal/token"
)

// crowdVariable is how long the crowd goes on; CI says 30s.
const crowdVariable = "IDFERRY_TEST_CROWD"

// asked is one of the two identities, as one of the two binaries is asked for it.
type asked struct {
	program string
	args    []string
	is      func(token.Claims) bool
}

// TestTwentyProcessesInTwoIdentitiesAreKilledAtRandom lets tokens live for seconds, so that most calls renew, and half
// of the processes die by SIGKILL at any moment of their lives.
func TestTwentyProcessesInTwoIdentitiesAreKilledAtRandom(t *testing.T) {
	programs := build(t)
	lasts := 3 * time.Second
	if text := os.Getenv(crowdVariable); text != "" {
		var err error
		if lasts, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	p := newPlace(t)
	p.Entra.Issue(4*time.Second, 0)
	tenant := func(id string) asked {
		return asked{programs.helper, inTenant(id), func(c token.Claims) bool { return c.TenantID == id && c.AppID == fakecloud.SandboxApp }}
	}
	machine := func(client, oid string) asked {
		return asked{programs.source, ofIdentity(client), func(c token.Claims) bool { return c.ObjectID == oid }}
	}
	identities := []asked{
		tenant(fakecloud.SandboxTenant), tenant(fakecloud.SandboxOtherTenant),
		machine("", fakecloud.SandboxSystemOID), machine(fakecloud.SandboxUserClient, fakecloud.SandboxUserOID),
	}
	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	var crowd sync.WaitGroup
	var served, killed atomic.Int64
	for worker := range 20 {
		crowd.Go(func() {
			dice := rand.New(rand.NewPCG(20, uint64(worker)))
			for ctx.Err() == nil {
				who := identities[dice.IntN(len(identities))]
				if dice.IntN(2) == 0 {
					kill(p, who, time.Duration(dice.IntN(40_000))*time.Microsecond)
					killed.Add(1)
					continue
				}
				start := time.Now()
				out, err := p.run(t.Context(), who.program, who.args...)
				took := time.Since(start)
				if err != nil {
					t.Errorf("after %s: %v", took, err)
					return
				}
				c, err := claims(out)
				if err != nil || !who.is(c) || !c.Expiry.After(start) {
					t.Errorf("after %s: %v, the token of tenant %s, object %s, until %s", took, err, c.TenantID, c.ObjectID, c.Expiry)
					return
				}
				if took > 10*time.Second {
					t.Errorf("a call took %s", took)
				}
				served.Add(1)
			}
		})
	}
	// And now and then somebody throws the key away.
	for ctx.Err() == nil {
		if _, err := p.run(t.Context(), programs.helper, "cache", "clear", "--all"); err != nil {
			t.Error(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	crowd.Wait()
	t.Logf("%d served, %d killed in %s", served.Load(), killed.Load(), lasts)
	if served.Load() < 20 || killed.Load() < 20 {
		t.Error("too few to tell")
	}
	settled(t, p, identities)
}

// kill starts a process and ends it after a moment.
func kill(p *place, who asked, after time.Duration) {
	cmd := exec.Command(who.program+exe(), who.args...)
	cmd.Env = p.env
	if cmd.Start() != nil {
		return
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	_ = cmd.Wait()
}

// settled checks what is left: every identity is served at once, every entry opens, and the next write clears away what
// the dead had not finished.
func settled(t *testing.T, p *place, identities []asked) {
	t.Helper()
	long := time.Now().Add(-2 * time.Minute)
	unfinished, _ := filepath.Glob(filepath.Join(p.cacheDir(), ".new-*"))
	for _, path := range unfinished {
		if err := os.Chtimes(path, long, long); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	}
	if _, err := p.run(t.Context(), identities[0].program, "cache", "clear"); err != nil {
		t.Error(err)
	}
	for range 2 {
		for _, who := range identities {
			start := time.Now()
			out, err := p.run(t.Context(), who.program, who.args...)
			if c, claimsErr := claims(out); err != nil || claimsErr != nil || !who.is(c) || time.Since(start) > 2*time.Second {
				t.Errorf("after the crowd: %v, %v, after %s", err, claimsErr, time.Since(start))
			}
		}
	}
	left, err := os.ReadDir(p.cacheDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		name := e.Name()
		if info, err := e.Info(); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", name, info.Mode(), err)
		}
		if strings.HasPrefix(name, ".new-") {
			t.Errorf("%s is left over", name)
		}
	}
	t.Logf("%d files had no end, %d files are left", len(unfinished), len(left))
	for _, who := range identities {
		if err := nobody(who.program); err != nil {
			t.Error(err)
		}
	}
}
