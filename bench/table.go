package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

func (r report) writeText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, %d processors; %d pairs a row, each with a bare Go program that prints the same bytes\n", r.Go, r.Platform, r.Processors, r.Rounds)
	for _, s := range r.Sizes {
		fmt.Fprintf(&b, "%s: %.1f MB\n", s.Name, float64(s.Bytes)/1e6)
	}
	fmt.Fprintln(&b)
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "a hit, by who has the key; a start\tbytes\tms\t× bare\t95 % interval\tMB\trequests\tsockets\tbound")
	for _, row := range r.Rows {
		fmt.Fprintln(table, row.cells())
	}
	_ = table.Flush()
	fmt.Fprintf(&b, "\nmeasured earlier on another run (%s), against the same kind of bare program\n", peersMeasured)
	table = tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "a remembered token\tversion\t× bare\trequests")
	for _, p := range peers() {
		fmt.Fprintf(table, "%s\t%s\t%.3g\t%d\n", p.Name, p.Version, p.Ratio, p.Requests)
	}
	_ = table.Flush()
	_, err := io.WriteString(w, b.String())
	return err
}

// cells are a row's, with a tab after each but the last.
func (r row) cells() string {
	if r.Missing != "" {
		return r.Name + "\t–\t–\t–\tnot measured: " + r.Missing
	}
	memory := "–"
	if r.Memory > 0 {
		memory = fmt.Sprintf("%.1f", float64(r.Memory)/1e3)
	}
	return fmt.Sprintf("%s\t%d\t%.2f\t%.2f\t%.2f to %.2f\t%s\t%d\t%s\t%s", r.Name, r.Bytes, r.Millis, r.Ratio, r.Low, r.High, memory, r.Requests, r.Sockets, r.verdict())
}

func (r row) verdict() string {
	var words []string
	if r.Bound > 0 {
		words = append(words, fmt.Sprintf("≤ %.1f", r.Bound))
	}
	if len(r.Medians) > 1 {
		words = append(words, fmt.Sprintf("(%.2f, then %.2f)", r.Medians[0], r.Medians[1]))
	}
	switch {
	case r.broken():
		words = append(words, "BROKEN")
	case r.Bound > 0:
		words = append(words, "holds")
	}
	return strings.Join(words, " ")
}
