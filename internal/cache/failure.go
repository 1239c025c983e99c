package cache

import (
	"encoding/json"
	"path/filepath"
	"time"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

const (
	// failureMemory is how long a failed mint is repeated to others without asking upstream: long enough to spare the
	// endpoint a client that retries in a loop, short enough that whoever mends the set-up does not notice.
	failureMemory = 5 * time.Second
	// maxFailureText bounds each text of a remembered failure, in bytes.
	maxFailureText = 4 << 10
	// maxFailureFile leaves room for JSON's escapes.
	maxFailureFile = 6 * 4 * maxFailureText
)

// failure is what the file beside an entry says about the last attempt.
type failure struct {
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	Hint    string `json:"hint,omitempty"`
	Misuse  bool   `json:"misuse,omitempty"`
	// Unkept is set when there was a token but it could not be remembered, so that those who wait for it are told
	// to go and get their own at once instead of one after the other.
	Unkept bool      `json:"unkept,omitempty"`
	Until  time.Time `json:"until"`
}

func (c *Cache) rememberFailure(id identity, err error) {
	p := problem.From(err)
	clean := token.NewRedactor().Clean
	short := func(s string) string {
		s = clean(s)
		return s[:min(len(s), maxFailureText)]
	}
	c.writeFailure(id, failure{Code: short(p.Code), Message: short(p.Message), Hint: short(p.Hint), Misuse: p.Misuse})
}

func (c *Cache) noteUnkept(id identity) { c.writeFailure(id, failure{Unkept: true}) }

func (c *Cache) writeFailure(id identity, f failure) {
	f.Until = c.now().Add(failureMemory)
	if raw, err := json.Marshal(f); err == nil {
		_ = writeOwn(c.dir, id.failureName(), raw)
	}
}

func (c *Cache) readFailure(id identity) (f failure, ok bool) {
	raw, err := readOwn(filepath.Join(c.dir, id.failureName()), maxFailureFile)
	if err != nil || json.Unmarshal(raw, &f) != nil {
		return failure{}, false
	}
	// More than the memory's length ahead means that the clock was set back.
	ahead := f.Until.Sub(c.now())
	return f, ahead > 0 && ahead <= failureMemory
}

// recentFailure returns the failure of the last seconds as the error it was, or nil.
func (c *Cache) recentFailure(id identity) error {
	f, ok := c.readFailure(id)
	if !ok || f.Message == "" {
		return nil
	}
	return &problem.Error{Code: f.Code, Message: f.Message, Hint: f.Hint, Misuse: f.Misuse}
}

func (c *Cache) recentlyUnkept(id identity) bool {
	f, ok := c.readFailure(id)
	return ok && f.Unkept
}
