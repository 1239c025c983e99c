package kubeconfig

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// installHint is what kubectl shows when the command is not there any more.
const installHint = "azure-token-helper is not installed where this kubeconfig expects it: https://github.com/idferry/idferry"

// https://kubernetes.io/docs/reference/config-api/client-authentication.v1beta1/: every client-go since 1.11 has
// v1beta1, and kubelogin writes it; v1 stays where somebody chose it.
const (
	v1      = "client.authentication.k8s.io/v1"
	v1beta1 = "client.authentication.k8s.io/v1beta1"
)

// newExec is an exec section with its fields in the order in which client-go writes them.
func newExec() *yaml.Node {
	exec := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, key := range []string{"apiVersion", "args", "command", "installHint", "interactiveMode"} {
		set(exec, key, str(""))
	}
	set(exec, "apiVersion", str(v1beta1))
	return exec
}

// point makes exec run this plugin for id. Fields that say nothing of kubelogin stay.
func (o Options) point(exec *yaml.Node, id Identity) {
	if v := valueOf(field(exec, "apiVersion")); v != v1 && v != v1beta1 {
		set(exec, "apiVersion", str(v1beta1))
	}
	set(exec, "command", str(o.Command))
	set(exec, "args", strs(id.args()))
	set(exec, "installHint", str(installHint))
	set(exec, "interactiveMode", str("Never"))
}

// variables reads exec.env.
func variables(exec *yaml.Node) []variable {
	env := field(exec, "env")
	if env == nil || env.Kind != yaml.SequenceNode {
		return nil
	}
	var all []variable
	for _, e := range env.Content {
		all = append(all, variable{valueOf(field(e, "name")), valueOf(field(e, "value"))})
	}
	return all
}

// dropVariables takes out of exec.env what is in the arguments now and what only Azure's tools read.
func (t *translated) dropVariables(exec *yaml.Node, used []string) {
	env := field(exec, "env")
	if env == nil || env.Kind != yaml.SequenceNode {
		return
	}
	kept := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for _, e := range env.Content {
		switch name := valueOf(field(e, "name")); {
		case slices.Contains(used, name):
			t.note("the variable %s is gone: the arguments hold what is needed of it", name)
		case foreign(name):
			t.note("the variable %s is gone: only Azure's own tools read it", name)
		default:
			kept.Content = append(kept.Content, e)
		}
	}
	switch {
	case len(kept.Content) == len(env.Content):
	case len(kept.Content) == 0:
		remove(exec, "env")
	default:
		set(exec, "env", kept)
	}
}
