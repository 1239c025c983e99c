package kubeconfig

import (
	"go.yaml.in/yaml/v3"

	"github.com/idferry/idferry/internal/problem"
)

// Plugin is how kubectl would run this program for a context.
type Plugin struct {
	Context, User string
	// Path is the file that the user is in.
	Path    string
	Command string
	Args    []string
	// Env are the variables that the section adds to the environment.
	Env map[string]string
}

// FindPlugin returns what the user of a context runs; context "" is the current one. Files are in KUBECONFIG's order, of
// which the first that says something decides, as in clientcmd. The error says what else the user authenticates with.
func FindPlugin(files []*File, context string) (Plugin, error) {
	if context == "" {
		for _, f := range files {
			if context == "" {
				context = valueOf(field(f.doc.root, "current-context"))
			}
		}
	}
	if context == "" {
		return Plugin{}, problem.Input("--context", "no current context is set in %s", pathsOf(files)).WithHint("name one with --context: kubectl config get-contexts -o name")
	}
	name, err := userOf(files, context)
	if err != nil {
		return Plugin{}, err
	}
	for _, f := range files {
		for _, u := range f.doc.users {
			if u.name != name {
				continue
			}
			if kind, words := recognize(u.value, ""); kind != helper {
				if kind == kubelogin || kind == authProvider {
					words = "it runs " + words
				}
				return Plugin{}, problem.Input("user "+name+" in "+f.Path, "%s, not this program", words).
					WithHint("azure-token-helper kubeconfig --context %s", context)
			}
			return plugin(context, name, f.Path, field(u.value, execKey)), nil
		}
	}
	return Plugin{}, problem.Input("--context", "the context %q is of the user %q, and %s has none of that name", context, name, pathsOf(files)).WithHint("kubectl config get-users")
}

func plugin(context, user, path string, exec *yaml.Node) Plugin {
	p := Plugin{Context: context, User: user, Path: path, Command: valueOf(field(exec, "command")), Args: values(field(exec, "args")), Env: map[string]string{}}
	for _, v := range variables(exec) {
		p.Env[v.name] = v.value
	}
	return p
}
