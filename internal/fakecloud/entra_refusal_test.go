package fakecloud

import (
	"net/http"
	"testing"
)

// What is wrong with an application is refused for as long as it is wrong.
func TestAnApplicationsStateIsRefusedUntilItIsMended(t *testing.T) {
	s, _ := sandbox(t)
	for name, c := range map[string]struct {
		code        int
		wrong, mend func(*Application)
	}{
		"expired secret":     {7000222, func(a *Application) { a.ExpiredSecrets = a.Secrets }, func(a *Application) { a.ExpiredSecrets = nil }},
		"disabled":           {7000112, func(a *Application) { a.Disabled = true }, func(a *Application) { a.Disabled = false }},
		"conditional access": {53003, func(a *Application) { a.Blocked = true }, func(a *Application) { a.Blocked = false }},
		"no consent":         {65001, func(a *Application) { a.NeedsConsent = true }, func(a *Application) { a.NeedsConsent = false }},
	} {
		t.Run(name, func(t *testing.T) {
			s.Entra.Change(SandboxTenant, SandboxApp, c.wrong)
			refusedWith(t, s, withSecret(), c.code)
			s.Entra.Change(SandboxTenant, SandboxApp, c.mend)
			refusedWith(t, s, withSecret(), 0)
		})
	}
}

// Nobody learns what state an application is in without having proved to be it.
func TestAStateIsToldToTheApplicationItselfOnly(t *testing.T) {
	s, _ := sandbox(t)
	s.Entra.Change(SandboxTenant, SandboxApp, func(a *Application) { a.Disabled = true })
	form := withSecret()
	form.Set("client_secret", "another")
	refusedWith(t, s, form, 7000215)
}

func TestEveryPassingRefusalEndsAfterItsTimes(t *testing.T) {
	s, _ := sandbox(t)
	for _, code := range []int{90033, 90006, 50033, 90055, 50013, 50076, 50079, 50173, 700082, 70043, 70011, 7000218, 900023, 900382, 90038, 50049, 100007} {
		s.Entra.Refuse(code, 2)
		refusedWith(t, s, withSecret(), code)
		refusedWith(t, s, withSecret(), code)
		refusedWith(t, s, withSecret(), 0)
	}
	s.Entra.Refuse(90033, -1)
	for range 5 {
		refusedWith(t, s, withSecret(), 90033)
	}
	s.Entra.Refuse(0, 0)
	refusedWith(t, s, withSecret(), 0)
}

func TestAThrottledClientIsToldWhenToComeBack(t *testing.T) {
	s, _ := sandbox(t)
	s.Entra.Refuse(90055, 1)
	resp, err := s.CA.Client().PostForm(s.Entra.URL+"/"+SandboxTenant+"/oauth2/v2.0/token", withSecret())
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
		t.Errorf("%s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
	}
}

// Discovery goes on while tokens are refused: where a client learns of the refusal is part of what it shows.
func TestARefusalIsOfTokensOnly(t *testing.T) {
	s, _ := sandbox(t)
	s.Entra.Refuse(90033, -1)
	if status, answer := s.request(t, http.MethodGet, "", "/"+SandboxTenant+"/v2.0/.well-known/openid-configuration", nil); status != http.StatusOK {
		t.Errorf("%d %v", status, answer)
	}
}

func TestACodeWithoutATextIsNotRefusedWith(t *testing.T) {
	s, _ := sandbox(t)
	defer func() {
		if said := recover(); said == nil {
			t.Error("a code without a text is taken")
		}
	}()
	s.Entra.Refuse(2, 1)
}
