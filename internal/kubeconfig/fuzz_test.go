package kubeconfig

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/idferry/idferry/internal/fuzzing"
)

func addSamples(f *testing.F, add func(data []byte)) {
	paths, err := filepath.Glob(filepath.Join(samplesDir(), "*.*"))
	if err != nil || len(paths) == 0 {
		f.Fatal(err)
	}
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		add(data)
	}
	for _, text := range []string{
		"users:\n- name: \"a\\e[2J\"\n  user: {exec: {command: kubelogin, args: [get-token, --server-id, x]}}\n", "a: &a [*a]\n", "users: [{name: a, user: {token: " + fuzzing.Token + "}}]\ncurrent-context: c\ncontexts: [{name: c, context: {user: a}}]",
		strings.Repeat("[", 5000), strings.Repeat("- ", 5000), "a: &a {b: &b {c: &c {}}}\nd: {<<: [*a, *a, *a]}\n", "? [a]\n: b\n", "users:\n- name: a\n  user: !!binary aGk=\n", "%YAML 1.1\n---\nusers: []\n", "users: [{name: 1, user: {}}, {name: true, user: {}}]",
	} {
		add([]byte(text))
	}
}

// planned is the plan for one file of that content, as options choose, or the error.
func planned(data []byte, o Options) (*Plan, error) {
	src, marked := strings.CutPrefix(string(data), bom)
	file := &File{Path: "config", before: data}
	if marked {
		file.mark = bom
	}
	var err error
	if file.doc, err = parse("config", src); err != nil {
		return nil, err
	}
	return NewPlan([]*File{file}, o)
}

// Whatever is in a file: it is refused in a line, or what is rewritten is rewritten once, everything else in it means what it meant,
// and no token of it is shown.
func FuzzRewrite(f *testing.F) {
	addSamples(f, func(data []byte) { f.Add(data, "") })
	f.Add([]byte("users:\n- name: a\n  user:\n    token: x\n"), "a")
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, data []byte, user string) {
		o := Options{Command: sampleCommand, Default: Identity{ClientID: sampleApp, TenantID: sampleTenant}}
		if user != "" {
			o.Users, o.Given.ServerID = []string{user}, sampleApp
		}
		start := fuzzing.Spent()
		p, err := planned(data, o)
		if took := fuzzing.Spent() - start; took > 10*time.Second {
			t.Errorf("%s for %d bytes", took, len(data))
		}
		if err != nil {
			judge.Refused(t, err)
			return
		}
		for line := range strings.Lines(p.Summary(false)) {
			if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool { return !unicode.IsGraphic(r) }) {
				t.Errorf("a terminal obeys %q", line)
			}
		}
		for _, text := range []string{p.Summary(true), p.Diff()} {
			if strings.Contains(text, fuzzing.Token) {
				t.Errorf("a token is shown: %q", text)
			}
		}
		if !p.Changed() {
			return
		}
		theDiffIsComplete(t, p)
		again, err := planned(p.Files[0].after, o)
		if err != nil || again.Changed() {
			t.Errorf("%v: the second time differs:\n%s\n%s", err, data, p.Files[0].after)
		}
		othersStay(t, p, data)
	})
}

// othersStay compares what another reader of YAML makes of the file before and after: all but the credentials of changed users.
func othersStay(t *testing.T, p *Plan, data []byte) {
	t.Helper()
	var changed []string
	for _, o := range p.Outcomes {
		if o.Changed {
			changed = append(changed, o.User)
		}
	}
	read := func(raw []byte) string {
		var all map[string]any
		if err := yaml.Unmarshal([]byte(strings.TrimPrefix(string(raw), bom)), &all); err != nil {
			return ""
		}
		users, _ := all["users"].([]any)
		for i, u := range users {
			if m, ok := u.(map[string]any); ok {
				if name, _ := m["name"].(string); slices.Contains(changed, name) {
					other := map[string]any{}
					for k, v := range m {
						if k != "user" {
							other[k] = v
						}
					}
					users[i] = other
				}
			}
		}
		text, err := yaml.Marshal(all)
		if err != nil {
			return ""
		}
		return string(text)
	}
	if before := read(data); before != "" && before != read(p.Files[0].after) {
		t.Errorf("something else changed:\n%s\n%s", data, p.Files[0].after)
	}
}

// Whatever is in a file, a context's user runs this program as the file says, or it is said what it does in its place.
func FuzzFindPlugin(f *testing.F) {
	addSamples(f, func(data []byte) { f.Add(data, "") })
	f.Add([]byte("contexts: [{name: c, context: {user: u}}]\nusers: [{name: u, user: {exec: {command: /x/azure-token-helper, args: [get-token], env: [{name: A, value: b}]}}}]"), "c")
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, data []byte, context string) {
		doc, err := parse("config", string(data))
		if err != nil {
			judge.Refused(t, err)
			return
		}
		p, err := FindPlugin([]*File{{Path: "config", doc: doc}}, context)
		if err != nil {
			judge.Refused(t, err)
			return
		}
		if context != "" && p.Context != context || p.User == "" && p.Context == "" || !strings.Contains(p.Command, "azure-token-helper") {
			t.Errorf("%+v", p)
		}
	})
}

