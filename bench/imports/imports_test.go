package main

import (
	"strings"
	"testing"
)

func TestWhatTheRuntimeTraces(t *testing.T) {
	got, err := parseTrace("init internal/bytealg @0.003 ms, 0 ms clock, 0 bytes, 0 allocs\nsomething else\n" +
		"init go.yaml.in/yaml/v3 @1.2 ms, 0.060 ms clock, 25700 bytes, 21 allocs\n")
	if err != nil {
		t.Fatal(err)
	}
	if want := (initialised{Micros: 60, Allocated: 25700}); len(got) != 2 || got["go.yaml.in/yaml/v3"] != want {
		t.Errorf("%+v", got)
	}
	if _, err := parseTrace("version 1\n"); err == nil {
		t.Error("a program whose runtime traces nothing costs nothing")
	}
}

func TestWhoseASymbolIs(t *testing.T) {
	modules := []string{ours, "golang.org/x/net", "go.yaml.in/yaml/v3", "github.com/Azure/azure-sdk-for-go/sdk/internal", "gopkg.in/yaml.v3"}
	for symbol, want := range map[string]string{
		"github.com/idferry/idferry/internal/cache.(*Cache).Token": ours,
		"main.main":                                     ours,
		"go.yaml.in/yaml/v3.(*parser).parse":            "go.yaml.in/yaml/v3",
		"gopkg.in/yaml%2ev3.Unmarshal":                  "gopkg.in/yaml.v3",
		"golang.org/x/net/http2.(*Transport).RoundTrip": "golang.org/x/net",
		"golang.org/x/network.Not":                      "",
		"vendor/golang.org/x/net/idna.idnaValues":       standard,
		"net/http.(*Client).Do":                         standard,
		"slices.SortFunc[go.shape.[]github.com/idferry/idferry/internal/token.Token]": standard,
		"type:.eq.github.com/Azure/azure-sdk-for-go/sdk/internal/exported.Request":    "github.com/Azure/azure-sdk-for-go/sdk/internal",
		"go:itab.*os.File,io.Reader": "",
		"go:func.*":                  "",
		"runtime.text":               standard,
		"_rt0_amd64_linux":           "",
	} {
		if got := moduleOf(packageOf(symbol), modules); got != want {
			t.Errorf("%s is of %q, not of %q", symbol, got, want)
		}
	}
}

func TestAModuleCostsTheMedianStart(t *testing.T) {
	one := func(micros float64) trace {
		return trace{"golang.org/x/net/http2": {Micros: micros, Allocated: 100}, "golang.org/x/net/idna": {Micros: 1}, "net": {Micros: 7}}
	}
	got := costs([]string{ours, "golang.org/x/net"}, []trace{one(10), one(900), one(12)}, map[string]int64{"golang.org/x/net/http2": 5000, "golang.org/x/net/idna": 600, "": 1 << 20})
	if want := (cost{Micros: 13, Allocated: 100, Bytes: 5600}); got["golang.org/x/net"] != want {
		t.Errorf("%+v", got["golang.org/x/net"])
	}
	if want := (cost{Micros: 7}); got[standard] != want {
		t.Errorf("%+v", got[standard])
	}
}

func TestThePageKeepsItsWords(t *testing.T) {
	programs := []program{
		{Letter: "a", Costs: map[string]cost{ours: {Micros: 20}, "example.com/x": {Micros: 3.4, Allocated: 2000, Bytes: 41000}, "example.com/y": {Micros: 1}, "example.com/z": {Micros: 1}}},
		{Letter: "g", Costs: map[string]cost{ours: {Micros: 24}, "example.com/x": {Micros: 9.6, Allocated: 1000, Bytes: 40000}}},
	}
	page := "words\n" + begin + "\n| module | in | why | µs | kB | kB | who |\n|---|---|---|---|---|---|---|\n" +
		"| `example.com/x` | | why it is there | | | | who |\n| the others | | | | | | |\n| idferry | | | | | | |\n\nMeasured: never.\n" + end + "\nmore words | with | a | bar\n"
	got, err := rewrite(page, programs, "today")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"words\n" + begin, "| `example.com/x` | a g | why it is there | 10 | 2.0 | 41 | who |\n", "| the others | a | | 2 | 0.0 | 0 | |\n",
		"| idferry | a g | | 24 | 0.0 | 0 | |\n", "\nMeasured: today.\n" + end + "\nmore words | with | a | bar\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if again, err := rewrite(got, programs, "today"); err != nil || again != got {
		t.Errorf("%v: written again it is\n%s", err, again)
	}
	if _, err := rewrite(strings.Replace(page, "example.com/x", "example.com/gone", 1), programs, "today"); err == nil || !strings.Contains(err.Error(), "example.com/gone") {
		t.Errorf("a row of what nobody links: %v", err)
	}
	if _, err := rewrite(strings.Replace(page, "why it is there", "why | how", 1), programs, "today"); err == nil || !strings.Contains(err.Error(), "why | how") {
		t.Errorf("a row with a cell too many: %v", err)
	}
	if _, err := rewrite("a page without that part", programs, "today"); err == nil {
		t.Error("there is nothing to write to")
	}
}
