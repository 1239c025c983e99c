package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/idferry/idferry/internal/desktop"
	"github.com/idferry/idferry/internal/fakecloud"
)

// row is one line of the report.
type row struct {
	Name   string  `json:"name"`
	Millis float64 `json:"milliseconds"`
	// Ratio is the median of the pairs' ratios; half of them are between Low and High.
	Ratio float64 `json:"ratio"`
	Low   float64 `json:"ratioLowerQuartile"`
	High  float64 `json:"ratioUpperQuartile"`
	// First is the ratio before it was measured once more, where that was needed.
	First float64 `json:"firstRatio,omitempty"`
	// Bound is what Ratio must not be above; 0 is none.
	Bound float64 `json:"bound,omitempty"`
	// Bytes is how much it prints; Memory the largest resident set in kB.
	Bytes  int `json:"bytes"`
	Memory int `json:"memoryKB,omitempty"`
	// Requests is how many requests any cloud had from all of its runs; Sockets what one run opened.
	Requests int    `json:"requests"`
	Sockets  string `json:"sockets"`
	// Missing says why it was not measured.
	Missing string `json:"missing,omitempty"`
}

func (r row) broken() bool {
	return r.Missing == "" && (r.Bound > 0 && r.Ratio > r.Bound || r.Requests > 0 || strings.Contains(r.Sockets, "network"))
}

// The bounds that a hit is held to.
const (
	boundLocal   = 2.4 // the kernel keyring, a file
	boundService = 5.5 // the Secret Service; go-keyring by itself takes 4.4
)

type bench struct {
	*place
	dir            string
	helper, source string
	meter          string
	rounds         int
	bares          int
}

// measure builds, fills the caches and times every row.
func measure(ctx context.Context, rounds int) (report, error) {
	dir, err := os.MkdirTemp("", "idferry-bench")
	if err != nil {
		return report{}, err
	}
	defer os.RemoveAll(dir)
	b := &bench{dir: dir, rounds: rounds}
	for _, p := range []struct {
		path      *string
		name, pkg string
	}{{&b.helper, "azure-token-helper", "./cmd/azure-token-helper"}, {&b.source, "gcp-executable-source", "./cmd/gcp-executable-source"}} {
		if *p.path, err = compile(ctx, dir, p.name, p.pkg); err != nil {
			return report{}, err
		}
	}
	if b.meter, err = meter(ctx, dir); err != nil {
		return report{}, err
	}
	if b.place, err = newPlace(dir); err != nil {
		return report{}, err
	}
	defer b.clouds.Close()
	r := report{Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Processors: runtime.NumCPU(), Rounds: rounds}
	for _, path := range []string{b.helper, b.source} {
		if info, err := os.Stat(path); err == nil {
			r.Sizes = append(r.Sizes, size{filepath.Base(path), info.Size()})
		}
	}
	for _, groups := range []int{0, 200} {
		b.clouds.Entra.Issue(fakecloud.DefaultLife, groups)
		rows, err := b.hits(ctx, fmt.Sprintf("%d", groups))
		if err != nil {
			return r, err
		}
		r.Rows = append(r.Rows, rows...)
	}
	for _, verb := range []string{"version", "--help"} {
		made, err := b.time(ctx, "azure-token-helper "+verb, command{b.helper, []string{verb}, b.env}, 0)
		if err != nil {
			return r, err
		}
		r.Rows = append(r.Rows, made)
	}
	return r, nil
}

// hits are the rows of remembered tokens, for every holder and both binaries.
func (b *bench) hits(ctx context.Context, tag string) ([]row, error) {
	var rows []row
	desk, missing := desktop.Start(ctx, filepath.Join(b.dir, "desktop-"+tag))
	if missing == nil {
		defer desk.Stop()
	}
	for _, holder := range []struct {
		name  string
		bound float64
	}{{"kernel", boundLocal}, {"file", boundLocal}, {"keyring", boundService}} {
		env := b.env
		if holder.name == "keyring" && missing == nil {
			env = append(append([]string{}, env...), desk.Env...)
		}
		for _, program := range []struct {
			path string
			args []string
		}{{b.helper, toAzure()}, {b.source, toGoogle()}} {
			name := filepath.Base(program.path) + ", key in " + holder.name
			if holder.name == "keyring" && missing != nil {
				rows = append(rows, row{Name: name, Missing: missing.Error()})
				continue
			}
			args := append(append([]string{}, program.args...), "--cache", holder.name, "--cache-dir", filepath.Join(b.home, holder.name+tag))
			subject := command{program.path, args, env}
			before := b.requests()
			first, _, err := subject.run(ctx)
			if err != nil {
				return rows, err
			}
			asked := b.requests()
			second, _, err := subject.run(ctx)
			switch {
			case err != nil:
				return rows, err
			case asked == before:
				return rows, errors.New("the first call asked nobody: it was no cold call")
			case b.requests() != asked:
				rows = append(rows, row{Name: name, Missing: "nothing is remembered here: " + b.whyNot(ctx, subject)})
				continue
			case len(second) != len(first):
				return rows, errors.New("a hit prints something else than the call before it")
			}
			made, err := b.time(ctx, name, subject, holder.bound)
			if err != nil {
				return rows, err
			}
			rows = append(rows, made)
		}
	}
	return rows, nil
}

// whyNot asks the binary itself.
func (b *bench) whyNot(ctx context.Context, c command) string {
	list := c
	list.args = append([]string{"cache", "list"}, c.args[len(c.args)-4:]...)
	out, _, err := list.run(ctx)
	if err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(out), " ")
}

// time measures one row. One whose bound is broken is measured once more: the machine may have been busy.
func (b *bench) time(ctx context.Context, name string, subject command, bound float64) (row, error) {
	text, _, err := subject.run(ctx)
	if err != nil {
		return row{}, err
	}
	b.bares++
	path, err := bare(ctx, b.dir, "bare"+strconv.Itoa(b.bares), text)
	if err != nil {
		return row{}, err
	}
	r := row{Name: name, Bound: bound, Bytes: len(text), Sockets: sockets(ctx, subject)}
	before := b.requests()
	for {
		p, err := pair(ctx, subject, command{path: path}, b.rounds)
		if err != nil {
			return row{}, err
		}
		ratio, low, high := p.ratio()
		if r.Ratio == 0 || ratio < r.Ratio {
			r.Ratio, r.Low, r.High, r.Millis = ratio, low, high, p.milliseconds()
		}
		if r.First != 0 || bound == 0 || ratio <= bound {
			break
		}
		r.First = ratio
	}
	r.Requests = b.requests() - before
	out, _, err := command{b.meter, append([]string{subject.path}, subject.args...), subject.env}.run(ctx)
	if err == nil {
		r.Memory, _ = strconv.Atoi(out)
	}
	return r, nil
}

// sockets counts what one run opens, by address family.
func sockets(ctx context.Context, c command) string {
	if _, err := exec.LookPath("strace"); err != nil || runtime.GOOS != "linux" {
		return "not counted"
	}
	cmd := exec.CommandContext(ctx, "strace", append([]string{"-f", "-qq", "-e", "trace=socket", c.path}, c.args...)...)
	cmd.Env = c.env
	var trace strings.Builder
	cmd.Stderr = &trace
	if err := cmd.Run(); err != nil {
		return "not counted"
	}
	local := strings.Count(trace.String(), "socket(AF_UNIX")
	other := strings.Count(trace.String(), "socket(") - local
	switch {
	case other > 0:
		return fmt.Sprintf("%d to the network", other)
	case local > 0:
		return fmt.Sprintf("%d local", local)
	}
	return "none"
}
