package fakecloud

import (
	"net/http"
	"strings"
)

// kubernetesObject is what the API server has at a path: pods of the namespace default, and what a client has to read
// before it knows that there is such a thing. The discovery documents are of before they were aggregated: every kubectl
// reads those. It is nil where there is nothing.
// https://kubernetes.io/docs/concepts/overview/kubernetes-api/#unaggregated-discovery
func kubernetesObject(r *http.Request) any {
	if r.Method != http.MethodGet {
		return nil
	}
	switch r.URL.Path {
	case "/api":
		return map[string]any{"kind": "APIVersions", "versions": []string{"v1"}, "serverAddressByClientCIDRs": []any{}}
	case "/apis":
		return map[string]any{"kind": "APIGroupList", "apiVersion": "v1", "groups": []any{}}
	case "/api/v1":
		return map[string]any{"kind": "APIResourceList", "groupVersion": "v1", "resources": []any{map[string]any{
			"name": "pods", "singularName": "pod", "namespaced": true, "kind": "Pod", "verbs": []string{"get", "list"}, "shortNames": []string{"po"}, "categories": []string{"all"},
		}}}
	case "/api/v1/namespaces/default/pods":
		if strings.Contains(r.Header.Get("Accept"), "as=Table") {
			return podTable()
		}
		return map[string]any{"kind": "PodList", "apiVersion": "v1", "metadata": map[string]string{"resourceVersion": "1"}, "items": []any{
			map[string]any{"metadata": podMetadata(), "status": map[string]string{"phase": "Running"}},
		}}
	}
	return nil
}

func podMetadata() map[string]string {
	return map[string]string{"name": "app-0", "namespace": "default", "uid": "aaaaaaaa-0000-0000-0000-000000000001", "resourceVersion": "1"}
}

// podTable is the server's own rendering of the list, which kubectl prints as it is.
// https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
func podTable() any {
	var columns []any
	for _, c := range [][2]string{{"Name", "string"}, {"Ready", "string"}, {"Status", "string"}, {"Restarts", "string"}, {"Age", "string"}} {
		format := ""
		if c[0] == "Name" {
			format = "name"
		}
		columns = append(columns, map[string]any{"name": c[0], "type": c[1], "format": format, "description": c[0], "priority": 0})
	}
	return map[string]any{
		"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": map[string]string{"resourceVersion": "1"}, "columnDefinitions": columns,
		"rows": []any{map[string]any{
			"cells":  []any{"app-0", "1/1", "Running", "0", "5d"},
			"object": map[string]any{"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": podMetadata()},
		}},
	}
}
