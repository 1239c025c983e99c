package main

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

const (
	ours     = "github.com/idferry/idferry"
	standard = "the standard library"
)

// program is one of those that are measured, with what each module costs in it. Letter stands for it in the page.
type program struct {
	Name, Letter string
	Costs        map[string]cost
}

// cost of a module: how long its packages take to initialise and what they allocate then, and its code and data in the file.
type cost struct{ Micros, Allocated, Bytes float64 }

func measure(ctx context.Context, runs int) ([]program, error) {
	dir, err := os.MkdirTemp("", "imports-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	programs := []program{{Name: "azure-token-helper", Letter: "a"}, {Name: "gcp-executable-source", Letter: "g"}, {Name: "federation", Letter: "l"}}
	for i, pkg := range []string{"./cmd/azure-token-helper", "./cmd/gcp-executable-source", "./bench/imports/library"} {
		p := &programs[i]
		// Symbols are read of the same build everywhere; what runs is this machine's.
		symbols, err := build(ctx, filepath.Join(dir, p.Name+".symbols"), pkg, "linux", "amd64")
		if err != nil {
			return nil, err
		}
		traces, err := starts(ctx, dir, p.Name, pkg, runs)
		if err != nil {
			return nil, err
		}
		modules, err := linked(symbols)
		if err != nil {
			return nil, err
		}
		sizes, err := sizes(symbols)
		if err != nil {
			return nil, err
		}
		p.Costs = costs(modules, traces, sizes)
	}
	return programs, nil
}

// starts traces so many of this machine's build of a program.
func starts(ctx context.Context, dir, name, pkg string, runs int) ([]trace, error) {
	path, err := build(ctx, filepath.Join(dir, name+".exe"), pkg, runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return nil, err
	}
	var args []string
	if name != "federation" {
		args = []string{"version"}
	}
	traces := make([]trace, runs)
	for i := range traces {
		if traces[i], err = start(ctx, dir, path, args...); err != nil {
			return nil, err
		}
	}
	return traces, nil
}

// build is goreleaser.yaml's, but for the symbols.
func build(ctx context.Context, path, pkg, goos, goarch string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-buildid=", "-o", path, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch)
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w: %s", pkg, err, said)
	}
	return path, nil
}

// linked lists the modules that a program says it is made of.
func linked(path string) ([]string, error) {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return nil, err
	}
	modules := []string{ours}
	for _, dep := range info.Deps {
		modules = append(modules, dep.Path)
	}
	return modules, nil
}

// moduleOf finds the module of a package among those, the standard library where there is none, nothing for a symbol that
// is of no package.
func moduleOf(pkg string, modules []string) string {
	if pkg == "main" || pkg == "command-line-arguments" {
		return ours
	}
	longest := ""
	for _, m := range modules {
		if (pkg == m || strings.HasPrefix(pkg, m+"/")) && len(m) > len(longest) {
			longest = m
		}
	}
	if first, _, _ := strings.Cut(pkg, "/"); longest == "" && pkg != "" && !strings.ContainsAny(first, ".:") {
		return standard
	}
	return longest
}

// costs sums each module's packages: of every start, of which the median counts, and of the symbols.
func costs(modules []string, traces []trace, sizes map[string]int64) map[string]cost {
	all := map[string]cost{standard: {}}
	for _, m := range modules {
		all[m] = cost{}
	}
	for m := range all {
		var micros, allocated []float64
		for _, t := range traces {
			var sum initialised
			for pkg, i := range t {
				if moduleOf(pkg, modules) == m {
					sum.Micros += i.Micros
					sum.Allocated += i.Allocated
				}
			}
			micros, allocated = append(micros, sum.Micros), append(allocated, sum.Allocated)
		}
		c := cost{Micros: median(micros), Allocated: median(allocated)}
		for pkg, n := range sizes {
			if moduleOf(pkg, modules) == m {
				c.Bytes += float64(n)
			}
		}
		all[m] = c
	}
	return all
}
