//go:build unix

package cache

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Opening a FIFO waits for somebody to write into it, unless it is opened with care.
func TestAPipeInAFilesPlaceIsAMissAndDoesNotBlock(t *testing.T) {
	clock := newClock()
	dir := privateDir(t)
	i := &issuer{clock: clock, life: time.Hour}
	want(t, open(t, dir, clock), request("x"), i, "a")
	names := []string{wantedBy(request("x")).id().entryName(), wantedBy(request("x")).id().failureName(), keyFile, markerName(fileHolder{})}
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if err := unix.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out := want(t, open(t, dir, clock), request("x"), i, "b"); !strings.Contains(out.Reason, keyFile) {
		t.Errorf("outcome %+v", out)
	}
	if n := len(open(t, dir, clock).List()); n != 0 {
		t.Errorf("%d listed", n)
	}
	if _, err := open(t, dir, clock).Clear(t.Context(), Selection{Keys: true}); err != nil {
		t.Fatal(err)
	}
	want(t, open(t, dir, clock), request("x"), i, "c")
	want(t, open(t, dir, clock), request("x"), i, "c")
}
