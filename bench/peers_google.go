package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

const cloudPlatform = "https://www.googleapis.com/auth/cloud-platform"

// gkePlugin is Google's credential plugin, which keeps one token beside the kubeconfig. gcloud, which it asks for one, is
// a program here that prints one.
func (n *neighbours) gkePlugin() peer {
	name := "gke-gcloud-auth-plugin"
	// It has no number of its own but that of the Kubernetes that it is of.
	if out, err := exec.Command(name, "--version").Output(); err == nil {
		name += " " + numbered(string(out))
	}
	return peer{name: name, cluster: n.gke, ready: func(ctx context.Context) (command, error) {
		path, err := n.onPath("gke-gcloud-auth-plugin")
		if err != nil {
			return command{}, err
		}
		answer, err := json.Marshal(map[string]any{"credential": map[string]string{
			"access_token": n.clouds.Google.AccessToken("serviceAccount:"+fakecloud.SandboxAccount, 12*time.Hour, cloudPlatform),
			"token_expiry": time.Now().Add(12 * time.Hour).UTC().Format(time.RFC3339),
		}})
		if err != nil {
			return command{}, err
		}
		stub, err := os.MkdirTemp(n.home, "gcloud")
		if err != nil {
			return command{}, err
		}
		if _, err := bare(ctx, stub, "gcloud", string(answer)); err != nil {
			return command{}, err
		}
		// It reads all of this for the name of the context, by which it keeps the token.
		config, err := n.kubeconfig(n.gke.URL, user{Exec: plugged(path)})
		if err != nil {
			return command{}, err
		}
		return command{path, nil, append(slices.Clone(n.env), "KUBECONFIG="+config, "PATH="+stub+string(filepath.ListSeparator)+os.Getenv("PATH"))}, nil
	}}
}

// gcloud is the Google Cloud CLI on a virtual machine.
func (n *neighbours) gcloud() peer {
	host := n.clouds.Google.MetadataHost()
	env := append(slices.Clone(n.env), "CLOUDSDK_CONFIG="+n.in("gcloud"), "GCE_METADATA_ROOT="+host, "GCE_METADATA_IP="+host, "CLOUDSDK_CORE_DISABLE_PROMPTS=1")
	path, missing := exec.LookPath("gcloud")
	return peer{name: "gcloud auth print-access-token " + releaseOf(path), slow: true, ready: func(context.Context) (command, error) {
		if missing != nil {
			return command{}, errors.New("gcloud is not installed")
		}
		return command{path, []string{"auth", "print-access-token"}, env}, nil
	}}
}

// releaseOf is what the Google Cloud SDK that a program is of says at its root. To ask the program takes a second.
func releaseOf(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	said, _ := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(path)), "VERSION"))
	return numbered(string(said))
}
