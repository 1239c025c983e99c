package fakecloud

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// ResourceManager is Azure Resource Manager as far as every identity may use it: it says in which tenants the bearer of a
// token is known. https://learn.microsoft.com/rest/api/resources/tenants/list
type ResourceManager struct {
	*Server
	client  *http.Client
	jwksURL string
	now     func() time.Time
}

// StartResourceManager starts one that takes tokens which Entra ID's keys at jwksURL verify.
func StartResourceManager(ca *CA, jwksURL string, now func() time.Time) (*ResourceManager, error) {
	m := &ResourceManager{client: ca.Client(), jwksURL: jwksURL, now: now}
	var err error
	m.Server, err = listen(ca, dated(now, http.HandlerFunc(m.serve)))
	return m, err
}

func (m *ResourceManager) serve(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, code, message string) {
		w.Header().Set("WWW-Authenticate", `Bearer authorization_uri="https://login.microsoftonline.com/", error="invalid_token", error_description="`+message+`"`)
		writeJSON(w, status, map[string]any{"error": map[string]string{"code": code, "message": message}})
	}
	raw, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		refuse(http.StatusUnauthorized, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
		return
	}
	claims, err := verify(m.client, m.jwksURL, raw)
	if err != nil {
		refuse(http.StatusUnauthorized, "InvalidAuthenticationToken", "The access token is invalid.")
		return
	}
	tenant, _ := claims["tid"].(string)
	audience, _ := claims["aud"].(string)
	expires, dated := seconds(claims, "exp")
	known := []string{"https://management.core.windows.net", "https://management.azure.com"}
	switch {
	case !dated || !m.now().Before(expires):
		refuse(http.StatusUnauthorized, "ExpiredAuthenticationToken", "The access token expiry UTC time '"+expires.UTC().Format("1/2/2006 3:04:05 PM")+"' is earlier than current UTC time '"+m.now().UTC().Format("1/2/2006 3:04:05 PM")+"'.")
	case !slices.Contains(known, strings.TrimRight(audience, "/")):
		refuse(http.StatusUnauthorized, "InvalidAuthenticationTokenAudience", "The access token has been obtained for wrong audience or resource '"+audience+"'. It should exactly match with one of the allowed audiences 'https://management.core.windows.net/','https://management.core.windows.net','https://management.azure.com/','https://management.azure.com'.")
	case claims["iss"] != IssuerV1(tenant):
		refuse(http.StatusUnauthorized, "InvalidAuthenticationTokenTenant", "The access token is from the wrong issuer.")
	case r.Method == http.MethodGet && r.URL.Path == "/tenants" && r.URL.Query().Get("api-version") != "":
		writeJSON(w, http.StatusOK, map[string]any{"value": []map[string]string{{"id": "/tenants/" + tenant, "tenantId": tenant, "tenantCategory": "Home"}}})
	case r.Method == http.MethodGet && r.URL.Path == "/subscriptions" && r.URL.Query().Get("api-version") != "":
		writeJSON(w, http.StatusOK, map[string]any{"value": []any{}, "count": map[string]any{"type": "Total", "value": 0}})
	default:
		refuse(http.StatusNotFound, "InvalidResourceType", "The resource type could not be found.")
	}
}

// dated writes the time of the cloud's own clock over the machine's into every answer.
func dated(now func() time.Time, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", now().UTC().Format(http.TimeFormat))
		next.ServeHTTP(w, r)
	})
}
