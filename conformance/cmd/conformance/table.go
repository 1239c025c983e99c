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
	// shown is the text of a failure that its user was to see.
	shown string
}

// table prints rows as they come. Rows may come from several clients at once.
type table struct {
	out io.Writer
	// texts means that what users see of failures is printed too.
	texts bool

	mu     sync.Mutex
	header bool
	passed int
	failed []string
	times  []string
}

func newTable(out io.Writer, texts bool) *table { return &table{out: out, texts: texts} }

const tableLayout = "%-44s %-9s %-66s %-6s %6s\n"

func (t *table) add(r row) {
	t.mu.Lock()
	defer t.mu.Unlock()
	result := "pass"
	if r.err != nil {
		result = "FAIL"
		t.failed = append(t.failed, r.client+": "+r.verb)
	} else {
		t.passed++
	}
	t.print(r.client, r.version, r.verb, result, fmt.Sprint(r.took.Milliseconds()))
	switch {
	case r.err != nil:
		t.indent(r.err.Error())
	case t.texts && r.shown != "":
		t.indent(r.shown)
	}
}

// absent says that an optional client is not on this machine, which is neither a success nor a failure.
func (t *table) absent(client string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.print(client, "", "not installed here", "-", "-")
}

func (t *table) print(client, version, verb, result, took string) {
	if !t.header {
		_, _ = fmt.Fprintf(t.out, tableLayout, "CLIENT", "VERSION", "VERB", "RESULT", "MS")
		t.header = true
	}
	_, _ = fmt.Fprintf(t.out, tableLayout, client, version, verb, result, took)
}

func (t *table) indent(text string) {
	_, _ = fmt.Fprintln(t.out, "    "+strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    "))
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
