package processes

import (
	"fmt"
	"math"
	"sync"
	"time"
)

// windows are the times of a fault.
type windows struct {
	mu    sync.Mutex
	spans []span
}

type span struct{ from, to time.Time }

// begin begins one; what it returns ends it.
func (w *windows) begin() (end func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(w.spans)
	w.spans = append(w.spans, span{from: time.Now()})
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.spans[n].to = time.Now()
	}
}

func (w *windows) overlap(from, to time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.spans {
		if s.from.Before(to) && (s.to.IsZero() || s.to.After(from)) {
			return true
		}
	}
	return false
}

// since is how long before a moment the last one ended.
func (w *windows) since(at time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	least := time.Duration(math.MaxInt64)
	for _, s := range w.spans {
		if !s.to.IsZero() && s.to.Before(at) {
			least = min(least, at.Sub(s.to))
		}
	}
	return least
}

func (w *windows) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var sum time.Duration
	for _, s := range w.spans {
		sum += s.to.Sub(s.from)
	}
	return fmt.Sprintf("%d, %s in all", len(w.spans), sum.Round(time.Second))
}
