package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

func TestThePlotIsAPicture(t *testing.T) {
	r := sample()
	r.Hits[0].Name = "<slow> & \"odd\""
	plot, err := r.plot()
	if err != nil {
		t.Fatal(err)
	}
	bars, texts := 0, ""
	for d := xml.NewDecoder(strings.NewReader(string(plot))); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, plot)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if token.Name.Local == "rect" {
				bars++
			}
		case xml.CharData:
			texts += string(token)
		}
	}
	// Tokens of an ordinary size are half of the rows; one rectangle is the ground.
	if want := len(r.Hits)/2 + 1; bars != want {
		t.Errorf("%d rectangles, not %d", bars, want)
	}
	for _, want := range []string{`<slow> & "odd"`, "2.4 ×", "10 ×"} {
		if !strings.Contains(texts, want) {
			t.Errorf("%q is not in\n%s", want, texts)
		}
	}
}

func TestATableOfThePageHasACellForEveryColumn(t *testing.T) {
	rows := 0
	for _, line := range strings.Split(sample().markdown(), "\n") {
		if !strings.HasPrefix(line, "|") {
			rows = 0
			continue
		}
		columns := strings.Count(line, " |")
		if rows == 0 {
			rows = columns
		}
		if columns != rows {
			t.Errorf("%d columns, not %d: %s", columns, rows, line)
		}
	}
}

// The page, the plot and what later runs are held to come from one run, and every row that is held is one that the page shows.
func TestThePageShowsWhatLaterRunsAreHeldTo(t *testing.T) {
	page, err := os.ReadFile("../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	held, err := readBaseline()
	if err != nil {
		t.Fatal(err)
	}
	if len(held) == 0 {
		t.Error("no figure is held")
	}
	for name := range held {
		if !strings.Contains(string(page), "| "+strings.TrimPrefix(name, "cold, ")+" |") {
			t.Errorf("%s is not in docs/performance.md", name)
		}
	}
}
