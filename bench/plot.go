package main

import (
	"bytes"
	"fmt"
	"html/template"
	"math"
)

// bar is one of a plot.
type bar struct {
	Name, Figure string
	Ours         bool
	Y, Text      int
	Width, End   float64
}

const (
	plotLeft  = 330
	plotWidth = 500
	plotStep  = 24
	plotTop   = 58
)

// plot draws how long a remembered token takes, in times of a bare program, on a logarithmic scale: what others use is a
// hundred times slower.
func (r report) plot() ([]byte, error) {
	var bars []bar
	largest := 10.0
	for _, one := range r.plotted() {
		largest = max(largest, one.Ratio)
	}
	scale := func(ratio float64) float64 {
		return plotWidth * math.Log10(max(ratio, 1)) / math.Ceil(math.Log10(largest))
	}
	for i, one := range r.plotted() {
		width := scale(one.Ratio)
		y := plotTop + i*plotStep
		bars = append(bars, bar{Name: one.Name, Figure: fmt.Sprintf("%.3g ×", one.Ratio), Ours: one.ours, Y: y, Text: y + 13, Width: width, End: plotLeft + width + 6})
	}
	type tick struct {
		X      float64
		Figure string
	}
	var ticks []tick
	for power := 1.0; power <= math.Pow(10, math.Ceil(math.Log10(largest))); power *= 10 {
		ticks = append(ticks, tick{plotLeft + scale(power), fmt.Sprintf("%.0f ×", power)})
	}
	bottom := plotTop + len(bars)*plotStep
	var out bytes.Buffer
	err := plotTemplate().Execute(&out, map[string]any{
		"Bars": bars, "Ticks": ticks, "Left": plotLeft, "Label": plotLeft - 8, "Bottom": bottom, "Width": plotLeft + plotWidth + 70, "Height": bottom + 14, "Heading": r.heading(),
	})
	return out.Bytes(), err
}

// drawn is a row in the plot.
type drawn struct {
	row
	ours bool
}

// plotted are remembered tokens of an ordinary size, ours first.
func (r report) plotted() (all []drawn) {
	for i, one := range r.Hits {
		if one.Missing == "" && i < len(r.Hits)/len(sizes()) {
			all = append(all, drawn{one, true})
		}
	}
	for _, one := range r.Peers {
		if one.Missing == "" {
			all = append(all, drawn{one, false})
		}
	}
	return all
}

func plotTemplate() *template.Template {
	return template.Must(template.New("plot").Parse(`<svg xmlns="http://www.w3.org/2000/svg" width="{{.Width}}" height="{{.Height}}" viewBox="0 0 {{.Width}} {{.Height}}" font-family="sans-serif" font-size="13">
<title>A remembered token, in times of a Go program that prints the same bytes and does nothing else</title>
<desc>{{.Heading}}</desc>
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="10" y="20" font-size="15" font-weight="bold">A remembered token, × a bare Go program (logarithmic)</text>
{{range .Ticks}}<line x1="{{.X}}" x2="{{.X}}" y1="50" y2="{{$.Bottom}}" stroke="#d0d7de"/><text x="{{.X}}" y="44" text-anchor="middle" fill="#57606a">{{.Figure}}</text>
{{end}}{{range .Bars}}<text x="{{$.Label}}" y="{{.Text}}" text-anchor="end">{{.Name}}</text><rect x="{{$.Left}}" y="{{.Y}}" width="{{.Width}}" height="16" fill="{{if .Ours}}#0969da{{else}}#8c959f{{end}}"/><text x="{{.End}}" y="{{.Text}}">{{.Figure}}</text>
{{end}}</svg>
`))
}
