package fakecloud

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// SandboxVault is the sandbox's Key Vault under its public name.
const SandboxVault = "myvault.vault.azure.net"

// KeyVault is one vault of a tenant as far as its secrets can be read, by a bearer token of Entra ID for Key Vault.
// https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret
type KeyVault struct {
	*Server
	client  *http.Client
	jwksURL string
	tenant  string
	now     func() time.Time

	mu      sync.Mutex
	secrets map[string]string
	users   []string
}

// StartKeyVault starts a vault whose tenant's tokens are signed with the keys at jwksURL.
func StartKeyVault(ca *CA, jwksURL, tenant string, now func() time.Time) (*KeyVault, error) {
	v := &KeyVault{client: ca.Client(), jwksURL: jwksURL, tenant: tenant, now: now, secrets: map[string]string{}}
	var err error
	v.Server, err = listen(ca, dated(now, http.HandlerFunc(v.serve)))
	return v, err
}

// Put stores a secret.
func (v *KeyVault) Put(name, value string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.secrets[name] = value
}

// Grant gives a principal, by its object id, the role Key Vault Secrets User.
func (v *KeyVault) Grant(objectID string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.users = append(v.users, objectID)
}

func (v *KeyVault) serve(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, code, message string) {
		writeJSON(w, status, map[string]any{"error": map[string]string{"code": code, "message": message}})
	}
	unauthorized := func(message string) {
		w.Header().Set("WWW-Authenticate", `Bearer authorization="https://login.microsoftonline.com/`+v.tenant+`", resource="https://vault.azure.net"`)
		refuse(http.StatusUnauthorized, "Unauthorized", message)
	}
	raw, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		unauthorized("AKV10000: Request is missing a Bearer or PoP token.")
		return
	}
	claims, err := verify(v.client, v.jwksURL, raw)
	if err != nil {
		unauthorized("AKV10022: Invalid signature.")
		return
	}
	expires, _ := seconds(claims, "exp")
	audience, _ := claims["aud"].(string)
	oid, _ := claims["oid"].(string)
	switch {
	case !v.now().Before(expires):
		unauthorized("AKV10008: The token is expired.")
		return
	// The service's own id, which is the audience where a v2 application asks.
	case strings.TrimSuffix(audience, "/") != "https://vault.azure.net" && audience != "cfa8b339-82a2-471a-a3c9-0fc0be7a4093":
		unauthorized("AKV10022: Invalid audience. Expected https://vault.azure.net, found: " + audience + ".")
		return
	case claims["iss"] != IssuerV1(v.tenant):
		unauthorized("AKV10032: Invalid issuer.")
		return
	}
	name, ok := strings.CutPrefix(strings.TrimSuffix(r.URL.Path, "/"), "/secrets/")
	v.mu.Lock()
	defer v.mu.Unlock()
	value, stored := v.secrets[name]
	switch {
	case !ok || r.Method != http.MethodGet || r.URL.Query().Get("api-version") == "":
		refuse(http.StatusBadRequest, "BadParameter", "The request URI is not valid.")
	case !slices.Contains(v.users, oid):
		refuse(http.StatusForbidden, "Forbidden", "Caller is not authorized to perform action on resource.\r\nAction: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'")
	case !stored:
		refuse(http.StatusNotFound, "SecretNotFound", "A secret with (name/id) "+name+" was not found in this key vault.")
	default:
		writeJSON(w, http.StatusOK, map[string]any{
			"value": value, "id": "https://" + SandboxVault + "/secrets/" + name + "/4387e9f3d6e14c459867679a90fd0f79",
			"attributes": map[string]any{"enabled": true, "created": 1790000000, "updated": 1790000000, "recoveryLevel": "Recoverable+Purgeable"},
		})
	}
}
