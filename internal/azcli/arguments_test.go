package azcli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestArgumentsAreReadAsArgparseReadsThem(t *testing.T) {
	for args, want := range map[string]string{
		"--resource https://a -o json": "resource=https://a output=json scope=[] debug=false",
		"-o=tsv":                       "resource= output=tsv scope=[] debug=false",
		"-otsv --resource=b":           "resource=b output=tsv scope=[] debug=false",
		"--out table --deb":            "resource= output=table scope=[] debug=true",
		"--scope a b -o tsv --scope c": "resource= output=tsv scope=[a b c] debug=false",
		"--scope --debug":              "resource= output= scope=[] debug=true",
		"--client-id x":                "resource= output= scope=[] debug=false client=x",
		"--res x":                      "ambiguous option: --res could match --resource, --resource-type",
		"--resource":                   "argument --resource: expected one argument",
		"--resource --debug":           "argument --resource: expected one argument",
		"-o":                           "argument --output/-o: expected one argument",
		"--debug=x":                    "argument --debug: ignored explicit argument 'x'",
		"--bogus x -q y extra --output json more": "unrecognized arguments: --bogus x -q y extra more",
		"--client x":            "unrecognized arguments: --client x",
		"- --debug -- --output": "unrecognized arguments: - --output",
		// A space behind an option's equals sign does not make a value of it; a negative number is one.
		"--resource={a:_b}":                "resource={a: b} output= scope=[] debug=false",
		"--res=x_y":                        "ambiguous option: --res=x y could match --resource, --resource-type",
		"-o=a_b --scope -1 -.5 -a_b --deb": "resource= output=a b scope=[-1 -.5 -a b] debug=true",
		"--resource --out_x -o json":       "resource=--out x output=json scope=[] debug=false",
		"--resource --out=_x":              "argument --resource: expected one argument",
		"-1 -1_0":                          "unrecognized arguments: -1 -1 0",
	} {
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		resource, output, client := flags.String("resource", "", ""), flags.StringP("output", "o", "", ""), flags.String("client-id", "", "")
		flags.String("resource-type", "", "")
		flags.Lookup("client-id").Hidden = true
		scope, debug := flags.StringArray("scope", nil, ""), flags.Bool("debug", false, "")
		words := strings.Fields(args)
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], "_", " ")
		}
		err := Parse(flags, words)
		got := fmt.Sprintf("resource=%s output=%s scope=%v debug=%v", *resource, *output, *scope, *debug)
		if *client != "" {
			got += " client=" + *client
		}
		if err != nil {
			got, _, _ = strings.Cut(err.Error(), ";")
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", args, got, want)
		}
	}
}
