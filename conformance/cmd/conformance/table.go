package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// row is one thing that was asked of one client.
type row struct {
	client, version, verb string
	// took is the client library's own time for the call where it tells it, the whole process's otherwise.
	took time.Duration
	err  error
}

// table prints rows as they come. Rows may come from several clients at once.
type table struct {
	out io.Writer

	mu     sync.Mutex
	header bool
	passed int
	failed []string
	times  []string
}

func newTable(out io.Writer) *table { return &table{out: out} }

const tableLayout = "%-44s %-9s %-66s %-6s %6s\n"

func (t *table) add(r row) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.header {
		_, _ = fmt.Fprintf(t.out, tableLayout, "CLIENT", "VERSION", "VERB", "RESULT", "MS")
		t.header = true
	}
	result := "pass"
	if r.err != nil {
		result = "FAIL"
		t.failed = append(t.failed, r.client+": "+r.verb)
	} else {
		t.passed++
	}
	_, _ = fmt.Fprintf(t.out, tableLayout, r.client, r.version, r.verb, result, fmt.Sprint(r.took.Milliseconds()))
	if r.err != nil {
		_, _ = fmt.Fprintln(t.out, "    "+strings.ReplaceAll(strings.TrimSpace(r.err.Error()), "\n", "\n    "))
	}
}

// took notes how long a client was busy, its installation included.
func (t *table) took(client string, d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.times = append(t.times, fmt.Sprintf("%s %.1f s", client, d.Seconds()))
}

// close prints the sum and returns the exit code.
func (t *table) close() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = fmt.Fprintf(t.out, "\n%s\n", strings.Join(t.times, ", "))
	_, _ = fmt.Fprintf(t.out, "%d passed, %d failed\n", t.passed, len(t.failed))
	for _, f := range t.failed {
		_, _ = fmt.Fprintln(t.out, "  "+f)
	}
	if len(t.failed) > 0 || t.passed == 0 {
		return 1
	}
	return 0
}
