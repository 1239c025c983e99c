package azcli

import (
	"slices"
	"strings"

	"github.com/jmespath-community/go-jmespath/pkg/functions"
)

// known are the functions of the Python library that az uses (jmespath/functions.py). The one here has more, of which
// pad_left and replace make as much of a text as they are told to.
func known() []functions.FunctionEntry {
	names := strings.Fields("abs avg ceil contains ends_with floor join keys length map max max_by merge min min_by not_null reverse sort sort_by starts_with sum to_array to_number to_string type values")
	return slices.DeleteFunc(functions.GetDefaultFunctions(), func(f functions.FunctionEntry) bool { return !slices.Contains(names, f.Name) })
}

// functions are those of the library that would lose an order, and those that stand for nodes (see ordered).
func (s *search) functions() []functions.FunctionEntry {
	objects := []functions.ArgSpec{{Types: []functions.JpType{functions.JpObject}}}
	everything := []functions.ArgSpec{{Types: []functions.JpType{functions.JpAny}}}
	many := func(specs []functions.ArgSpec) []functions.ArgSpec {
		specs = slices.Clone(specs)
		specs[0].Variadic = true
		return specs
	}
	return []functions.FunctionEntry{
		{Name: "keys", Arguments: objects, Handler: func(a []any) (any, error) {
			var keys []any
			for _, k := range s.recall(a[0].(map[string]any)).keys {
				keys = append(keys, k)
			}
			return keys, nil
		}},
		{Name: "values", Arguments: objects, Handler: s.values},
		{Name: fnValues, Arguments: everything, Handler: s.values},
		{Name: "merge", Arguments: many(objects), Handler: s.merge},
		{Name: "to_string", Arguments: everything, Handler: func(a []any) (any, error) {
			if text, ok := a[0].(string); ok {
				return text, nil
			}
			var b strings.Builder
			compactJSON(&b, s.lift(a[0]))
			return b.String(), nil
		}},
		{Name: fnHash, Arguments: many(everything), Handler: s.hash},
		{Name: fnList, Arguments: many(everything), Handler: func(a []any) (any, error) {
			if a[0] == nil {
				return nil, nil
			}
			return slices.Clone(a[1:]), nil
		}},
		{Name: fnLess, Arguments: many(everything), Handler: less},
	}
}

func (s *search) values(a []any) (any, error) {
	m, ok := a[0].(map[string]any)
	if !ok {
		return nil, nil
	}
	values := []any{}
	for _, k := range s.recall(m).keys {
		values = append(values, m[k])
	}
	return values, nil
}

func (s *search) merge(a []any) (any, error) {
	merged, keys := map[string]any{}, []string{}
	for _, argument := range a {
		m := argument.(map[string]any)
		for _, k := range s.recall(m).keys {
			if _, known := merged[k]; !known {
				keys = append(keys, k)
			}
			merged[k] = m[k]
		}
	}
	return s.remember(merged, keys, false), nil
}

// hash makes an object of the current value (nothing comes of null) and of keys and values by turns.
func (s *search) hash(a []any) (any, error) {
	if a[0] == nil {
		return nil, nil
	}
	m, keys := map[string]any{}, []string{}
	for i := 1; i+1 < len(a); i += 2 {
		k := a[i].(string)
		if _, known := m[k]; !known {
			keys = append(keys, k)
		}
		m[k] = a[i+1]
	}
	return s.remember(m, keys, true), nil
}

// less compares two numbers or two texts: whether the first may be equal, then both.
func less(a []any) (any, error) {
	orEqual := a[0].(bool)
	switch left := a[1].(type) {
	case float64:
		if right, ok := a[2].(float64); ok {
			return left < right || orEqual && left == right, nil
		}
	case string:
		if right, ok := a[2].(string); ok {
			return left < right || orEqual && left == right, nil
		}
	}
	return nil, nil
}
