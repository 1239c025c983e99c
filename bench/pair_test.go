package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

func TestTheRatioIsTheMedianOfPairs(t *testing.T) {
	p := paired{
		// The machine was slow in the fourth round, for both. The ratio of the medians would be 2.2.
		subject: []time.Duration{20, 22, 18, 400, 30},
		base:    []time.Duration{10, 11, 10, 200, 10},
	}
	if middle, low, high := p.ratio(); middle != 2 || low != 1.8 || high != 3 {
		t.Error(middle, low, high)
	}
	if got := p.milliseconds(); got != 22e-6 {
		t.Error(got)
	}
}

func TestEachGoesFirstInEveryOtherRound(t *testing.T) {
	var order strings.Builder
	p, err := pair(recorded(&order, "s", 2), recorded(&order, "b", 1), 5)
	if err != nil || order.String() != "sb"+"bs"+"sb"+"bs"+"sb" {
		t.Error(order.String(), err)
	}
	if middle, low, high := p.ratio(); middle != 2 || low != 2 || high != 2 {
		t.Error("a time went to the wrong one of the two:", middle, low, high)
	}
}

func recorded(order *strings.Builder, name string, took time.Duration) timed {
	return func() (time.Duration, error) {
		order.WriteString(name)
		return took, nil
	}
}

func TestAFailedRunEndsTheRow(t *testing.T) {
	broken := errors.New("exit status 1")
	runs := 0
	_, err := pair(func() (time.Duration, error) { runs++; return 0, broken }, func() (time.Duration, error) { return 1, nil }, 9)
	if !errors.Is(err, broken) || runs != 1 {
		t.Error(err, runs)
	}
}

// The test's own binary, asked to list no test, prints one known line.
func TestARunThatPrintsSomethingElseIsNotTimed(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := command{path: self, args: []string{"-test.list", "^TestMedian$"}, env: os.Environ()}
	if _, err := c.printing(context.Background(), "TestMedian\n")(); err != nil {
		t.Error(err)
	}
	if _, err := c.printing(context.Background(), "another token\n")(); err == nil || strings.Contains(err.Error(), "another token") {
		t.Error(err)
	}
}
