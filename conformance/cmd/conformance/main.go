// Conformance lets real clients drive the built programs against the fake clouds and prints one row for each thing it
// asked of them: client, version, verb, result, milliseconds. It installs the clients from the package registries.
//
//	conformance/run                     every suite
//	conformance/run azure python rust   some clients of one suite
//	conformance/run google
//	conformance/run examples            examples/bigquery and examples/blobs in each language
//	conformance/run exec                what lasts longer than any token: five minutes, and thirteen for exec-files
//
// The exit code is 1 when a row fails. A client that cannot be installed is a failed row: a skipped one would look
// like a passed one in CI.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// suite runs the clients that are named, or all of them, and says what happened in rows.
type suite struct {
	name    string
	clients []string
	run     func(ctx context.Context, shop *workshop, clients []string, rows *table) error
}

func suites() []suite {
	return []suite{azureSuite(), googleSuite(), examplesSuite(), execSuite(), execFilesSuite()}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code, err := conform(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
	}
	os.Exit(code)
}

func conform(ctx context.Context, args []string, stdout, stderr io.Writer) (code int, err error) {
	flags := flag.NewFlagSet("conformance/run", flag.ContinueOnError)
	flags.SetOutput(stderr)
	work := flags.String("work", "", "directory to build in, kept for the next run (default: a temporary one)")
	texts := flags.Bool("texts", false, "print what users are shown where a client has to fail")
	flags.Usage = func() { usage(stderr, flags) }
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0, nil
	case err != nil:
		return 2, nil
	}
	chosen, clients, err := choose(flags.Args())
	if err != nil {
		return 2, err
	}
	shop, err := newWorkshop(ctx, *work, stderr)
	if err != nil {
		return 1, err
	}
	defer shop.close()
	rows := newTable(stdout, *texts)
	for _, s := range chosen {
		if err := s.run(ctx, shop, clients, rows); err != nil {
			return 1, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return rows.close(), ctx.Err()
}

func choose(args []string) ([]suite, []string, error) {
	if len(args) == 0 {
		return suites(), nil, nil
	}
	for _, s := range suites() {
		if s.name != args[0] {
			continue
		}
		for _, c := range args[1:] {
			if !slices.Contains(s.clients, c) {
				return nil, nil, fmt.Errorf("%s has no client %q, but %s", s.name, c, strings.Join(s.clients, ", "))
			}
		}
		return []suite{s}, args[1:], nil
	}
	return nil, nil, fmt.Errorf("there is no suite %q: conformance/run -h lists them", args[0])
}

func usage(w io.Writer, flags *flag.FlagSet) {
	_, _ = fmt.Fprintln(w, "usage: conformance/run [-work DIR] [SUITE [CLIENT…]]")
	for _, s := range suites() {
		_, _ = fmt.Fprintf(w, "  %s: %s\n", s.name, strings.Join(s.clients, " "))
	}
	flags.PrintDefaults()
}
