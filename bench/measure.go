package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// bench is what every row needs.
type bench struct {
	*place
	dir            string
	helper, source string
	meter          string
	rounds         int
	bares          int
	baseline       map[string]figures
	// installPeers says that what is not on this machine is installed.
	installPeers bool
}

// binaryBound bounds each binary, in bytes.
const binaryBound = 12_000_000

// measure builds, fills the caches and times every row.
func measure(ctx context.Context, rounds int, installPeers bool) (r report, err error) {
	dir, err := os.MkdirTemp("", "idferry-bench")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	b := &bench{dir: dir, rounds: rounds, installPeers: installPeers}
	if b.baseline, err = readBaseline(); err != nil {
		return r, err
	}
	for name, path := range map[string]*string{"azure-token-helper": &b.helper, "gcp-executable-source": &b.source} {
		if *path, err = compile(ctx, dir, name, module+"/cmd/"+name); err != nil {
			return r, err
		}
	}
	if b.meter, err = meter(ctx, dir); err != nil {
		return r, err
	}
	if b.place, err = newPlace(dir); err != nil {
		return r, err
	}
	defer b.clouds.Close()
	r = report{Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Processors: runtime.NumCPU(), Rounds: rounds, Authorities: b.authorities}
	for _, path := range []string{b.helper, b.source} {
		info, err := os.Stat(path)
		if err != nil {
			return r, err
		}
		r.Sizes = append(r.Sizes, size{filepath.Base(path), info.Size()})
	}
	for _, part := range []struct {
		name    string
		measure func() error
	}{
		{"hits", func() (err error) { r.Hits, err = b.hits(ctx); return }},
		{"starts", func() (err error) { r.Starts, err = b.starts(ctx); return }},
		{"the cache alone", func() (err error) { r.Leaner, err = b.leaner(ctx); return }},
		{"first calls", func() (err error) { r.Colds, err = b.colds(ctx); return }},
		{"processes at once", func() (err error) { r.Herds, err = b.herds(ctx); return }},
		{"large caches", func() (err error) { r.Entries, err = b.entries(ctx); return }},
		{"others' programs", func() (err error) { r.Peers, err = b.peers(ctx); return }},
		{"kubectl", func() (err error) { r.Kubectl, err = b.kubectl(ctx); return }},
	} {
		if err := part.measure(); err != nil {
			return r, fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return r, nil
}

// starts are the rows of verbs that only start and print.
func (b *bench) starts(ctx context.Context) (rows []row, err error) {
	for _, verb := range []string{"version", "--help"} {
		for _, path := range []string{b.helper, b.source} {
			subject := command{path, []string{verb}, b.env}
			text, _, err := subject.run(ctx)
			if err != nil {
				return rows, err
			}
			made, err := b.time(ctx, row{Name: filepath.Base(path) + " " + verb}, subject, text)
			if err != nil {
				return rows, err
			}
			rows = append(rows, made)
		}
	}
	return rows, nil
}
