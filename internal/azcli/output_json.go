package azcli

import (
	"fmt"
	"strings"
)

// writeJSON is json.dumps(indent=2, sort_keys=True, ensure_ascii=False), whose indentation Python's SDK relies on when
// it redacts errors.
func writeJSON(b *strings.Builder, v any, indent string) {
	inner := indent + "  "
	switch v := v.(type) {
	case []any:
		writeJSONList(b, "[]", indent, len(v), func(i int) { writeJSON(b, v[i], inner) })
	case *Object:
		members := v.sorted()
		writeJSONList(b, "{}", indent, len(members), func(i int) {
			writeJSONString(b, members[i].Key, false)
			b.WriteString(": ")
			writeJSON(b, members[i].Value, inner)
		})
	default:
		writeJSONScalar(b, v, false)
	}
}

func writeJSONList(b *strings.Builder, brackets, indent string, n int, item func(int)) {
	if n == 0 {
		b.WriteString(brackets)
		return
	}
	b.WriteByte(brackets[0])
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n" + indent + "  ")
		item(i)
	}
	b.WriteString("\n" + indent)
	b.WriteByte(brackets[1])
}

func writeJSONScalar(b *strings.Builder, v any, ascii bool) {
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		fmt.Fprint(b, v)
	case string:
		writeJSONString(b, v, ascii)
	default:
		b.WriteString(number(v))
	}
}

// compactJSON is the to_string() of queries: json.dumps(separators=(",", ":")), ASCII alone.
func compactJSON(b *strings.Builder, v any) {
	switch v := v.(type) {
	case []any:
		b.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			compactJSON(b, item)
		}
		b.WriteByte(']')
	case *Object:
		b.WriteByte('{')
		for i, m := range v.Members {
			if i > 0 {
				b.WriteByte(',')
			}
			writeJSONString(b, m.Key, true)
			b.WriteByte(':')
			compactJSON(b, m.Value)
		}
		b.WriteByte('}')
	default:
		writeJSONScalar(b, v, true)
	}
}

// writeJSONString escapes what Python escapes, which is less than encoding/json does: <, >, &, U+2028 stay.
func writeJSONString(b *strings.Builder, s string, ascii bool) {
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case strings.ContainsRune("\b\f\n\r\t", r):
			b.WriteByte('\\')
			b.WriteByte("btn_fr"[r-'\b'])
		case r < 0x20 || (ascii && r > 0x7e && r <= 0xffff):
			fmt.Fprintf(b, `\u%04x`, r)
		case ascii && r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}
