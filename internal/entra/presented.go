package entra

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// explain adds to an explained error what was presented, and what the clock shows where that is in doubt.
func (e Exchange) explain(err error, assertion token.Token) error {
	explained := problem.From(Explain(err))
	if explained.Code == problem.Unexpected {
		// Neither refused nor unanswered: MSAL could not use the answer, and quotes it whole, with the tokens in it.
		said, _, _ := strings.Cut(explained.Message, " raw message was:")
		said, _, _ = strings.Cut(said, " json message bytes were:")
		return problem.New(problem.BadAnswer, "%s", said).
			WithHint("a proxy may be answering in its place: curl -sSi %s%s/v2.0/.well-known/openid-configuration", e.Cloud.Authority, e.TenantID)
	}
	claims, notJWT := token.ReadClaims(assertion.Value.Reveal())
	if notJWT != nil || !strings.HasPrefix(explained.Code, "AADSTS") {
		return explained
	}
	p := *explained
	if strings.HasPrefix(p.Code, "AADSTS70021") {
		p.Message += fmt.Sprintf("; presented: issuer %s, subject %s, audience %s",
			oneLine(claims.Issuer), oneLine(claims.Subject), oneLine(claims.Audience...))
		p.Hint = "if that is the identity to trust: " + e.createCredential(claims) +
			" (a user-assigned managed identity has az identity federated-credential create); it must match letter by letter, and a new one takes some minutes to work"
	}
	now := e.Now()
	expired := !claims.Expiry.IsZero() && !now.Before(claims.Expiry)
	if p.Code == "AADSTS700024" || expired {
		p.Message += fmt.Sprintf("; this machine's clock shows %s, the assertion is valid until %s", now.UTC().Format(time.RFC3339), claims.Expiry.Format(time.RFC3339))
	}
	return &p
}

// createCredential returns the command that makes the application trust what was presented.
// https://learn.microsoft.com/cli/azure/ad/app/federated-credential#az-ad-app-federated-credential-create
func (e Exchange) createCredential(claims token.Claims) string {
	parameters, _ := json.Marshal(struct {
		Name      string   `json:"name"`
		Issuer    string   `json:"issuer"`
		Subject   string   `json:"subject"`
		Audiences []string `json:"audiences"`
	}{credentialName(claims.Issuer), claims.Issuer, claims.Subject, claims.Audience})
	// A claim is whatever the issuer wrote; within single quotes of a shell only the quote itself means something.
	quoted := strings.ReplaceAll(string(parameters), "'", `'\''`)
	return fmt.Sprintf("az ad app federated-credential create --id %s --parameters '%s'", e.ClientID, quoted)
}

// credentialName makes a name for a federated credential of its issuer's host, in the characters that Entra allows there.
func credentialName(issuer string) string {
	host := issuer
	if u, err := url.Parse(issuer); err == nil && u.Hostname() != "" {
		host = u.Hostname()
	}
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, host)
}

// oneLine keeps what an issuer wrote from breaking a message's line.
func oneLine(values ...string) string {
	return strings.Join(strings.Fields(strings.Join(values, " ")), " ")
}
