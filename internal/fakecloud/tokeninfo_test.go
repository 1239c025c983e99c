package fakecloud

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"
)

func TestTokenInfoSaysWhoseAnAccessTokenIs(t *testing.T) {
	s, _ := sandbox(t)
	read := func(resp *http.Response, err error) (int, map[string]any) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer := map[string]any{}
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, answer
	}
	account := "serviceAccount:" + SandboxAccount
	token := s.Google.AccessToken(account, time.Hour, cloudPlatformScope, userinfoEmailScope)
	_, posted := read(s.CA.Client().PostForm(s.Google.TokenInfoURL(), url.Values{"access_token": {token}}))
	_, got := read(s.CA.Client().Get(s.Google.TokenInfoURL() + "?access_token=" + url.QueryEscape(token)))
	for _, a := range []map[string]any{posted, got} {
		exp, _ := a["exp"].(string)
		ends, _ := strconv.ParseInt(exp, 10, 64)
		expiresIn, _ := a["expires_in"].(string)
		left, _ := strconv.Atoi(expiresIn)
		if a["azp"] != SandboxAccountID || a["aud"] != SandboxAccountID || a["scope"] != cloudPlatformScope+" "+userinfoEmailScope || a["email"] != SandboxAccount || a["email_verified"] != "true" || a["access_type"] != "online" ||
			time.Until(time.Unix(ends, 0)).Abs() > time.Hour+time.Second || left < 3590 || left > 3600 {
			t.Error(a)
		}
	}

	// https://cloud.google.com/nodejs/docs/reference/google-auth-library/7.13.0/google-auth-library/tokeninfo: the address is told
	// only where its scope was asked for.
	_, plain := read(s.CA.Client().PostForm(s.Google.TokenInfoURL(), url.Values{"access_token": {s.Google.AccessToken(account, time.Hour, cloudPlatformScope)}}))
	if plain["azp"] != SandboxAccountID || plain["email"] != nil || plain["email_verified"] != nil {
		t.Error(plain)
	}

	for name, token := range map[string]string{
		"unknown": "ya29.unknown", "none": "", "expired": s.Google.AccessToken(account, -time.Second, cloudPlatformScope),
		"federated": s.Google.AccessToken("principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/subject/s", time.Hour, cloudPlatformScope),
	} {
		if status, a := read(s.CA.Client().PostForm(s.Google.TokenInfoURL(), url.Values{"access_token": {token}})); status != http.StatusBadRequest || a["error_description"] != "Invalid Value" {
			t.Errorf("%s: %d %v", name, status, a)
		}
	}
}
