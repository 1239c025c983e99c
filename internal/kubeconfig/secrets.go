package kubeconfig

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

const mask = "[redacted]"

// secretKeys are the fields of a user that nobody should see on a screen or in a build's log.
func secretKeys() []string {
	return []string{
		"token", "password", "client-key-data", "access-token", "refresh-token", "id-token", "client-secret", "secret",
		"private-key", "idp-refresh-token",
	}
}

// secretFlags are the arguments of plugins behind which a secret stands.
func secretFlags() []string {
	return []string{
		"--client-secret", "--client-certificate-password", "--password", "--oidc-client-secret", "--token", "--secret", "--api-key",
	}
}

// secrets lists the values in the file that a diff must not show.
func (d *document) secrets() []string {
	var all []string
	lines := func(text string) {
		for _, line := range strings.Split(text, "\n") {
			if line = strings.TrimSpace(line); line != "" {
				all = append(all, line)
			}
		}
	}
	add := func(n *yaml.Node) {
		lines(valueOf(target(n)))
		lines(d.written(target(n)))
	}
	if d.root == nil {
		return nil
	}
	visit(d.root, func(n *yaml.Node) {
		switch n.Kind {
		case yaml.MappingNode:
			for _, p := range pairs(n) {
				if slices.Contains(secretKeys(), p.key) {
					add(p.value)
				}
			}
			if name := strings.ToUpper(valueOf(field(n, "name"))); slices.ContainsFunc([]string{"SECRET", "PASSWORD", "TOKEN", "KEY"},
				func(part string) bool { return strings.Contains(name, part) }) && !strings.HasSuffix(name, "_FILE") {
				add(field(n, "value"))
			}
		case yaml.SequenceNode:
			for i, item := range n.Content {
				item = target(item)
				flag, value, joined := strings.Cut(valueOf(item), "=")
				switch {
				case !slices.Contains(secretFlags(), flag):
				case joined:
					lines(value)
					_, value, _ = strings.Cut(d.written(item), "=")
					lines(value)
				case i+1 < len(n.Content):
					add(n.Content[i+1])
				}
			}
		}
	})
	slices.Sort(all)
	return slices.Compact(all)
}

// written is a scalar as it stands in the file, without its quotes: escaped, or folded over lines.
func (d *document) written(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode || n.Line == 0 {
		return ""
	}
	if start, end := d.quoted(n); end > 0 {
		return d.src[start:end]
	}
	raw := d.src[d.content(n):]
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		raw = raw[upTo(raw, breaks):]
	}
	// Nothing but white space is another one than in the value.
	end := 0
	for _, word := range strings.Fields(n.Value) {
		at := strings.Index(raw[end:], word)
		if at < 0 {
			break
		}
		end += at + len(word)
	}
	return raw[:end]
}

// hide replaces the secrets in a text, each run of them by one mask: what is a mask already is not looked through, since a
// secret may be a letter of it. What is escaped in the file is not its own value, so the forms of both YAML quotes are
// looked for too.
func hide(s string, secrets []string) string {
	hidden, any := make([]bool, len(s)), false
	for _, secret := range secrets {
		inJSON := strings.Trim(jsonText(secret), `"`)
		for _, form := range []string{secret, inJSON, strings.ReplaceAll(secret, "'", "''")} {
			for at := 0; form != ""; at++ {
				next := strings.Index(s[at:], form)
				if next < 0 {
					break
				}
				at += next
				for i := range len(form) {
					hidden[at+i] = true
				}
				any = true
			}
		}
	}
	if !any {
		return s
	}
	var shown strings.Builder
	for i := range len(s) {
		switch {
		case !hidden[i]:
			shown.WriteByte(s[i])
		case i == 0 || !hidden[i-1]:
			shown.WriteString(mask)
		}
	}
	return shown.String()
}
