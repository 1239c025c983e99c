package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func sample() report {
	slow, busy := hitRow(1.9, 2.6, 2.5, 2.4), hitRow(1.9, 2.6, 1.8)
	asking, networked, talking := hitRow(1.9, 1.8), hitRow(1.9, 1.8), hitRow(1.9, 1.8)
	slow.Name, busy.Name, asking.Name, networked.Name, talking.Name = "slow", "busy at first", "asking", "networked", "talking"
	asking.Requests = 1
	networked.Sockets, networked.Bus = sockets{Counted: true, Network: 1, Local: 1}, true
	talking.Sockets = sockets{Counted: true, Local: 1}
	service := hitRow(5.5, 4.1)
	service.Name, service.Bus, service.Sockets = "service", true, sockets{Counted: true, Local: 1}
	large := hitRow(1.9, 1.8)
	large.Name, large.MemoryBound, large.Memory = "large", 8_000, 8_100
	slower := row{Before: 1.5}
	slower.add(pairOf(1.8))
	slower.Name = "slower than it was"
	start := row{Name: "version", Bytes: 51, Ratio: 1.8, Low: 1.7, High: 1.9, Millis: 2, CPU: 1.4, Medians: []float64{1.8}, Before: 1.6}
	missing := row{Name: "absent", Bound: 5.5, Missing: "gnome-keyring-daemon is not installed"}
	near := cold{row: row{Name: "cold, near", Ratio: 9, Requests: 2, Asks: 2, Memory: 12_000, MemoryBound: coldMemory}, Walls: [3]float64{18, 74, 312}, Trips: 2.9, AtMost: 3, Slack: 15}
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
	for _, line := range []string{
		"go1.0, linux/amd64, 2 processors; medians of 100 pairs. azure-token-helper has 11.3 MB, gcp-executable-source has 12.3 MB.\n",
		"\nA remembered token, by who keeps the key\n               bytes  ms    CPU ms  × bare  95 % interval  MB   requests  sockets           bound\n",
		"\nslow           2048   2.40  –       2.40    2.40 to 2.40   7.0  0         none              ≤ 1.9 × (2.60, then 2.50, then 2.40) BROKEN: 2.40 × is above 1.90 ×\n",
		"\nbusy at first  2048   1.80  –       1.80    1.80 to 1.80   7.0  0         none              ≤ 1.9 × (2.60, then 1.80) holds\n",
		"\nasking         2048   1.80  –       1.80    1.80 to 1.80   7.0  1         none              ≤ 1.9 × BROKEN: 1 requests in place of 0\n",
		"\nnetworked      2048   1.80  –       1.80    1.80 to 1.80   7.0  0         1 to the network  ≤ 1.9 × BROKEN: sockets: 1 to the network\n",
		"\ntalking        2048   1.80  –       1.80    1.80 to 1.80   7.0  0         1 local           ≤ 1.9 × BROKEN: sockets: 1 local\n",
		"\nservice        2048   4.10  –       4.10    4.10 to 4.10   7.0  0         1 local           ≤ 5.5 × holds\n",
		"\nlarge          2048   1.80  –       1.80    1.80 to 1.80   8.1  0         none              ≤ 1.9 × ≤ 8 MB BROKEN: 8.1 MB is above 8.0 MB\n",
		"\nslower than it was  0      1.80  –       1.80    1.80 to 1.80   –   0         not counted  BROKEN: 1.80 × was 1.50 ×\n",
		"\nversion             51     2.00  1.4     1.80    1.70 to 1.90   –   0         not counted  \n",
		"\nabsent              –      –     –       –       –              –   –         –            not measured: gnome-keyring-daemon is not installed\n",
		"\nA first call, with 145 certificates to trust, by how far away every cloud is\n",
		"\nnear  2         18.0  74.0   312.0   2.9          –       9.0     12.0  14.0 ms beyond 3 round trips (≤ 15), ≤ 14 MB holds\n",
		"\nlate  2         18.0  76.0   312.0   2.9          –       9.0     12.0  16.0 ms beyond 3 round trips (≤ 15), ≤ 14 MB BROKEN: 16.0 ms beyond 3 round trips are above 15 ms\n",
		"\nazure-token-helper     50         1          320                              1.24         3.6          ≤ 1.4 × holds\n",
		"\nazure-token-helper     200        2          560                              2.10         3.6          BROKEN: 2 exchanges\n",
		"\ngcp-executable-source  50         1          320                              1.50         3.6          BROKEN: 1.50 × one alone is above 1.4 ×\n",
	} {
		if !strings.Contains(b.String(), line) {
			t.Errorf("there is no %qin\n%s", line, b.String())
		}
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
		"talking: sockets: 1 local", "large: 8.1 MB is above 8.0 MB", "slower than it was: 1.80 × was 1.50 ×", "cold, late: 16.0 ms beyond 3 round trips are above 15 ms",
		"200 of azure-token-helper at once: 2 exchanges", "50 of gcp-executable-source at once: 1.50 × one alone is above 1.4 ×",
	}
	if strings.Join(got.Faults, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got.Faults, "\n"), strings.Join(want, "\n"))
	}
	if len(got.Hits[0].Medians) != 3 {
		t.Error("the medians of a row measured three times are lost")
	}
}

func TestARatioMayGrowByLessThanOnePartInSeven(t *testing.T) {
	for _, tt := range []struct {
		before, ratio float64
		faults        int
	}{{2, 2.29, 0}, {2, 2.31, 1}, {0, 9, 0}} {
		if got := (row{Before: tt.before, Ratio: tt.ratio}).faults(); len(got) != tt.faults {
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
