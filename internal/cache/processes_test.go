package cache

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/token"
)

// roleVariable makes the test binary a process of a story instead of running tests.
const (
	roleVariable     = "IDFERRY_TEST_CACHE_ROLE"
	dirVariable      = "IDFERRY_TEST_CACHE_DIR"
	upstreamVariable = "IDFERRY_TEST_CACHE_UPSTREAM"
	roleCaller       = "caller"
	roleSecrets      = "secret-service"
)

func play(role string) int {
	switch role {
	case roleCaller:
		return playCaller()
	case roleSecrets:
		return playSecretService()
	}
	return 2
}

// playCaller asks for one token as a binary would, and prints it.
func playCaller() int {
	upstream := os.Getenv(upstreamVariable)
	get := func(path string) (string, error) {
		resp, err := http.Get(upstream + path)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("upstream says %s", resp.Status)
		}
		return string(body), err
	}
	if _, err := get("/ready"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	c := Open(Options{Mode: File, Dir: os.Getenv(dirVariable)})
	t, _, err := c.Token(context.Background(), request("x"), func(context.Context) (token.Token, error) {
		// A lock that nothing but the collector knows of is gone after this.
		runtime.GC()
		runtime.GC()
		value, err := get("/token")
		return token.Token{Value: token.NewSecret(value), ExpiresOn: time.Now().Add(time.Hour)}, err
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Print(t.Value.Reveal())
	return 0
}

// herd runs n processes that ask at once: upstream lets none start before all are there.
func herd(t *testing.T, n int, dir string, answer http.HandlerFunc) (outputs []string) {
	t.Helper()
	var ready sync.WaitGroup
	ready.Add(n)
	mux := http.NewServeMux()
	mux.HandleFunc("/ready", func(http.ResponseWriter, *http.Request) {
		ready.Done()
		ready.Wait()
	})
	mux.HandleFunc("/token", answer)
	server := httptest.NewServer(mux)
	defer server.Close()
	outputs = make([]string, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), roleVariable+"="+roleCaller, dirVariable+"="+dir, upstreamVariable+"="+server.URL)
			out, err := cmd.CombinedOutput()
			if err != nil && len(out) == 0 {
				t.Errorf("process %d: %v", i, err)
			}
			outputs[i] = string(out)
		})
	}
	wg.Wait()
	return outputs
}

func TestFiftyProcessesMakeOneMint(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts fifty processes")
	}
	dir := privateDir(t)
	var minted atomic.Int32
	outputs := herd(t, 50, dir, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "token-%d", minted.Add(1))
	})
	for i, out := range outputs {
		if out != "token-1" {
			t.Errorf("process %d printed %q", i, out)
		}
	}
	if n := minted.Load(); n != 1 {
		t.Errorf("%d mints", n)
	}
	if keys, _ := filepath.Glob(filepath.Join(dir, keyFile)); len(keys) != 1 {
		t.Errorf("keys %v", keys)
	}
}

func TestTwentyProcessesHearOfOneRefusal(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts twenty processes")
	}
	var asked atomic.Int32
	outputs := herd(t, 20, privateDir(t), func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusForbidden)
	})
	for i, out := range outputs {
		if !strings.Contains(out, "upstream says 403") {
			t.Errorf("process %d printed %q", i, out)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("upstream was asked %d times", n)
	}
}

func TestAWaitingCallerStopsWhenItsTimeIsUp(t *testing.T) {
	clock := newClock()
	dir := privateDir(t)
	c := open(t, dir, clock)
	hold(t, c)
	ctx, cancel := context.WithTimeout(t.Context(), 3*lockPoll)
	defer cancel()
	i := &issuer{clock: clock, life: time.Hour}
	_, _, err := c.Token(ctx, request("x"), i.mint)
	if err == nil || !strings.Contains(err.Error(), context.DeadlineExceeded.Error()) || i.minted.Load() != 0 {
		t.Errorf("got %v", err)
	}
}

