package kubeconfig

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// source is what a user authenticates with now.
type source int

const (
	other        source = iota // nothing of Azure's
	helper                     // this plugin
	kubelogin                  // Azure/kubelogin
	authProvider               // the azure plugin that Kubernetes 1.26 removed from kubectl
)

const (
	execKey         = "exec"
	authProviderKey = "auth-provider"
	helperName      = "azure-token-helper"
)

// credentialKeys are the fields of a user that say who it is; what is not here (act-as, extensions) stays.
// https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/#AuthInfo
func credentialKeys() []string {
	return []string{
		"client-certificate", "client-certificate-data", "client-key", "client-key-data", "token", "tokenFile",
		"username", "password", authProviderKey, execKey,
	}
}

// recognize returns what a user authenticates with, and the words for it.
func recognize(u *yaml.Node, ourCommand string) (source, string) {
	if exec := field(u, execKey); exec != nil {
		command, args := valueOf(field(exec, "command")), values(field(exec, "args"))
		switch name := programOf(command); {
		case name == helperName || command == ourCommand && command != "":
			return helper, helperName
		case name != "kubelogin":
			return other, fmt.Sprintf("it runs %s, which is not Azure's kubelogin", name)
		case slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--oidc-") }):
			// https://github.com/int128/kubelogin has the same name and the same verb.
			return other, "its kubelogin is the one for OpenID Connect (int128/kubelogin), not Azure's"
		default:
			return kubelogin, "kubelogin"
		}
	}
	if p := field(u, authProviderKey); p != nil {
		name := valueOf(field(p, "name"))
		if name == "azure" {
			return authProvider, "auth-provider azure"
		}
		return other, fmt.Sprintf("it uses the auth-provider %s", name)
	}
	var held []string
	for _, p := range pairs(u) {
		if slices.Contains(credentialKeys(), p.key) {
			held = append(held, p.key)
		}
	}
	if len(held) == 0 {
		return other, "it holds no credential"
	}
	return other, "it holds " + strings.Join(held, " and ")
}

// programOf is the name of a command, whatever directory, system and case it is written for.
func programOf(command string) string {
	name := command[strings.LastIndexAny(command, `/\`)+1:]
	if lower := strings.ToLower(name); strings.HasSuffix(lower, ".exe") {
		return strings.TrimSuffix(lower, ".exe")
	}
	return name
}

// rewritten is u with its credential replaced by exec. What stays keeps its order.
func rewritten(u, exec *yaml.Node) *yaml.Node {
	want := plain(u)
	if want == nil || want.Kind != yaml.MappingNode {
		want = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	}
	for _, key := range credentialKeys() {
		if key != execKey {
			remove(want, key)
		}
	}
	set(want, execKey, exec)
	return want
}
