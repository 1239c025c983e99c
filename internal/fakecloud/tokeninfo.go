package fakecloud

import (
	"net/http"
	"strconv"
	"strings"
)

// TokenInfoURL says whose an access token is.
func (g *Google) TokenInfoURL() string { return g.Token.URL + "/tokeninfo" }

// serveTokenInfo answers as https://oauth2.googleapis.com/tokeninfo does: numbers are texts, and a token of a workload
// identity pool is none of its own.
func (g *Google) serveTokenInfo(w http.ResponseWriter, r *http.Request) {
	granted, ok := g.granted(r.FormValue("access_token"))
	email, isAccount := strings.CutPrefix(granted.principal, "serviceAccount:")
	account, known := g.account(email)
	if !ok || granted.issuer != "" || !isAccount || !known {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_token", "error_description": "Invalid Value"})
		return
	}
	answer := map[string]string{
		"azp": account.UniqueID, "aud": account.UniqueID, "scope": strings.Join(granted.scopes, " "),
		"exp": strconv.FormatInt(granted.expires.Unix(), 10), "expires_in": strconv.Itoa(int(granted.expires.Sub(g.now()).Seconds())), "access_type": "online",
	}
	// https://cloud.google.com/nodejs/docs/reference/google-auth-library/7.13.0/google-auth-library/tokeninfo
	if granted.has(userinfoEmailScope, "email") {
		answer["email"], answer["email_verified"] = account.Email, "true"
	}
	writeJSON(w, http.StatusOK, answer)
}
