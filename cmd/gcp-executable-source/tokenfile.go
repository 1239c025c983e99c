package main

import (
	"context"
	"io/fs"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/externalaccount"
	"github.com/idferry/idferry/internal/pluggable"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
	"github.com/idferry/idferry/internal/tokenfile"
)

const tokenFileLong = `Keep a file with the subject token fresh, for clients that have no executable source (.NET, C++)
and for programs in other containers. Its external_account file says
"credential_source": {"file": "PATH"}.

The file holds the token alone and is replaced whole, so that a reader never finds half of one. It is
renewed while at least ten minutes are left. When that fails, one line on standard error says so, the
file keeps its token, also past its end, and the attempt is repeated until it succeeds.

The first token is asked for at once; failing that ends the command with exit code 1 (2 where a setting
is unusable), so that whatever supervises it starts it again. It ends with exit code 0 on SIGTERM and
SIGINT and leaves the file where it is. Under systemd (Type=notify) the service is up once the file is there.`

const tokenFileExample = `  # as a service or sidecar
  gcp-executable-source token-file --path /run/idferry/google-subject-token --resource api://my-app

  # once, from a script or a timer
  gcp-executable-source token-file --once --path /run/idferry/google-subject-token --resource api://my-app

  # is it there? exit code 0 or 1, for a probe
  gcp-executable-source token-file --check --path /run/idferry/google-subject-token`

// tokenFile is the verb's settings beside those of the identity.
type tokenFile struct {
	source             *source
	path, mode         string
	audience           string
	once, watch, check bool
	force              bool
}

func newTokenFile(p cli.Process) *cobra.Command {
	v := &tokenFile{source: &source{process: p}}
	cmd := &cobra.Command{
		Use: "token-file --path FILE", Short: "Keep a file with the subject token fresh",
		Long: tokenFileLong, Example: tokenFileExample, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return v.run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&v.path, "path", "", "the file; its directory is made where only that is missing")
	flags.BoolVar(&v.watch, "watch", false, "renew until ended by a signal (the default)")
	flags.BoolVar(&v.once, "once", false, "write once and end")
	flags.BoolVar(&v.check, "check", false, "write nothing; exit 0 if the file holds a token that has not expired")
	flags.StringVar(&v.mode, "mode", "0600", "permissions of the file: 0600, or 0640 for a reader of the same group")
	flags.BoolVar(&v.force, "force", false, "replace a file that holds something else than a token")
	v.source.bind(flags)
	v.source.settings.String(&v.audience, "audience", "", "", "whole name of the provider, for the default of --resource", "GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE")
	return cmd
}

func (v *tokenFile) run(ctx context.Context) error {
	if err := v.source.settings.Resolve(); err != nil {
		return err
	}
	chosen := 0
	for _, way := range []bool{v.once, v.watch, v.check} {
		if way {
			chosen++
		}
	}
	mode, err := strconv.ParseUint(v.mode, 8, 32)
	switch {
	case v.path == "":
		return problem.Input("--path", "it is missing").WithHint("name the file that the external_account file names: --path /run/idferry/google-subject-token")
	case chosen > 1:
		return problem.Input("--once, --watch, --check", "one excludes the others")
	case err != nil:
		return problem.Input("--mode", "%q is no octal number", v.mode).WithHint("use 0600, or 0640 for a reader of the same group")
	case v.check:
		return tokenfile.Fresh(v.path, v.source.process.Now())
	case v.audience != "":
		audience, err := externalaccount.ParseAudience("--audience", v.audience)
		if err != nil {
			return err
		}
		v.audience = audience.String()
	}
	file := tokenfile.File{Field: "--path", Path: v.path, Mode: fs.FileMode(mode), Force: v.force}
	if err := file.Check(); err != nil {
		return err
	}
	if v.once {
		return v.keeper(file).Renew(ctx)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	return v.keep(ctx, v.keeper(file))
}

// keep keeps the file fresh until ctx ends.
func (v *tokenFile) keep(ctx context.Context, k *tokenfile.Keeper) error {
	if err := k.Renew(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if err := notify(v.source.process, "READY=1"); err != nil {
		return problem.New(problem.Unexpected, "tell systemd that the file is there: %w", err).WithHint("leave NOTIFY_SOCKET unset where no systemd listens")
	}
	k.Keep(ctx)
	return nil
}

func (v *tokenFile) keeper(file tokenfile.File) *tokenfile.Keeper {
	a := &asking{source: v.source, request: pluggable.Request{Audience: v.audience, TokenType: pluggable.TypeJWT}}
	return a.keeper(file)
}

// asking asks for one token after the other, for as long as the process lives.
type asking struct {
	source  *source
	request pluggable.Request

	person *subjectToken
	// held is when the last token ends.
	held time.Time
}

// keeper keeps file fresh.
func (a *asking) keeper(file tokenfile.File) *tokenfile.Keeper {
	process := a.source.process
	var k *tokenfile.Keeper
	k = tokenfile.NewKeeper(file, a.token, process.Now, process.Renewal(file.Path, func() time.Time { return k.ExpiresOn() }))
	return k
}

// token returns a token, and from the second call on one to take the place of the last.
func (a *asking) token(ctx context.Context) (token.Token, error) {
	wanted := a.person
	if wanted == nil {
		// Anew each time, as another process would: a certificate or a profile may be another by now, and what Azure's
		// libraries remember in a process is given out for too long.
		var err error
		if wanted, err = a.source.subjectToken(a.request); err != nil {
			return token.Token{}, err
		}
		if wanted.person {
			// Here it is what spares the person to sign in each hour.
			a.person = wanted
		} else {
			defer wanted.close()
		}
	}
	call := wanted.call
	if !a.held.IsZero() {
		// The cache gives out a token until ten minutes are left, and this is called before. Another process may have
		// renewed it, though.
		if t, hit := call.Cache.Remembered(ctx, call.Request); hit && t.ExpiresOn.After(a.held) {
			a.held = t.ExpiresOn
			return t, nil
		}
		call.Request.Bypass = true
	}
	t, err := call.Token(ctx)
	if err == nil {
		a.held = t.ExpiresOn
	}
	return t, err
}
