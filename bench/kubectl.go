package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

const (
	// boundKubectl is what kubectl with our plugin may take, in times of kubectl with a token in its kubeconfig, where
	// every server is far.
	boundKubectl  = 1.04
	kubectlAway   = 50 * time.Millisecond
	kubectlRounds = 50
	contextName   = "bench"
)

// kubectl are the rows of kubectl get pods with a credential plugin that has its token remembered, each paired with
// kubectl that has the same token in its kubeconfig; what kubectl knows of the server is cached for both.
func (b *bench) kubectl(ctx context.Context) (rows []row, err error) {
	n, err := b.neighbours()
	if err != nil {
		return nil, err
	}
	defer n.close()
	kubectl, missing := n.onPath("kubectl")
	for _, away := range []time.Duration{0, kubectlAway} {
		for _, p := range append([]peer{n.ours()}, n.all()...) {
			if p.cluster == nil {
				continue
			}
			r := row{Name: fmt.Sprintf("kubectl get pods, everything %d ms away, %s", away.Milliseconds(), p.name)}
			r.Against, r.Asks = "kubectl with a static token", -1
			if away == kubectlAway {
				r.Bound = p.bound
			}
			made, err := r, missing
			if missing == nil {
				made, err = n.endToEnd(ctx, r, kubectl, p, away)
			}
			switch {
			case ctx.Err() != nil:
				return rows, ctx.Err()
			case err != nil && p.bound > 0 && missing == nil:
				return rows, err
			// The others' troubles are not ours.
			case err != nil:
				made = r
				made.Missing = inOneLine(err)
			}
			rows = append(rows, made)
		}
	}
	return rows, nil
}

// ours is azure-token-helper with the same home as its peers.
func (n *neighbours) ours() peer {
	return peer{name: "azure-token-helper", cluster: n.clouds.Kubernetes, bound: boundKubectl, ready: func(context.Context) (command, error) {
		return command{n.helper, append(toAzure(), "--cache", "file", "--cache-dir", n.in("idferry")), n.env}, nil
	}}
}

// endToEnd times kubectl, every server being so far away: the cluster, and whatever the plugin asks.
func (n *neighbours) endToEnd(ctx context.Context, r row, kubectl string, p peer, away time.Duration) (row, error) {
	n.internet.Away(away)
	defer n.internet.Away(0)
	plugin, text, asked, err := n.remembered(ctx, p)
	if err != nil {
		return r, err
	}
	r.Asked = asked
	token, err := tokenIn(text)
	if err != nil {
		return r, err
	}
	server := p.cluster.URL
	if away > 0 {
		way, err := fakecloud.StartDistance(strings.TrimPrefix(server, "https://"), away)
		if err != nil {
			return r, err
		}
		defer way.Close()
		server = "https://" + way.Address
	}
	var with [2]command
	for i, u := range []user{{Exec: plugged(plugin.path, plugin.args...)}, {Token: token}} {
		config, err := n.kubeconfig(server, u)
		if err != nil {
			return r, err
		}
		with[i] = command{kubectl, []string{"get", "pods"}, append(slices.Clone(plugin.env), "KUBECONFIG="+config)}
	}
	pods, err := alike(ctx, with[0], with[1])
	if err != nil {
		return r, err
	}
	r.Bytes = len(pods)
	for again := true; again; {
		times, err := pair(with[0].printing(ctx, pods), with[1].printing(ctx, pods), min(n.rounds, kubectlRounds))
		if err != nil {
			return r, err
		}
		again = r.add(times)
	}
	return r, nil
}

// alike runs both twice, so that what either reads of the server is cached by then, and returns what both print.
func alike(ctx context.Context, subject, base command) (string, error) {
	var printed []string
	for _, c := range []command{subject, base, subject, base} {
		out, _, err := c.run(ctx)
		if err != nil {
			return "", err
		}
		printed = append(printed, out)
	}
	if printed[0] == "" || len(slices.Compact(slices.Clone(printed))) > 1 {
		return "", errors.New("kubectl prints something else with the plugin than with its token")
	}
	return printed[0], nil
}

// tokenIn is the token of what a credential plugin prints.
func tokenIn(text string) (string, error) {
	var credential struct {
		Status struct {
			Token string `json:"token"`
		} `json:"status"`
	}
	err := json.Unmarshal([]byte(text), &credential)
	if err == nil && credential.Status.Token == "" {
		err = errors.New("no status.token")
	}
	if err != nil {
		return "", fmt.Errorf("an ExecCredential was expected: %w", err)
	}
	return credential.Status.Token, nil
}

// user is one of a kubeconfig.
type user struct {
	Token string      `json:"token,omitempty"`
	Exec  *execPlugin `json:"exec,omitempty"`
}

type execPlugin struct {
	APIVersion      string   `json:"apiVersion"`
	Command         string   `json:"command"`
	Args            []string `json:"args"`
	InteractiveMode string   `json:"interactiveMode"`
}

func plugged(path string, args ...string) *execPlugin {
	return &execPlugin{"client.authentication.k8s.io/v1beta1", path, args, "Never"}
}

// kubeconfig writes one for a server and a user. Its context has the same name each time: gke-gcloud-auth-plugin goes by it.
func (n *neighbours) kubeconfig(server string, u user) (string, error) {
	named := func(kind string, value any) []map[string]any {
		return []map[string]any{{"name": contextName, kind: value}}
	}
	config, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": contextName,
		"clusters": named("cluster", map[string]any{"server": server, "certificate-authority-data": n.clouds.CA.PEM}),
		"users":    named("user", u),
		"contexts": named("context", map[string]string{"cluster": contextName, "user": contextName}),
	})
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(n.home, "kubeconfig")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "config")
	return path, os.WriteFile(path, config, 0o600)
}
