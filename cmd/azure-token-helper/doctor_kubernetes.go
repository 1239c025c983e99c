package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/idferry/idferry/internal/child"
	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/doctor"
	"github.com/idferry/idferry/internal/kubeconfig"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// clusterUser is a user of a kubeconfig that runs this program.
type clusterUser struct {
	kubeconfig.Plugin
	process cli.Process
	// file is what --kubeconfig named, or "".
	file string
}

// findPlugin finds the user and takes its settings; those on this command line win.
func (v *examine) findPlugin() (*clusterUser, error) {
	p := v.call.process
	files, err := kubeconfig.Open(kubeconfig.Paths(v.kubeconfig, p.Lookup), v.kubeconfig != "")
	if err != nil {
		return nil, err
	}
	found, err := kubeconfig.FindPlugin(files, v.context)
	if err != nil {
		return nil, err
	}
	args, isGetToken := found.Args, false
	if len(args) > 0 && args[0] == "get-token" {
		args, isGetToken = args[1:], true
	}
	if !isGetToken {
		return nil, problem.Input("user "+found.User+" in "+found.Path, "its arguments do not begin with get-token, which is what kubectl needs").
			WithHint("azure-token-helper kubeconfig --context %s", found.Context)
	}
	inner := p
	inner.Lookup = func(name string) (string, bool) {
		if value, ok := found.Env[name]; ok {
			return value, true
		}
		return p.Lookup(name)
	}
	call := &getToken{federation: federation{process: inner}}
	flags := pflag.NewFlagSet("get-token", pflag.ContinueOnError)
	call.bind(flags, doctorLimit)
	v.flags.Visit(func(f *pflag.Flag) {
		if flags.Lookup(f.Name) != nil {
			args = append(slices.Clone(args), "--"+f.Name+"="+f.Value.String())
		}
	})
	if err := flags.Parse(args); err != nil {
		return nil, problem.Input("user "+found.User+" in "+found.Path, "%w", err).WithHint("azure-token-helper get-token --help")
	}
	call.process.Lookup = inner.Lookup
	v.call = call
	return &clusterUser{Plugin: found, process: p, file: v.kubeconfig}, nil
}

// whoami asks the API server who the user is, through kubectl: what it needs besides a token is in the kubeconfig.
// https://kubernetes.io/docs/reference/access-authn-authz/authentication/#self-subject-review
func (c *clusterUser) whoami(ctx context.Context, h *doctor.Hop) error {
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		return doctor.Uncheckable(problem.New(problem.BadInput, "kubectl is not on PATH, and the call is made with it"))
	}
	args := []string{"auth", "whoami", "-o", "json", "--request-timeout=6s", "--context=" + c.Context}
	if c.file != "" {
		args = append(args, "--kubeconfig="+c.file)
	}
	cmd := exec.CommandContext(ctx, kubectl, args...)
	// Nothing is written, by the plugin that kubectl starts either.
	cmd.Env = append(c.process.Environ(), "IDFERRY_CACHE=off")
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	h.Summary = "context " + c.Context + ", user " + c.User
	if err := child.Run(cmd); err != nil {
		return kubectlFailed(token.Quote(said.String(), 600), err)
	}
	return reviewed(out.Bytes(), h)
}

// reviewed reads the SelfSubjectReview that kubectl prints.
func reviewed(out []byte, h *doctor.Hop) error {
	var review struct {
		Status struct {
			UserInfo struct {
				Username string
				Groups   []string
			}
		}
	}
	if json.Unmarshal(out, &review) != nil || review.Status.UserInfo.Username == "" {
		return problem.New(problem.BadAnswer, "asking the API server who this is: kubectl printed no SelfSubjectReview")
	}
	h.Add("username", review.Status.UserInfo.Username)
	h.Add("groups", strings.Join(review.Status.UserInfo.Groups, ", "))
	return nil
}

func kubectlFailed(said string, err error) error {
	if said == "" {
		said = err.Error()
	}
	e := problem.New(problem.Refused, "asking the API server who this is: kubectl said: %s", said)
	switch {
	case strings.Contains(said, "Unauthorized") || strings.Contains(said, "must be logged in"):
		return e.WithHint("the API server does not take the token: is Entra ID integration on, and is --server-id its application? az aks show --resource-group GROUP --name CLUSTER --query aadProfile")
	case strings.Contains(said, "executable") && strings.Contains(said, "not found"):
		return e.WithHint("kubectl does not find the program of the kubeconfig: azure-token-helper kubeconfig writes its path")
	case strings.Contains(said, "dial tcp") || strings.Contains(said, "Unable to connect") || strings.Contains(said, "timeout"):
		return doctor.Uncheckable(e.WithHint("the API server does not answer here: check the address, a private cluster's network, and authorized IP ranges"))
	}
	return e
}
