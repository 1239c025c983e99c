package cache

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTheStateNamesTheHolderInUseAndWhyTheOthersAreNot(t *testing.T) {
	clock := newClock()
	dir := privateDir(t)
	refusing := &memory{fail: &unavailable{reason: "the keyring did not answer within 2s", costly: true}}
	working := &memory{}
	c := open(t, dir, clock, named{"kernel", refusing}, named{"keyring", working}, named{"file", &memory{}})
	s := c.State(t.Context())
	if s.Dir != dir || s.Reason != "" || exists(dir) {
		t.Errorf("%+v, or it made the directory", s)
	}
	for i, want := range []Holder{
		{"kernel", false, false, "the keyring did not answer within 2s"},
		{"keyring", true, false, ""},
		{"file", false, false, "not asked, since keyring works"},
	} {
		if s.Holders[i] != want {
			t.Errorf("%+v, want %+v", s.Holders[i], want)
		}
	}
	// A call leaves a marker, which is then what is shown.
	want(t, c, request("x"), &issuer{clock: clock, life: time.Hour}, "a")
	asked := refusing.operations()
	s = c.State(t.Context())
	if !s.Holders[1].HasKey || !strings.Contains(s.Holders[0].Reason, "did not answer within 2s (left alone until 12:05:00Z)") || refusing.operations() != asked {
		t.Errorf("%+v", s.Holders)
	}
}

func TestAHolderThatTakesNoKeyIsTold(t *testing.T) {
	clock := newClock()
	dir := privateDir(t)
	h := &memory{refuse: &unavailable{reason: "operation not permitted"}}
	i := &issuer{clock: clock, life: time.Hour}
	for _, value := range []string{"a", "b"} {
		if out := want(t, open(t, dir, clock, h), request("x"), i, value); !strings.Contains(out.Reason, "memory: it takes no key: operation not permitted") {
			t.Errorf("outcome %+v", out)
		}
	}
	if s := open(t, dir, clock, h).State(t.Context()); s.Holders[0].Chosen || !strings.Contains(s.Holders[0].Reason, "it takes no key") {
		t.Errorf("%+v", s.Holders)
	}
	if h.puts != 1 {
		t.Errorf("it was asked to keep one %d times", h.puts)
	}
}

func TestTheStateSaysWhyNothingCanBeRemembered(t *testing.T) {
	if s := Open(Options{Mode: Off}).State(t.Context()); s.Dir != "" || s.Reason != "the cache is off" || s.Holders != nil {
		t.Errorf("%+v", s)
	}
	skipWhereModesMeanNothing(t)
	dir := privateDir(t)
	if err := errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, 0o500)); err != nil {
		t.Fatal(err)
	}
	if s := Open(Options{Mode: File, Dir: dir}).State(t.Context()); os.Geteuid() != 0 && s.Reason != dir+" is read-only" {
		t.Errorf("%+v", s)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if s := Open(Options{Mode: File, Dir: link}).State(t.Context()); !strings.Contains(s.Reason, "is a link") {
		t.Errorf("%+v", s)
	}
}

// named is a memory under another name.
type named struct {
	label string
	*memory
}

func (n named) name() string { return n.label }