func TestAWaitingCallerTakesTheTokenAsSoonAsItIsThere(t *testing.T) {
	clock := newClock()
	dir := privateDir(t)
	key := &memory{}
	c := open(t, dir, clock, key)
	hold(t, c) // to the end: the token is enough
	i := &issuer{clock: clock, life: time.Hour}
	other := &issuer{clock: clock, life: time.Hour}
	waiting := make(chan struct{})
	go func() {
		defer close(waiting)
		want(t, c, request("x"), i, "a")
	}()
	bypass := request("x")
	bypass.Bypass = true // writes without the lock
	want(t, open(t, dir, clock, key), bypass, other, "a")
	<-waiting
	if i.minted.Load() != 0 {
		t.Error("the waiting caller minted too")
	}
}

func TestLocksAreInTheRuntimeDirectoryIfItIsPrivate(t *testing.T) {
	skipWhereModesMeanNothing(t)
	runtimeDir := privateDir(t)
	if err := os.Mkdir(runtimeDir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, value string
		mode        os.FileMode
		used        bool
	}{
		{"a private one is used", runtimeDir, 0o700, true},
		{"one that others can enter is not", runtimeDir, 0o755, false},
		{"one that does not exist is not made", filepath.Join(runtimeDir, "gone"), 0o700, false},
		{"a relative one is ignored", "run", 0o700, false},
		{"none", "", 0o700, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.Chmod(runtimeDir, tt.mode); err != nil {
				t.Fatal(err)
			}
			dir := privateDir(t)
			l := locks{cacheDir: dir, lookup: func(name string) (string, bool) { return tt.value, name == "XDG_RUNTIME_DIR" }}
			got, err := l.dir()
			if err != nil {
				t.Fatal(err)
			}
			defer got.Close()
			if wanted := map[bool]string{true: filepath.Join(runtimeDir, "idferry"), false: dir}[tt.used]; got.Name() != wanted {
				t.Errorf("got %q, want %q", got.Name(), wanted)
			}
			if exists(filepath.Join(runtimeDir, "gone")) || exists("run") {
				t.Error("it was made")
			}
		})
	}
}

func TestCallersDoNotQueueForATokenThatCannotBeRemembered(t *testing.T) {
	clock := newClock()
	dir := privateDir(t)
	// As in a container whose seccomp profile lets keyctl look for a key and not add one.
	key := func() *memory { return &memory{refuse: &unavailable{reason: "operation not permitted"}} }
	i := &issuer{clock: clock, life: time.Hour}
	want(t, open(t, dir, clock, key()), request("x"), i, "a")
	c := open(t, dir, clock, key())
	hold(t, c) // another caller, to the end
	start := time.Now()
	want(t, c, request("x"), i, "b")
	if waited := time.Since(start); waited > lockWait/2 {
		t.Errorf("the caller waited %s", waited)
	}
}

func TestALockThatIsNeverReleasedIsIgnoredAfterAWhile(t *testing.T) {
	clock := newClock()
	c := open(t, privateDir(t), clock)
	hold(t, c)
	if c.locks.patience != lockWait {
		t.Errorf("the wait is bounded by %s", c.locks.patience)
	}
	c.locks.patience = 50 * time.Millisecond
	start := time.Now()
	out := want(t, c, request("x"), &issuer{clock: clock, life: time.Hour}, "a")
	if waited := time.Since(start); waited < c.locks.patience || !strings.Contains(out.Reason, "held the lock") {
		t.Errorf("waited %s, outcome %+v", waited, out)
	}
}

func TestAWaitingCallerGoesOnWhenTheHolderOfTheLockEndsWithoutAToken(t *testing.T) {
	clock := newClock()
	c := open(t, privateDir(t), clock)
	release := hold(t, c)
	served := make(chan Outcome)
	go func() { served <- want(t, c, request("x"), &issuer{clock: clock, life: time.Hour}, "a") }()
	release()
	if out := <-served; out.Hit || out.Reason != "" {
		t.Errorf("outcome %+v", out)
	}
}

// hold takes the lock of request("x") as another process would, until release or the test's end.
func hold(t *testing.T, c *Cache) (release func()) {
	t.Helper()
	lock, err := c.locks.open(wantedBy(request("x")).id().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lock.Close() })
	if locked, err := lock.TryLock(); err != nil || !locked {
		t.Fatal(locked, err)
	}
	return func() { _ = lock.Close() }
}
