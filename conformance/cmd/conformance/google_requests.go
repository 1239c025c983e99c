package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/idferry/idferry/internal/fakecloud"
)

// compareRequests compares what a client sent with the golden file of its name. IDFERRY_TEST_RECORD=1 writes that file.
func (m *azureMachine) compareRequests(client string) error {
	golden := filepath.Join("google", "requests", strings.ReplaceAll(client, "/", "-")+".txt")
	var got strings.Builder
	for _, verb := range []string{"first token", "as a service account"} {
		_, _ = fmt.Fprintf(&got, "# %s\n", verb)
		for _, e := range m.sent[client+": "+verb] {
			got.WriteString(m.written(e))
		}
	}
	if os.Getenv("IDFERRY_TEST_RECORD") != "" {
		return os.WriteFile(golden, []byte(got.String()), 0o644)
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		return err
	}
	if got.String() != string(want) {
		return fmt.Errorf("sent\n%s\nand not what %s has\n%s", got.String(), golden, want)
	}
	return nil
}

// written is a request as the golden files have it, without versions, which change, and platforms.
func (m *azureMachine) written(e fakecloud.Exchange) string {
	var text strings.Builder
	_, _ = fmt.Fprintf(&text, "%s %s\ncontent-type: %s\n", e.Method, e.Path, e.ContentType)
	if e.Authorization != "" {
		_, _ = fmt.Fprintf(&text, "authorization: %s …\n", e.Authorization)
	}
	if e.Client != "" {
		client := regexp.MustCompile(`/v?\d+(\.[\w-]+)*`).ReplaceAllString(e.Client, "/N")
		_, _ = fmt.Fprintf(&text, "x-goog-api-client: %s\n", client)
	}
	// Rust's client has its fields in an order that is another one each time.
	for _, field := range slices.Sorted(slices.Values(e.Form)) {
		_, _ = fmt.Fprintln(&text, field)
	}
	if e.Body != "" {
		_, _ = fmt.Fprintln(&text, e.Body)
	}
	return text.String() + "\n"
}
