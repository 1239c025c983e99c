package fakecloud

import (
	"encoding/json"
	"slices"
	"time"
)

// continuousLife is how long a token lives whose client takes up claims challenges.
// https://learn.microsoft.com/entra/identity/conditional-access/concept-continuous-access-evaluation#token-lifetime
const continuousLife = 24 * time.Hour

// continuousAccess reads the claims parameter of a token request: what a resource's challenge wants, and what the client
// says it can do. It returns the claims for a client that takes up claims challenges, or nil.
// https://learn.microsoft.com/entra/identity-platform/claims-challenge
func continuousAccess(parameter string) (map[string]any, *refusal) {
	if parameter == "" {
		return nil, nil
	}
	var asked struct {
		AccessToken struct {
			Capabilities struct {
				Values []string `json:"values"`
			} `json:"xms_cc"`
		} `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(parameter), &asked); err != nil {
		no := badRequest("invalid_request", 50027, "The claims parameter is malformed.")
		return nil, &no
	}
	if !slices.Contains(asked.AccessToken.Capabilities.Values, "CP1") {
		return nil, nil
	}
	return map[string]any{"xms_cc": []string{"CP1"}}, nil
}
