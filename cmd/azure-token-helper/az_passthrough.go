package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/shim"
)

// depthVariable counts how often the stand-in has passed a command on to what then ran the stand-in again. A script
// around az may do that for good reasons; without end it would fill the machine with nothing but itself.
const (
	depthVariable = "IDFERRY_AZ_DEPTH"
	mostDepth     = 8
)

// passOn lets the real az answer. Where it replaces this process it does not return.
func passOn(p cli.Process) error {
	depth, _ := strconv.Atoi(p.Getenv(depthVariable))
	if depth >= mostDepth {
		return problem.New(problem.BadInput, "passing %q on to the real Azure CLI came back to this stand-in %d times", commandWords(p.Args), depth).
			WithHint("see which az is which: type -a az")
	}
	real := nextAz(p.Getenv("PATH"))
	if real == "" {
		words := commandWords(p.Args)
		p.Args = nil
		return problem.Input("command line", "'%s' is an unknown command to this stand-in for the Azure CLI, and no other is behind it on PATH", words).
			WithHint("it knows %s", known(newAz(p)))
	}
	err := become(real, p.Args, depthVariable+"="+strconv.Itoa(depth+1))
	var ended exitCode
	if err != nil && !errors.As(err, &ended) {
		return problem.New(problem.Unexpected, "run %s: %w", real, err).WithHint("run it by its whole path")
	}
	return err
}

// exitCode is how another program ended, which is how this one is to end.
type exitCode int

func (exitCode) Error() string { return "the real Azure CLI did not succeed" }

// known lists the commands of a group, with those of the groups in it.
func known(in *cobra.Command) string {
	var names []string
	for _, cmd := range in.Commands() {
		if !cmd.IsAvailableCommand() {
			continue
		}
		name := cmd.Name()
		if cmd.HasAvailableSubCommands() {
			name += " (" + known(cmd) + ")"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// commandWords are the words before the first option: what follows may be anybody's secret.
func commandWords(args []string) string {
	end := slices.IndexFunc(args, func(a string) bool { return strings.HasPrefix(a, "-") })
	if end < 0 {
		end = len(args)
	}
	return strings.Join(args[:end], " ")
}

// nextAz returns the first az on path that is not this program under any of its names, or "".
func nextAz(path string) string {
	names := []string{"az"}
	if runtime.GOOS == "windows" {
		names = []string{"az.com", "az.exe", "az.bat", "az.cmd"}
	}
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	own, err := os.Stat(self)
	if err != nil {
		return ""
	}
	for _, dir := range filepath.SplitList(path) {
		// The current directory is nobody's choice.
		if !filepath.IsAbs(dir) {
			continue
		}
		for _, name := range names {
			file := filepath.Join(dir, name)
			info, err := os.Stat(file)
			if err != nil || !info.Mode().IsRegular() || (runtime.GOOS != "windows" && info.Mode().Perm()&0o111 == 0) {
				continue
			}
			if !os.SameFile(info, own) && !shim.IsStandIn(file) {
				return file
			}
		}
	}
	return ""
}
