package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func sample() report {
	slow, busy := hitRow(boundLocal, 2.6, 2.5), hitRow(boundLocal, 2.6, 2.1)
	asking, networked, talking := hitRow(boundLocal, 2.0), hitRow(boundLocal, 2.0), hitRow(boundLocal, 2.0)
	slow.Name, busy.Name, asking.Name, networked.Name, talking.Name = "slow", "busy at first", "asking", "networked", "talking"
	asking.Requests = 101
	networked.Sockets, networked.Bus = sockets{Counted: true, Network: 1, Local: 1}, true
	talking.Sockets = sockets{Counted: true, Local: 1}
	service := hitRow(boundService, 4.1)
	service.Name, service.Bus, service.Sockets = "service", true, sockets{Counted: true, Local: 1}
	start := row{Name: "version", Bytes: 51, Ratio: 1.8, Low: 1.7, High: 1.9, Millis: 2, Medians: []float64{1.8}}
	missing := row{Name: "absent", Bound: 5.5, Missing: "gnome-keyring-daemon is not installed"}
	return report{Go: "go1.0", Platform: "linux/amd64", Processors: 2, Rounds: 100, Sizes: []size{{"azure-token-helper", 10_400_000}},
		Rows: []row{slow, busy, asking, networked, talking, service, start, missing}}
}

func hitRow(bound float64, medians ...float64) row {
	r := row{Bound: bound, Bytes: 2048, Memory: 9000, Sockets: sockets{Counted: true}}
	for i, m := range medians {
		again := r.add(paired{[]time.Duration{time.Duration(m * 1e6)}, []time.Duration{1e6}})
		if again != (i+1 < len(medians)) {
			panic("measured once more for no reason, or not though there is one")
		}
	}
	return r
}

func TestTheTable(t *testing.T) {
	var b strings.Builder
	if err := sample().writeText(&b); err != nil {
		t.Fatal(err)
	}
	ours, others, _ := strings.Cut(b.String(), "\n\nmeasured earlier")
	const want = `go1.0, linux/amd64, 2 processors; 100 pairs a row, each with a bare Go program that prints the same bytes
azure-token-helper: 10.4 MB

a hit, by who has the key; a start  bytes  ms    × bare  95 % interval  MB   requests  sockets           bound
slow                                2048   2.50  2.50    2.50 to 2.50   9.0  0         none              ≤ 2.4 (2.60, then 2.50) BROKEN
busy at first                       2048   2.10  2.10    2.10 to 2.10   9.0  0         none              ≤ 2.4 (2.60, then 2.10) holds
asking                              2048   2.00  2.00    2.00 to 2.00   9.0  101       none              ≤ 2.4 BROKEN
networked                           2048   2.00  2.00    2.00 to 2.00   9.0  0         1 to the network  ≤ 2.4 BROKEN
talking                             2048   2.00  2.00    2.00 to 2.00   9.0  0         1 local           ≤ 2.4 BROKEN
service                             2048   4.10  4.10    4.10 to 4.10   9.0  0         1 local           ≤ 5.5 holds
version                             51     2.00  1.80    1.70 to 1.90   –    0         not counted       
absent                              –      –     –       not measured: gnome-keyring-daemon is not installed`
	if ours != want {
		t.Errorf("got\n%s\nwant\n%s", ours, want)
	}
	for _, p := range []string{"(2026-11), against the same kind of bare program\n", "Azure/kubelogin  ", "21.6 ", "289 "} {
		if !strings.Contains(others, p) {
			t.Errorf("%q is not in\n%s", p, others)
		}
	}
}

func TestTheVerdictsAreInTheJSON(t *testing.T) {
	r := sample()
	var b strings.Builder
	if err := r.writeJSON(&b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Rows []struct {
			Name    string
			Broken  bool
			Medians []float64
		}
		Peers []peer
	}
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil || len(got.Rows) != len(r.Rows) || len(got.Peers) != len(peers()) {
		t.Fatal(err, b.String())
	}
	broken := map[string]bool{"slow": true, "asking": true, "networked": true, "talking": true}
	for _, row := range got.Rows {
		if row.Broken != broken[row.Name] {
			t.Errorf("%s: broken is %v", row.Name, row.Broken)
		}
	}
	if len(got.Rows[1].Medians) != 2 {
		t.Error("the first median of a row measured twice is lost")
	}
}

func TestOneBrokenRowBreaksTheReport(t *testing.T) {
	r := sample()
	if !r.broken() {
		t.Error("four rows are broken")
	}
	r.Rows = r.Rows[5:]
	if r.broken() {
		t.Error("a row that was not measured, or has no bound, breaks nothing")
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
