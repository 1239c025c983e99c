package azcli

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
)

// knownClouds is `az cloud list -o json` of azure-cli 2.91.0 on a machine where nobody has logged in.
//
//go:embed clouds.json
var knownClouds string

// Cloud is a cloud as az describes it.
type Cloud struct {
	Name      string             `json:"name"`
	Endpoints map[string]*string `json:"endpoints"`
	Suffixes  map[string]*string `json:"suffixes"`
	Profile   string             `json:"profile"`
	// Active marks the cloud that commands use.
	Active bool `json:"-"`
}

// Clouds returns the clouds that az knows, in its order. The one whose Azure Resource Manager tokens are made for audience
// is the active one, and its token service is at authority.
func Clouds(audience, authority string) []Cloud {
	var clouds []Cloud
	_ = json.Unmarshal([]byte(knownClouds), &clouds) // our own data
	for i := range clouds {
		c := &clouds[i]
		if c.Endpoint("activeDirectoryResourceId") == audience {
			c.Active = true
			authority = strings.TrimSuffix(authority, "/")
			c.Endpoints["activeDirectory"] = &authority
		}
	}
	return clouds
}

// Endpoint returns an endpoint by its key in the document, or "" where the cloud has none.
func (c Cloud) Endpoint(key string) string {
	if v := c.Endpoints[key]; v != nil {
		return *v
	}
	return ""
}

// Document is what `az cloud show` prints.
func (c Cloud) Document() *Object {
	return &Object{Members: []Member{
		{"name", c.Name}, {"endpoints", dictionary(c.Endpoints)}, {"suffixes", dictionary(c.Suffixes)},
		{"profile", c.Profile}, {"isActive", c.Active}}}
}

func dictionary(entries map[string]*string) *Object {
	o := &Object{}
	for k, v := range entries {
		m := Member{Key: k}
		if v != nil {
			m.Value = *v
		}
		o.Members = append(o.Members, m)
	}
	o.Members = o.sorted()
	return o
}

// ResourceTypes are the values of --resource-type, in az's order.
func ResourceTypes() []string {
	return []string{"oss-rdbms", "arm", "aad-graph", "ms-graph", "batch", "media", "data-lake"}
}

// ResourceOf returns the endpoint that --resource-type stands for, and its key in the document of the cloud.
func (c Cloud) ResourceOf(resourceType string) (resource, key string) {
	keys := []string{"ossrdbmsResourceId", "activeDirectoryResourceId", "activeDirectoryGraphResourceId", "microsoftGraphResourceId",
		"batchResourceId", "mediaResourceId", "activeDirectoryDataLakeResourceId"}
	i := slices.Index(ResourceTypes(), resourceType)
	if i < 0 {
		return "", ""
	}
	return c.Endpoint(keys[i]), keys[i]
}
