package entra

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/catalogue"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// explain adds to an explained error what was presented, and what the clock shows where that is in doubt.
func (e Exchange) explain(err error, assertion token.Token, scopes []string) error {
	explained := problem.From(Explain(err))
	if explained.Code == problem.Unexpected {
		// Neither refused nor unanswered.
		return Unusable(explained).
			WithHint("a proxy may be answering in its place: curl -sSi %s%s/v2.0/.well-known/openid-configuration", e.Cloud.Authority, e.TenantID)
	}
	claims, notJWT := assertion.Value.Claims()
	if notJWT != nil || !strings.HasPrefix(explained.Code, "AADSTS") {
		return explained
	}
	values := e.values(claims)
	if len(scopes) == 1 {
		values[Resource] = ResourceOf(scopes[0])
	}
	p := *explained
	if strings.HasPrefix(p.Code, "AADSTS70021") {
		p.Message += fmt.Sprintf("; presented: issuer %s, subject %s, audience %s",
			oneLine(claims.Issuer), oneLine(claims.Subject), oneLine(claims.Audience...))
	}
	now := e.Now()
	expired := !claims.Expiry.IsZero() && !now.Before(claims.Expiry)
	if p.Code == "AADSTS700024" || expired {
		p.Message += fmt.Sprintf("; this machine's clock shows %s, the assertion is valid until %s", now.UTC().Format(time.RFC3339), claims.Expiry.Format(time.RFC3339))
	}
	return Advise(&p, values)
}

// Unusable makes of what MSAL says about an answer that it could not use an error that says so. MSAL quotes the answer whole,
// with the tokens in it.
func Unusable(unexpected *problem.Error) *problem.Error {
	said, _, _ := strings.Cut(unexpected.Message, " raw message was:")
	said, _, _ = strings.Cut(said, " json message bytes were:")
	return problem.New(problem.BadAnswer, "%s", said)
}

// values are what the catalogue's places stand for in this exchange.
// https://learn.microsoft.com/cli/azure/ad/app/federated-credential#az-ad-app-federated-credential-create
func (e Exchange) values(claims token.Claims) catalogue.Values {
	type changeable struct {
		Issuer    string   `json:"issuer"`
		Subject   string   `json:"subject"`
		Audiences []string `json:"audiences"`
	}
	same := changeable{claims.Issuer, claims.Subject, claims.Audience}
	whole, _ := json.Marshal(struct {
		Name string `json:"name"`
		changeable
	}{CredentialName(claims.Issuer, claims.Subject), same})
	some, _ := json.Marshal(same)
	return catalogue.Values{
		Application: e.ClientID, Tenant: e.TenantID, "issuer": claims.Issuer, "subject": claims.Subject, "audience": strings.Join(claims.Audience, " "),
		"wanted": e.Cloud.AssertionAudience, "name": CredentialName(claims.Issuer, claims.Subject), "credential": string(whole), "change": string(some),
		// In a raw string of JMESPath a backslash goes before a quote.
		"by-subject": "[?subject=='" + strings.ReplaceAll(claims.Subject, "'", `\'`) + "'].id",
	}
}

// CredentialName makes a name for the federated credential of an identity, in the characters that Entra allows there: the
// issuer's host, and what tells this identity from others. No application has two of one name, so that the mend of a
// credential for the wrong subject, or of another cluster of the same host, must not have that one's.
// https://learn.microsoft.com/graph/api/resources/federatedidentitycredential
func CredentialName(issuer, subject string) string {
	const most = 120
	host := issuer
	if u, err := url.Parse(issuer); err == nil && u.Hostname() != "" {
		host = u.Hostname()
	}
	who := subject
	if who == "" || len(who) > 40 || strings.Trim(who, "0123456789") != "" || issuer != "https://"+host {
		sum := sha256.Sum256([]byte(issuer + "\x00" + subject))
		who = hex.EncodeToString(sum[:4])
	}
	host = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, host)
	return host[:min(len(host), most-1-len(who))] + "-" + who
}

// maxClaim is the most that a federated credential can have of one.
// https://learn.microsoft.com/graph/api/resources/federatedidentitycredential#properties
const maxClaim = 600

// oneLine keeps what an issuer wrote from breaking a message's line.
func oneLine(values ...string) string {
	return token.Quote(strings.Join(values, " "), maxClaim)
}
