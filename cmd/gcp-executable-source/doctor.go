package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idferry/idferry/internal/catalogue"
	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/doctor"
	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/externalaccount"
	"github.com/idferry/idferry/internal/pluggable"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/sts"
)

// doctorLimit is doctor's own deadline; a person waits for it.
const doctorLimit = 12 * time.Second

// examination is the verb that walks from the Azure identity to a call at Google.
type examination struct {
	process  cli.Process
	settings *cli.Settings
	identity *source
	// selecting has the flags that select the identity, which a file's command has too.
	selecting *pflag.FlagSet

	file, audience, account, tokenURL, tokenInfoURL, trust string
	cli.Doctor
}

func newDoctor(p cli.Process, code *int) *cobra.Command {
	v := &examination{process: p, identity: &source{process: p}, selecting: pflag.NewFlagSet("", pflag.ContinueOnError)}
	cmd := &cobra.Command{
		Use: "doctor [FILE]", Short: "Walk from the Azure identity to a call at Google, and show which hop fails and what mends it",
		Long: `Walk the way of a token hop by hop, as a person would who looks for what is wrong: the external_account file,
network, clock, Azure identity, exchange at Google's Security Token Service, service account, a call. The first
cross is the cause; below it stand what was presented, what is expected, and the command that mends it.
Nothing is changed or written.

FILE, or the one that GOOGLE_APPLICATION_CREDENTIALS names, says which provider and which service account, and its
command which identity; flags given here win. Without a file, --audience names the provider.

Exit codes: 0 all is well, 1 there is something to mend, 2 something could not be checked, or the
command line is unusable.`,
		Example: `  gcp-executable-source doctor google.json
  gcp-executable-source doctor --credential managed-identity --resource api://my-app
  gcloud iam workload-identity-pools providers describe entra --workload-identity-pool=azure --location=global \
    --project=my-project --format=json > trust.json; gcp-executable-source doctor google.json --trust trust.json
  gcp-executable-source doctor --explain 'invalid_grant: The audience in ID Token [x] does not match the expected audience.'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if len(args) == 1 {
				if err := cmd.Flags().Set("file", args[0]); err != nil {
					return problem.Input("FILE", "%w", err)
				}
			}
			*code, err = v.run(cmd.Context())
			return err
		},
	}
	flags := cmd.Flags()
	flags.SortFlags, v.selecting.SortFlags = false, false
	b := cli.NewSettings(flags, p.Lookup)
	v.settings = b
	b.String(&v.file, "file", "", "", "external_account file; the same as FILE", "GOOGLE_APPLICATION_CREDENTIALS")
	b.String(&v.audience, "audience", "", "", "whole name of the provider, in place of the file's", "GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE")
	b.String(&v.account, "service-account", "", "", "e-mail of the service account to impersonate, in place of the file's", "IDFERRY_SERVICE_ACCOUNT")
	b.String(&v.tokenURL, "token-url", "", "", "URL of the Security Token Service (default: the file's, or Google's)")
	b.String(&v.tokenInfoURL, "token-info-url", "", "", "URL that is asked about the access token (default: the file's, or Google's)", "IDFERRY_TOKEN_INFO_URL")
	b.String(&v.trust, "trust", "", "", "file with the provider, as gcloud iam workload-identity-pools providers describe --format=json prints it: presented and expected are compared")
	v.identity.bindProtocol(v.selecting)
	flags.AddFlagSet(v.selecting)
	v.Doctor.Bind(flags)
	return cmd
}

func (v *examination) run(ctx context.Context) (int, error) {
	if v.Explain != "" {
		return v.Doctor.ExplainText(v.process, slices.Concat(sts.Catalogue(), entra.Catalogue(), catalogue.Own()))
	}
	named := v.settings.Given("file")
	if err := v.settings.Resolve(); err != nil {
		return cli.ExitMisuse, err
	}
	provider, err := readProvider(v.trust)
	if err != nil {
		return cli.ExitMisuse, err
	}
	w := &walk{examination: v, provider: provider, file: &externalaccount.Loaded{
		TokenURL: "https://sts.googleapis.com/v1/token", SubjectTokenType: pluggable.TypeJWT, TokenInfoURL: "https://sts.googleapis.com/v1/introspect",
	}}
	// A variable may name credentials of another sort, which are none of our affair; a person who names a file means it.
	if v.file != "" && !named && !externalaccount.IsOne(v.file) {
		w.other, v.file = v.file, ""
	}
	if v.file != "" {
		if w.file, err = externalaccount.Load(v.file); err != nil {
			return cli.ExitMisuse, err
		}
	}
	if err := w.settle(); err != nil {
		return cli.ExitMisuse, err
	}
	report := doctor.Report{Program: "gcp-executable-source", Version: cli.ReadVersion(version).Version, Settings: w.inForce()}
	return v.Doctor.Run(ctx, v.process, min(v.identity.timeout, doctorLimit), report, w.run)
}

// inForce lists the settings.
func (w *walk) inForce() []doctor.Setting {
	var all []doctor.Setting
	for _, f := range w.settings.InForce() {
		all = append(all, doctor.Setting(f))
	}
	for _, f := range w.identity.settings.InForce() {
		if slices.Contains([]string{"timeout", "sign-in-timeout"}, f.Name) {
			continue
		}
		s := doctor.Setting(f)
		if strings.HasPrefix(s.From, "--") && !w.selecting.Changed(f.Name) {
			s.From = "the command of the file"
		}
		all = append(all, s)
	}
	return all
}

// walk is one examination with everything resolved.
type walk struct {
	*examination
	file     *externalaccount.Loaded
	provider *provider
	// other is what GOOGLE_APPLICATION_CREDENTIALS names where it is no external_account file.
	other string
}

// settle takes the settings of the file's command, and then those of this command line, which win.
func (w *walk) settle() error {
	w.file.Audience = first(w.audience, w.file.Audience)
	w.file.TokenURL, w.file.TokenInfoURL = first(w.tokenURL, w.file.TokenURL), first(w.tokenInfoURL, w.file.TokenInfoURL)
	if w.account != "" && w.account != w.file.Account {
		w.file.Account = w.account
		w.file.ImpersonationURL = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/" + w.account + ":generateAccessToken"
		w.file.TokenInfoURL = first(w.tokenInfoURL, "https://oauth2.googleapis.com/tokeninfo")
	}
	args, ours := w.file.OfThisProgram()
	if !ours {
		args = nil
	}
	w.selecting.VisitAll(func(f *pflag.Flag) {
		if f.Changed {
			args = append(slices.Clone(args), "--"+f.Name+"="+f.Value.String())
		}
	})
	s := &source{process: w.process}
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	s.bindProtocol(flags)
	if err := flags.Parse(args); err != nil {
		return problem.Input("credential_source.executable.command of "+w.file.Path, "%w", err).WithHint("gcp-executable-source --help")
	}
	w.identity = s
	return s.settings.Resolve()
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
