package faults

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/token"
)

// judge says what of a cell is not as it has to be.
func (c *cell) judge(t *testing.T) {
	want, ok := c.hop.expected[c.fault.name]
	if !ok {
		t.Fatalf("the table does not say what is expected; it came to: %s", c.first.shown())
	}
	c.judgeCall(t, "at first", c.first, want.code)
	if n := c.first.asked; n < want.least || n > want.most {
		t.Errorf("asked %d times, want %d to %d", n, want.least, want.most)
	}
	if !c.fault.silent && !c.contract.asksAnew {
		// A token is remembered, and so is a failure for some seconds.
		c.judgeCall(t, "the second time", c.again, want.code)
		if c.again.asked != c.first.asked {
			t.Errorf("the second call asked again: %d times, %d before", c.again.asked, c.first.asked)
		}
	}
	c.judgeCall(t, "once it was lifted", c.lifted, tokenGiven)
	if known := c.lifted.asked == c.first.asked; known != (want.code == tokenGiven) && !c.contract.asksAnew {
		t.Errorf("once it was lifted, the endpoint was asked %d times, %d before", c.lifted.asked, c.first.asked)
	}
	c.judgeSecrets(t)
	c.judgeLeftovers(t)
	if seen := c.other.visits(); len(seen) > 0 {
		t.Errorf("another host was connected to: %v", seen)
	}
}

func (c *cell) judgeCall(t *testing.T, when string, got call, want string) {
	t.Helper()
	switch {
	case got.failed != nil:
		t.Errorf("%s: %v: %s%s", when, got.failed, got.stdout, got.stderr)
	case got.malformed != nil:
		t.Errorf("%s: %v", when, got.malformed)
	case want == tokenGiven && !got.well:
		t.Errorf("%s: no token: %s", when, got.shown())
	case want != tokenGiven && (got.well || !got.is(want)):
		t.Errorf("%s: want %s, got %s", when, want, got.shown())
	case got.well && !c.contract.asksAnew:
		// A remembered token is of the clock by which it was given.
		now := time.Now()
		if got.token == c.first.token {
			now = now.Add(c.fault.skew)
		}
		if err := c.hop.given.in(got.token, now); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	if got.took > got.limit+slack {
		t.Errorf("%s: it took %s, with a deadline of %s", when, got.took, got.limit)
	}
	for _, crash := range []string{"panic", "goroutine ", "internal fault", "runtime error"} {
		if strings.Contains(string(got.stdout)+string(got.stderr), crash) {
			t.Errorf("%s: it crashed: %s%s", when, got.stdout, got.stderr)
		}
	}
}

// in looks for the claim in a token, and whether that is good for a while by the clouds' clock.
func (c claim) in(value string, now time.Time) error {
	claims, err := token.ReadClaims(value)
	if err != nil {
		return err
	}
	if got := map[string]string{"appid": claims.AppID, "oid": claims.ObjectID}[c.name]; got != c.value {
		return fmt.Errorf("the token's %s is %q, want %q", c.name, got, c.value)
	}
	if len(claims.Audience) == 0 || !now.Add(10*time.Minute).Before(claims.Expiry) {
		return fmt.Errorf("the token is for %q, until %s", claims.Audience, claims.Expiry)
	}
	return nil
}

// judgeSecrets looks for secrets in everything that can be read afterwards, other than the contract's own field.
func (c *cell) judgeSecrets(t *testing.T) {
	t.Helper()
	calls := []call{c.first, c.again, c.lifted}
	secrets := slices.Concat(c.machine.clouds.secrets(), c.machine.own, c.gate.all())
	for _, got := range calls {
		if got.token != "" {
			secrets = append(secrets, got.token)
		}
	}
	left := c.left(t)
	isKey := func(path string) bool { return filepath.Base(path) == "key-v1" }
	for _, path := range left {
		if isKey(path) {
			key, err := os.ReadFile(path)
			if err != nil {
				t.Error(err)
			}
			secrets = append(secrets, string(key))
		}
	}
	secret := newWatch(secrets)
	look := func(where, text string, field bool) {
		for _, got := range calls {
			if field && got.token != "" {
				text = strings.Replace(text, got.token, "", 1)
			}
		}
		if seen := secret.seen(where + "\n" + text); seen != "" {
			t.Errorf("%s has %s of a secret", where, seen)
		}
	}
	for _, got := range calls {
		look("stdout", string(got.stdout), !c.contract.silent)
		look("stderr", string(got.stderr), false)
	}
	var holding []string
	if c.contract.holds != nil {
		holding = c.contract.holds(c.machine)
	}
	for _, path := range left {
		if info, err := os.Lstat(path); err == nil && info.Size() > 1<<20 {
			t.Errorf("%s has %d bytes: a core?", path, info.Size())
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		if isKey(path) {
			data = nil // it is the key's place by --cache file
		}
		look(path, string(data), slices.Contains(holding, path))
	}
	c.judgeChildren(t, look)
	c.judgeTrace(t, look)
}

// judgeLeftovers looks for files that no later call needs.
func (c *cell) judgeLeftovers(t *testing.T) {
	t.Helper()
	needed := regexp.MustCompile(`^(cache/([0-9a-f]+\.(tok|lock)|key-[0-9a-z-]+)|log|output/response\.json)$`)
	for _, path := range c.left(t) {
		name, err := filepath.Rel(c.machine.home, path)
		if err != nil || !needed.MatchString(filepath.ToSlash(name)) {
			t.Errorf("%s is left, %v", name, err)
		}
	}
}

// left are the files of the program's own making.
func (c *cell) left(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(c.machine.home, func(path string, d fs.DirEntry, err error) error {
		if err == nil && path == c.machine.files() {
			return fs.SkipDir
		}
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return files
}
