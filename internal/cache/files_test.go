package cache

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/adrg/xdg"

	"github.com/idferry/idferry/internal/token"
)

func TestWhatIsWrittenIsPrivateAndSealed(t *testing.T) {
	clock := newClock()
	dir := privateDir(t)
	i := &issuer{clock: clock, life: time.Hour, size: 100}
	want(t, open(t, dir, clock), request("x"), i, "a")
	i.fail = errUpstream
	_, _, _ = open(t, dir, clock).Token(t.Context(), request("y"), i.mint)
	kinds := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if private(info) != nil {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if e.IsDir() {
			return nil
		}
		kinds[filepath.Ext(path)] = true
		raw, err := os.ReadFile(path)
		if bytes.Contains(raw, []byte("xxxx")) {
			t.Errorf("%s shows the token", path)
		}
		return err
	})
	if err != nil || !kinds[entrySuffix] || !kinds[failureSuffix] || !kinds[".lock"] {
		t.Errorf("files %v, %v", kinds, err)
	}
}

func TestAnOddFileIsAMissAndIsReplaced(t *testing.T) {
	overwrite := func(change func([]byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, change(raw), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	flip := func(at int) func(*testing.T, string) {
		return overwrite(func(b []byte) []byte {
			if at < 0 {
				at += len(b)
			}
			b[at] ^= 1
			return b
		})
	}
	for name, spoil := range map[string]func(*testing.T, string){
		"empty":                   overwrite(func([]byte) []byte { return nil }),
		"only its magic":          overwrite(func(b []byte) []byte { return b[:8] }),
		"cut short":               overwrite(func(b []byte) []byte { return b[:len(b)-1] }),
		"only its header":         overwrite(func(b []byte) []byte { return b[:60] }),
		"longer":                  overwrite(func(b []byte) []byte { return append(b, 0) }),
		"too large":               overwrite(func(b []byte) []byte { return append(b, make([]byte, maxEntry)...) }),
		"not ours":                overwrite(func([]byte) []byte { return []byte(`{"access_token":"z"}`) }),
		"of another version":      flip(7),
		"of another holder":       flip(10),
		"of another key":          flip(15),
		"with a longer life":      flip(8 + 1 + len("file") + 8 + 8 + 4),
		"with another refresh":    flip(8 + 1 + len("file") + 8 + 16 + 7),
		"with another text":       flip(8 + 1 + len("file") + 8 + 24 + 4),
		"with a damaged sealing":  flip(-1),
		"with a damaged token":    flip(-18),
		"with a damaged nonce":    flip(-40),
		"a directory":             func(t *testing.T, p string) { replace(t, p, func() error { return os.Mkdir(p, 0o700) }) },
		"a link to the real file": func(t *testing.T, p string) { link(t, p) },
		"a link to nothing":       func(t *testing.T, p string) { replace(t, p, func() error { return os.Symlink("gone", p) }) },
	} {
		t.Run(name, func(t *testing.T) {
			clock := newClock()
			dir := privateDir(t)
			i := &issuer{clock: clock, life: time.Hour, size: 20}
			want(t, open(t, dir, clock), request("x"), i, "a")
			path := entryPath(dir, request("x"))
			spoil(t, path)
			if out := want(t, open(t, dir, clock), request("x"), i, "b"); out.Hit || out.Reason == "" {
				t.Errorf("outcome %+v", out)
			}
			if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
				want(t, open(t, dir, clock), request("x"), i, "b")
			} else if name != "a directory" {
				t.Errorf("the file was not replaced: %v", err)
			}
		})
	}
}

func replace(t *testing.T, path string, by func() error) {
	t.Helper()
	if err := errors.Join(os.Remove(path), by()); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, path string) {
	t.Helper()
	if err := errors.Join(os.Rename(path, path+".real"), os.Symlink(path+".real", path)); err != nil {
		t.Fatal(err)
	}
}

func TestAFileCopiedOverAnothersDoesNotOpen(t *testing.T) {
	clock := newClock()
	dir := privateDir(t)
	i := &issuer{clock: clock, life: time.Hour}
	want(t, open(t, dir, clock), request("x"), i, "a")
	raw, err := os.ReadFile(entryPath(dir, request("x")))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(entryPath(dir, request("y")), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, open(t, dir, clock), request("y"), i, "b")
}

func TestADirectoryThatOthersCanReachIsNotUsed(t *testing.T) {
	for name, spoil := range map[string]func(*testing.T, string) error{
		"open to others": func(_ *testing.T, dir string) error { return os.Chmod(dir, 0o755) },
		"a link": func(t *testing.T, dir string) error {
			return errors.Join(os.Rename(dir, dir+".real"), os.Symlink(dir+".real", dir))
		},
		"of another user": func(t *testing.T, dir string) error {
			if os.Geteuid() != 0 || os.Chown(dir, 65534, 65534) != nil {
				t.Skip("only root can give a directory away")
			}
			return nil
		},
		"a file": func(_ *testing.T, dir string) error {
			return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			skipWhereModesMeanNothing(t)
			clock := newClock()
			dir := privateDir(t)
			i := &issuer{clock: clock, life: time.Hour}
			want(t, open(t, dir, clock), request("x"), i, "a")
			if err := spoil(t, dir); err != nil {
				t.Fatal(err)
			}
			for _, value := range []string{"b", "c"} {
				if out := want(t, open(t, dir, clock), request("x"), i, value); out.Hit || !strings.Contains(out.Reason, dir) {
					t.Errorf("outcome %+v", out)
				}
			}
			c := open(t, dir, clock)
			if err := c.Forget(t.Context(), request("x")); err != nil || len(c.List()) != 0 {
				t.Errorf("forget: %v, list: %v", err, c.List())
			}
		})
	}
}

