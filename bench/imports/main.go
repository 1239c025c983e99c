// Imports tells what each linked module costs: at every start, by the runtime's own trace of package initialisation
// (GODEBUG=inittrace=1) in both programs and in one that uses the library, and in the file, by the sizes of its symbols.
//
//	go run ./bench/imports           a table
//	go run ./bench/imports -write    docs/dependencies.md with these figures
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

const page = "docs/dependencies.md"

func main() {
	runs := flag.Int("runs", 101, "starts of each program")
	write := flag.Bool("write", false, "write the figures into "+page)
	flag.Parse()
	if *runs < 1 || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "imports: -runs is at least 1, and there are no arguments")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *runs, *write); err != nil {
		fmt.Fprintln(os.Stderr, "imports:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, runs int, write bool) error {
	programs, err := measure(ctx, runs)
	if err != nil {
		return err
	}
	how := fmt.Sprintf("%s, %s/%s, medians of %d starts", runtime.Version(), runtime.GOOS, runtime.GOARCH, runs)
	if !write {
		writeTable(os.Stdout, programs, how)
		return nil
	}
	was, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	is, err := rewrite(string(was), programs, how)
	if err != nil {
		return err
	}
	return os.WriteFile(page, []byte(is), 0o644)
}
