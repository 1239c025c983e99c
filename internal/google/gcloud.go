package google

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/child"
	"github.com/idferry/idferry/internal/machine"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/sts"
	"github.com/idferry/idferry/internal/token"
)

// gcloud runs `gcloud auth print-identity-token`.
// https://cloud.google.com/sdk/gcloud/reference/auth/print-identity-token
type gcloud struct {
	settings Settings
	chain    chain
}

func (s Settings) gcloud(chain chain) *gcloud { return &gcloud{s, chain} }

func (g *gcloud) idToken(ctx context.Context) (token.Secret, error) {
	// By the process's own PATH, as gcloud's own children are found.
	path, err := exec.LookPath("gcloud")
	if err != nil {
		return token.Secret{}, problem.New(problem.NoIdentity, "gcloud was not found on PATH").
			WithHint("install it (https://cloud.google.com/sdk/docs/install), or choose another --google-source")
	}
	args := []string{"auth", "print-identity-token", "--audiences=" + g.settings.Audience}
	if g.chain.target != "" {
		accounts := append(append([]string(nil), g.chain.delegates...), g.chain.target)
		args = append(args, "--impersonate-service-account="+strings.Join(accounts, ","), "--include-email")
	}
	cmd := exec.CommandContext(ctx, path, args...)
	// Nobody is there to answer, and stdin belongs to the caller's protocol; a nil Stdin is the null device.
	cmd.Env = append(cmd.Environ(), "CLOUDSDK_CORE_DISABLE_PROMPTS=1")
	// For a grandchild that keeps the pipes open after gcloud is gone.
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = child.Run(cmd)
	switch {
	case ctx.Err() != nil:
		return token.Secret{}, problem.New(problem.DeadlineExceeded, "waiting for gcloud: %w", ctx.Err())
	case err != nil:
		return token.Secret{}, g.explain(err, stderr.String())
	}
	value := strings.TrimSpace(stdout.String())
	if value == "" {
		return token.Secret{}, problem.New(problem.BadAnswer, "gcloud auth print-identity-token printed nothing")
	}
	return token.NewSecret(value), nil
}

func (g *gcloud) explain(err error, stderr string) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return problem.New(problem.NoIdentity, "running gcloud: %w", err)
	}
	e := problem.New(problem.NoIdentity, "gcloud auth print-identity-token ended with %d: %s", exit.ExitCode(), sts.Quote(stderr))
	switch {
	case strings.Contains(stderr, "Invalid account"):
		return e.WithHint("a user's account takes no audience; name a service account with --impersonate-service-account EMAIL, or activate one: gcloud auth activate-service-account --key-file=FILE")
	case strings.Contains(stderr, "active account") || strings.Contains(stderr, "auth login"):
		return e.WithHint("gcloud auth login")
	}
	return e.WithHint("try it alone: gcloud auth print-identity-token --audiences=%s", g.settings.Audience)
}

// inputs say which of gcloud's accounts is the active one, by the same order gcloud follows: variable, active
// configuration. https://cloud.google.com/sdk/docs/properties
func (g *gcloud) inputs() []token.Input {
	lookup := g.settings.Lookup
	dir := g.settings.gcloudDir()
	name, _ := lookup("CLOUDSDK_ACTIVE_CONFIG_NAME")
	if name == "" {
		data, _ := os.ReadFile(filepath.Join(dir, "active_config"))
		name = strings.TrimSpace(string(data))
	}
	if name == "" {
		name = "default"
	}
	properties, _ := os.ReadFile(filepath.Join(dir, "configurations", "config_"+name))
	inputs := []token.Input{{Name: "gcloud-config", Value: dir}, {Name: "gcloud-configuration", Value: name}}
	for _, p := range []struct{ section, key string }{
		{"core", "account"}, {"auth", "impersonate_service_account"}, {"auth", "credential_file_override"}, {"auth", "access_token_file"},
	} {
		value, _ := lookup("CLOUDSDK_" + strings.ToUpper(p.section+"_"+p.key))
		if value == "" {
			value = property(properties, p.section, p.key)
		}
		inputs = append(inputs, token.Input{Name: "gcloud-" + p.key, Value: value})
		if p.key == "account" && value == "" {
			// Then gcloud takes the metadata server's.
			inputs = append(inputs, machine.Inputs(lookup)...)
		}
	}
	return inputs
}

// property reads a value of gcloud's configuration file, which is in INI form.
func property(file []byte, section, key string) string {
	current := ""
	for lines := bufio.NewScanner(bytes.NewReader(file)); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if inner, ok := strings.CutPrefix(line, "["); ok {
			current = strings.TrimSuffix(inner, "]")
			continue
		}
		if name, value, ok := strings.Cut(line, "="); ok && current == section && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
