package main

import (
	"context"
	"os"
	"path/filepath"
	"sync"

	"github.com/spf13/cobra"

	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/launch"
	"github.com/idferry/idferry/internal/pluggable"
	"github.com/idferry/idferry/internal/tokenfile"
)

const execLong = `Run a program that finds the Azure identity of this machine, pod or pipeline wherever it looks for a Google
one: an external_account file of its own, in a private directory, named by GOOGLE_APPLICATION_CREDENTIALS and
CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE. --source file is for .NET and C++, which run no programs. Static tokens
and keys that would win over it are not passed on, and named on standard error.

The first token is asked for before the program is started. The program has this terminal, these streams and
every signal; it ends, and is ended, as if it had been run by itself: with its exit code, or by its signal. The
exit code is 125 when there is no identity or a setting is unusable, 126 or 127 when the program cannot be run
or is not found.`

const execExample = `  gcp-executable-source exec --project-number 123456789 --pool azure --provider entra --resource api://my-app \
    --service-account reader@my-project.iam.gserviceaccount.com --project my-project -- bq query 'SELECT CURRENT_DATE()'

  # an application in .NET
  gcp-executable-source exec --source file --audience AUDIENCE --resource api://my-app -- dotnet app.dll`

// execute is the verb that runs a program with the identity.
type execute struct {
	config
	settings               *cli.Settings
	gcpProject, runtimeDir string
}

func newExec(p cli.Process, code *int) *cobra.Command {
	v := &execute{config: newSettings(p)}
	cmd := &cobra.Command{
		Use: "exec [flags] [--] PROGRAM [ARGUMENT…]", Short: "Run a program with the Azure identity, for as long as it runs",
		Long: execLong, Example: execExample, Args: cli.NeedsProgram,
		RunE: func(cmd *cobra.Command, args []string) error {
			end, err := launch.AsInit(p.Started, p.Args, p.Environ, func() (launch.End, error) { return v.run(cmd, args) })
			if err == nil {
				*code = end.Mirror()
			}
			return err
		},
	}
	flags := cmd.Flags()
	// What follows the program's name is the program's.
	flags.SetInterspersed(false)
	v.bindFile(flags)
	v.identity.bind(v.selecting)
	flags.AddFlagSet(v.selecting)
	b := cli.NewSettings(flags, p.Lookup)
	v.settings = b
	b.String(&v.audience, "audience", "", "", "whole name of the provider, as the console, gcloud or Terraform show it", "GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE")
	b.Exclusive("audience", "project-number", "pool", "workforce-pool", "provider")
	b.String(&v.options.ServiceAccount, "service-account", "", "", "e-mail of the service account to impersonate (default: none, the pool's principal has the roles)", "IDFERRY_SERVICE_ACCOUNT")
	b.String(&v.gcpProject, "project", "", "", "project of the program (GOOGLE_CLOUD_PROJECT, CLOUDSDK_CORE_PROJECT)", "GOOGLE_CLOUD_PROJECT")
	b.String(&v.runtimeDir, "runtime-dir", "", "", "where the private directory is made (default: $XDG_RUNTIME_DIR, or the directory for temporary files)", "IDFERRY_RUNTIME_DIR")
	return cmd
}

func (v *execute) run(cmd *cobra.Command, args []string) (launch.End, error) {
	ctx, p := cmd.Context(), v.process
	for _, s := range []*cli.Settings{v.settings, v.identity.settings} {
		if err := s.Resolve(); err != nil {
			return launch.End{}, err
		}
	}
	dir, err := launch.NewDirectory(v.runtimeDir, p.Lookup)
	if err != nil {
		return launch.End{}, err
	}
	defer dir.Close()
	program := launch.Program{Args: args}
	if program.Path, err = launch.Find(args[0], ""); err != nil {
		return launch.End{}, err
	}
	if v.source == "file" {
		v.options.TokenPath = filepath.Join(dir.Path, "subject-token")
	}
	content, err := v.content(cmd.Flags())
	if err != nil {
		return launch.End{}, err
	}
	credentials := filepath.Join(dir.Path, "google.json")
	if err := os.WriteFile(credentials, content, 0o600); err != nil {
		return launch.End{}, err
	}
	request := pluggable.Request{Audience: v.options.Audience.String(), TokenType: pluggable.TypeJWT}
	if v.source == "file" {
		stop, err := v.keep(ctx, request)
		if err != nil {
			return launch.End{}, err
		}
		defer stop()
	} else if err := v.ask(ctx, request); err != nil {
		return launch.End{}, err
	}
	program.Env = v.environment(credentials)
	return launch.Run(program)
}

// ask has a token asked for and remembered, so that what is wrong is said before the program begins its work.
func (v *execute) ask(ctx context.Context, request pluggable.Request) error {
	wanted, err := v.identity.subjectToken(request)
	if err != nil {
		return err
	}
	defer wanted.close()
	_, err = wanted.call.Token(ctx)
	return err
}

// keep keeps the token file fresh until what it returns is called.
func (v *execute) keep(ctx context.Context, request pluggable.Request) (func(), error) {
	a := &asking{source: &v.identity, request: request}
	k := a.keeper(tokenfile.File{Field: "--runtime-dir", Path: v.options.TokenPath})
	if err := k.Renew(ctx); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	var kept sync.WaitGroup
	kept.Go(func() { k.Keep(ctx) })
	return func() { stop(); kept.Wait() }, nil
}

// overruling are the variables by which gcloud and Terraform's provider and backend take another identity, or one that
// ends, in place of the file.
func overruling() []string {
	return []string{
		"GOOGLE_CREDENTIALS", "GOOGLE_BACKEND_CREDENTIALS", "GOOGLE_CLOUD_KEYFILE_JSON", "GCLOUD_KEYFILE_JSON", "GOOGLE_OAUTH_ACCESS_TOKEN",
		"CLOUDSDK_AUTH_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE",
	}
}

func (v *execute) environment(credentials string) launch.Environment {
	env, dropped := launch.Environment(v.process.Environ()).Without(overruling()...)
	v.process.NotPassedOn(dropped, "the Azure identity")
	env = env.Set("GOOGLE_APPLICATION_CREDENTIALS", credentials).Set("CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE", credentials)
	if v.source != "file" {
		env = env.Set("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")
	}
	if v.gcpProject != "" {
		env = env.Set("GOOGLE_CLOUD_PROJECT", v.gcpProject).Set("CLOUDSDK_CORE_PROJECT", v.gcpProject)
	}
	return env
}
