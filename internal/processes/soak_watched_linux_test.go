package processes

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
	"github.com/idferry/idferry/internal/token"
)

// watched is a process that lives all day and keeps a file.
type watched struct {
	name  string
	cmd   *exec.Cmd
	stdin io.Closer
	file  string
	is    func(token.Claims) bool
	from  upstream
	said  bytes.Buffer
}

func (s *soak) startWatched() []*watched {
	file := filepath.Join(s.short.home, "subject-token")
	subject := &watched{name: "token-file", file: file, from: upstream{s.short, "imds"},
		cmd: exec.CommandContext(context.Background(), s.programs.source, "token-file", "--path", file, "--credential", "managed-identity", "--client-id", fakecloud.SandboxUserClient, "--resource", "https:"+fakecloud.SandboxProvider),
		is:  func(c token.Claims) bool { return c.ObjectID == fakecloud.SandboxUserOID }}
	assertion := &watched{name: "exec", from: upstream{s.short, "metadata"},
		cmd: s.short.executed(s.programs, `echo "$AZURE_FEDERATED_TOKEN_FILE"; read line; exit 0`),
		is: func(c token.Claims) bool {
			return c.Issuer == fakecloud.GoogleIssuer && c.Subject == fakecloud.SandboxAccountID && slices.Equal(c.Audience, []string{fakecloud.AssertionAudience})
		}}
	for _, w := range []*watched{subject, assertion} {
		// What grows although the collector runs all the time is lost.
		w.cmd.Env = append(append([]string{}, s.short.env...), "GOGC=10")
		w.cmd.Stderr = &w.said
		stdin, inErr := w.cmd.StdinPipe()
		stdout, outErr := w.cmd.StdoutPipe()
		if err := errors.Join(inErr, outErr, w.cmd.Start()); err != nil {
			s.t.Fatal(err)
		}
		w.stdin = stdin
		if w.file == "" {
			line, err := bufio.NewReader(stdout).ReadString('\n')
			if err != nil {
				s.t.Fatal(err)
			}
			w.file = strings.TrimSpace(line)
		}
	}
	soon(s.t, "the file is there", func() bool { _, err := os.Stat(file); return err == nil })
	return []*watched{subject, assertion}
}

// watch reads the file all day.
func (s *soak) watch(w *watched, ended <-chan struct{}) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	last := ""
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
		}
		raw, err := os.ReadFile(w.file)
		now := time.Now()
		claims, claimsErr := token.ReadClaims(string(raw))
		if err != nil || claimsErr != nil || !w.is(claims) {
			s.errorf("%s: %d bytes, %v", w.name, len(raw), errors.Join(err, claimsErr))
			continue
		}
		if string(raw) != last {
			last = string(raw)
			s.count(&s.figures.renewals)
		}
		if !claims.Expiry.After(now) {
			// A renewal that fails is repeated after five seconds, ten, twenty; one that hears nothing takes 25 s to fail.
			if !s.outages[w.from].overlap(now.Add(-time.Minute), now) {
				s.errorf("%s: the file's token ended %s ago", w.name, now.Sub(claims.Expiry))
			}
			s.count(&s.figures.expired)
		}
	}
}

// endWatched ends them as their supervisor does.
func (s *soak) endWatched(all []*watched) {
	for _, w := range all {
		if w.name == "token-file" {
			_ = w.cmd.Process.Signal(syscall.SIGTERM)
		}
		_ = w.stdin.Close()
		if err := w.cmd.Wait(); err != nil {
			s.errorf("%s: %v: %s", w.name, err, &w.said)
		}
		s.t.Logf("%s said %d lines", w.name, strings.Count(w.said.String(), "\n"))
	}
	s.short.left(s.t)
}
