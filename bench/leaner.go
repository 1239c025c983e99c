package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
)

// leaner are the rows of a program that has the cache and one contract and links neither cloud: what a second program in
// front of each binary could come to at most.
func (b *bench) leaner(ctx context.Context) (rows []row, err error) {
	path, err := compile(ctx, b.dir, "lean", module+"/bench/lean")
	if err != nil {
		return nil, err
	}
	for _, mode := range []string{"kernel", "file"} {
		args := []string{filepath.Join(b.dir, "lean-"+mode), mode}
		r := row{Name: fmt.Sprintf("the cache alone, %s, 2 KB", mode)}
		if _, _, err := (command{path, append(args, "eyJ"+strings.Repeat("x", 2045)), b.env}).run(ctx); err != nil {
			return nil, err
		}
		subject := command{path, args, b.env}
		text, _, err := subject.run(ctx)
		if err != nil {
			r.Missing = err.Error()
		} else if r, err = b.time(ctx, r, subject, text); err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}
