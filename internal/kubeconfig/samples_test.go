package kubeconfig

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/idferry/idferry/internal/problem"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	sampleApp     = "22222222-2222-2222-2222-222222222222"
	sampleTenant  = "11111111-1111-1111-1111-111111111111"
	sampleCommand = "/usr/local/bin/azure-token-helper"
)

func samplesDir() string { return filepath.Join("..", "..", "testdata", "kubeconfig") }

// samples returns the names of all sample files and what flags.txt gives each.
func samples(t *testing.T) (names []string, flags map[string][]string) {
	t.Helper()
	entries, err := os.ReadDir(samplesDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); e.Type().IsRegular() && (ext == ".yaml" || ext == ".json") {
			names = append(names, e.Name())
		}
	}
	list, err := os.ReadFile(filepath.Join(samplesDir(), "flags.txt"))
	if err != nil {
		t.Fatal(err)
	}
	flags = map[string][]string{}
	for line := range strings.Lines(string(list)) {
		if words := strings.Fields(line); len(words) > 0 && words[0] != "#" {
			flags[words[0]] = words[1:]
		}
	}
	return names, flags
}

// optionsOf reads the flags of a sample.
func optionsOf(t *testing.T, flags []string) Options {
	t.Helper()
	o := Options{Command: sampleCommand, Default: Identity{ClientID: sampleApp, TenantID: sampleTenant}}
	for i := 0; i < len(flags); i += 2 {
		switch value := flags[i+1]; flags[i] {
		case "--user":
			o.Users = append(o.Users, value)
		case "--context":
			o.Context = value
		case "--server-id":
			o.Given.ServerID = value
		case "--client-id":
			o.Given.ClientID = value
		case "--command":
			o.Command = value
		default:
			t.Fatalf("flag %s", flags[i])
		}
	}
	return o
}

// planOf writes a sample into dir and plans its rewrite.
func planOf(t *testing.T, dir, name string, content []byte, o Options) (*Plan, error) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := Open([]string{path}, true)
	if err != nil {
		return nil, err
	}
	return NewPlan(files, o)
}

func TestSamples(t *testing.T) {
	names, flags := samples(t)
	if len(names) < 30 {
		t.Fatalf("%d samples", len(names))
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			before, err := os.ReadFile(filepath.Join(samplesDir(), name))
			if err != nil {
				t.Fatal(err)
			}
			o := optionsOf(t, flags[name])
			dir := t.TempDir()
			plan, err := planOf(t, dir, name, before, o)
			var shown string
			switch {
			case err != nil:
				e := problem.From(err)
				shown = "refused: " + e.Message + "\nhint: " + e.Hint + "\n"
				if !e.Misuse {
					t.Errorf("%+v is not put down to the file or the flags", e)
				}
			case plan.Changed():
				shown = plan.Diff() + plan.Summary(false)
				onlyTheUsersChanged(t, plan)
				theDiffIsComplete(t, plan)
				convertingTwiceChangesNothing(t, name, plan, o)
			default:
				shown = plan.Summary(false) + "nothing to do\n"
			}
			for _, secret := range strings.Fields(`sample-client-secret sample-pfx-password sample-password sample-access-token sample-refresh-token
				sample-other-token sample-admin-token sample-oidc-secret c2FtcGxlIGNsaWVudCBrZXk=`) {
				if strings.Contains(shown, secret) {
					t.Errorf("%s is shown:\n%s", secret, shown)
				}
			}
			golden(t, name, strings.ReplaceAll(shown, dir+string(filepath.Separator), ""))
		})
	}
}

// golden compares with the file of that name, in which the directory of the run is left out.
func golden(t *testing.T, name, shown string) {
	t.Helper()
	path := filepath.Join(samplesDir(), "expected", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(shown), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if shown != string(want) {
		t.Errorf("got\n%s\nwant\n%s", shown, want)
	}
}

// theDiffIsComplete puts both texts together from its lines.
func theDiffIsComplete(t *testing.T, p *Plan) {
	t.Helper()
	for _, f := range p.Files {
		var before, after strings.Builder
		for _, l := range f.compare() {
			if l.sign != '+' {
				before.WriteString(l.text)
			}
			if l.sign != '-' {
				after.WriteString(l.text)
			}
		}
		if f.mark+before.String() != string(f.before) || f.mark+after.String() != string(f.after) {
			t.Errorf("before\n%s\nafter\n%s", before.String(), after.String())
		}
	}
}

// onlyTheUsersChanged compares the bytes before the first and behind the last of the rewritten users, and with a parser
// of its own the meaning of everything else.
func onlyTheUsersChanged(t *testing.T, p *Plan) {
	t.Helper()
	changed := map[string]bool{}
	for _, o := range p.Outcomes {
		changed[o.User] = o.Changed
	}
	for _, f := range p.Files {
		meaning := func(data []byte) map[string]any {
			var all map[string]any
			if err := yaml.Unmarshal(data, &all); err != nil {
				t.Fatalf("%v\n%s", err, data)
			}
			users, _ := all["users"].([]any)
			for _, u := range users {
				if entry := u.(map[string]any); changed[entry["name"].(string)] {
					user := entry["user"].(map[string]any)
					for _, key := range credentialKeys() {
						delete(user, key)
					}
				}
			}
			return all
		}
		a, _ := yaml.Marshal(meaning(f.before))
		b, _ := yaml.Marshal(meaning(f.after))
		if !bytes.Equal(a, b) {
			t.Errorf("before\n%s\nafter\n%s", a, b)
		}
		head, tail := f.edits[0].start+len(f.mark), len(f.before)-len(f.mark)-f.edits[len(f.edits)-1].end
		if !bytes.Equal(f.before[:head], f.after[:head]) || !bytes.Equal(f.before[len(f.before)-tail:], f.after[len(f.after)-tail:]) {
			t.Error("something around the users changed")
		}
		if crlf := bytes.Count(f.before, []byte("\r\n")); crlf > 0 && bytes.Count(f.after, []byte("\r\n")) != bytes.Count(f.after, []byte("\n")) {
			t.Error("line breaks are mixed now")
		}
	}
}

func convertingTwiceChangesNothing(t *testing.T, name string, p *Plan, o Options) {
	t.Helper()
	again, err := planOf(t, t.TempDir(), name, p.Files[0].after, o)
	if err != nil {
		t.Fatal(err)
	}
	if again.Changed() {
		t.Errorf("the second time:\n%s", again.Diff())
	}
}