func TestAnEntryOfAnotherUserIsAMiss(t *testing.T) {
	clock := newClock()
	dir := privateDir(t)
	i := &issuer{clock: clock, life: time.Hour}
	want(t, open(t, dir, clock), request("x"), i, "a")
	if os.Geteuid() != 0 || os.Chown(entryPath(dir, request("x")), 65534, 65534) != nil {
		t.Skip("only root can give a file away")
	}
	if out := want(t, open(t, dir, clock), request("x"), i, "b"); !strings.Contains(out.Reason, "another user") {
		t.Errorf("outcome %+v", out)
	}
}

func TestOpeningACacheTouchesNothing(t *testing.T) {
	dir := privateDir(t)
	h := &memory{}
	c := open(t, dir, newClock(), h)
	if exists(dir) || h.operations() != 0 || len(c.List()) != 0 || exists(dir) {
		t.Error("Open made a directory or asked the holder")
	}
}

func TestWithoutASaneHomeNothingIsRememberedOrCreated(t *testing.T) {
	if filepath.Separator != '/' {
		t.Skip("Windows asks the system, not HOME")
	}
	work := t.TempDir()
	t.Chdir(work)
	for _, tt := range []struct {
		name, home, cacheHome string
		works                 bool
	}{
		{"no HOME, in a systemd unit with CacheDirectory=", "", "", true},
		{"no HOME", "", "", false},
		{"a relative HOME", "here", "", false},
		{"the root as HOME", "/", "", false},
		{"a HOME that does not exist", filepath.Join(work, "gone"), "", false},
		{"a relative XDG_CACHE_HOME and no HOME", "", "cache", false},
		{"a HOME", work, "", true},
		{"XDG_CACHE_HOME and no HOME", "", filepath.Join(work, "cache"), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// Clean up first registered runs last: the library reads the environment again once that is restored.
			t.Cleanup(xdg.Reload)
			t.Setenv("HOME", tt.home)
			t.Setenv("XDG_CACHE_HOME", tt.cacheHome)
			t.Setenv("CACHE_DIRECTORY", "")
			if strings.Contains(tt.name, "CacheDirectory") {
				t.Setenv("CACHE_DIRECTORY", filepath.Join(work, "service")+":"+filepath.Join(work, "second"))
			}
			xdg.Reload()
			clock := newClock()
			c := Open(Options{Mode: File, Lookup: os.LookupEnv, Now: clock.now})
			i := &issuer{clock: clock, life: time.Hour}
			out := want(t, c, request("x"), i, "a")
			if tt.works {
				want(t, c, request("x"), i, "a")
				dir, _ := c.Dir()
				if !exists(dir) || filepath.Base(dir) != "idferry" {
					t.Errorf("directory %q", dir)
				}
				return
			}
			if out.Reason == "" || exists("here") || exists("/.cache/idferry") {
				t.Errorf("outcome %+v", out)
			}
			want(t, c, request("x"), i, "b")
		})
	}
}

func TestARelativeDirectoryIsRefused(t *testing.T) {
	c := Open(Options{Mode: File, Dir: "cache"})
	if _, reason := c.Dir(); reason == "" {
		t.Error("a path under the working directory was accepted")
	}
}

