package google

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
	"github.com/idferry/idferry/internal/problem"
)

func TestTokenFileIsReadAtEachCall(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "token")
	s := w.settings("token-file")
	s.TokenFile = path
	write := func(options ...fakecloud.IDTokenOption) string {
		raw, err := w.cloud.IDToken(runner, audience, options...)
		if err != nil {
			t.Fatal(err)
		}
		// Editors and echo leave a line break, which would arrive as part of the assertion.
		if err := os.WriteFile(path, []byte(raw+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return raw
	}
	first := write()
	i, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	got, err := i.Token(context.Background())
	if err != nil || got.Value.Reveal() != first {
		t.Fatal(err)
	}
	second := write(fakecloud.IDTokenIssued(w.now(), 20*time.Minute))
	got, err = i.Token(context.Background())
	if err != nil || got.Value.Reveal() != second || !got.ExpiresOn.Equal(w.now().Add(20*time.Minute)) {
		t.Fatal(err, got.ExpiresOn)
	}
	if i.Name() != "token-file" || input(i, "token-subject") != runnerID || input(i, "token-issuer") != fakecloud.GoogleIssuer || input(i, "token-file") != path {
		t.Error(i.Name(), i.Inputs())
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err = i.Token(context.Background())
	refused(t, err, problem.BadInput, path, "no such file")
}

func TestTokenFilesThatCannotBeUsed(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		content string
		words   string
	}{
		"empty":        {" \n", "it is empty"},
		"access token": {"ya29.c.opaque", "not a JSON Web Token"},
		"JSON":         {`{"access_token":"x"}`, "not a JSON Web Token"},
	} {
		t.Run(name, func(t *testing.T) {
			s := w.settings("auto")
			s.TokenFile = w.write("token", []byte(c.content))
			_, err := New(s)
			refused(t, err, problem.BadInput, s.TokenFile, c.words)
		})
	}
	s := w.settings("auto")
	s.TokenFile = filepath.Join(t.TempDir(), "missing")
	_, err := New(s)
	refused(t, err, problem.BadInput, s.TokenFile, "no such file")
	s.TokenFile = t.TempDir()
	_, err = New(s)
	refused(t, err, problem.BadInput, s.TokenFile, "is a directory")
}

func TestTokenFileThatNobodyRenews(t *testing.T) {
	w := newWorld(t)
	raw, err := w.cloud.IDToken(runner, audience, fakecloud.IDTokenIssued(time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC), time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	s := w.settings("token-file")
	s.TokenFile = w.write("token", []byte(raw))
	s.Now = func() time.Time { return time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC) }
	_, _, _, err = w.take(s)
	refused(t, err, problem.Expired, s.TokenFile, "expired at 2026-11-23T08:00:00Z", "clock shows 2026-11-23T08:00:00Z")
	// A cached Entra token may outlive it, so making the identity is no failure.
	if _, err := New(s); err != nil {
		t.Error(err)
	}
}
