package azcli

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// writeTable prints what knack (az's framework) makes of a result, in the "simple" format of the tabulate library.
func writeTable(b *strings.Builder, result any, sorted bool) {
	items, ok := result.([]any)
	if !ok {
		items = []any{result}
	}
	var columns []string
	rows := make([]map[string]string, len(items))
	for i, item := range items {
		rows[i] = map[string]string{}
		for _, m := range tableRow(item, sorted) {
			if !slices.Contains(columns, m.Key) {
				columns = append(columns, m.Key)
			}
			if m.Value != nil {
				rows[i][m.Key] = strings.TrimSpace(text(m.Value))
			}
		}
	}
	if len(columns) == 0 {
		b.WriteByte('\n')
		return
	}
	widths, dashes, heads := make([]int, len(columns)), make([]string, len(columns)), map[string]string{}
	for i, c := range columns {
		widths[i] = utf8.RuneCountInString(c) + 2
		for _, row := range rows {
			for line := range strings.SplitSeq(row[c], "\n") {
				widths[i] = max(widths[i], utf8.RuneCountInString(line))
			}
		}
		dashes[i], heads[c] = strings.Repeat("-", widths[i]), c
	}
	writeTableRow(b, columns, widths, heads)
	b.WriteString(strings.Join(dashes, "  ") + "\n")
	for _, row := range rows {
		writeTableRow(b, columns, widths, row)
	}
}

// tableRow leaves out what has no place in a column (lists, objects, null) and id, type and etag, as az does.
func tableRow(item any, sorted bool) []Member {
	var row []Member
	switch item := item.(type) {
	case *Object:
		members := item.Members
		if sorted {
			members = item.sorted()
		}
		for _, m := range members {
			switch m.Value.(type) {
			case nil, []any, *Object:
				continue
			}
			if m.Key != "id" && m.Key != "type" && m.Key != "etag" {
				row = append(row, Member{capitalized(m.Key), m.Value})
			}
		}
	case []any:
		for i, v := range item {
			row = append(row, Member{"Column" + number(int64(i+1)), v})
		}
	default:
		row = []Member{{"Result", item}}
	}
	return row
}

func capitalized(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToUpper(first)) + s[n:]
}

func writeTableRow(b *strings.Builder, columns []string, widths []int, row map[string]string) {
	height := 1
	for _, c := range columns {
		height = max(height, strings.Count(row[c], "\n")+1)
	}
	for line := range height {
		var out strings.Builder
		for i, c := range columns {
			lines := strings.Split(row[c], "\n")
			cell := ""
			if line < len(lines) {
				cell = lines[line]
			}
			out.WriteString(cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		b.WriteString(strings.TrimRight(out.String(), " ") + "\n")
	}
}
