package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/idferry/idferry/internal/desktop"
	"github.com/idferry/idferry/internal/fakecloud"
)

// What a hit is held to.
const (
	boundLocal   = 1.9   // the kernel keyring, a file
	boundLarge   = 2.4   // the same with a large token, whose goal is boundLocal
	boundService = 5.5   // the Secret Service; go-keyring by itself takes 4.4
	hitMemory    = 8_000 // the goal, in kB
)

// holder is where the key of a remembered token is.
type holder struct {
	mode, name string
	bound      float64
	bus        bool
}

func holders() []holder {
	return []holder{
		{"kernel", "kernel", boundLocal, false},
		{"file", "file", boundLocal, false},
		{"keyring", "Secret Service", boundService, true},
	}
}

// tokens of an ordinary size and of the largest that Entra gives, by the groups in them (fakecloud.Entra's Issue).
type tokens struct {
	groups int
	size   string
	large  bool
}

func sizes() []tokens { return []tokens{{16, "2 KB", false}, {200, "12 KB", true}} }

// hits are the rows of remembered tokens: for both sizes, every holder and both binaries.
func (b *bench) hits(ctx context.Context) (rows []row, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	desk, missing := desktop.Start(ctx, filepath.Join(b.dir, "desktop"))
	if missing == nil {
		defer desk.Stop()
	}
	defer b.clouds.Entra.Issue(fakecloud.DefaultLife, sizes()[0].groups)
	for _, n := range sizes() {
		b.clouds.Entra.Issue(fakecloud.DefaultLife, n.groups)
		for _, h := range holders() {
			env := b.env
			if h.bus && missing == nil {
				env = append(append([]string{}, env...), desk.Env...)
			}
			for _, program := range []struct {
				path string
				args []string
			}{{b.helper, toAzure()}, {b.source, toGoogle()}} {
				r := row{Name: fmt.Sprintf("%s, %s, %s", filepath.Base(program.path), h.name, n.size), Bound: h.bound, MemoryGoal: hitMemory, Bus: h.bus}
				if n.large && !h.bus {
					// Reading the claims of so many groups alone takes a twentieth of a bare program.
					r.Bound, r.Goal = boundLarge, h.bound
				}
				if h.bus && missing != nil {
					r.Missing = missing.Error()
					rows = append(rows, r)
					continue
				}
				dir := filepath.Join(b.dir, "cache", fmt.Sprint(n.groups), h.mode, filepath.Base(program.path))
				cache := []string{"--cache", h.mode, "--cache-dir", dir}
				made, err := b.hit(ctx, r, command{program.path, append(program.args, cache...), env}, cache)
				if err != nil {
					return rows, err
				}
				rows = append(rows, made)
			}
		}
	}
	return rows, nil
}

// hit fills the cache by a first call and times the ones after it.
func (b *bench) hit(ctx context.Context, r row, subject command, cache []string) (row, error) {
	before := b.requests()
	first, _, err := subject.run(ctx)
	if err != nil {
		return r, err
	}
	asked := b.requests()
	second, _, err := subject.run(ctx)
	switch {
	case err != nil:
		return r, err
	case asked == before:
		return r, errors.New("the first call asked nobody: it was no cold call")
	case b.requests() != asked:
		r.Missing = "nothing is remembered here: " + whyNot(ctx, subject, cache)
		return r, nil
	case second != first:
		return r, errors.New("a hit prints something else than the call before it")
	}
	return b.time(ctx, r, subject, second)
}

// whyNot asks the binary itself.
func whyNot(ctx context.Context, c command, cache []string) string {
	c.args = append([]string{"cache", "list"}, cache...)
	out, _, err := c.run(ctx)
	if err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(out), " ")
}
