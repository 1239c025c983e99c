package azcli

import "strings"

// writeTSV prints one line for each item, its values between tabs: by key for an object of az's own, in the query's order
// for one that the query made. Within a line a list is its length and an object is nothing.
func writeTSV(b *strings.Builder, result any) {
	rows, ok := result.([]any)
	if !ok {
		rows = []any{result}
	}
	for _, row := range rows {
		var values []any
		switch row := row.(type) {
		case *Object:
			members := row.Members
			if !row.Selected {
				members = row.sorted()
			}
			for _, m := range members {
				values = append(values, m.Value)
			}
		case []any:
			values = row
		case bool:
			// A boolean alone is lower case, one among others is not.
			values = []any{strings.ToLower(text(row))}
		default:
			values = []any{row}
		}
		for i, v := range values {
			if i > 0 {
				b.WriteByte('\t')
			}
			switch v := v.(type) {
			case []any:
				b.WriteString(number(int64(len(v))))
			case *Object:
			default:
				b.WriteString(text(v))
			}
		}
		b.WriteByte('\n')
	}
}
