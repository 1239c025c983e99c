package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

// remembered are how many tokens a cache holds besides the one that is asked for.
func remembered() []int { return []int{100, 1000, 10_000} }

// entries are the rows of what a large cache costs: a hit, a first call, which also writes, and the list. Each is paired
// with the same in a cache that holds no other token.
func (b *bench) entries(ctx context.Context) (rows []row, err error) {
	f, err := newFar(b.place, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	subject := func(dir string, more ...string) command {
		return command{b.source, append(append(append([]string{}, more...), "--cache", "file", "--cache-dir"), dir), f.env}
	}
	one := filepath.Join(b.dir, "entries", "one")
	want, _, err := subject(one, toGoogle()...).run(ctx)
	if err != nil {
		return nil, err
	}
	small := filepath.Join(b.dir, "entries", "0")
	if err := multiply(one, small, 0); err != nil {
		return nil, err
	}
	another := []string{"--credential", "managed-identity", "--resource", "https:" + fakecloud.SandboxProvider}
	elsewhere := filepath.Join(b.dir, "entries", "elsewhere")
	if _, _, err := subject(elsewhere, another...).run(ctx); err != nil {
		return nil, err
	}
	asked, err := theToken(elsewhere)
	if err != nil {
		return nil, err
	}
	for _, n := range remembered() {
		large := filepath.Join(b.dir, "entries", fmt.Sprint(n))
		if err := multiply(one, large, n); err != nil {
			return nil, err
		}
		add := func(name string, asks int, timedIn func(dir string) timed) error {
			r := row{Name: fmt.Sprintf("%s, %d others remembered", name, n), Against: "no other", Asks: asks, Bytes: len(want)}
			r.Before = b.before(r.Name)
			err := b.measured(&r, timedIn(large), timedIn(small), max(b.rounds/3, 5))
			rows = append(rows, r)
			return err
		}
		hit := func(dir string) timed { return subject(dir, toGoogle()...).printing(ctx, want) }
		first := func(dir string) timed {
			return func() (time.Duration, error) {
				if err := os.Remove(filepath.Join(dir, asked)); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return 0, err
				}
				_, took, err := subject(dir, another...).run(ctx)
				return took, err
			}
		}
		list := func(dir string) timed {
			return func() (time.Duration, error) {
				_, took, err := subject(dir, "cache", "list", "--json").run(ctx)
				return took, err
			}
		}
		if err := errors.Join(add("a hit", 0, hit), add("a first call", 1, first), add("cache list", 0, list)); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// multiply makes a cache like another one, with n more of its token under other names.
func multiply(from, to string, n int) error {
	files, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(from, f.Name()))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, f.Name()), content, 0o600)
		}
		if err != nil {
			return err
		}
	}
	name, err := theToken(from)
	if err != nil {
		return err
	}
	sealed, err := os.ReadFile(filepath.Join(from, name))
	if err != nil {
		return err
	}
	for i := range n {
		// A name is hexadecimal, and none of these is that of a token which anybody asks for.
		if err := os.WriteFile(filepath.Join(to, fmt.Sprintf("%08x", i)+name[8:]), sealed, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// theToken is the name of the file of the one token that a cache holds.
func theToken(dir string) (string, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.tok"))
	if err != nil {
		return "", err
	}
	if len(names) != 1 {
		return "", fmt.Errorf("%d tokens are remembered in %s", len(names), dir)
	}
	return filepath.Base(names[0]), nil
}