func TestAReadOnlyDirectoryCostsOnlyTheCache(t *testing.T) {
	skipWhereModesMeanNothing(t)
	if os.Geteuid() == 0 {
		t.Skip("root writes where it may not")
	}
	clock := newClock()
	dir := privateDir(t)
	i := &issuer{clock: clock, life: time.Hour}
	want(t, open(t, dir, clock), request("x"), i, "a")
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	want(t, open(t, dir, clock), request("x"), i, "a")
	if out := want(t, open(t, dir, clock), request("y"), i, "b"); out.Reason == "" {
		t.Errorf("outcome %+v", out)
	}
	want(t, open(t, dir, clock), request("y"), i, "c")
}

func TestADirectoryThatCannotBeMadeCostsOnlyTheCache(t *testing.T) {
	clock := newClock()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	i := &issuer{clock: clock, life: time.Hour}
	c := open(t, filepath.Join(file, "idferry"), clock)
	if out := want(t, c, request("x"), i, "a"); out.Reason == "" {
		t.Errorf("outcome %+v", out)
	}
	want(t, c, request("x"), i, "b")
}

func TestExpiredEntriesAreSweptAfterAWriteAndLocksAreNot(t *testing.T) {
	clock := newClock()
	dir := privateDir(t)
	c := open(t, dir, clock)
	i := &issuer{clock: clock, life: time.Hour}
	want(t, c, request("old"), i, "a")
	left := filepath.Join(dir, temporaryPrefix+"left")
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-2 * unfinished)
	if err := os.Chtimes(left, long, long); err != nil {
		t.Fatal(err)
	}
	clock.advance(30 * time.Minute)
	want(t, c, request("new"), i, "b")
	if !exists(entryPath(dir, request("old"))) {
		t.Fatal("an entry that is still good was swept")
	}
	clock.advance(45 * time.Minute)
	want(t, c, request("newer"), i, "c")
	if exists(entryPath(dir, request("old"))) || !exists(entryPath(dir, request("new"))) || exists(left) {
		t.Error("the expired entry or the abandoned file is still there, or a good one is not")
	}
	if locks, _ := filepath.Glob(filepath.Join(dir, "*.lock")); len(locks) < 3 {
		t.Errorf("locks %v", locks)
	}
}

func TestTheListShowsWhatIsRememberedAndClearRemovesIt(t *testing.T) {
	clock := newClock()
	h := &memory{}
	dir := privateDir(t)
	c := open(t, dir, clock, h)
	i := &issuer{clock: clock, life: time.Hour, refresh: time.Minute}
	want(t, c, request("y"), i, "a")
	want(t, c, request("x"), i, "b")
	before := h.operations()
	list := c.List()
	if len(list) != 2 || list[0].Description != "a token for x" || list[0].Holder != "memory" || list[0].ID != wantedBy(request("x")).id().String() ||
		!list[0].ExpiresOn.Equal(noon.Add(time.Hour)) || !list[0].RefreshOn.Equal(noon.Add(time.Minute)) || !list[0].Minted.Equal(noon) || h.operations() != before {
		t.Errorf("list %+v", list)
	}
	if removed, err := c.Clear(t.Context(), Selection{}); err != nil || len(removed) != 2 || len(c.List()) != 0 || h.key == nil {
		t.Errorf("clear: %v %v, list %v", removed, err, c.List())
	}
	want(t, c, request("x"), i, "c")
	if _, err := c.Clear(t.Context(), Selection{Keys: true}); err != nil || h.key != nil {
		t.Errorf("clear with the key: %v", err)
	}
	want(t, c, request("x"), i, "d")
}

