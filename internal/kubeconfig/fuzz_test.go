package kubeconfig

import (
	"os"
	"path/filepath"
	"testing"
)

// Whatever is in a file: no panic, and what is rewritten is rewritten once.
func FuzzRewrite(f *testing.F) {
	paths, err := filepath.Glob(filepath.Join(samplesDir(), "*.*"))
	if err != nil {
		f.Fatal(err)
	}
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o := Options{Command: sampleCommand, Default: Identity{ClientID: sampleApp, TenantID: sampleTenant}}
		rewritten := func(data []byte) *Plan {
			doc, err := parse("config", string(data))
			if err != nil {
				return nil
			}
			p, err := NewPlan([]*File{{Path: "config", before: data, doc: doc}}, o)
			if err != nil {
				return nil
			}
			return p
		}
		p := rewritten(data)
		if p == nil || !p.Changed() {
			return
		}
		theDiffIsComplete(t, p)
		_ = p.Diff()
		again := rewritten(p.Files[0].after)
		if again == nil || again.Changed() {
			t.Errorf("the second time differs:\n%s\n%s", data, p.Files[0].after)
		}
	})
}
