package kubeconfig

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// replaceFlow writes the value of a user anew whose entry is in flow style, as all of a JSON file is.
func (r *rewriter) replaceFlow(value, want *yaml.Node) error {
	start := r.offset(value.Line, value.Column)
	end := flowEnd(r.src, start)
	if end < 0 {
		return r.refuse(value.Line, "its `user` section is not {…}").WithHint("write the user out in block style, then run this again")
	}
	before := r.src[start:end]
	f := flow{colon: ":", comma: ","}
	if strings.Contains(before, `: `) {
		f.colon, f.comma = ": ", ", "
	}
	indent := margin(r.line(value.Line))
	if strings.ContainsAny(before, "\r\n") {
		f.newline, f.unit = r.newline(value.Line), "  "
		f.colon = ": "
		if value.Kind == yaml.MappingNode && len(value.Content) > 0 && value.Content[0].Line > value.Line {
			if deeper, ok := strings.CutPrefix(margin(r.line(value.Content[0].Line)), indent); ok && deeper != "" {
				f.unit = deeper
			}
		}
	}
	r.replaced = append(r.replaced, value)
	r.edits = append(r.edits, edit{start, end, f.text(want, indent)})
	return nil
}

// margin is the white space that a line begins with.
func margin(line string) string { return line[:len(line)-len(strings.TrimLeft(line, " \t"))] }

// flowEnd returns the offset behind the mapping or alias that begins at start, -1 if there is none.
func flowEnd(src string, start int) int {
	if alias := regexp.MustCompile(`^\*[^\s,\[\]{}]+`).FindString(src[start:]); alias != "" {
		return start + len(alias)
	}
	properties := regexp.MustCompile(`^([&!][^\s,\[\]{}]*\s+)*`).FindString(src[start:])
	at := start + len(properties)
	if !strings.HasPrefix(src[at:], "{") {
		return -1
	}
	depth := 0
	fresh := true // a quote begins a quoted scalar only where a scalar may begin
	for ; at < len(src); at++ {
		switch c := src[at]; {
		case c == '{' || c == '[':
			depth, fresh = depth+1, true
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return at + 1
			}
			fresh = false
		case (c == '"' || c == '\'') && fresh:
			n := quoted(src[at:])
			if n < 0 {
				return -1
			}
			at, fresh = at+n-1, false
		case c == '#' && strings.ContainsRune(" \t\r\n", rune(src[at-1])):
			n := strings.IndexAny(src[at:], "\r\n")
			if n < 0 {
				return -1
			}
			at += n - 1
		case c == ',' || c == ':':
			fresh = true
		case !strings.ContainsRune(" \t\r\n", rune(c)):
			fresh = false
		}
	}
	return -1
}

// quoted returns the length of the quoted scalar that s begins with, -1 if it does not end.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && s[0] == '"':
			i++
		case s[i] == s[0] && s[0] == '\'' && i+1 < len(s) && s[i+1] == '\'':
			i++
		case s[i] == s[0]:
			return i + 1
		}
	}
	return -1
}
