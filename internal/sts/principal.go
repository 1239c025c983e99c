package sts

import (
	"strings"

	"github.com/idferry/idferry/internal/token"
)

// Admits returns an attribute condition (https://cloud.google.com/iam/docs/workload-identity-federation#conditions) that
// is true of this identity alone.
func Admits(claims token.Claims) string {
	literal := func(s string) string {
		return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`, "\n", `\n`, "\r", `\r`).Replace(s) + "'"
	}
	condition := "assertion.oid == " + literal(claims.ObjectID)
	if claims.TenantID != "" {
		condition = "assertion.tid == " + literal(claims.TenantID) + " && " + condition
	}
	return condition
}

// MaxSubject is the longest google.subject, in bytes.
// https://cloud.google.com/iam/docs/workload-identity-federation#mapping
const MaxSubject = 127

// ByObjectID reports whether oid is to be mapped to google.subject because sub would not do: it is too long, or a person's,
// which is another one for each application.
func ByObjectID(claims token.Claims) bool {
	return len(claims.Subject) > MaxSubject || claims.ObjectID != "" && claims.Subject != claims.ObjectID
}

// Principal is who presents a token of these claims to the provider of that full resource name, as IAM policies say it.
func Principal(provider string, claims token.Claims, byObjectID bool) string {
	pool, _, found := strings.Cut(provider, "/providers/")
	if !found {
		return ""
	}
	subject := claims.Subject
	if byObjectID {
		subject = claims.ObjectID
	}
	return "principal:" + pool + "/subject/" + subject
}
