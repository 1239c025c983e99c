package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

func sample() report {
	slow, busy := hitRow(1.9, 2.6, 2.5, 2.4, 2.5, 2.4), hitRow(1.9, 2.6, 1.8)
	asking, networked, talking := hitRow(1.9, 1.8), hitRow(1.9, 1.8), hitRow(1.9, 1.8)
	slow.Name, busy.Name, asking.Name, networked.Name, talking.Name = "slow", "busy at first", "asking", "networked", "talking"
	asking.Requests = 1
	networked.Sockets, networked.Bus = sockets{Counted: true, Network: 1, Local: 1}, true
	talking.Sockets = sockets{Counted: true, Local: 1}
	service := hitRow(5.5, 4.1)
	service.Name, service.Bus, service.Sockets = "service", true, sockets{Counted: true, Local: 1}
	large := hitRow(1.9, 1.8)
	large.Goal = 1.7
	large.Name, large.MemoryGoal, large.Memory, large.Own = "large", 8_000, 8_100, 1_900
	slower := row{Before: figures{Ratio: 1.5}}
	slower.add(pairOf(1.8))
	slower.Name = "slower than it was"
	start := row{Name: "version", Bytes: 51, Ratio: 1.8, Low: 1.7, High: 1.9, Millis: 2, CPU: 1.4, Medians: []float64{1.8}, Memory: 9_300, Before: figures{1.6, 8_000}}
	missing := row{Name: "absent", Bound: 5.5, Missing: "gnome-keyring-daemon is not installed"}
	near := cold{row: row{Name: "cold, near", Ratio: 9, Requests: 2, Asks: 2, Memory: 12_000, MemoryGoal: coldMemory}, Walls: [3]float64{18, 74, 312}, Trips: 2.9, AtMost: 3, Slack: 15}
	late := near
	late.Name, late.Walls = "cold, late", [3]float64{18, 76, 312}
	return report{
		Go: "go1.0", Platform: "linux/amd64", Processors: 2, Rounds: 100, Authorities: 145, Sizes: []size{{"azure-token-helper", 11_300_000}, {"gcp-executable-source", 12_300_000}},
		Hits: []row{slow, busy, asking, networked, talking, service, large}, Starts: []row{slower, start, missing}, Colds: []cold{near, late},
		Herds: []crowd{
			{Name: "azure-token-helper", Processes: 50, Exchanges: 1, Last: 320, Ratio: 1.24, CPU: 3.6, Bound: 1.4}, {Name: "azure-token-helper", Processes: 200, Exchanges: 2, Last: 560, Ratio: 2.1, CPU: 3.6},
			{Name: "gcp-executable-source", Processes: 50, Exchanges: 1, Last: 320, Ratio: 1.5, CPU: 3.6, Bound: 1.4},
		},
	}
}

func pairOf(ratio float64) paired {
	return paired{[]time.Duration{time.Duration(ratio * 1e6)}, []time.Duration{1e6}}
}

func hitRow(bound float64, medians ...float64) row {
	r := row{Bound: bound, Bytes: 2048, Memory: 7000, Sockets: sockets{Counted: true}}
	for i, m := range medians {
		again := r.add(pairOf(m))
		if again != (i+1 < len(medians)) {
			panic("measured once more for no reason, or not though there is one")
		}
	}
	return r
}

func TestTheTables(t *testing.T) {
	var b strings.Builder
	if err := sample().writeText(&b); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/tables.txt")
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// What is broken ends -check, and is what the JSON document says too.
func TestEveryFaultIsTold(t *testing.T) {
	var b strings.Builder
	if err := sample().writeJSON(&b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Hits   []struct{ Medians []float64 }
		Faults []string
	}
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"gcp-executable-source: 12300000 bytes are more than 12000000", "slow: 2.40 × is above 1.90 ×", "asking: 1 requests in place of 0", "networked: sockets: 1 to the network",
		"talking: sockets: 1 local", "slower than it was: 1.80 × was 1.50 ×", "version: 9.3 MB was 8.0 MB", "cold, late: 16.0 ms beyond 3 round trips are above 15 ms",
		"200 of azure-token-helper at once: 2 exchanges", "50 of gcp-executable-source at once: 1.50 × one alone is above 1.4 ×",
	}
	if strings.Join(got.Faults, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got.Faults, "\n"), strings.Join(want, "\n"))
	}
	if len(got.Hits[0].Medians) != 5 {
		t.Error("the medians of a row measured five times are lost")
	}
}

func TestARatioMayGrowByLessThanOnePartInSeven(t *testing.T) {
	for _, tt := range []struct {
		before, ratio float64
		faults        int
	}{{2, 2.29, 0}, {2, 2.31, 1}, {0, 9, 0}} {
		if got := (row{Before: figures{Ratio: tt.before}, Ratio: tt.ratio}).faults(); len(got) != tt.faults {
			t.Errorf("%+v: %q", tt, got)
		}
	}
}

func TestSocketsAreCountedByFamily(t *testing.T) {
	const trace = "[pid 7] socket(AF_UNIX, SOCK_STREAM, 0) = 3\n[pid 8] socket(AF_INET6, SOCK_STREAM, 0) = 4\nsocket(AF_NETLINK, SOCK_RAW, 0) = 5\n"
	if got := socketsIn(trace); got != (sockets{Counted: true, Local: 1, Network: 2}) {
		t.Error(got)
	}
	if got := socketsIn("+++ exited with 0 +++\n"); got.String() != "none" {
		t.Error(got)
	}
}
