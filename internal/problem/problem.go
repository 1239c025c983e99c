// Package problem is the one form in which a failure reaches a user, whatever contract carries it there: a code to
// search for, a sentence, and what to type next.
package problem

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Error is a failure as users see it.
type Error struct {
	// Code is stable and meant for searching: an upstream's own code word for word (AADSTS700213, invalid_grant),
	// or one of ours in lower snake case (no_identity, deadline_exceeded).
	Code string
	// Message says what was attempted and what came back: lower case, one line, no full stop at its end.
	Message string
	// Hint is the next thing to do, as a command to type wherever there is one. It may be empty.
	Hint string
	// Advice is what is known of a failure that the catalogue has. It is nil for others; where it is set, Hint says the same
	// on one line.
	Advice *Advice
	// Said is the whole of what an upstream said, cleaned of credentials, where nothing more is known about it than that.
	Said string
	// Misuse marks what the caller typed or configured wrongly, as opposed to what went wrong afterwards.
	Misuse bool
	// Err is the cause, for errors.Is and errors.As. It may be nil.
	Err error
}

// Advice is what to do about a known failure.
type Advice struct {
	// Cause says what the failure means, Mend what to do. Both are in the form of a Message.
	Cause, Mend string
	// Run are commands that do it, ready to paste; the first is the one to begin with.
	Run []string
	// Wait says how long it takes to work; empty if it works at once.
	Wait string
	// See is the URL of a page about it.
	See string
	// Filled says that the commands have the values of the call that failed.
	Filled bool
}

// Line returns the advice as one line, with the first command alone.
func (a *Advice) Line() string {
	mend := a.Mend
	if len(a.Run) > 0 {
		mend = strings.TrimPrefix(mend+": "+a.Run[0], ": ")
	}
	var parts []string
	for _, p := range []string{a.Cause, mend, a.Wait} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, "; ")
}

// Codes of failures that do not come from an upstream.
const (
	BadInput         = "bad_input"         // a flag, variable or file says something unusable; the message names it
	NoIdentity       = "no_identity"       // no local identity was found or usable
	DeadlineExceeded = "deadline_exceeded" // our own deadline passed
	Unreachable      = "unreachable"       // an upstream could not be reached
	BadAnswer        = "bad_answer"        // an upstream answered something that is not the documented form
	Refused          = "refused"           // an upstream refused without a code of its own
	Interaction      = "interaction_required"
	Expired          = "expired_token" // a local token is past its own expiry and nothing renewed it
	Unexpected       = "unexpected"
)

// IsCode reports whether an upstream's word can be a code: what people search for has no space in it, and is not long.
func IsCode(word string) bool {
	return word != "" && len(word) <= 100 && word[0] != '-' && word[0] != '.' &&
		strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == ""
}

// New returns an Error with a message formatted as by fmt.Errorf; an operand of %w becomes the cause.
func New(code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

// Input returns the Error for something the caller got wrong. field names the flag, variable or file.
func Input(field, format string, args ...any) *Error {
	e := New(BadInput, format, args...)
	e.Message = field + ": " + e.Message
	e.Misuse = true
	return e
}

// Coded returns the message with the code before it, unless the code says nothing to a reader or is in the message.
func (e *Error) Coded() string {
	if e.Code == BadInput || e.Code == Unexpected || strings.Contains(e.Message, e.Code) {
		return e.Message
	}
	return e.Code + ": " + e.Message
}

// Sentence returns code, message and hint on one line, for whoever shows one text.
func (e *Error) Sentence() string {
	if e.Hint == "" {
		return e.Coded()
	}
	return e.Coded() + "; " + e.Hint
}

// WithHint sets what to do next and returns e.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// WithAdvice sets the advice, and the hint to its line, and returns e.
func (e *Error) WithAdvice(a *Advice) *Error {
	e.Advice, e.Hint = a, a.Line()
	return e
}

// MendedBy returns e with another mend than the catalogue's, from somebody who knows more of the case; the cause stays.
func (e *Error) MendedBy(mend string, run ...string) *Error {
	mended := *e
	a := &Advice{Mend: mend, Run: run, Filled: true}
	if e.Advice != nil {
		a.Cause, a.See = e.Advice.Cause, e.Advice.See
	}
	return mended.WithAdvice(a)
}

// Error returns message and hint on one line.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + "; " + e.Hint
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// NonRetriable keeps azcore's retry policy from repeating a request whose failure is already understood
// (sdk/internal/errorinfo.NonRetriable).
func (e *Error) NonRetriable() {}

// From returns err as an Error: the one it carries, or a new one that says what kind of failure it is.
func From(err error) *Error {
	var e *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Code: DeadlineExceeded, Message: err.Error(), Err: err}
	default:
		return &Error{Code: Unexpected, Message: err.Error(), Err: err}
	}
}
