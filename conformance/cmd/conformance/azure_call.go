package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

// answer is the line that a program under azure/ prints. Those that are not ours fill OK, Error and Output from their
// exit code and streams.
type answer struct {
	Client  string `json:"client"`
	Version string `json:"version"`
	Verb    string `json:"verb"`
	OK      bool   `json:"ok"`
	// Token goes through this pipe and no further: it is checked and never shown.
	Token string `json:"token"`
	// ExpiresOn is when the library believes that the token expires, in seconds since 1970.
	ExpiresOn int64 `json:"expires_on"`
	// Blobs are the names that a listing gave.
	Blobs []string `json:"blobs"`
	// User is who an API server takes the caller for.
	User  string `json:"user"`
	MS    int64  `json:"ms"`
	Error string `json:"error"`
	// Tokens are those of each call, the last one included, where there are several; Asked is when the calls began, in
	// milliseconds since 1970.
	Tokens []string `json:"tokens"`
	Asked  []int64  `json:"asked"`
	// Result is what a service of Google's gave: rows, or names of objects.
	Result []string `json:"result"`

	Output, Diagnostics string `json:"-"`
}

// patience is how long a client may take; the helper itself ends within 9 s.
const patience = 60 * time.Second

// call runs the client with one ask on a Google Cloud machine.
func call(ctx context.Context, m *machine, clouds *fakecloud.Sandbox, name, cache string, argv []string, a ask) row {
	return run(ctx, m, m.environment(cache, clouds, a.env), name, argv, a)
}

// run runs the client with one ask. Its standard input stays open and silent, as JavaScript leaves it to what it runs.
func run(ctx context.Context, m *machine, env []string, name string, argv []string, a ask) row {
	ctx, cancel := context.WithTimeout(ctx, patience+a.lasts)
	defer cancel()
	r := row{client: name, version: a.version, verb: a.verb}
	silent, never, err := os.Pipe()
	if err != nil {
		r.err = err
		return r
	}
	defer func() { _, _ = silent.Close(), never.Close() }()
	var stdout, stderr bytes.Buffer
	argv = append(argv[:len(argv):len(argv)], a.args...)
	if len(a.argv) > 0 {
		argv = a.argv
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = "/bin", env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = silent, &stdout, &stderr
	cmd.WaitDelay = time.Second
	start := time.Now()
	err = cmd.Run()
	r.took = time.Since(start)
	if ctx.Err() != nil {
		err = fmt.Errorf("no end after %s", patience+a.lasts)
	}
	got := answer{OK: err == nil, Output: stdout.String(), Diagnostics: stderr.String(), MS: r.took.Milliseconds()}
	if err != nil {
		got.Error = strings.TrimSpace(fmt.Sprintf("%v\n%s", err, stderr.String()))
	}
	if !a.plain {
		lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
		if bad := json.Unmarshal([]byte(lines[len(lines)-1]), &got); bad != nil {
			r.err = errors.Join(err, fmt.Errorf("the client's answer is not JSON: %w\n%s", bad, tail(append(hide(stdout.Bytes()), hide(stderr.Bytes())...))))
			return r
		}
		r.client, r.version, r.took = name+" "+got.Client, got.Version, time.Duration(got.MS)*time.Millisecond
	}
	if !got.OK {
		r.shown = string(hide([]byte(got.Error)))
	}
	r.err = errors.Join(notShown("error", got.Error), notShown("standard error", stderr.String()), a.check(m, got))
	return r
}

// notShown fails where a token, or part of one, went where a person reads: "eyJ" begins the parts of Entra's, "ya29." Google's.
func notShown(where, text string) error {
	if strings.Contains(text, "eyJ") || strings.Contains(text, "ya29.") {
		return fmt.Errorf("a token is visible in its %s: %s", where, hide([]byte(text)))
	}
	return nil
}

// hide keeps tokens out of our own output.
func hide(text []byte) []byte {
	return regexp.MustCompile(`(eyJ|ya29\.)[^ "'\n\t]*`).ReplaceAll(text, []byte("[token]"))
}
