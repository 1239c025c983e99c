package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

type size struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

type report struct {
	Go         string `json:"go"`
	Platform   string `json:"platform"`
	Processors int    `json:"processors"`
	Rounds     int    `json:"rounds"`
	Sizes      []size `json:"binaries"`
	Rows       []row  `json:"rows"`
}

func (r report) broken() bool {
	for _, row := range r.Rows {
		if row.broken() {
			return true
		}
	}
	return false
}

func (r report) writeJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		report
		Peers []peer `json:"peers"`
	}{r, peers()})
}

func (r report) writeText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, %d processors; %d pairs a row, each with a bare Go program that prints the same bytes\n", r.Go, r.Platform, r.Processors, r.Rounds)
	for _, s := range r.Sizes {
		fmt.Fprintf(&b, "%s: %.1f MB\n", s.Name, float64(s.Bytes)/1e6)
	}
	fmt.Fprintln(&b)
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "a hit, whole process\tbytes\tms\t× bare\thalf of them\tMB\trequests\tsockets\tbound")
	for _, row := range r.Rows {
		if row.Missing != "" {
			fmt.Fprintf(table, "%s\t–\t–\t–\tnot measured: %s\n", row.Name, row.Missing)
			continue
		}
		verdict := ""
		if row.Bound > 0 {
			verdict = fmt.Sprintf("≤ %.1f", row.Bound)
		}
		if row.First > 0 {
			verdict += fmt.Sprintf(" (%.2f at first)", row.First)
		}
		if row.broken() {
			verdict += " BROKEN"
		}
		fmt.Fprintf(table, "%s\t%d\t%.2f\t%.2f\t%.2f to %.2f\t%.1f\t%d\t%s\t%s\n",
			row.Name, row.Bytes, row.Millis, row.Ratio, row.Low, row.High, float64(row.Memory)/1e3, row.Requests, row.Sockets, verdict)
	}
	_ = table.Flush()
	fmt.Fprintf(&b, "\nother programs, measured in %s on another machine, each in pairs with such a bare program\n", peersMeasured)
	table = tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, p := range peers() {
		fmt.Fprintf(table, "%s\t%.2f ×\t%s\n", p.Name, p.Ratio, p.Requests)
	}
	_ = table.Flush()
	_, err := io.WriteString(w, b.String())
	return err
}
