//go:build unix

package google

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/problem"
)

// gcloudScript puts a gcloud of our own on PATH. $DIR in it is a directory for what it leaves behind.
func (w *world) gcloudScript(t *testing.T, script string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	script = "#!/bin/sh\nDIR='" + dir + "'\n" + script
	if err := os.WriteFile(filepath.Join(dir, "gcloud"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return dir
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestGcloudIsAskedWithTheAudience(t *testing.T) {
	w := newWorld(t)
	raw, err := w.cloud.IDToken(runner, audience)
	if err != nil {
		t.Fatal(err)
	}
	dir := w.gcloudScript(t, `printf '%s\n' "$@" >"$DIR/args"; cat >"$DIR/stdin"; echo "$CLOUDSDK_CORE_DISABLE_PROMPTS" >"$DIR/prompts"
echo WARNING: chatter >&2; echo `+raw+"\n")
	s := w.settings("gcloud")
	w.takeFor(s, "gcloud", runner)
	if got := read(t, filepath.Join(dir, "args")); got != "auth\nprint-identity-token\n--audiences="+audience+"\n" {
		t.Error(got)
	}
	if read(t, filepath.Join(dir, "stdin")) != "" || read(t, filepath.Join(dir, "prompts")) != "1\n" {
		t.Error("gcloud could ask somebody")
	}
	s.ServiceAccount = middle + "," + runner
	w.takeFor(s, "gcloud", runner)
	if got := read(t, filepath.Join(dir, "args")); !strings.HasSuffix(got, "\n--impersonate-service-account="+middle+","+runner+"\n--include-email\n") {
		t.Error(got)
	}
}

func TestGcloudThatFails(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		script, code string
		words        []string
	}{
		"user account": {"echo 'ERROR: (gcloud.auth.print-identity-token) Invalid account Type for `--audiences`. Requires valid service account.' >&2; exit 1",
			problem.NoIdentity, []string{"ended with 1", "Invalid account Type", "--impersonate-service-account EMAIL"}},
		"nobody":     {"echo 'ERROR: You do not currently have an active account selected.' >&2; exit 1", problem.NoIdentity, []string{"gcloud auth login"}},
		"a secret":   {"echo 'ERROR: token ya29.secretsecret was refused' >&2; exit 3", problem.NoIdentity, []string{"ended with 3: ERROR: token [redacted] was refused", "--audiences=" + audience}},
		"long words": {"head -c 5000 /dev/zero | tr '\\0' x >&2; exit 1", problem.NoIdentity, []string{"xxx…"}},
		"nothing":    {"exit 0", problem.BadAnswer, []string{"printed nothing"}},
		"no token":   {"echo Updates are available", problem.BadAnswer, []string{"not a JSON Web Token"}},
	} {
		t.Run(name, func(t *testing.T) {
			w.gcloudScript(t, c.script)
			_, _, _, err := w.take(w.settings("gcloud"))
			refused(t, err, c.code, c.words...)
		})
	}
	t.Setenv("PATH", t.TempDir())
	_, _, _, err := w.take(w.settings("gcloud"))
	refused(t, err, problem.NoIdentity, "gcloud was not found on PATH")
}

func TestGcloudAndItsChildrenEndWithTheCall(t *testing.T) {
	w := newWorld(t)
	// The pipe ends when the last process that holds it is gone.
	dir := w.gcloudScript(t, `exec 9>"$DIR/fifo"; sleep 1000 & echo started >&9; wait`)
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	gone := make(chan error, 1)
	go func() {
		pipe, err := os.Open(fifo)
		if err == nil {
			defer pipe.Close()
			_, err = io.ReadFull(pipe, make([]byte, len("started\n")))
		}
		cancel()
		if err == nil {
			_, err = io.Copy(io.Discard, pipe)
		}
		gone <- err
	}()
	i, err := New(w.settings("gcloud"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = i.Token(ctx)
	refused(t, err, problem.DeadlineExceeded, "waiting for gcloud")
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	select {
	case err := <-gone:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("a process outlives the call")
	}
}

func TestGcloudAccountOfTheActiveConfiguration(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	w.env["CLOUDSDK_CONFIG"] = dir
	for name, content := range map[string]string{
		"active_config":                 "work\n",
		"configurations/config_work":    "[core]\naccount = work@example.com\nproject = p\n\n[auth]\nimpersonate_service_account = " + runner + "\n",
		"configurations/config_private": "[core]\naccount=private@example.com\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check := func(configuration, account, impersonated string) {
		t.Helper()
		i, err := New(w.settings("gcloud"))
		if err != nil {
			t.Fatal(err)
		}
		if input(i, "gcloud-configuration") != configuration || input(i, "gcloud-account") != account || input(i, "gcloud-impersonate_service_account") != impersonated {
			t.Errorf("%+v", i.Inputs())
		}
	}
	check("work", "work@example.com", runner)
	w.env["CLOUDSDK_ACTIVE_CONFIG_NAME"] = "private"
	check("private", "private@example.com", "")
	w.env["CLOUDSDK_CORE_ACCOUNT"] = "other@example.com"
	check("private", "other@example.com", "")
}
