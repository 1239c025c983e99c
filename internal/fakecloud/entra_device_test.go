package fakecloud

import (
	"encoding/json"
	"net/url"
	"testing"
)

// Only a public client signs somebody in without a secret of its own.
func TestADeviceCodeWantsAPublicClient(t *testing.T) {
	s, _ := sandbox(t)
	signIn := func() url.Values {
		resp, err := s.CA.Client().PostForm(s.Entra.URL+"/"+SandboxTenant+"/oauth2/v2.0/devicecode", url.Values{"client_id": {SandboxApp}})
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var started struct {
			DeviceCode string `json:"device_code"`
		}
		if err := json.NewDecoder(resp.Body).Decode(&started); err != nil {
			t.Fatal(err)
		}
		form := url.Values{
			"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "client_id": {SandboxApp}, "device_code": {started.DeviceCode}, "scope": {SandboxResource + "/.default"},
		}
		refusedWith(t, s, form, 70016)
		return form
	}
	if _, err := s.Run("az ad app update --id " + SandboxApp + " --is-fallback-public-client false"); err != nil {
		t.Fatal(err)
	}
	refusedWith(t, s, signIn(), 7000218)
	if _, err := s.Run("az ad app update --id " + SandboxApp + " --is-fallback-public-client true"); err != nil {
		t.Fatal(err)
	}
	refusedWith(t, s, signIn(), 0)
	s.Entra.Change(SandboxTenant, SandboxApp, func(a *Application) { a.NeedsConsent = true })
	refusedWith(t, s, signIn(), 65001)
}
