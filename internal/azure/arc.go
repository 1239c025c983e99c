package azure

import (
	"net/http"
	"strings"

	"github.com/idferry/idferry/internal/problem"
)

// refusedByArc reports whether an answer of Azure Arc's agent is more than its challenge, a 401 to a request without a key.
// https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication#acquiring-an-access-token-using-rest-api
func refusedByArc(answer *http.Response) bool {
	return answer != nil && (answer.StatusCode != http.StatusUnauthorized || answer.Request != nil && answer.Request.Header.Get("Authorization") != "")
}

// unproven explains what MSAL made of the agent's challenge or of its answer.
func (m *managedIdentity) unproven(err error) error {
	said := words(err)
	switch {
	case strings.Contains(said, "did not confirm"):
		return problem.New(problem.NoIdentity, "%s: the agent did not say that its token is of %s; agents that know the server's own identity alone answer with that one", m.who(), m.picked).
			WithHint("leave the id out (--client-id, AZURE_CLIENT_ID) to use the server's own identity; see the agent's version: azcmagent version")
	case strings.Contains(said, "permission denied") || strings.Contains(said, "Access is denied"):
		return problem.New(problem.NoIdentity, "%s: the key of the agent's challenge may not be read: %s", m.who(), said).
			WithHint("the group himds may read it: sudo usermod -aG himds USER, and sign in anew; on Windows it is the group Hybrid agent extension applications")
	case strings.Contains(said, "invalid file") || strings.Contains(said, "invalid secret file size") || strings.Contains(said, "www-authenticate") || strings.Contains(said, "basic realm"):
		return problem.New(problem.BadAnswer, "%s: the challenge is not an agent's: %s", m.who(), said).
			WithHint("something else may answer in its place; see where the agent listens: azcmagent show")
	}
	return problem.New(problem.NoIdentity, "%s: the agent's challenge cannot be answered: %s", m.who(), said).WithHint("see how the agent is: azcmagent show")
}
