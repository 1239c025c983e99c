package launch

import (
	"runtime"
	"slices"
	"strings"
)

// Environment is what a program is started with, as "NAME=value" each.
type Environment []string

// Set returns e with a variable set.
func (e Environment) Set(name, value string) Environment {
	e, _ = e.Without(name)
	return append(e, name+"="+value)
}

// Without returns e without the named variables, and the names of those that had a value.
func (e Environment) Without(names ...string) (rest Environment, dropped []string) {
	for _, entry := range e {
		name, value, _ := strings.Cut(entry, "=")
		if !slices.ContainsFunc(names, func(n string) bool { return sameName(n, name) }) {
			rest = append(rest, entry)
		} else if value != "" {
			dropped = append(dropped, name)
		}
	}
	return rest, dropped
}

// Get returns the value of a variable, or "".
func (e Environment) Get(name string) string {
	for _, entry := range slices.Backward(e) {
		if n, value, _ := strings.Cut(entry, "="); sameName(n, name) {
			return value
		}
	}
	return ""
}

func sameName(a, b string) bool {
	return a == b || runtime.GOOS == "windows" && strings.EqualFold(a, b)
}
