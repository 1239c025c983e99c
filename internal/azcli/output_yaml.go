package azcli

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// writeYAML is PyYAML's safe_dump(default_flow_style=False, allow_unicode=True): YAML 1.1, where `yes` and a date need
// quotes, with lists not indented. The Go libraries write YAML 1.2 their own way.
func writeYAML(b *strings.Builder, v any) {
	y := &yamlWriter{b: b, special: yamlSpecial()}
	switch v := v.(type) {
	case []any, *Object:
		y.node(v, 0, false)
	default:
		if y.scalar(v, 2, false) {
			// A plain scalar as a whole document is ended explicitly.
			y.write("\n...")
		}
		y.write("\n")
	}
}

type yamlWriter struct {
	b       *strings.Builder
	column  int
	special *regexp.Regexp
}

func (y *yamlWriter) write(s string) {
	y.b.WriteString(s)
	if i := strings.LastIndexByte(s, '\n'); i >= 0 {
		y.column, s = 0, s[i+1:]
	}
	y.column += utf8.RuneCountInString(s)
}

// node writes a list or an object whose lines start at indent; inline says that its first line has begun already.
func (y *yamlWriter) node(v any, indent int, inline bool) {
	start := func(i int) {
		if i > 0 || !inline {
			y.write(strings.Repeat(" ", indent))
		}
	}
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			start(i)
			y.write("-")
			y.value(item, indent, indent+2, true)
		}
		if len(v) == 0 {
			y.write("[]\n")
		}
	case *Object:
		for i, m := range v.sorted() {
			start(i)
			if !simpleKey(m.Key) {
				y.write("? ")
				y.scalar(m.Key, indent+2, false)
				y.write("\n" + strings.Repeat(" ", indent) + ":")
				y.value(m.Value, indent, indent+2, true)
				continue
			}
			y.scalar(m.Key, indent, true)
			y.write(":")
			// A list under a key stands at the key's own column.
			y.value(m.Value, indent, indent, false)
		}
		if len(v.Members) == 0 {
			y.write("{}\n")
		}
	}
}

// simpleKey follows check_simple_key of PyYAML's emitter: what stands before a colon is of less than 128 characters, the five
// of its tag among them, on one line, and not empty.
func simpleKey(s string) bool {
	return s != "" && utf8.RuneCountInString(s) < 123 && !analyse(s).lines
}

// value writes what follows a key or a dash.
func (y *yamlWriter) value(v any, indent, list int, inItem bool) {
	switch v := v.(type) {
	case []any:
		switch {
		case len(v) == 0:
			y.write(" []\n")
		case inItem:
			y.write(" ")
			y.node(v, list, true)
		default:
			y.write("\n")
			y.node(v, list, false)
		}
	case *Object:
		switch {
		case len(v.Members) == 0:
			y.write(" {}\n")
		case inItem:
			y.write(" ")
			y.node(v, indent+2, true)
		default:
			y.write("\n")
			y.node(v, indent+2, false)
		}
	default:
		y.write(" ")
		y.scalar(v, indent+2, false)
		y.write("\n")
	}
}

// scalar reports whether it wrote a plain one.
func (y *yamlWriter) scalar(v any, indent int, key bool) bool {
	s, ok := v.(string)
	if !ok {
		switch v := v.(type) {
		case nil:
			y.write("null")
		case bool:
			y.write(fmt.Sprint(v))
		default:
			y.write(number(v))
		}
		return true
	}
	a := analyse(s)
	switch {
	case a.plain && !y.special.MatchString(s):
		y.folded(s, indent, key, "")
		return true
	case a.single && !(key && a.lines):
		y.write("'")
		y.folded(s, indent, key, "'")
		y.write("'")
	default:
		y.write(doubleQuoted(s))
	}
	return false
}

// folded writes text and breaks lines of more than 80 characters at single spaces; a line break within is doubled.
func (y *yamlWriter) folded(s string, indent int, key bool, quote string) {
	runes := []rune(s)
	for i := 0; i < len(runes); {
		switch j := i; runes[i] {
		case ' ':
			for j < len(runes) && runes[j] == ' ' {
				j++
			}
			if j == i+1 && y.column > 80 && !key && i > 0 && j < len(runes) {
				y.write("\n" + strings.Repeat(" ", indent))
			} else {
				y.write(string(runes[i:j]))
			}
			i = j
		case '\n', '\u0085', '\u2028', '\u2029':
			for j < len(runes) && isLineBreak(runes[j]) {
				j++
			}
			if runes[i] == '\n' {
				y.write("\n")
			}
			y.write(string(runes[i:j]) + strings.Repeat(" ", indent))
			i = j
		default:
			for j < len(runes) && runes[j] != ' ' && !isLineBreak(runes[j]) {
				j++
			}
			word := string(runes[i:j])
			if quote != "" {
				word = strings.ReplaceAll(word, quote, quote+quote)
			}
			y.write(word)
			i = j
		}
	}
}

// yamlSpecial matches the strings that YAML 1.1 reads as something else than a string (yaml/resolver.py).
func yamlSpecial() *regexp.Regexp {
	return regexp.MustCompile(`^(?:|~|null|Null|NULL|=|<<` +
		`|yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF` +
		`|[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*` +
		`|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)` +
		`|[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+` +
		`|[0-9]{4}-[0-9]{2}-[0-9]{2}` +
		`|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?)$`)
}
