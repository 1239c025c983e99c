package machine

import (
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/idferry/idferry/internal/token"
)

func TestRevisionsOfAServiceAreDifferentMachines(t *testing.T) {
	at := func(revision string) []token.Input {
		return Inputs(func(name string) (string, bool) { return revision, name == "K_REVISION" && revision != "" })
	}
	if !slices.Equal(at("a"), at("a")) {
		t.Error("a machine must be itself at every call:", at("a"))
	}
	if slices.Equal(at("a"), at("b")) || slices.Equal(at(""), at("a")) {
		t.Error("two revisions look the same:", at("a"))
	}
}

func TestPodsOnOneNodeDifferByHostName(t *testing.T) {
	inputs := Inputs(func(string) (string, bool) { return "", false })
	host, err := os.Hostname()
	if err != nil {
		t.Skip("no host name here")
	}
	if !slices.Contains(inputs, token.Input{Name: "host", Value: host}) {
		t.Error(inputs)
	}
	if runtime.GOOS == "linux" && !slices.ContainsFunc(inputs, func(i token.Input) bool { return i.Name == "boot-id" && len(i.Value) == 36 }) {
		t.Error("a machine that was started again may have another identity:", inputs)
	}
}
