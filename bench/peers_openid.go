package main

import (
	"context"
	"strings"

	"github.com/idferry/idferry/internal/fakecloud"
)

// oidcLogin is int128/kubelogin, which keeps its tokens in files as they are.
func (n *neighbours) oidcLogin() peer {
	return peer{name: "int128/kubelogin " + strings.TrimPrefix(oidcLoginVersion, "v"), cluster: n.own, ready: func(ctx context.Context) (command, error) {
		path, err := n.goProgram(ctx, "kubectl-oidc_login", "github.com/int128/kubelogin", oidcLoginVersion)
		if err != nil {
			return command{}, err
		}
		return command{path, []string{
			"get-token", "--oidc-issuer-url", n.provider.URL, "--oidc-client-id", fakecloud.OpenIDClient,
			"--grant-type", "password", "--username", fakecloud.OpenIDUser, "--password", fakecloud.OpenIDPassword,
		}, n.env}, nil
	}}
}
