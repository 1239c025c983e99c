package faults

import (
	"fmt"
	"strings"
)

// tokenGiven is the outcome that is no error.
const tokenGiven = "token"

// ending is what becomes of a fault: a token or the code of an error, and how often the endpoint is asked for it.
type ending struct {
	code        string
	least, most int64
}

// expected has the ending of each fault.
type expected map[string]ending

// read makes expectations of lines "FAULT | OUTCOME | REQUESTS", where requests are a number or a range.
func read(lines string) expected {
	e := expected{}
	for line := range strings.SplitSeq(strings.TrimSpace(lines), "\n") {
		fields := strings.Split(line, "|")
		var x ending
		x.code = strings.TrimSpace(fields[1])
		if n, _ := fmt.Sscanf(fields[2], "%d-%d", &x.least, &x.most); n < 2 {
			x.most = x.least
		}
		e[strings.TrimSpace(fields[0])] = x
	}
	return e
}

// but returns e with some lines in the place of its own.
func (e expected) but(lines string) expected {
	for fault, x := range read(lines) {
		e[fault] = x
	}
	return e
}

// passing are the endings of what every endpoint's caller outlives, and of what it cannot: no answer at all.
const passing = `
	blackhole           | deadline_exceeded | 1
	silence             | deadline_exceeded | 1
	slow drip           | deadline_exceeded | 1
	429, in 1 s well    | token             | 2
	429, at a date well | token             | 2
	503, then well      | token             | 2
	JSON as text/html   | token             | 1
	clock a day behind  | token             | 1
	clock a day ahead   | token             | 1`
