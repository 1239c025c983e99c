package entra

import (
	"strings"

	"github.com/idferry/idferry/internal/problem"
)

const defaultScope = "/.default"

// ScopeOf returns the v2 scope that asks for everything granted on resource: the resource with /.default behind it.
// A slash at the resource's end is kept, as az keeps it: it is part of the audience of v1 resources.
func ScopeOf(resource string) string { return resource + defaultScope }

// CheckScope returns an error when scope names no resource. field is the flag or variable it came from.
func CheckScope(field, scope string) error {
	resource := ""
	if i := strings.LastIndex(scope, "/"); i > 0 {
		resource = scope[:i]
	}
	_, afterScheme, hasScheme := strings.Cut(resource, "://")
	if resource == "" || strings.ContainsAny(scope, " \t\r\n,") || (hasScheme && strings.Trim(afterScheme, "/") == "") || strings.HasSuffix(resource, ":/") {
		return problem.Input(field, "%q names no resource to ask a token for", scope).
			WithHint("a scope is a resource and a permission, for example api://my-app/.default or https://storage.azure.com/.default")
	}
	return nil
}

// CheckResource returns an error when resource cannot be one.
func CheckResource(field, resource string) error {
	if strings.HasSuffix(resource, defaultScope) {
		return problem.Input(field, "%q is a scope, not a resource", resource).WithHint("leave %s out, or use --scope", defaultScope)
	}
	return CheckScope(field, ScopeOf(resource))
}

// ResourceOf is the resource that a scope is of: the scope without the permission behind its last slash.
func ResourceOf(scope string) string {
	if i := strings.LastIndexByte(scope, '/'); i > 0 {
		return scope[:i]
	}
	return scope
}