// Whatever is in kuberc, the advice is one sentence that ends with a command of whole words.
func FuzzKuberc(f *testing.F) {
	for _, text := range []string{
		"", "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\ncredentialPluginPolicy: Allowlist\ncredentialPluginAllowlist:\n- command: /usr/local/bin/azure-token-helper\n- name: other\n", "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\ncredentialPluginPolicy: DenyAll\n",
		"apiVersion: kubectl.config.k8s.io/v1alpha1\nkind: Preference\ncredentialPluginPolicy: x\n", "a: 1\n---\n- b\n---\napiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\ncredentialPluginPolicy: \"\\e[2J\"\n", "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\ncredentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{command: \"a' b$(c)\"}, {command: ../x}]\n", "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\ncredentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{command: \"x\\e[2J\"}]\n", "a: &a [*a]", "---\n---\n---", "\t", "a: !!float x\n---\nb",
	} {
		f.Add([]byte(text))
	}
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "kuberc")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		start := fuzzing.Spent()
		advice := PluginAdvice(sampleCommand, func(name string) (string, bool) { return path, name == "KUBERC" })
		if took := fuzzing.Spent() - start; took > 10*time.Second {
			t.Errorf("%s for %d bytes", took, len(data))
		}
		judge.Shown(t, advice)
		if strings.ContainsFunc(advice, unicode.IsControl) {
			t.Errorf("a terminal obeys %q", advice)
		}
		if !strings.HasPrefix(advice, "kubectl: ") && !strings.HasPrefix(advice, "kubectl 1.35") {
			t.Errorf("%q", advice)
		}
	})
}

// However a secret is written, by whatever program, what a dry run shows does not have it.
func FuzzSecretsInADiff(f *testing.F) {
	for _, secret := range []string{"plain-secret", "a&b<c>d", "it's", `say "x"`, "back\\slash", "two words and more words", "ä\u2028€", "tab\tand\nline", "- x: y", "# c", "\x1b[2J", "=a=b=", strings.Repeat("long word ", 30)} {
		f.Add(secret)
	}
	f.Fuzz(func(t *testing.T, secret string) {
		secret = "Zq7" + secret + "vX9"
		if !utf8.ValidString(secret) || len(secret) > 2000 {
			t.Skip("no YAML")
		}
		config := func(style yaml.Style, anchor string) *yaml.Node {
			held := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: secret, Style: style, Anchor: anchor}
			joined := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "--client-certificate-password=" + secret, Style: style, Anchor: anchor}
			mapping := func(entries ...any) *yaml.Node {
				m := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
				for i := 0; i < len(entries); i += 2 {
					m.Content = append(m.Content, str(entries[i].(string)), entries[i+1].(*yaml.Node))
				}
				return m
			}
			list := func(items ...*yaml.Node) *yaml.Node {
				return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: items}
			}
			exec := mapping("command", str("kubelogin"), "args", list(str("get-token"), str("--login"), str("spn"), str("--server-id"), str(sampleApp), str("--client-id"), str(sampleApp), str("--tenant-id"), str(sampleTenant), str("--client-secret"), held, joined),
				"env", list(mapping("name", str("AAD_SERVICE_PRINCIPAL_CLIENT_SECRET"), "value", held)))
			return mapping("users", list(mapping("name", str("a"), "user", mapping("exec", exec)), mapping("name", str("b"), "user", mapping("token", held))))
		}
		var files [][]byte
		for _, style := range []yaml.Style{0, yaml.DoubleQuotedStyle, yaml.SingleQuotedStyle, yaml.LiteralStyle, yaml.FoldedStyle, yaml.TaggedStyle, yaml.TaggedStyle | yaml.SingleQuotedStyle} {
			for _, anchor := range []string{"", "held"} {
				if written, err := yaml.Marshal(config(style, anchor)); err == nil {
					files = append(files, written)
				}
			}
		}
		var plainly map[string]any
		if err := config(0, "").Decode(&plainly); err != nil {
			t.Fatal(err)
		}
		// As Go's own encoder writes JSON: with \u0026 for &.
		compact, err := json.Marshal(plainly)
		if err != nil {
			t.Fatal(err)
		}
		spread, err := json.MarshalIndent(plainly, "", "    ")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range append(files, compact, spread) {
			p, err := planned(file, Options{Command: sampleCommand, Default: Identity{ClientID: sampleApp, TenantID: sampleTenant}})
			if err != nil {
				continue
			}
			for _, text := range []string{p.Diff(), p.Summary(true)} {
				for _, part := range []string{"Zq7", "vX9"} {
					if strings.Contains(text, part) {
						t.Fatalf("%q is shown in:\n%s\nof\n%s", secret, text, file)
					}
				}
			}
		}
	})
}
