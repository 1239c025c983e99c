package main

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idferry/idferry/internal/azure"
	"github.com/idferry/idferry/internal/cache"
	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/externalaccount"
	"github.com/idferry/idferry/internal/pluggable"
	"github.com/idferry/idferry/internal/problem"
)

// config is the verb that writes the file which Google's clients are given, or looks at one.
type config struct {
	process cli.Process
	// identity holds the flags that go into the command; selecting lists them.
	identity  source
	selecting *pflag.FlagSet

	audience, project, pool, workforcePool, provider string
	source, command                                  string
	options                                          externalaccount.Options
	force, check, asJSON                             bool
}

func newConfig(p cli.Process, code *int) *cobra.Command {
	c := newSettings(p)
	cmd := &cobra.Command{
		Use: "config [flags] [FILE]", Short: "Write the external_account file for Google's client libraries",
		Long: `Write the file that GOOGLE_APPLICATION_CREDENTIALS names on an Azure machine: the keys and their
order are those of gcloud's create-cred-config, and what no client or service would take is refused.
Without FILE it is printed. It holds no secret; FILE is written with mode 0600 all the same.

--source file writes the form for clients that run no programs (.NET, C++): they read a file that
gcp-executable-source token-file keeps fresh.

The flags from --resource to --log-file select the identity. They go into the command, or else belong
to token-file. No variable stands in for them here: the file may be for another machine.

--check reads FILE and says what each client makes of it, here and now. The exit code is 1 when one
of them gets no token by it.`,
		Example: `  gcp-executable-source config --project-number 123456789 --pool azure --provider entra \
    --resource api://my-app --service-account reader@my-project.iam.gserviceaccount.com google.json
  gcp-executable-source config --audience //iam.googleapis.com/projects/123456789/locations/global/workloadIdentityPools/azure/providers/entra \
    --credential managed-identity --client-id 55555555-5555-5555-5555-555555555555 google.json
  gcp-executable-source config --check google.json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			file := ""
			if len(args) == 1 {
				file = args[0]
			}
			if c.check {
				sound, err := c.examine(cmd.Flags(), file)
				if err == nil && !sound {
					*code = cli.ExitFailure
				}
				return err
			}
			return c.write(cmd.Flags(), file)
		},
	}
	c.bind(cmd.Flags())
	return cmd
}

func newSettings(p cli.Process) config {
	return config{process: p, identity: source{process: p}, selecting: pflag.NewFlagSet("", pflag.ContinueOnError)}
}

func (c *config) bind(flags *pflag.FlagSet) {
	flags.StringVar(&c.audience, "audience", "", "whole name of the provider, as the console, gcloud or Terraform show it")
	c.bindFile(flags)
	o := &c.options
	flags.StringVar(&o.ServiceAccount, "service-account", "", "e-mail of the service account to impersonate (default: none, the pool's principal has the roles)")
	flags.StringVar(&o.TokenPath, "token-path", "", "file with the subject token, for --source file")
	flags.StringVar(&c.command, "command", "", "path of this program where the file will be used (default: as it was started)")
	flags.StringVar(&o.OutputFile, "output-file", "", "file with the last response, which clients read before they run anything; the cache does as much")
	c.identity.bind(c.selecting)
	c.selecting.VisitAll(func(f *pflag.Flag) {
		// No variable is read for the file: it is about the place where it will be used.
		f.Usage, _, _ = strings.Cut(f.Usage, " [$")
	})
	flags.AddFlagSet(c.selecting)
	flags.BoolVar(&c.force, "force", false, "replace FILE whatever it is")
	flags.BoolVar(&c.check, "check", false, "say what each client makes of FILE, and write nothing")
	flags.BoolVar(&c.asJSON, "json", false, "with --check: as a JSON object")
}

// bindFile adds what a file is about wherever it is made.
func (c *config) bindFile(flags *pflag.FlagSet) {
	flags.SortFlags, c.selecting.SortFlags = false, false
	o := &c.options
	flags.StringVar(&c.project, "project-number", "", "number of the project that has the pool, in place of --audience")
	flags.StringVar(&c.pool, "pool", "", "workload identity pool")
	flags.StringVar(&c.workforcePool, "workforce-pool", "", "workforce pool, in place of --project-number and --pool")
	flags.StringVar(&c.provider, "provider", "", "provider of the pool")
	flags.DurationVar(&o.TokenLifetime, "token-lifetime", 0, "lifetime of the service account's tokens, 10m to 12h (default 1h)")
	flags.StringVar(&c.source, "source", "executable", "executable, or file for clients that run no programs")
	flags.IntVar(&o.TimeoutMillis, "timeout-millis", externalaccount.DefaultTimeoutMillis, "how long clients wait, 5000 to 120000")
	flags.IntVar(&o.InteractiveMillis, "interactive-timeout-millis", 0, "how long Python and gcloud wait for a person of a workforce pool to sign in, 30000 to 1800000")
	flags.StringVar(&o.UserProject, "workforce-pool-user-project", "", "project that is billed for a workforce pool's people")
	flags.StringVar(&o.SubjectTokenType, "subject-token-type", "", "jwt or id_token (default: jwt; id_token for a workforce pool)")
	flags.StringVar(&o.UniverseDomain, "universe-domain", externalaccount.DefaultUniverse, "domain of Google's cloud")
}

// write writes the file, and tells what to set.
func (c *config) write(flags *pflag.FlagSet, path string) error {
	if c.asJSON {
		return problem.Input("--json", "it goes with --check alone")
	}
	content, err := c.content(flags)
	if err != nil {
		return err
	}
	if path == "" || path == "-" {
		_, err := c.process.Stdout.Write(content)
		return err
	}
	if path, err = filepath.Abs(path); err != nil {
		return problem.Input("FILE", "%w", err)
	}
	if err := externalaccount.Write(path, content, c.force); err != nil {
		return err
	}
	c.tell(path)
	return nil
}

// tell prints what a shell that reads it needs to do besides.
func (c *config) tell(path string) {
	set := func(name, value string) {
		format := "export %s=%s\n"
		if runtime.GOOS == "windows" {
			format = "$env:%s = %s\n"
		}
		_, _ = fmt.Fprintf(c.process.Stdout, format, name, cli.QuoteForShell(value))
	}
	set("GOOGLE_APPLICATION_CREDENTIALS", path)
	if c.options.TokenPath != "" {
		_, _ = fmt.Fprintf(c.process.Stdout, "# beside the client, all the time: %s token-file --path %s --watch%s\n",
			c.process.Name, cli.QuoteForShell(c.options.TokenPath), strings.Join(append([]string{""}, c.selected()...), " "))
		return
	}
	set("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")
}

// content returns the file that the flags describe.
func (c *config) content(flags *pflag.FlagSet) ([]byte, error) {
	var err error
	if c.options.Audience, err = c.resolveAudience(flags); err != nil {
		return nil, err
	}
	if err := c.checkIdentity(); err != nil {
		return nil, err
	}
	switch c.source {
	case "file":
		for _, name := range []string{"command", "output-file", "timeout-millis", "interactive-timeout-millis", "timeout", "sign-in-timeout"} {
			if flags.Changed(name) {
				return nil, problem.Input("--"+name, "it is about a program that clients run, and with --source file they run none")
			}
		}
		if c.options.TokenPath == "" {
			return nil, problem.Input("--token-path", "it is missing, and --source file is about a file with the subject token").
				WithHint("--token-path /run/idferry/google-subject-token")
		}
	case "executable":
		if c.options.TokenPath != "" {
			return nil, problem.Input("--token-path", "it goes with --source file")
		}
		if c.options.Command, err = c.commandLine(); err != nil {
			return nil, err
		}
	default:
		return nil, problem.Input("--source", "%q is not known: executable, file", c.source)
	}
	return externalaccount.New(c.options)
}

func (c *config) resolveAudience(flags *pflag.FlagSet) (externalaccount.Audience, error) {
	if c.audience != "" {
		for _, name := range []string{"project-number", "pool", "workforce-pool", "provider"} {
			if flags.Changed(name) {
				return externalaccount.Audience{}, problem.Input("--"+name, "--audience says it already")
			}
		}
		return externalaccount.ParseAudience("--audience", c.audience)
	}
	a := externalaccount.Audience{Project: c.project, Pool: c.pool, Provider: c.provider}
	required := []struct{ flag, value string }{{"project-number", c.project}, {"pool", c.pool}, {"provider", c.provider}}
	if c.workforcePool != "" {
		if c.project != "" || c.pool != "" {
			return a, problem.Input("--workforce-pool", "it is in place of --project-number and --pool: it belongs to an organization")
		}
		a.Pool, required = c.workforcePool, required[2:]
	}
	for _, r := range required {
		if r.value == "" {
			return a, problem.Input("--"+r.flag, "it is missing, and so is --audience").
				WithHint("see what there is: gcloud iam workload-identity-pools providers list --workload-identity-pool=POOL --location=global --format='value(name)'")
		}
	}
	return a, a.Check("--project-number, --pool, --provider")
}

// checkIdentity refuses flags that no call could be answered by, here or elsewhere.
func (c *config) checkIdentity() error {
	s := &c.identity
	if _, err := s.resolveScope(pluggable.Request{Audience: c.options.Audience.String()}); err != nil {
		return err
	}
	if _, err := entra.FindCloud(s.cloud, s.authorityHost); err != nil {
		return err
	}
	if _, err := cache.ParseMode(s.cache.Mode); err != nil {
		return err
	}
	return azure.Settings{
		Credential: s.credential, TenantID: s.tenantID, ClientID: s.clientID, ObjectID: s.objectID, ResourceID: s.resourceID,
		Lookup: func(string) (string, bool) { return "", false },
	}.Check()
}

// commandLine is this program with the flags that were given.
func (c *config) commandLine() ([]string, error) {
	program := c.command
	if program == "" {
		var err error
		if program, err = c.process.Program(); err != nil {
			return nil, err
		}
	}
	argv := append([]string{program}, c.selected()...)
	if c.selecting.Changed("timeout") {
		limit := time.Duration(c.options.TimeoutMillis) * time.Millisecond
		if c.identity.timeout <= 0 || c.identity.timeout >= limit {
			return nil, problem.Input("--timeout", "%s is not below --timeout-millis (%s), and users would see a client's timeout in place of the cause", c.identity.timeout, limit)
		}
	} else if own := externalaccount.OwnDeadline(c.options.TimeoutMillis); own != c.identity.timeout {
		argv = append(argv, "--timeout", own.String())
	}
	if c.options.OutputFile != "" {
		argv = append(argv, "--output-file", c.options.OutputFile)
	}
	if wait := c.options.InteractiveMillis; wait > 0 && !c.selecting.Changed("sign-in-timeout") {
		argv = append(argv, "--sign-in-timeout", externalaccount.OwnDeadline(wait).String())
	}
	return argv, nil
}

// selected are the flags that go into the command, as they were given. The resource is always among them: Rust's client
// does not tell the audience that it would be taken from.
func (c *config) selected() []string {
	var words []string
	if !c.selecting.Changed("resource") && !c.selecting.Changed("scope") {
		words = append(words, "--resource", c.options.Audience.Resource())
	}
	c.selecting.VisitAll(func(f *pflag.Flag) {
		if f.Changed {
			words = append(words, "--"+f.Name, f.Value.String())
		}
	})
	return words
}
