package kubeconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/idferry/idferry/internal/token"
)

// preference is the part of kuberc that says which plugins kubectl may run.
// https://kubernetes.io/docs/reference/config-api/kuberc.v1beta1/
type preference struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Policy     string `yaml:"credentialPluginPolicy"`
	Allowlist  *[]struct {
		Command string `yaml:"command"`
		// Name is what kubectl 1.35 called it.
		Name string `yaml:"name"`
	} `yaml:"credentialPluginAllowlist"`
}

// PluginAdvice says whether kubectl 1.35 and later may run command, by the user's kuberc, and what to type if it may not.
func PluginAdvice(command string, lookup func(string) (string, bool)) string {
	return token.Line(pluginAdvice(command, lookup))
}

func pluginAdvice(command string, lookup func(string) (string, bool)) string {
	path, _ := lookup("KUBERC")
	if gate, _ := lookup("KUBECTL_KUBERC"); path == "off" || gate == "false" {
		return "kubectl: no plugin is restricted, since kuberc is switched off in this environment"
	}
	if path == "" {
		path = filepath.Join(Home(lookup), ".kube", "kuberc")
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Sprintf("kubectl: no plugin is restricted (there is no %s); kubectl 1.35 and later can be held to a list of plugins, this one among them: %s",
			path, setList(command))
	}
	if err != nil {
		return fmt.Sprintf("kubectl: it is not known whether it may run %s: %v", command, err)
	}
	p, found := findPreference(data)
	if !found {
		return fmt.Sprintf("kubectl: no plugin is restricted (%s holds no kubectl.config.k8s.io Preference)", path)
	}
	return p.judge(path, command)
}

// findPreference returns the first document that kubectl would take.
func findPreference(data []byte) (preference, bool) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var p preference
		if err := decoder.Decode(&p); err != nil {
			var mismatch *yaml.TypeError
			if errors.As(err, &mismatch) {
				continue
			}
			return preference{}, false
		}
		group, version, _ := strings.Cut(p.APIVersion, "/")
		if group == "kubectl.config.k8s.io" && p.Kind == "Preference" {
			if version == "v1alpha1" { // which has no plugin policy
				p.Policy, p.Allowlist = "", nil
			}
			return p, true
		}
	}
}

// judge decides as client-go does (plugin/pkg/client/auth/exec: ValidatePluginPolicy, checkAllowlistLocked).
func (p preference) judge(path, command string) string {
	var entries []string
	if p.Allowlist != nil {
		for _, e := range *p.Allowlist {
			entries = append(entries, first(e.Command, e.Name))
		}
	}
	refused := "kubectl 1.35 and later will not run " + command + ": "
	switch p.Policy {
	case "", "AllowAll":
		if p.Allowlist != nil {
			return refused + fmt.Sprintf("%s has a credentialPluginAllowlist without credentialPluginPolicy: Allowlist, and kubectl then runs no plugin; type: %s",
				path, setList(append(entries, command)...))
		}
		return fmt.Sprintf("kubectl: %s restricts no plugin", path)
	case "DenyAll":
		return refused + fmt.Sprintf("credentialPluginPolicy in %s is DenyAll; to allow this plugin and no other: %s", path, setList(command))
	case "Allowlist":
	default:
		return refused + fmt.Sprintf("credentialPluginPolicy in %s is %q, which kubectl does not know", path, p.Policy)
	}
	for _, e := range entries {
		if e == "" || filepath.Clean(e) != e {
			return refused + fmt.Sprintf("credentialPluginAllowlist in %s has the entry %q, which kubectl refuses together with all others; mend it first", path, e)
		}
	}
	if slices.ContainsFunc(entries, func(e string) bool { return allows(e, command) }) {
		return fmt.Sprintf("kubectl: credentialPluginAllowlist in %s allows %s", path, command)
	}
	return refused + fmt.Sprintf("credentialPluginAllowlist in %s does not have it; type: %s", path, setList(append(entries, command)...))
}

// allows reports whether an entry of the list admits a command: the same text, or the same program on PATH.
func allows(entry, command string) bool {
	if entry == filepath.Clean(command) {
		return true
	}
	// LookPath reads PATH itself, as it does in kubectl.
	resolved, err := exec.LookPath(command)
	if err != nil {
		return false
	}
	if resolved == entry {
		return true
	}
	listed, err := exec.LookPath(entry)
	return err == nil && filepath.Base(entry) == filepath.Base(resolved) && listed == resolved
}

// setList is the command that makes the list; it replaces the one there is. kubectl 1.35 has neither the command nor the
// field of this name.
func setList(entries ...string) string {
	var b strings.Builder
	b.WriteString("kubectl kuberc set --section credentialplugin --policy Allowlist")
	for _, e := range entries {
		if e != "" {
			fmt.Fprintf(&b, " --allowlist-entry command=%s", shellWord(e))
		}
	}
	b.WriteString(" (kubectl 1.35: as `- name: …` under credentialPluginAllowlist)")
	return b.String()
}

func shellWord(s string) string {
	if strings.ContainsAny(s, " '\"\\$`&()<>|;*?") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}
