// Package answer is the line that the Go clients print for conformance/run.
package answer

import (
	"encoding/json"
	"os"
	"runtime/debug"
	"time"
)

// Answer is what a client did. ExpiresOn is in seconds since 1970.
type Answer struct {
	Client    string `json:"client"`
	Version   string `json:"version"`
	Verb      string `json:"verb"`
	OK        bool   `json:"ok"`
	Token     string `json:"token,omitempty"`
	ExpiresOn int64  `json:"expires_on,omitempty"`
	// Asked is when a call began, in milliseconds since 1970, and Tokens what each gave.
	Asked  []int64  `json:"asked,omitempty"`
	Tokens []string `json:"tokens,omitempty"`
	Blobs  []string `json:"blobs,omitempty"`
	User   string   `json:"user,omitempty"`
	MS     int64    `json:"ms"`
	Error  string   `json:"error,omitempty"`
}

// Print does verb with the library client, which module holds, and prints the outcome.
func Print(client, module, verb string, do func(*Answer) error) {
	a := Answer{Client: client, Version: version(module), Verb: verb}
	start := time.Now()
	err := do(&a)
	a.MS, a.OK = time.Since(start).Milliseconds(), err == nil
	if err != nil {
		a.Error = err.Error()
	}
	if err := json.NewEncoder(os.Stdout).Encode(a); err != nil {
		panic(err)
	}
}

// version is the one that this program was built with.
func version(module string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == module {
				return m.Version
			}
		}
	}
	return ""
}
