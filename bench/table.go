package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// table is what is shown of some rows.
type table struct {
	title string
	head  []string
	cells [][]string
}

// tables are all that the report shows.
func (r report) tables() []table {
	rows := func(title, ratio string, all []row) table {
		t := table{title: title, head: []string{"", "bytes", "ms", "CPU ms", ratio, "95 % interval", "MB", "own MB", "requests", "sockets", "bound"}}
		for _, one := range all {
			t.cells = append(t.cells, one.cells())
		}
		return t
	}
	all := []table{
		rows("A remembered token, by who keeps the key", "× bare", r.Hits),
		rows("A start", "× bare", r.Starts),
		rows("What a program that links the cache and neither cloud would take (bench/lean)", "× bare", r.Leaner),
		r.coldTable(), r.herdTable(),
		rows("A remembered token of others' programs", "× bare", r.Peers),
		rows("kubectl get pods with a plugin, against kubectl with the same token in its kubeconfig", "× static token", r.Kubectl),
		rows("A large cache, against one that holds no other token", "× no other", r.Entries),
	}
	return slices.DeleteFunc(all, func(t table) bool { return len(t.cells) == 0 })
}

// cells are a row's.
func (r row) cells() []string {
	if r.Missing != "" {
		return []string{r.Name, "–", "–", "–", "–", "–", "–", "–", "–", "–", "not measured: " + r.Missing}
	}
	return []string{
		r.Name, fmt.Sprint(r.Bytes), fmt.Sprintf("%.2f", r.Millis), known(r.CPU, "%.1f"), fmt.Sprintf("%.2f", r.Ratio), fmt.Sprintf("%.2f to %.2f", r.Low, r.High),
		known(float64(r.Memory)/1e3, "%.1f"), known(float64(r.Own)/1e3, "%.1f"), fmt.Sprint(r.Requests), r.Sockets.String(), r.verdict(r.faults()),
	}
}

// known is a figure, or a dash where it is 0: it was not measured.
func known(figure float64, format string) string {
	if figure == 0 {
		return "–"
	}
	return fmt.Sprintf(format, figure)
}

func (r report) coldTable() table {
	t := table{
		title: fmt.Sprintf("A first call, with %d certificates to trust, by how far away every cloud is", r.Authorities),
		head:  []string{"", "requests", "0 ms", "20 ms", "100 ms", "round trips", "CPU ms", "× bare", "MB", "own MB", "bound"},
	}
	for _, c := range r.Colds {
		verdict := c.verdict(c.faults())
		if c.Slack > 0 {
			verdict = fmt.Sprintf("%.1f ms beyond %d round trips (≤ %.0f), %s", c.beyond(), c.AtMost, c.Slack, verdict)
		}
		t.cells = append(t.cells, []string{
			strings.TrimPrefix(c.Name, "cold, "), fmt.Sprint(c.Requests), fmt.Sprintf("%.1f", c.Walls[0]), fmt.Sprintf("%.1f", c.Walls[1]), fmt.Sprintf("%.1f", c.Walls[2]),
			fmt.Sprintf("%.1f", c.Trips), known(c.CPU, "%.1f"), fmt.Sprintf("%.1f", c.Ratio), known(float64(c.Memory)/1e3, "%.1f"), known(float64(c.Own)/1e3, "%.1f"), verdict,
		})
	}
	return t
}

func (r report) herdTable() table {
	t := table{
		title: fmt.Sprintf("Many processes at once on an empty cache; clouds %d ms away, whose token services take %d ms", herdAway.Milliseconds(), herdService.Milliseconds()),
		head:  []string{"", "processes", "exchanges", "the last has its token after ms", "× one alone", "CPU ms each", "bound"},
	}
	for _, c := range r.Herds {
		t.cells = append(t.cells, []string{
			c.Name, fmt.Sprint(c.Processes), fmt.Sprint(c.Exchanges), fmt.Sprintf("%.0f", c.Last), fmt.Sprintf("%.2f", c.Ratio), fmt.Sprintf("%.1f", c.CPU), c.verdict(),
		})
	}
	return t
}

// heading says on what and how everything was measured.
func (r report) heading() string {
	var sizes []string
	for _, s := range r.Sizes {
		sizes = append(sizes, fmt.Sprintf("%s has %.1f MB", s.Name, float64(s.Bytes)/1e6))
	}
	return fmt.Sprintf("%s, %s, %d processors; medians of %d pairs. %s.", r.Go, r.Platform, r.Processors, r.Rounds, strings.Join(sizes, ", "))
}

func (r report) writeText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintln(&b, r.heading())
	for _, t := range r.tables() {
		fmt.Fprintf(&b, "\n%s\n", t.title)
		columns := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		for _, cells := range append([][]string{t.head}, t.cells...) {
			fmt.Fprintln(columns, strings.Join(cells, "\t"))
		}
		_ = columns.Flush()
	}
	if faults := r.faults(); len(faults) > 0 {
		fmt.Fprintf(&b, "\nnot as it has to be:\n  %s\n", strings.Join(faults, "\n  "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
