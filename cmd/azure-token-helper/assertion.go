package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/token"
)

// newAssertion prints the Google ID token itself, for what does the exchange on its own.
func newAssertion(p cli.Process) *cobra.Command {
	f := &federation{process: p}
	cmd := &cobra.Command{
		Use: "assertion", Short: "Print the Google ID token that would be exchanged", Args: cobra.NoArgs,
		Example: "  az login --service-principal -u APP -t TENANT --federated-token \"$(azure-token-helper assertion)\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := f.open("")
			if err != nil {
				return err
			}
			defer s.close()
			what := fmt.Sprintf("asking for a Google ID token (%s)", s.google.Name())
			t, err := cli.Bounded(cmd.Context(), s.timeout, what, func(ctx context.Context) (token.Token, error) {
				return s.google.Token(ctx)
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(p.Stdout, t.Value.Reveal())
			return err
		},
	}
	cmd.Flags().SortFlags = false
	f.settings = cli.NewSettings(cmd.Flags(), p.Lookup)
	f.bindShared(f.settings, 25*time.Second)
	return cmd
}
