package azcli

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

const (
	testTenant       = "11111111-1111-1111-1111-111111111111"
	testSubscription = "22222222-2222-2222-2222-222222222222"
	testClient       = "33333333-3333-3333-3333-333333333333"
)

func testAccount() Account {
	return Account{Cloud: "AzureCloud", TenantID: testTenant, ClientID: testClient, SubscriptionID: testSubscription}
}

func testdata(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "testdata", "azure-cli", name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// Every line is a command of azure-cli 2.91.0 and what it printed (conformance/az_compare_test.go writes them).
func TestOutputIsWhatAzPrinted(t *testing.T) {
	clouds := Clouds("https://management.core.windows.net/", "https://login.microsoftonline.com/")
	all := make([]any, len(clouds))
	for i, c := range clouds {
		all[i] = c.Document()
	}
	documents := map[string]any{
		"account show": testAccount().Show(), "account list": testAccount().List(), "version": Versions(), "cloud list": all, "cloud show": all[0],
	}
	lines := 0
	for scanner := bufio.NewScanner(testdata(t, "recorded.jsonl")); scanner.Scan(); lines++ {
		var line struct {
			Args   []string
			Stdout string
		}
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		var out Output
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		flags.StringVarP(&out.Format, "output", "o", "json", "")
		flags.StringVar(&out.Query, "query", "", "")
		first := slices.Index(line.Args, "-o")
		if err := Parse(flags, line.Args[first:]); err != nil {
			t.Fatal(err)
		}
		out.Queried = flags.Changed("query")
		verb := strings.Join(line.Args[:first], " ")
		if verb == "account list" {
			out.Table = AccountTable
		}
		if got, err := out.Render(documents[verb]); err != nil || string(got) != line.Stdout {
			t.Errorf("az %q: %v\n got %q\nwant %q", line.Args, err, got, line.Stdout)
		}
	}
	if lines < 500 {
		t.Errorf("only %d lines", lines)
	}
}

// Strings that YAML 1.1 would read as something else, and ones that need quotes, escapes or another line, as PyYAML
// 6.0.3 writes them.
func TestYAMLIsPyYAMLs(t *testing.T) {
	var cases []struct {
		Value any
		YAML  string
	}
	if err := json.NewDecoder(testdata(t, "yaml.json")).Decode(&cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		var b strings.Builder
		if writeYAML(&b, ordinary(c.Value)); b.String() != c.YAML {
			t.Errorf("%q\n got %q\nwant %q", c.Value, b.String(), c.YAML)
		}
	}
}

// ordinary makes a document of what encoding/json reads.
func ordinary(v any) any {
	switch v := v.(type) {
	case []any:
		list := []any{}
		for _, item := range v {
			list = append(list, ordinary(item))
		}
		return list
	case map[string]any:
		o := &Object{}
		for k, item := range v {
			o.Members = append(o.Members, Member{k, ordinary(item)})
		}
		return o
	default:
		return v
	}
}

func TestTenantLevelAccountIsThatOfAz(t *testing.T) {
	a := Account{Cloud: "AzureCloud", TenantID: testTenant, ClientID: testClient}
	got, err := Output{Format: "json"}.Render(a.Show())
	const want = `{
  "environmentName": "AzureCloud",
  "id": "` + testTenant + `",
  "isDefault": true,
  "name": "N/A(tenant level account)",
  "state": "Enabled",
  "tenantId": "` + testTenant + `",
  "user": {
    "name": "` + testClient + `",
    "type": "servicePrincipal"
  }
}
`
	if err != nil || string(got) != want {
		t.Errorf("%v\n%s", err, got)
	}
	if !a.Is(testTenant) || !a.Is("n/a(tenant level account)") || a.Is(testSubscription) {
		t.Error("it goes by the tenant's id and by its own name")
	}
}

func TestHelpIsAskedForAnywhere(t *testing.T) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.BoolP("help", "h", false, "")
	flags.String("resource", "", "")
	for _, args := range [][]string{{"-h"}, {"--help"}, {"--resource", "x", "--he"}} {
		if err := Parse(flags, args); !errors.Is(err, pflag.ErrHelp) {
			t.Errorf("%q: %v", args, err)
		}
	}
}
