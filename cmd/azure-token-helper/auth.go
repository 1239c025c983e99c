package main

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idferry/idferry/internal/azcli"
	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/toazure"
	"github.com/idferry/idferry/internal/token"
)

// newAuth is the `auth` group of azd.
func newAuth(p cli.Process) *cobra.Command {
	group := &cobra.Command{Use: "auth", Short: "Tokens as the Azure Developer CLI prints them", Args: cobra.NoArgs,
		Example: "  azd auth token --output json --no-prompt --scope https://management.azure.com/.default",
		RunE:    func(cmd *cobra.Command, _ []string) error { return needVerb(cmd) }}
	group.AddCommand(newAuthToken(p))
	return group
}

func newAuthToken(p cli.Process) *cobra.Command {
	f := &federation{process: p}
	var tenant, output, claims string
	var scopes []string
	cmd := &cobra.Command{
		Use: "token", Short: "Print a token as `azd auth token` does", Args: cobra.NoArgs,
		Example: "  azd auth token --output json --no-prompt --scope https://management.azure.com/.default",
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := f.open(tenant)
			if err != nil {
				return err
			}
			defer s.close()
			asked, err := scopesOf("", scopes, s.cloud)
			if err != nil {
				return err
			}
			challenge, err := decodeClaims(claims)
			if err != nil {
				return err
			}
			if output != "json" && output != "none" {
				return problem.Input("--output", "%q is not a format of this stand-in", output).WithHint("use json or none")
			}
			t, err := s.token(cmd.Context(), toazure.Wish{Scopes: asked, Claims: challenge})
			if err != nil || output == "none" {
				return err
			}
			_, err = p.Stdout.Write(azcli.DeveloperToken(t))
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&scopes, "scope", nil, "scope of the token; may be repeated")
	flags.StringVarP(&output, "output", "o", "json", "json or none")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"json", "none"}, cobra.ShellCompDirectiveNoFileComp))
	flags.StringVar(&tenant, "tenant-id", "", "Entra tenant [$AZURE_TENANT_ID]")
	flags.StringVar(&claims, "claims", "", "claims challenge, base64")
	// There is never a prompt; the switch is what every SDK passes.
	flags.Bool("no-prompt", true, "never ask")
	f.bindTool(flags)
	return cmd
}

// decodeClaims reads a claims challenge in JSON, or as a WWW-Authenticate header carries it: in base64, with or without
// padding, in either alphabet.
func decodeClaims(text string) (string, error) {
	if text == "" || strings.HasPrefix(text, "{") && json.Valid([]byte(text)) {
		return text, nil
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if decoded, err := encoding.DecodeString(text); err == nil && json.Valid(decoded) {
			return string(decoded), nil
		}
	}
	return "", problem.Input("--claims", "it is not a claims challenge: JSON in base64")
}

// failAsAzd shows err as azd 1.23.7 and later do with --output json: one JSON line on stderr, from which the SDKs
// take "error", and Java nothing but "message".
func failAsAzd(p cli.Process, err error) int {
	e := problem.From(err)
	clean := token.NewRedactor().Clean
	line, _ := json.Marshal(struct {
		Error      string `json:"error"`
		Message    string `json:"message"`
		Suggestion string `json:"suggestion,omitempty"`
	}{azcli.Sentence(clean(e.Sentence())), azcli.Sentence(clean(e.Sentence())), azcli.Sentence(clean(e.Hint))})
	_, _ = p.Stderr.Write(append(line, '\n'))
	if e.Misuse {
		return cli.ExitMisuse
	}
	return cli.ExitFailure
}
