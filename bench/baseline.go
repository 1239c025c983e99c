package main

import (
	_ "embed"
	"encoding/json"
	"os"
)

// written are the ratios of docs/performance.md by the names of their rows. A ratio holds on other machines too; they
// are compared with what is measured now.
//
//go:embed baseline.json
var written []byte

func readBaseline() (ratios map[string]float64, err error) {
	return ratios, json.Unmarshal(written, &ratios)
}

// before is the written ratio of a row, or 0 for a new one.
func (b *bench) before(name string) float64 { return b.baseline[name] }

// writeBaseline writes the ratios of what is ours.
func (r report) writeBaseline(path string) error {
	ratios := map[string]float64{}
	for _, one := range r.ours() {
		if one.Missing == "" && one.Ratio > 0 {
			ratios[one.Name] = float64(int(one.Ratio*100+0.5)) / 100
		}
	}
	text, err := json.MarshalIndent(ratios, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
