package faults

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
)

// abreast is how many hops stand beside each other.
const abreast = 5

// table shows what every fault came to at every hop, with how often the endpoint was asked.
func table(cells []*cell) string {
	var hops, faults []string
	came := map[[2]string]string{}
	for _, c := range cells {
		hops, faults = added(hops, c.hop.name), added(faults, c.fault.name)
		at := [2]string{c.hop.name, c.fault.name}
		if came[at] == "" {
			came[at] = fmt.Sprintf("%s ×%d", c.first.shownShort(), c.first.asked)
		}
	}
	var text strings.Builder
	for some := range slices.Chunk(hops, abreast) {
		w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintf(w, "\n\t%s\n", strings.Join(some, "\t"))
		for _, fault := range faults {
			_, _ = fmt.Fprint(w, fault)
			for _, hop := range some {
				_, _ = fmt.Fprint(w, "\t"+came[[2]string{hop, fault}])
			}
			_, _ = fmt.Fprintln(w)
		}
		_ = w.Flush()
	}
	return text.String()
}

func added(names []string, name string) []string {
	if slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}

// shownShort is the outcome in a word.
func (c call) shownShort() string {
	switch {
	case c.well:
		return tokenGiven
	case c.problem != "":
		return c.problem
	}
	known := regexp.MustCompile(`AADSTS\d+|INVALID_ARGUMENT|invalid_grant`).FindString(c.said)
	if known == "" {
		known, _, _ = strings.Cut(c.said, ":")
	}
	return known
}

// shown is the outcome as a reader of a failed test needs it.
func (c call) shown() string {
	if c.well {
		return fmt.Sprintf("a token, the endpoint asked %d times", c.asked)
	}
	return fmt.Sprintf("%s, the endpoint asked %d times: %s", c.shownShort(), c.asked, c.said)
}
