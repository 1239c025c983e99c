package faults

import (
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

const (
	// together is how many programs run at a time: most of them wait.
	together = 48
	// memory is how long a failure is repeated to others without asking (internal/cache/failure.go).
	memory = 5 * time.Second
	// slack is what a busy machine may add to a program's own deadline. Together with soon it is less than any limit within a
	// library, so that none of those is taken for the deadline.
	slack = 2500 * time.Millisecond
)

// cell is one fault at one hop, told in one contract.
type cell struct {
	hop      hop
	fault    fault
	contract contract
	gate     *gate
	other    *elsewhere
	machine  *machine
	limit    time.Duration
	// umask is the one that the program is run with, or "".
	umask string

	// first is the call that meets the fault, again the next one, and lifted one when the fault has gone.
	first, again, lifted call
}

// Every endpoint that either program asks, with every fault, told through every contract: what comes of it is a token or the
// documented error, in time, as one document, without a trace of a secret; and nothing stays behind once the fault has gone.
func TestEveryFaultAtEveryHop(t *testing.T) {
	programs := build(t)
	well, behind, ahead := newClouds(t, 0), newClouds(t, 24*time.Hour), newClouds(t, -24*time.Hour)
	homes := t.TempDir()
	var cells []*cell
	for _, h := range slices.Concat(toAzure(), toGoogle(), onArc(), examined()) {
		other := newElsewhere(t)
		for _, f := range faults(h.refusal, other) {
			at := well
			switch {
			case f.skew > 0:
				at = behind
			case f.skew < 0:
				at = ahead
			}
			if f.tls && !h.tls {
				continue
			}
			for _, told := range h.told {
				cells = append(cells, newCell(t, h, f, told, at, other, programs, filepath.Join(homes, strconv.Itoa(len(cells)))))
			}
		}
	}

	each(cells, together, func(c *cell) {
		c.first = c.call(programs)
		if !c.fault.silent && !c.contract.asksAnew {
			c.again = c.call(programs)
		}
	})
	failed := time.Now()
	for _, c := range cells {
		c.gate.lift(t)
	}
	behind.ahead.Store(0)
	ahead.ahead.Store(0)
	// There is nothing to wait for but the time: whoever mends a set-up is answered anew after that.
	time.Sleep(time.Until(failed.Add(memory)))
	each(cells, together, func(c *cell) { c.lifted = c.call(programs) })

	for _, c := range cells {
		t.Run(c.hop.name+"/"+c.fault.name+"/"+c.contract.name, c.judge)
	}
	t.Log(table(cells))
}

func newCell(t *testing.T, h hop, f fault, told contract, at *clouds, other *elsewhere, programs, home string) *cell {
	c := &cell{hop: h, fault: f, contract: told, other: other, limit: deadline, machine: newMachine(t, at, programs, home)}
	if f.silent {
		c.limit = soon
	}
	certs := at.certificates
	if !h.tls {
		certs = nil
	}
	c.gate = newGate(t, h.server(c.machine), certs, h, f)
	h.machine(c.machine, c.gate.url)
	if told.prepare != nil {
		told.prepare(c.machine)
	}
	return c
}

// each runs do for every cell, some at a time.
func each(cells []*cell, together int, do func(*cell)) {
	work := make(chan *cell)
	var wg sync.WaitGroup
	for range together {
		wg.Go(func() {
			for c := range work {
				do(c)
			}
		})
	}
	for _, c := range cells {
		work <- c
	}
	close(work)
	wg.Wait()
}
