package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pluginVariable makes a run of these tests a credential plugin: it prints the value, and asks what askVariable names.
const (
	pluginVariable = "IDFERRY_BENCH_PLUGIN"
	askVariable    = "IDFERRY_BENCH_ASK"
)

func TestThisProcessIsAPlugin(t *testing.T) {
	printed, ok := os.LookupEnv(pluginVariable)
	if !ok {
		t.Skip("it is none")
	}
	if asked := os.Getenv(askVariable); asked != "" {
		resp, err := http.Get(asked)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	if printed == "" {
		printed = fmt.Sprint(os.Getpid())
	}
	fmt.Print(printed)
	os.Exit(0)
}

// plugin is a peer that prints a text, or another one at each call where that is "".
func plugin(t *testing.T, n *neighbours, printed string, env ...string) peer {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return peer{name: "a plugin", cluster: n.clouds.Kubernetes, ready: func(context.Context) (command, error) {
		return command{self, []string{"-test.run", "^TestThisProcessIsAPlugin$"}, append(append(slices.Clone(n.env), pluginVariable+"="+printed), env...)}, nil
	}}
}

func somewhere(t *testing.T) *neighbours {
	t.Helper()
	dir := t.TempDir()
	p, err := newPlace(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.clouds.Close)
	n, err := (&bench{place: p, dir: dir, rounds: 1}).neighbours()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.close)
	return n
}

func TestWhatARememberedTokenStillAsksIsTold(t *testing.T) {
	n := somewhere(t)
	_, text, asked, err := n.remembered(t.Context(), plugin(t, n, "a token"))
	if err != nil || text != "a token" || len(asked) != 0 {
		t.Error(text, asked, err)
	}
	_, _, asked, err = n.remembered(t.Context(), plugin(t, n, "a token", askVariable+"=http://"+n.clouds.Google.MetadataHost()+"/computeMetadata/"))
	if err != nil || len(asked) != 1 || asked[0] != "GET /computeMetadata/" {
		t.Errorf("%q %v", asked, err)
	}
}

func TestAPeerThatRemembersNothingIsNotTimed(t *testing.T) {
	n := somewhere(t)
	if r, err := n.hit(t.Context(), plugin(t, n, "")); err == nil || !strings.Contains(err.Error(), "two calls print two tokens") || len(r.Medians) > 0 {
		t.Error(r, err)
	}
}

// Nothing is fetched that nobody has asked for.
func TestWithoutTheFlagNothingIsInstalled(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	for _, name := range []string{"XDG_CACHE_HOME", "LOCALAPPDATA"} {
		t.Setenv(name, t.TempDir())
	}
	n := somewhere(t)
	for _, p := range []peer{n.kubelogin(), n.oidcLogin(), n.az()} {
		if _, err := p.ready(t.Context()); err == nil || err.Error() != errNotInstalled.Error() {
			t.Errorf("%s: %v", p.name, err)
		}
	}
	kept, err := keptIn("idferry-bench", "azure-cli-"+azVersion, "bin", "az")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(kept), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(kept, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	if path, err := n.azureCLI(t.Context()); err != nil || path != kept {
		t.Errorf("what an earlier run installed: %s %v", path, err)
	}
}

func TestAProgramIsTimedAsACopyOfTheSameName(t *testing.T) {
	dir := t.TempDir()
	original := filepath.Join(dir, "kubectl")
	if err := os.WriteFile(original, []byte("bytes"), 0o600); err != nil {
		t.Fatal(err)
	}
	first, err := rewritten(dir, original)
	if err != nil {
		t.Fatal(err)
	}
	second, err := rewritten(dir, original)
	if err != nil {
		t.Fatal(err)
	}
	copied, err := os.ReadFile(second)
	if err != nil || first == second || first == original || filepath.Base(second) != "kubectl" || string(copied) != "bytes" {
		t.Error(first, second, err)
	}
}

func TestVersionsAreReadOffWhatProgramsSay(t *testing.T) {
	for text, want := range map[string]string{"Kubernetes v1.30.0+03fcd0f8": "1.30.0", "528.0.0\n": "528.0.0", "": "", "no number": ""} {
		if got := numbered(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "VERSION"), []byte("528.0.0"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := releaseOf(filepath.Join(root, "bin", "gcloud")); got != "528.0.0" {
		t.Error(got)
	}
}

func TestAPeersTroubleIsOneLine(t *testing.T) {
	if got := inOneLine(fmt.Errorf("exit status 1:\n  no network\n")); got != "exit status 1: no network" {
		t.Error(got)
	}
	if got := inOneLine(fmt.Errorf("%s: the end", strings.Repeat("é", 300))); len(got) > 210 || !strings.HasPrefix(got, "… ") || !strings.HasSuffix(got, "é: the end") || strings.ToValidUTF8(got, "?") != got {
		t.Error(got)
	}
}

// A peer asks as it will, and breaks no bound of ours by it; kubectl with our own plugin has one.
func TestRequestsOfOthersBreakNothing(t *testing.T) {
	theirs := row{Requests: 7, Asks: -1, Sockets: sockets{Counted: true, Network: 1}}
	slow := row{Bound: boundKubectl, Ratio: 1.05, Asks: -1}
	ours := row{Requests: 7}
	if len(theirs.faults()) > 0 || len(slow.faults()) != 1 || len(ours.faults()) != 1 {
		t.Errorf("%q %q %q", theirs.faults(), slow.faults(), ours.faults())
	}
}

func TestARequestToNowhereIsTold(t *testing.T) {
	n := somewhere(t)
	proxy, err := url.Parse(n.internet.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy)}}
	heard := n.overhear()
	if resp, err := client.Get("https://telemetry.example.com/"); err == nil {
		t.Fatal(resp.Status)
	}
	if asked := heard(); len(asked) != 1 || asked[0] != "CONNECT telemetry.example.com:443" {
		t.Errorf("%q", asked)
	}
}
