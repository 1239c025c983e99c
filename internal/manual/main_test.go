package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/idferry/idferry/internal/catalogue"
)

func TestThePagesAreThoseOfTheCode(t *testing.T) {
	for name, want := range pages() {
		got, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
		if err != nil || string(got) != want {
			t.Errorf("docs/%s is not what the code says (%v): go run ./internal/manual", name, err)
		}
	}
}

// Whoever reads an entry finds in it what it is, why, and what to do.
func TestEveryEntryIsWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range sections() {
		for _, e := range s.entries {
			key := e.Code + strings.Join(e.Says, " ")
			if seen[key] {
				t.Errorf("%s stands twice", key)
			}
			seen[key] = true
			if e.Code == "" || e.Cause == "" || e.Mend == "" && len(e.Run) == 0 {
				t.Errorf("%s: %+v", key, e)
			}
			for _, text := range []string{e.Cause, e.Mend, e.Wait} {
				if strings.HasSuffix(text, ".") || text != "" && strings.ToUpper(text[:1]) == text[:1] && !strings.HasPrefix(text, "Google") {
					t.Errorf("%s: %q does not go on a line of its own and into a sentence alike", key, text)
				}
			}
			for _, place := range regexp.MustCompile(`\{[^}]*\}`).FindAllString(e.Mend+strings.Join(e.Run, " "), -1) {
				if !regexp.MustCompile(`^\{[a-z-]+\}$`).MatchString(place) {
					t.Errorf("%s: the place %s would stay as it is", key, place)
				}
			}
			if _, ok := catalogue.Find([]catalogue.Entry{e}, e.Code, strings.Join(e.Says, " ")); !ok {
				t.Errorf("%s does not recognise itself", key)
			}
		}
	}
}
