// Package doctor walks from an identity to a call in the other cloud as a person would who looks for what is wrong, and
// shows each hop: what was used, what was presented, how long it took, and at the first that fails the cause and the
// command that mends it.
//
// The rules of its output:
//   - Hops are shown in the order in which one needs the other, so that the first cross is the cause.
//   - A mark says how a hop ended; colour repeats that and says nothing by itself.
//   - Colour and line breaks are for terminals; elsewhere every line is whole, and --json is for programs.
//   - No token is shown, nor its signature: claims are.
package doctor

import (
	"time"

	"github.com/idferry/idferry/internal/problem"
)

// Status is how a hop ended.
type Status string

// How a hop can end. Their words are part of the JSON document.
const (
	OK      Status = "ok"
	Warning Status = "warning" // it works, and something about it is worth mending
	Failed  Status = "failed"
	Unknown Status = "unknown" // it could not be checked from here
	Skipped Status = "skipped" // an earlier hop failed that it needs, or there is nothing to do
)

// Exit codes of doctor.
const (
	ExitWell    = 0 // every hop is well, warnings included
	ExitMend    = 1 // there is something to mend
	ExitUnknown = 2 // nothing failed, and a hop could not be checked; or the command line is unusable
)

// Field is a claim, or something else that a hop found.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Difference is what was presented beside what is expected.
type Difference struct {
	Field     string `json:"field"`
	Presented string `json:"presented"`
	Expected  string `json:"expected"`
	// Why says what sort of difference it is, in words.
	Why string `json:"why,omitempty"`
}

// Setting is a setting in force.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// From is a flag, a variable, a file or "default".
	From string `json:"from"`
}

// Hop is one step of the way.
type Hop struct {
	Name   string
	Status Status
	// Took is how long it was waited for; zero where nobody was asked.
	Took time.Duration
	// Summary says in a line what was found.
	Summary     string
	Fields      []Field
	Differences []Difference
	// Notes are good to know; those of a warning say what is worth mending.
	Notes []string
	// Problem is set for a hop that failed or could not be checked.
	Problem *problem.Error
}

// Add adds a field, unless value is empty.
func (h *Hop) Add(name, value string) {
	if value != "" {
		h.Fields = append(h.Fields, Field{name, value})
	}
}

// Warn adds a note about something that works and is worth mending.
func (h *Hop) Warn(note string) {
	h.Notes = append(h.Notes, note)
	if h.Status == OK {
		h.Status = Warning
	}
}

// well reports whether what needs the hop can go on.
func (h *Hop) well() bool { return h.Status == OK || h.Status == Warning }

// Report is everything that was found.
type Report struct {
	Program, Version string
	Settings         []Setting
	Hops             []*Hop
}

// First returns the first hop that failed, or nil.
func (r *Report) First() *Hop {
	for _, h := range r.Hops {
		if h.Status == Failed {
			return h
		}
	}
	return nil
}

// ExitCode is the process's.
func (r *Report) ExitCode() int {
	if r.First() != nil {
		return ExitMend
	}
	for _, h := range r.Hops {
		if h.Status == Unknown {
			return ExitUnknown
		}
	}
	return ExitWell
}
