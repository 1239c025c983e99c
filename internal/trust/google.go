package trust

import (
	"fmt"
	"strings"

	"github.com/idferry/idferry/internal/sts"
	"github.com/idferry/idferry/internal/token"
)

// Google is the trust of Google Cloud in an Azure identity.
// https://cloud.google.com/iam/docs/workload-identity-federation-with-other-clouds
type Google struct {
	// Claims are those of the identity's token.
	Claims token.Claims
	// Project is the id or number of the project that gets the pool.
	Project string
	// Pool and Provider are the ids to create.
	Pool, Provider string
	// ServiceAccount is what the identity may act as. Without it the pool's principal itself is given Role, on the project or
	// on what On names: gs://BUCKET, projects/PROJECT/secrets/SECRET, …/topics/TOPIC or …/subscriptions/SUBSCRIPTION.
	ServiceAccount, Role, On string
	// WholeTenant admits every identity of the tenant into the pool; only this one is given a role even so.
	WholeTenant bool
	// Identity are the flags (--name=value) by which gcp-executable-source finds the identity again and asks for this audience.
	Identity []string
	// Condition is the attribute condition that admits this identity alone.
	Condition string
}

// subject returns the claim that google.subject is mapped from, and its value.
func (g Google) subject() (claim, value string) {
	if sts.ByObjectID(g.Claims) {
		return "oid", g.Claims.ObjectID
	}
	return "sub", g.Claims.Subject
}

// condition is what the provider asks of a token.
func (g Google) condition() string {
	if !g.WholeTenant {
		return g.Condition
	}
	tenant, _, _ := strings.Cut(g.Condition, " && ")
	return tenant
}

// number is the project's number, or "" where only the id is known.
func (g Google) number() string {
	if strings.Trim(g.Project, "0123456789") == "" {
		return g.Project
	}
	return ""
}

// principal is who the identity is in IAM policies, where project is the project's number as the text's language says it.
func (g Google) principal(project, pool, subject string) string {
	return "principal://iam.googleapis.com/projects/" + project + "/locations/global/workloadIdentityPools/" + pool + "/subject/" + subject
}

// Warnings are what whoever runs this should know first.
func (g Google) Warnings() []string {
	var all []string
	if g.WholeTenant {
		all = append(all, fmt.Sprintf("every application and managed identity of the tenant %s gets into the pool; give roles to single principals only, never to the whole pool", g.Claims.TenantID))
	}
	if sts.ByObjectID(g.Claims) {
		why := "is another one for each application that the person uses"
		if len(g.Claims.Subject) > sts.MaxSubject {
			why = fmt.Sprintf("has %d bytes, and google.subject takes %d", len(g.Claims.Subject), sts.MaxSubject)
		}
		all = append(all, "google.subject is mapped from oid: the token's sub "+why)
	}
	if g.ServiceAccount == "" && g.Role == "" {
		all = append(all, "neither --service-account nor --role is given: the identity gets into the pool and may do nothing")
	}
	return all
}

// about are sentences that begin every form.
func (g Google) about() []string {
	return []string{
		fmt.Sprintf("Google Cloud trusts one Azure identity: object id %s of the tenant %s.", g.Claims.ObjectID, g.Claims.TenantID),
		"Written by gcp-executable-source trust, which runs nothing.",
	}
}

// whyCondition says what the condition is for.
func (g Google) whyCondition() []string {
	if g.WholeTenant {
		return []string{"The condition admits the whole tenant: each of its applications and managed identities gets into the pool."}
	}
	return []string{"The condition admits this identity alone. Without it every application and managed identity of the tenant", "could get into the pool, by a token that it asks for with the same audience."}
}

// JSON is the trust as a document.
func (g Google) JSON() (string, error) {
	claim, value := g.subject()
	principal, on := "", ""
	if number := g.number(); number != "" {
		principal = g.principal(number, g.Pool, value)
	}
	if g.Role != "" {
		on = first(g.On, "project")
	}
	return document(struct {
		Project          string            `json:"project"`
		Pool             string            `json:"pool"`
		Provider         string            `json:"provider"`
		Issuer           string            `json:"issuer"`
		AllowedAudiences []string          `json:"allowedAudiences"`
		Mapping          map[string]string `json:"attributeMapping"`
		Condition        string            `json:"attributeCondition"`
		Subject          string            `json:"subject"`
		// Principal needs the project's number.
		Principal      string   `json:"principal,omitempty"`
		ServiceAccount string   `json:"serviceAccount,omitempty"`
		Role           string   `json:"role,omitempty"`
		On             string   `json:"on,omitempty"`
		Warnings       []string `json:"warnings"`
	}{
		g.Project, g.Pool, g.Provider, g.Claims.Issuer, g.Claims.Audience, map[string]string{"google.subject": "assertion." + claim}, g.condition(),
		value, principal, g.ServiceAccount, g.Role, on, append([]string{}, g.Warnings()...),
	})
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
