package main

import (
	"encoding/json"
	"io"
	"slices"
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

func (r report) broken() bool { return slices.ContainsFunc(r.Rows, row.broken) }

// writeJSON adds the verdicts, so that no reader has to know what breaks a bound.
func (r report) writeJSON(w io.Writer) error {
	type judged struct {
		row
		Broken bool `json:"broken"`
	}
	rows := make([]judged, len(r.Rows))
	for i, one := range r.Rows {
		rows[i] = judged{one, one.broken()}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		report
		Rows          []judged `json:"rows"`
		Peers         []peer   `json:"peers"`
		PeersMeasured string   `json:"peersMeasured"`
	}{r, rows, peers(), peersMeasured})
}
