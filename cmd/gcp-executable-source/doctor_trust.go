package main

import (
	"encoding/json"
	"os"
	"strings"

	"github.com/idferry/idferry/internal/doctor"
	"github.com/idferry/idferry/internal/externalaccount"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/sts"
	"github.com/idferry/idferry/internal/token"
)

// provider is a provider of a pool, as gcloud prints it.
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools.providers
type provider struct {
	Name string `json:"name"`
	OIDC struct {
		IssuerURI        string   `json:"issuerUri"`
		AllowedAudiences []string `json:"allowedAudiences"`
	} `json:"oidc"`
	AttributeMapping   map[string]string `json:"attributeMapping"`
	AttributeCondition string            `json:"attributeCondition"`
	State              string            `json:"state"`
	Disabled           bool              `json:"disabled"`
}

// readProvider reads what a provider expects. path "" is no file.
func readProvider(path string) (*provider, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, problem.Input("--trust", "%w", err)
	}
	p := &provider{}
	if err := json.Unmarshal(data, p); err != nil || p.OIDC.IssuerURI == "" {
		return nil, problem.Input("--trust", "%s is not a provider for OpenID Connect in JSON", path).
			WithHint("gcloud iam workload-identity-pools providers describe PROVIDER --workload-identity-pool=POOL --location=global --project=PROJECT --format=json > %s", path)
	}
	return p, nil
}

// differences puts what was presented beside what is expected: by the provider, where somebody told what it is, and else
// by what Google's refusal says.
func (w *walk) differences(refused *problem.Error, claims token.Claims) []doctor.Difference {
	var all []doctor.Difference
	add := func(d *doctor.Difference) {
		if d != nil {
			all = append(all, *d)
		}
	}
	audience := strings.Join(claims.Audience, " ")
	if p := w.provider; p != nil {
		allowed := p.OIDC.AllowedAudiences
		if len(allowed) == 0 {
			allowed = []string{"https:" + w.file.Audience}
		}
		add(doctor.Compare("issuer", claims.Issuer, strings.TrimSuffix(p.OIDC.IssuerURI, "/"), strings.TrimSuffix(p.OIDC.IssuerURI, "/")+"/"))
		add(doctor.Compare("audience", audience, allowed...))
		if p.AttributeCondition != "" && refused.Code == "unauthorized_client" {
			add(&doctor.Difference{Field: "condition", Presented: sts.Admits(claims), Expected: p.AttributeCondition})
		}
		if p.Disabled || p.State == "DELETED" {
			add(&doctor.Difference{Field: "state", Presented: "the token", Expected: "a provider that is neither disabled nor deleted: " + first(p.State, "disabled")})
		}
		return all
	}
	switch {
	case strings.Contains(refused.Message, "The audience in ID Token"):
		scope, _ := w.identity.scopeFor(w.file.Audience)
		asked := strings.TrimSuffix(scope, "/.default")
		if d := doctor.Compare("audience", audience, asked); d != nil {
			// What the token was asked for is what somebody who made the provider may have written there.
			d.Expected += ", which was asked for"
			add(d)
		} else {
			add(&doctor.Difference{Field: "audience", Presented: audience, Expected: "one of the provider's allowed audiences, by default https:" + w.file.Audience})
		}
	case strings.Contains(refused.Message, "does not match the expected ones: "):
		_, expected, _ := strings.Cut(refused.Message, "does not match the expected ones: ")
		add(doctor.Compare("issuer", claims.Issuer, strings.Fields(expected)...))
	case strings.Contains(refused.Message, "127 bytes"):
		add(&doctor.Difference{Field: "subject", Presented: claims.Subject, Expected: "at most 127 bytes"})
	}
	return all
}

// member is who acts as the service account, as IAM policies say it: by the provider's mapping where somebody told what that
// is, and else by the one that trust prints.
func (w *walk) member(claims token.Claims) string {
	a, err := externalaccount.ParseAudience("audience", w.file.Audience)
	if err != nil {
		return ""
	}
	byObjectID := sts.ByObjectID(claims)
	if w.provider != nil {
		byObjectID = w.provider.AttributeMapping["google.subject"] == "assertion.oid"
	}
	return sts.Principal(a.String(), claims, byObjectID)
}
