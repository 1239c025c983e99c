package cache

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestNoDaemonIsStartedWhereThereIsNoBus(t *testing.T) {
	for _, address := range []string{"", "autolaunch:", "autolaunch:scope=*user", "unix:path=/nowhere;autolaunch:"} {
		if address == "" || address == "autolaunch:" {
			if reason := settleBus(func(string) (string, bool) { return "", false }); reason == "" {
				t.Log("this user has a bus in /run/user, so the case without any cannot be made")
				continue
			}
		}
		bin := t.TempDir()
		ran := filepath.Join(bin, "ran")
		if err := os.WriteFile(filepath.Join(bin, "dbus-launch"), []byte("#!/bin/sh\n: > '"+ran+"'\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", bin)
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
		c := Open(Options{Mode: Keyring, Dir: privateDir(t), Lookup: os.LookupEnv, Now: newClock().now})
		out := want(t, c, request("x"), &issuer{clock: newClock(), life: time.Hour}, "a")
		if !strings.Contains(out.Reason, "session bus") {
			t.Errorf("%q: outcome %+v", address, out)
		}
		if exists(ran) {
			t.Errorf("%q: dbus-launch was run", address)
		}
		if exists(filepath.Join(c.dir, markerName(keyringHolder{}))) {
			t.Errorf("%q: an absent bus, which costs nothing, left a marker", address)
		}
	}
}
