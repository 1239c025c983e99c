package fakecloud

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// SandboxPerson is who signs in with a device code, by object id.
const SandboxPerson = "13131313-0000-0000-0000-00000000000d"

// deviceCode is a sign-in that somebody was asked for.
type deviceCode struct {
	client string
	polls  int
}

// serveDeviceCode starts a device authorization grant. Nobody is here to type the code: whoever polls twice has signed
// in meanwhile.
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
func (e *Entra) serveDeviceCode(w http.ResponseWriter, r *http.Request, tenant string) {
	client := r.FormValue("client_id")
	if _, ok := e.app(tenant, client); !ok {
		e.refuse(w, badRequest("unauthorized_client", 700016, "Application with identifier '%s' was not found in the directory '%s'.", client, tenant))
		return
	}
	code := rand.Text()
	e.mu.Lock()
	e.devices[code] = &deviceCode{client: client}
	e.mu.Unlock()
	const user = "HQ3XJ7KCD"
	writeJSON(w, http.StatusOK, map[string]any{
		"user_code": user, "device_code": code, "verification_uri": "https://microsoft.com/devicelogin", "expires_in": 900, "interval": 1,
		"message": "To sign in, use a web browser to open the page https://microsoft.com/devicelogin and enter the code " + user + " to authenticate.",
	})
}

// serveDeviceToken is one poll.
func (e *Entra) serveDeviceToken(w http.ResponseWriter, form url.Values, tenant string) {
	e.mu.Lock()
	device := e.devices[form.Get("device_code")]
	if device != nil {
		device.polls++
	}
	e.mu.Unlock()
	switch {
	case device == nil || device.client != form.Get("client_id"):
		e.refuse(w, badRequest("bad_verification_code", 70019, "Verification code expired or unknown."))
		return
	case device.polls < 2:
		e.refuse(w, badRequest("authorization_pending", 70016, "OAuth 2.0 device flow error. Authorization is pending. Continue polling."))
		return
	}
	scopes := strings.Fields(form.Get("scope"))
	scopes = slices.DeleteFunc(scopes, func(s string) bool { return s == "openid" || s == "offline_access" || s == "profile" })
	if len(scopes) != 1 {
		e.refuse(w, badRequest("invalid_scope", 70011, "The provided value for the input parameter 'scope' is not valid."))
		return
	}
	resource := scopes[0][:strings.LastIndex(scopes[0], "/")]
	if !e.hasResource(tenant, resource) {
		e.refuse(w, badRequest("invalid_resource", 500011, "The resource principal named %s was not found in the tenant named %s.", resource, tenant))
		return
	}
	app, _ := e.app(tenant, device.client)
	if !app.PublicClient {
		no, _ := outOfOrder(7000218)
		e.refuse(w, no)
		return
	}
	if no := app.state(resource); no != nil {
		e.refuse(w, *no)
		return
	}
	e.answerPerson(w, tenant, device.client, resource, scopes[0])
}

// answerPerson issues a person's tokens: an access token with the person's oid, and what MSAL wants beside it.
func (e *Entra) answerPerson(w http.ResponseWriter, tenant, client, resource, scope string) {
	app := Application{TenantID: tenant, ClientID: client, ObjectID: SandboxPerson}
	access, err := e.mint(app, resource, "0")
	if err == nil {
		now := e.now()
		var id string
		id, err = e.key.sign(map[string]any{
			"iss": IssuerV2(tenant), "aud": client, "sub": SandboxPerson, "oid": SandboxPerson, "tid": tenant, "ver": "2.0",
			"preferred_username": "dev@example.com", "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		})
		if err == nil {
			info, _ := json.Marshal(map[string]string{"uid": SandboxPerson, "utid": tenant})
			life := int(e.lifetime() / time.Second)
			writeJSON(w, http.StatusOK, map[string]any{
				"token_type": "Bearer", "scope": scope, "expires_in": life, "ext_expires_in": life, "access_token": access, "id_token": id,
				"refresh_token": "1." + rand.Text(), "client_info": base64.RawURLEncoding.EncodeToString(info),
			})
			return
		}
	}
	http.Error(w, err.Error(), http.StatusInternalServerError)
}
