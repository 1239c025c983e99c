package main

import (
	"encoding/json"
	"fmt"
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
	// Authorities is how many certificates a first call reads before it knows whom to trust.
	Authorities int     `json:"authorities"`
	Sizes       []size  `json:"binaries"`
	Hits        []row   `json:"hits"`
	Starts      []row   `json:"starts"`
	Leaner      []row   `json:"cacheAlone"`
	Colds       []cold  `json:"firstCalls"`
	Herds       []crowd `json:"atOnce"`
	Entries     []row   `json:"largeCaches"`
	Peers       []row   `json:"others"`
	Kubectl     []row   `json:"kubectl"`
}

// ours are the rows of this project's programs that have a ratio which may not grow.
func (r report) ours() []row {
	all := slices.Concat(r.Hits, r.Starts, r.Leaner, r.Entries)
	for _, c := range r.Colds {
		all = append(all, c.row)
	}
	return all
}

// faults are all of what is not as it has to be.
func (r report) faults() (all []string) {
	add := func(name string, faults []string) {
		for _, f := range faults {
			all = append(all, name+": "+f)
		}
	}
	for _, s := range r.Sizes {
		if s.Bytes > binaryBound {
			add(s.Name, []string{fmt.Sprintf("%d bytes are more than %d", s.Bytes, binaryBound)})
		}
	}
	for _, one := range slices.Concat(r.Hits, r.Starts, r.Leaner, r.Entries, r.Kubectl) {
		add(one.Name, one.faults())
	}
	for _, one := range r.Colds {
		add(one.Name, one.faults())
	}
	for _, one := range r.Herds {
		add(fmt.Sprintf("%d of %s at once", one.Processes, one.Name), one.faults())
	}
	return all
}

// writeJSON adds the verdict, so that no reader has to know what breaks a bound.
func (r report) writeJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		report
		Faults []string `json:"faults"`
	}{r, r.faults()})
}
