// Bench times both binaries as whole processes, each in pairs with a bare Go program that prints the same bytes: that is
// what a caller pays, and the ratio holds on any machine. It brings its own clouds, keyring daemon and home.
//
//	go run ./bench                  tables
//	go run ./bench -check           exit code 1 when a bound is broken, or a ratio is 15 % above docs/performance.md
//	go run ./bench -peers -write    docs/performance.md and its plot, with the programs that people use in place of these
//	go run ./bench -json            for machines
//
// The kernel keyring is the one thing that is not its own: there is one a user, so that the user's own key is used, or
// one is left there that no file is sealed with.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	rounds := flag.Int("rounds", 100, "paired runs of each row")
	check := flag.Bool("check", false, "end with exit code 1 when a bound is broken, or a ratio is 15 % above the one of docs/performance.md")
	peers := flag.Bool("peers", false, "install what others use, in the user's cache directory, and measure it too")
	write := flag.Bool("write", false, "write docs/performance.md, docs/performance.svg and bench/baseline.json")
	asJSON := flag.Bool("json", false, "print one JSON object")
	flag.Parse()
	if *rounds < 1 || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "bench: -rounds is at least 1, and there are no arguments")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	report, err := measure(ctx, *rounds, *peers)
	if ctx.Err() != nil {
		fmt.Fprintln(os.Stderr, "bench: interrupted")
		os.Exit(130)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	if *asJSON {
		err = report.writeJSON(os.Stdout)
	} else {
		err = report.writeText(os.Stdout)
	}
	if err == nil && *write {
		err = report.writePage()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
	if err != nil || *check && len(report.faults()) > 0 {
		os.Exit(1)
	}
}
