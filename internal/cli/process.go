// Package cli is what both binaries share around their verbs: the process as a value, settings from flags and
// environment, the deadline, the log file, and how an error is shown to a person.
//
// The rules of output, for both binaries:
//   - In a protocol mode stdout carries exactly one document and stderr stays empty when the call succeeds.
//   - Errors are shown to people on stderr as "NAME: message", then "NAME: hint" on a line of its own.
//   - Nothing is coloured, nothing is logged there. Diagnostics go to the file that --log-file names.
//   - Standard input is never read.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/idferry/idferry/internal/attempt"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// Exit codes of the verbs for people. Protocol modes document their own.
const (
	ExitOK      = 0
	ExitFailure = 1 // the call was well formed and did not succeed
	ExitMisuse  = 2 // a flag, variable or file is unusable; nothing was attempted
)

// Process is everything a run may take from outside. Only main fills one from the real process.
type Process struct {
	// Name is the base name the program was started under, without .exe.
	Name string
	// Started is the first word of the command line, as the program was started.
	Started string
	Args    []string
	Lookup  func(string) (string, bool)
	// Environ is the whole environment, for a program that is started in the place of this one.
	Environ func() []string
	Stdout  io.Writer
	Stderr  io.Writer
	Now     func() time.Time
	// Person reports whether somebody reads stderr: no client library leaves it connected to a terminal.
	Person bool
	// Columns is the width of the terminal that stdout is, or 0 where it is none.
	Columns func() int
}

// Current returns the real process. It is for main alone.
func Current() Process {
	name := strings.ToLower(filepath.Base(os.Args[0]))
	if runtime.GOOS == "windows" {
		name = strings.TrimSuffix(name, ".exe")
	}
	return Process{
		Name: name, Started: os.Args[0], Args: os.Args[1:], Lookup: os.LookupEnv, Environ: os.Environ,
		Stdout: os.Stdout, Stderr: os.Stderr, Now: time.Now,
		Person: term.IsTerminal(int(os.Stderr.Fd())),
		Columns: func() int {
			width, _, err := term.GetSize(int(os.Stdout.Fd()))
			if err != nil {
				return 0
			}
			return max(width, 1)
		},
	}
}

// Getenv returns the variable's value, or "" when it is unset.
func (p Process) Getenv(name string) string {
	v, _ := p.Lookup(name)
	return v
}

// Fail shows err to a person and returns the exit code for it.
func (p Process) Fail(err error) int {
	e := problem.From(err)
	clean := token.NewRedactor().Clean
	_, _ = fmt.Fprintf(p.Stderr, "%s: %s\n", p.Name, OneLine(clean(e.Coded())))
	if e.Hint != "" {
		_, _ = fmt.Fprintf(p.Stderr, "%s: %s\n", p.Name, OneLine(clean(e.Hint)))
	}
	if e.Misuse {
		return ExitMisuse
	}
	return ExitFailure
}

// NotPassedOn tells a person of variables that a program is started without. Their values are nobody's to see.
func (p Process) NotPassedOn(variables []string, overruled string) {
	if len(variables) > 0 {
		_, _ = fmt.Fprintf(p.Stderr, "%s: not passed on, because it would win over %s: %s\n", p.Name, overruled, strings.Join(variables, ", "))
	}
}

// NeedsProgram is cobra's check of the words of a verb that runs a program.
func NeedsProgram(cmd *cobra.Command, args []string) error {
	if len(args) == 0 || args[0] == "" {
		return problem.Input("command line", "there is no program to run").WithHint("%s [flags] -- PROGRAM [ARGUMENT…]", cmd.CommandPath())
	}
	return nil
}

// Renewal returns what tells a person of a renewal that fails, once for a row of failures, and of its end. what is that
// which is renewed; ends says until when the last one can be used.
func (p Process) Renewal(what string, ends func() time.Time) func(error) {
	return func(err error) {
		if err == nil {
			_, _ = fmt.Fprintf(p.Stderr, "%s: %s is renewed again\n", p.Name, what)
			return
		}
		e := *problem.From(err)
		e.Message = fmt.Sprintf("%s is not renewed, and its token ends at %s: %s", what, ends().UTC().Format(time.RFC3339), e.Coded())
		p.Fail(&e)
	}
}

// Misuse returns err as it is where it is a verb's own, and otherwise as what cobra says of a command line that it could
// not read.
func Misuse(err error, program string) error {
	var known *problem.Error
	if errors.As(err, &known) {
		return known
	}
	return problem.Input("command line", "%w", err).WithHint("%s --help", program)
}

// OneLine is token.Line: a message survives contracts and terminals alike.
func OneLine(s string) string { return token.Line(s) }

// Bounded is attempt.Within for a process that is to end when it is asked to: a caller that kills us first would show its
// user nothing but its own timeout.
func Bounded[T any](ctx context.Context, limit time.Duration, what string, call func(context.Context) (T, error)) (T, error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	return attempt.Within(ctx, limit, what, call)
}

// QuoteForShell quotes a word where a shell would split or expand it.
func QuoteForShell(path string) string {
	if strings.Trim(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@") == "" {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
