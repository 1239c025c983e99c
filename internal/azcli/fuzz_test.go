package azcli

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/idferry/idferry/internal/fuzzing"
)

// recordedCommands are what the real az was asked, see testdata/README.md.
func recordedCommands(f *testing.F) (all [][]string) {
	file, err := os.Open(filepath.Join("..", "..", "testdata", "azure-cli", "recorded.jsonl"))
	if err != nil {
		f.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var r struct{ Args []string }
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			f.Fatal(err)
		}
		all = append(all, r.Args)
	}
	return all
}

// tokenFlags are those of `az account get-access-token`.
func tokenFlags() *pflag.FlagSet {
	flags := pflag.NewFlagSet("az", pflag.ContinueOnError)
	flags.BoolP("help", "h", false, "")
	flags.StringP("output", "o", "json", "")
	flags.String("query", "", "")
	flags.Bool("debug", false, "")
	flags.Bool("only-show-errors", false, "")
	flags.String("resource", "", "")
	flags.String("resource-type", "", "")
	flags.StringArray("scope", nil, "")
	flags.StringP("tenant", "t", "", "")
	flags.StringP("subscription", "s", "", "")
	flags.String("federated-token-file", "", "")
	_ = flags.MarkHidden("federated-token-file")
	return flags
}

// Whatever az is called with is read or refused as az does it, and `--flag value`, `--flag=value` and `-f value` mean the same.
func FuzzArguments(f *testing.F) {
	for _, args := range recordedCommands(f) {
		f.Add(strings.Join(args, "\x00"), "json")
	}
	for _, args := range []string{"", "-", "--", "---", "--=", "-=", "-o", "-o=", "-ojson", "-o\x00=json", "--out\x00tsv", "--s", "--scope\x00a\x00b\x00--tenant\x00t", "--debug=1", "-h", "--help=x", "--tenant\x00-x y", "--\x00x", "-\xff", "--federated\x00x", "--res\x00x", "-t\x00\x1b[2J"} {
		f.Add(args, "a value")
	}
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, line, value string) {
		args := strings.Split(line, "\x00")
		parsed := func(args []string) (string, error) {
			flags := tokenFlags()
			err := Parse(flags, args)
			if err != nil && !errors.Is(err, pflag.ErrHelp) {
				judge.Refused(t, err)
				if shown := Error(err.Error()); strings.ContainsAny(shown, "\n\x1b") || !strings.HasPrefix(shown, "ERROR: ") {
					t.Errorf("%q", shown)
				}
			}
			var b strings.Builder
			flags.VisitAll(func(f *pflag.Flag) { b.WriteString(f.Name + "=" + f.Value.String() + "\n") })
			return b.String(), err
		}
		got, err := parsed(args)
		if again, failed := parsed(slices.Clone(args)); again != got || (failed == nil) != (err == nil) {
			t.Errorf("%q, and the second time %q", got, again)
		}
		if err != nil || slices.Contains(args, "--") {
			return
		}
		joined, failed := parsed(append(slices.Clone(args), "--tenant="+value))
		if failed != nil {
			t.Fatalf("--tenant=%q: %v", value, failed)
		}
		for _, same := range [][]string{{"--ten=" + value}, {"-t=" + value}} {
			if got, failed := parsed(append(slices.Clone(args), same...)); failed != nil || got != joined {
				t.Errorf("%q: %v\n%s\n%s", same, failed, got, joined)
			}
		}
		// What looks like an option is none's value.
		if isOption(tokenFlags(), value) {
			return
		}
		for _, flag := range []string{"--tenant", "-t"} {
			if got, failed := parsed(append(slices.Clone(args), flag, value)); failed != nil || got != joined {
				t.Errorf("%s %q: %v\n%s\n%s", flag, value, failed, got, joined)
			}
		}
	})
}

// Whatever --query says, the token's document comes out in a form that its readers read back, or the query is refused without a
// value of the document in what is said.
func FuzzQuery(f *testing.F) {
	for _, args := range recordedCommands(f) {
		if i := slices.Index(args, "--query"); i >= 0 && i+1 < len(args) {
			f.Add(args[i+1], "a tenant")
		}
	}
	for _, query := range []string{
		"", "@", "*", "[", "`", "'", "\"", "`{\"b\":1,\"a\":[true,null,1.5]}`", "&accessToken", "join(accessToken, @)", "sort_by(@, &accessToken)", "to_number(accessToken)", "length(`1e999`)", "[::0]", "[-9223372036854775808:]",
		"max_by(values(@), &@)", "{\"\x1b\": accessToken}", "pad_left(tenant, `100000000`)", "replace(tenant, '', accessToken, `1000`)", "find_first(tenant, `{}`)", "let $x = accessToken in $x", "sum([accessToken])", "reverse(accessToken)", "to_string(@)", "[tenant, expires_on][]", "not_null(nope, tenant)",
		strings.Repeat("(", 500), strings.Repeat("[", 500), strings.Repeat("!", 500) + "a",
	} {
		f.Add(query, "yes: 'no'\n#\u2028\t")
	}
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, query, tenant string) {
		if len(query) > 1<<10 {
			t.Skip("longer than a query is")
		}
		document := func() any {
			return AccessToken{AccessToken: fuzzing.Canary, ExpiresOn: "2026-11-23 08:00:00.000000", ExpiresOnUnix: 1795420800, Tenant: tenant, TokenType: "Bearer"}.Document()
		}
		queried := Output{Format: "json", Query: query, Queried: true}
		if err := queried.Check("az account get-access-token"); err != nil {
			judge.Refused(t, err)
			return
		}
		q, err := compile(query)
		if err != nil {
			t.Fatalf("refused the second time: %v", err)
		}
		result, err := q.apply(document())
		if err != nil {
			judge.Refused(t, err)
			return
		}
		for _, format := range Formats() {
			queried.Format = format
			got, err := queried.Render(document())
			if err != nil {
				t.Fatalf("%s: %v", format, err)
			}
			readBack(t, format, result, got)
		}
	})
}

