package kubeconfig

import (
	"encoding/json"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// block renders an entry in block style, its key indented by indent.
func (r *rewriter) block(key string, n *yaml.Node, indent int) []string {
	head := spaces(indent) + scalarText(str(key)) + ":"
	switch {
	case n.Kind == yaml.MappingNode && len(n.Content) > 0:
		return append([]string{head}, r.entries(n, indent+r.step)...)
	case n.Kind == yaml.SequenceNode && len(n.Content) > 0:
		return append([]string{head}, r.items(n, indent+r.dash)...)
	case n.Kind == yaml.ScalarNode:
		return []string{head + " " + scalarText(n)}
	}
	return []string{head + " " + flow{}.text(n, "")}
}

func (r *rewriter) entries(n *yaml.Node, indent int) []string {
	var lines []string
	for _, p := range pairs(n) {
		lines = append(lines, r.block(p.key, p.value, indent)...)
	}
	return lines
}

func (r *rewriter) items(n *yaml.Node, indent int) []string {
	var lines []string
	for _, item := range n.Content {
		switch {
		case item.Kind == yaml.MappingNode && len(item.Content) > 0:
			entries := r.entries(item, indent+2)
			entries[0] = spaces(indent) + "- " + entries[0][indent+2:]
			lines = append(lines, entries...)
		case item.Kind == yaml.ScalarNode:
			lines = append(lines, spaces(indent)+"- "+scalarText(item))
		default:
			lines = append(lines, spaces(indent)+"- "+flow{}.text(item, ""))
		}
	}
	return lines
}

// scalarText writes a scalar so that YAML 1.1 and 1.2 read the same: bare where it is plainly a word, a flag, a path, a
// URL or a GUID, else in quotes.
func scalarText(n *yaml.Node) string {
	v := n.Value
	switch {
	case n.ShortTag() != "!!str":
		return v
	case bare().MatchString(v) && !reserved().MatchString(v):
		return v
	case strings.IndexFunc(v, func(r rune) bool {
		return r < ' ' || r > '~' && r < 0xA0 || r == '\u2028' || r == '\u2029' || r == '\uFEFF'
	}) < 0:
		return "'" + strings.ReplaceAll(v, "'", "''") + "'"
	}
	return jsonText(v)
}

func bare() *regexp.Regexp {
	// A digit may begin a GUID, which is neither a number nor a date nor a time of day.
	return regexp.MustCompile(`^([A-Za-z/]|--?[A-Za-z]|[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-)[A-Za-z0-9_./@=+-]*(://?[A-Za-z0-9_./@=+-]+)*(:[0-9]+[A-Za-z0-9_./@=+-]*)?$`)
}

func reserved() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null|nan)$`)
}

// flow renders in JSON, which is flow style too.
type flow struct {
	// newline and unit, if not empty, spread the text over lines.
	newline, unit string
	// colon and comma are what separates on one line.
	colon, comma string
}

func (f flow) text(n *yaml.Node, indent string) string {
	if f.colon == "" {
		f.colon, f.comma = ": ", ", "
	}
	var parts []string
	brackets := "{}"
	switch {
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str":
		return jsonText(n.Value)
	case n.Kind == yaml.ScalarNode:
		return n.Value
	case n.Kind == yaml.MappingNode:
		for _, p := range pairs(n) {
			parts = append(parts, jsonText(p.key)+f.colon+f.text(p.value, indent+f.unit))
		}
	default:
		brackets = "[]"
		for _, item := range n.Content {
			parts = append(parts, f.text(item, indent+f.unit))
		}
	}
	switch {
	case len(parts) == 0:
		return brackets
	case f.newline == "":
		return brackets[:1] + strings.Join(parts, f.comma) + brackets[1:]
	}
	inner := f.newline + indent + f.unit
	return brackets[:1] + inner + strings.Join(parts, ","+inner) + f.newline + indent + brackets[1:]
}

func jsonText(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s)
	return strings.TrimSuffix(b.String(), "\n")
}
