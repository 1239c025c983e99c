package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
)

// trace has what every package's initialisation took at one start.
type trace map[string]initialised

type initialised struct{ Micros, Allocated float64 }

// start runs a program once and reads what the runtime tells of it.
func start(ctx context.Context, dir, path string, args ...string) (trace, error) {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = dir
	cmd.Env = []string{"GODEBUG=inittrace=1", "HOME=" + dir, "LOCALAPPDATA=" + dir}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", path, err, said.String())
	}
	return parseTrace(said.String())
}

// https://pkg.go.dev/runtime#hdr-Environment_Variables, inittrace.
var initLine = regexp.MustCompile(`(?m)^init (\S+) @[0-9.]+ ms, ([0-9.]+) ms clock, ([0-9]+) bytes, [0-9]+ allocs$`)

func parseTrace(text string) (trace, error) {
	t := trace{}
	for _, m := range initLine.FindAllStringSubmatch(text, -1) {
		millis, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			return nil, err
		}
		allocated, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			return nil, err
		}
		t[m[1]] = initialised{Micros: 1000 * millis, Allocated: allocated}
	}
	if len(t) == 0 {
		return nil, fmt.Errorf("the runtime traced no initialisation: %.200q", text)
	}
	return t, nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[len(sorted)/2]
}
