package main

import (
	"encoding/json"
	"os"
	"strings"

	"github.com/idferry/idferry/internal/doctor"
	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// readTrust reads what an application trusts, as az prints it. path "" is no file.
func readTrust(path string) ([]entra.FederatedCredential, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, problem.Input("--trust", "%w", err)
	}
	var all []entra.FederatedCredential
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, problem.Input("--trust", "%s is not a list of federated credentials in JSON", path).
			WithHint("az ad app federated-credential list --id APPLICATION -o json > %s", path)
	}
	return all, nil
}

// entraDifferences puts what was presented beside what is expected, as far as that is known: Google's issuer and the
// cloud's audience always are, the subject where somebody told what the application trusts.
func entraDifferences(refused *problem.Error, claims token.Claims, cloud entra.Cloud, trusted []entra.FederatedCredential) []doctor.Difference {
	if !strings.HasPrefix(refused.Code, "AADSTS70021") {
		return nil
	}
	audience := strings.Join(claims.Audience, " ")
	var issuers, subjects, audiences []string
	for _, c := range trusted {
		issuers, subjects, audiences = append(issuers, c.Issuer), append(subjects, c.Subject), append(audiences, c.Audiences...)
	}
	if len(trusted) == 0 {
		audiences = []string{cloud.AssertionAudience}
	}
	var all []doctor.Difference
	for _, d := range []*doctor.Difference{
		doctor.Compare("issuer", claims.Issuer, issuers...), doctor.Compare("subject", claims.Subject, subjects...), doctor.Compare("audience", audience, audiences...),
	} {
		if d != nil {
			all = append(all, *d)
		}
	}
	if len(all) > 0 || len(trusted) > 0 {
		return all
	}
	// Nothing of the trust is known: then this is what it has to say.
	for _, f := range []struct{ name, value string }{{"issuer", claims.Issuer}, {"subject", claims.Subject}, {"audience", audience}} {
		all = append(all, doctor.Difference{Field: f.name, Presented: f.value, Expected: "the same in a federated credential, letter by letter"})
	}
	return all
}
