package main

import (
	_ "embed"
	"encoding/json"
	"math"
	"os"
)

// written are the figures of docs/performance.md by the names of their rows, which what is measured now is compared with: a
// ratio holds on other machines too.
//
//go:embed baseline.json
var written []byte

func readBaseline() (all map[string]figures, err error) {
	return all, json.Unmarshal(written, &all)
}

// before is what was written of a row, or nothing for a new one.
func (b *bench) before(name string) figures { return b.baseline[name] }

// writeBaseline writes the figures of what is ours.
func (r report) writeBaseline(path string) error {
	all := map[string]figures{}
	for _, one := range r.ours() {
		if one.Missing == "" && one.Ratio > 0 {
			all[one.Name] = figures{math.Round(one.Ratio*100) / 100, one.Memory}
		}
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
