package azcli

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Object is a JSON object whose keys stay in the order az has them in. That order shows: in `keys(@)` and `*` of a query, and
// in the columns of a table.
//
// A value in a document is nil, bool, string, int64, float64, []any or *Object.
type Object struct {
	Members []Member
	// Selected marks what a query's {…} made: its columns stay in the query's order where az sorts all others.
	Selected bool
}

// Member is one key of an Object.
type Member struct {
	Key   string
	Value any
}

func (o *Object) keys() []string {
	keys := make([]string, len(o.Members))
	for i, m := range o.Members {
		keys[i] = m.Key
	}
	return keys
}

// Get returns the value of key, or nil.
func (o *Object) Get(key string) any {
	for _, m := range o.Members {
		if m.Key == key {
			return m.Value
		}
	}
	return nil
}

// sorted returns the members by key, as json.dumps(sort_keys=True) has them.
func (o *Object) sorted() []Member {
	members := slices.Clone(o.Members)
	slices.SortStableFunc(members, func(a, b Member) int { return strings.Compare(a.Key, b.Key) })
	return members
}

// number is how az, a Python program, shows a number. A whole one is an integer to it: no document of az's holds another.
func number(v any) string {
	if f, ok := v.(float64); ok {
		if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return strconv.FormatInt(int64(f), 10)
		}
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return strconv.FormatInt(v.(int64), 10)
}

// text is Python's str() of a value, which is what az shows in a table and between tabs.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case string:
		return v
	default:
		return repr(v)
	}
}

// repr is Python's repr(): what az shows of a list within a list.
func repr(v any) string {
	var parts []string
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case string:
		quote := "'"
		if strings.Contains(v, "'") && !strings.Contains(v, `"`) {
			quote = `"`
		}
		return quote + strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`, quote, `\`+quote).Replace(v) + quote
	case []any:
		for _, item := range v {
			parts = append(parts, repr(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *Object:
		for _, m := range v.Members {
			parts = append(parts, repr(m.Key)+": "+repr(m.Value))
		}
		if v.Selected {
			return "OrderedDict({" + strings.Join(parts, ", ") + "})"
		}
		return "{" + strings.Join(parts, ", ") + "}"
	default:
		return number(v)
	}
}
