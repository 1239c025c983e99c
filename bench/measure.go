package main

import (
	"context"
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
}

// measure builds, fills the caches and times every row.
func measure(ctx context.Context, rounds int) (report, error) {
	dir, err := os.MkdirTemp("", "idferry-bench")
	if err != nil {
		return report{}, err
	}
	defer os.RemoveAll(dir)
	b := &bench{dir: dir, rounds: rounds}
	for name, path := range map[string]*string{"azure-token-helper": &b.helper, "gcp-executable-source": &b.source} {
		if *path, err = compile(ctx, dir, name, module+"/cmd/"+name); err != nil {
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
		info, err := os.Stat(path)
		if err != nil {
			return r, err
		}
		r.Sizes = append(r.Sizes, size{filepath.Base(path), info.Size()})
	}
	for _, group := range []func(context.Context) ([]row, error){b.hits, b.starts} {
		rows, err := group(ctx)
		if err != nil {
			return r, err
		}
		r.Rows = append(r.Rows, rows...)
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
