package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/toazure"
)

// newLogin is `az login`: there is nothing to keep, so it shows that a token can be had and whose, as az does after a
// log-in. It never becomes somebody else.
func newLogin(p cli.Process) *cobra.Command {
	f := &federation{process: p}
	var username, tenant string
	cmd := &cobra.Command{Use: "login", Short: "Check that tokens can be had; there is nothing to log in to"}
	flags := cmd.Flags()
	flags.StringVarP(&username, "username", "u", "", "application to log in as: the one of AZURE_CLIENT_ID")
	flags.StringVarP(&tenant, "tenant", "t", "", "Entra tenant [$AZURE_TENANT_ID]")
	const sake = "taken for az's sake"
	for name, short := range map[string]string{"password": "p", "claims-challenge": "", "certificate": "", "federated-token": "", "object-id": "", "resource-id": "", "subscription": ""} {
		flags.StringP(name, short, "", sake)
	}
	for name, short := range map[string]string{"allow-no-subscriptions": "", "use-device-code": "", "service-principal": "", "use-cert-sn-issuer": "", "identity": "i", "skip-subscription-discovery": ""} {
		flags.BoolP(name, short, false, sake)
	}
	flags.StringArray("scope", nil, sake)
	f.bindTool(flags)
	return azVerb(p, cmd, nil, func(ctx context.Context) (any, error) {
		s, err := f.open(tenant)
		if err != nil {
			return nil, err
		}
		defer s.close()
		f.tenantID = s.tenantID
		a, err := f.account()
		if err != nil {
			return nil, err
		}
		if username != "" && !strings.EqualFold(username, a.ClientID) {
			return nil, problem.New(problem.BadInput, "tokens are given here as application %s, not as %s", a.ClientID, username).
				WithHint("export AZURE_CLIENT_ID=APPLICATION, or run the real Azure CLI by its whole path")
		}
		if _, err := s.token(ctx, toazure.Wish{Scopes: []string{entra.ScopeOf(s.cloud.ResourceManager)}}); err != nil {
			return nil, err
		}
		note(p, cmd, "nothing is kept: every call gives a token as application %s for the Google identity at hand (%s)%s", a.ClientID, s.google.Name(), behind(p))
		return a.List(), nil
	})
}

// behind says how the real az gets a log-in of its own, for the commands that are passed on to it.
func behind(p cli.Process) string {
	real := nextAz(p.Getenv("PATH"))
	if real == "" {
		return ""
	}
	return fmt.Sprintf("; commands that are passed on to %s need a log-in of its own: %s login --service-principal -u \"$AZURE_CLIENT_ID\" -t \"$AZURE_TENANT_ID\" --federated-token \"$(azure-token-helper assertion)\"", real, real)
}

func newLogout(p cli.Process) *cobra.Command {
	cmd := &cobra.Command{Use: "logout", Short: "Do nothing: there is nothing to log out of"}
	cmd.Flags().String("username", "", "taken for az's sake")
	return loggedOut(p, cmd)
}

func newAccountClear(p cli.Process) *cobra.Command {
	return loggedOut(p, &cobra.Command{Use: "clear", Short: "Do nothing: there is nothing to clear", Example: "  az account clear"})
}

func loggedOut(p cli.Process, cmd *cobra.Command) *cobra.Command {
	return azVerb(p, cmd, nil, func(context.Context) (any, error) {
		note(p, cmd, "nobody is logged in here, so nobody is logged out; to forget remembered tokens: azure-token-helper cache clear")
		return nil, nil
	})
}

// note tells a person something that is no error. No SDK runs a command that has anything to note: stderr stays empty
// for those.
func note(p cli.Process, cmd *cobra.Command, format string, args ...any) {
	if quiet, _ := cmd.Flags().GetBool("only-show-errors"); quiet {
		return
	}
	switch strings.ToLower(p.Getenv("AZURE_CORE_ONLY_SHOW_ERRORS")) {
	case "1", "yes", "true", "on":
		return
	}
	_, _ = fmt.Fprintf(p.Stderr, "WARNING: "+format+"\n", args...)
}