func TestClearRemovesWhatIsSelectedAndLeavesTheRest(t *testing.T) {
	clock := newClock()
	dir := privateDir(t)
	c := open(t, dir, clock)
	short, long := &issuer{clock: clock, life: time.Hour}, &issuer{clock: clock, life: 3 * time.Hour}
	failing := &issuer{clock: clock, fail: errUpstream}
	fill := func() {
		want(t, c, request("blob storage"), short, string(rune('a'+short.minted.Load())))
		clock.advance(90 * time.Minute)
		want(t, c, request("Key Vault"), long, string(rune('a'+long.minted.Load())))
		// Written behind the cache's back: a write sweeps what has expired.
		raw, err := seal(cacheKey{}, header{holder: "file", minted: noon, expires: noon.Add(time.Hour), description: "old"}, wantedBy(request("old")), token.NewSecret("t"))
		if err := errors.Join(err, writeOwn(dir, wantedBy(request("old")).id().entryName(), raw), writeOwn(dir, strings.Repeat("0", 64)+entrySuffix, []byte("?"))); err != nil {
			t.Fatal(err)
		}
		_, _, _ = c.Token(t.Context(), request("broken"), failing.mint)
	}
	vault := wantedBy(request("Key Vault")).id().String()
	for _, tt := range []struct {
		name   string
		s      Selection
		want   string
		leaves int // entry and failure files
	}{
		{"the expired ones", Selection{Expired: true}, "old", 3},
		{"by a part of the description, in any letters", Selection{Match: "key vault"}, "a token for Key Vault", 3},
		{"by the beginning of an ID", Selection{Match: vault[:8]}, "a token for Key Vault", 3},
		{"nothing that matches", Selection{Match: "queue"}, "", 4},
		{"everything", Selection{}, "a token for Key Vault, old", 0},
	} {
		if _, err := c.Clear(t.Context(), Selection{}); err != nil {
			t.Fatal(err)
		}
		fill()
		removed, err := c.Clear(t.Context(), tt.s)
		var names []string
		for _, e := range removed {
			names = append(names, e.Description)
		}
		left, _ := filepath.Glob(filepath.Join(dir, "*.[te][or][kr]"))
		if got := strings.Join(names, ", "); err != nil || got != tt.want || len(left) != tt.leaves {
			t.Errorf("%s: removed %q, %v, left %d files", tt.name, got, err, len(left))
		}
	}
	if !exists(filepath.Join(dir, keyFile)) {
		t.Error("the key was removed")
	}
}

func TestFilesThatNobodyCanReadAnyMoreAreSwept(t *testing.T) {
	clock := newClock()
	dir := privateDir(t)
	c := open(t, dir, clock)
	i := &issuer{clock: clock, life: time.Hour}
	want(t, c, request("x"), i, "a")
	swept := map[string]bool{}
	for name, age := range map[string]time.Duration{
		"of-another-version.tok": outlived + time.Hour, "newer-of-another-version.tok": time.Hour,
		"forgotten.err": abandoned + time.Minute, "recent.err": 0,
		"holder-keyring.down": abandoned + time.Minute, "holder-kernel.down": 0,
		"key-v1.old": 2 * outlived, "not-ours": 2 * outlived,
	} {
		path, at := filepath.Join(dir, name), time.Now().Add(-age)
		if err := errors.Join(os.WriteFile(path, []byte("?"), 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
		swept[name] = age > outlived || age > abandoned && filepath.Ext(name) != entrySuffix
	}
	swept["key-v1.old"], swept["not-ours"] = false, false
	// A real entry whose time has been tampered with, or a directory in an entry's place, is no exception and no trouble.
	old := time.Now().Add(-outlived - time.Hour)
	if err := errors.Join(os.Chtimes(entryPath(dir, request("x")), old, old), os.Mkdir(filepath.Join(dir, "odd.tok"), 0o700)); err != nil {
		t.Fatal(err)
	}
	want(t, c, request("y"), i, "b")
	if exists(entryPath(dir, request("x"))) || !exists(filepath.Join(dir, "odd.tok")) {
		t.Error("an entry that no token can outlive is still there, or a directory is not")
	}
	for name, gone := range swept {
		if exists(filepath.Join(dir, name)) == gone {
			t.Errorf("%s: swept %v", name, !gone)
		}
	}
}

func TestALongDescriptionIsCutNotRefused(t *testing.T) {
	clock := newClock()
	c := open(t, privateDir(t), clock)
	r := request("x")
	r.Description = strings.Repeat("ä", 40_000)
	i := &issuer{clock: clock, life: time.Hour}
	want(t, c, r, i, "a")
	want(t, c, r, i, "a")
}

func FuzzAHeaderIsReadOrRefused(f *testing.F) {
	raw, err := seal(cacheKey{1}, header{holder: "file", minted: noon, expires: noon.Add(time.Hour), description: "x"}, wanted("w"), token.NewSecret("t"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, size, err := parseHeader(raw)
		if err != nil {
			return
		}
		if size > len(raw) || !bytes.HasPrefix(raw, []byte(magic)) {
			t.Fatalf("a header of %d bytes in %d", size, len(raw))
		}
		e := entry{h, raw, size}
		_, _ = e.fresh(noon), e.usable(noon)
	})
}

func skipWhereModesMeanNothing(t *testing.T) {
	t.Helper()
	if filepath.Separator != '/' {
		t.Skip("Windows has access lists instead of modes")
	}
}