// Strings of every kind come out of each format as they went in.
func FuzzOutput(f *testing.F) {
	samples, err := os.ReadFile(filepath.Join("..", "..", "testdata", "azure-cli", "yaml.json"))
	if err != nil {
		f.Fatal(err)
	}
	var yamls []struct{ Value any }
	_ = json.Unmarshal(samples, &yamls)
	for _, s := range yamls {
		if text, ok := s.Value.(string); ok {
			f.Add(text, text)
		}
	}
	for _, text := range []string{"", " ", "~", "yes", "1:30", "0x1f", "---", "...", "- a", "a: b", "a #b", "'", `"`, "\\", "\n", "a\n\n b ", "\x00", "\x1b[0m", "\u0085", "\u2028", "\ufeff", "\U0001f600", "\xff", strings.Repeat("word ", 40), "2026-11-23", "=", "<<", "!x", "%x", "@x", "`x", "{", "[", ",", "?", "? x", "-", "|", ">"} {
		f.Add(text, "k")
		f.Add("k", text)
	}
	f.Fuzz(func(t *testing.T, key, text string) {
		result := &Object{Members: []Member{{key, text}, {key + "x", []any{text, &Object{Members: []Member{{key, text}}}, int64(1), true, nil}}}}
		for _, v := range []any{result, text, []any{text, key}} {
			for _, format := range Formats() {
				got, err := Output{Format: format}.Render(v)
				if err != nil {
					t.Fatal(err)
				}
				readBack(t, format, v, got)
			}
		}
	})
}

// readBack reads what was printed for v as its readers do.
func readBack(t *testing.T, format string, v any, printed []byte) {
	t.Helper()
	if list, ok := v.([]any); v == nil || format == "none" || format == "tsv" && ok && len(list) == 0 {
		if len(printed) != 0 {
			t.Fatalf("%s: %q for %v", format, printed, v)
		}
		return
	}
	if !utf8.Valid(printed) && allUTF8(v) {
		t.Fatalf("%s is not UTF-8: %q", format, printed)
	}
	var got any
	switch format {
	case "json", "jsonc":
		if err := json.Unmarshal(printed, &got); err != nil {
			t.Fatalf("%s: %v: %q", format, err, printed)
		}
	case "yaml", "yamlc":
		// As nodes: az writes YAML 1.1, where 1e3 is a text, and what is linked here reads YAML 1.2.
		var node yaml.Node
		if err := yaml.Unmarshal(printed, &node); err != nil {
			t.Fatalf("%s: %v: %q", format, err, printed)
		}
		got, v = ofNode(&node), asTexts(v)
	default:
		if len(printed) == 0 || printed[len(printed)-1] != '\n' {
			t.Fatalf("%s does not end with its line: %q", format, printed)
		}
		return
	}
	// PyYAML does not read back itself what it writes of these.
	if !allUTF8(v) || strings.HasPrefix(format, "yaml") && strings.ContainsAny(plainly(v), "\u0085\u2028\u2029\ufeff") {
		return
	}
	if want, is := plainly(v), plainly(got); want != is {
		t.Errorf("%s of %s is read as %s: %q", format, want, is, printed)
	}
}

// plainly writes a value so that equal values are equal texts.
func plainly(v any) string {
	var lower func(v any) any
	lower = func(v any) any {
		switch v := v.(type) {
		case *Object:
			m := map[string]any{}
			for _, member := range v.Members {
				m[member.Key] = lower(member.Value)
			}
			return m
		case []any:
			list := make([]any, len(v))
			for i, item := range v {
				list[i] = lower(item)
			}
			return list
		case int64:
			return float64(v)
		case int:
			return float64(v)
		case float64:
			// The zero below zero is one that az reads as an integer, and so writes as 0.
			if v == 0 {
				return 0.0
			}
		}
		return v
	}
	raw, err := json.Marshal(lower(v))
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

func ofNode(n *yaml.Node) any {
	switch n.Kind {
	case yaml.DocumentNode:
		return ofNode(n.Content[0])
	case yaml.MappingNode:
		o := &Object{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			o.Members = append(o.Members, Member{n.Content[i].Value, ofNode(n.Content[i+1])})
		}
		return o
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			list[i] = ofNode(item)
		}
		return list
	}
	return n.Value
}

// asTexts is v with every number, boolean and null as it is written.
func asTexts(v any) any {
	switch v := v.(type) {
	case *Object:
		o := &Object{}
		for _, m := range v.Members {
			o.Members = append(o.Members, Member{m.Key, asTexts(m.Value)})
		}
		return o
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = asTexts(item)
		}
		return list
	case string:
		return v
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	}
	return number(v)
}

func allUTF8(v any) bool {
	switch v := v.(type) {
	case string:
		return utf8.ValidString(v)
	case []any:
		return !slices.ContainsFunc(v, func(item any) bool { return !allUTF8(item) })
	case *Object:
		return !slices.ContainsFunc(v.Members, func(m Member) bool { return !utf8.ValidString(m.Key) || !allUTF8(m.Value) })
	}
	return true
}
