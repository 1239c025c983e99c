// Package externalaccount is the file that tells a Google client where its subject token comes from: what config writes,
// and what each client makes of one that is there.
//
// https://google.aip.dev/auth/4117 and what `gcloud iam workload-identity-pools create-cred-config` writes. gcloud lets
// through what no client or service takes (a doubled prefix, a project id for its number, an unknown type of token, a
// relative command); here that is refused.
package externalaccount

// Type is the "type" of the file.
const Type = "external_account"

// DefaultUniverse is the universe domain of Google's public cloud.
const DefaultUniverse = "googleapis.com"

// Bounds that Google's clients and services set.
const (
	// Clients in Go, Python, Node.js and Java refuse another timeout_millis.
	MinTimeoutMillis, MaxTimeoutMillis, DefaultTimeoutMillis = 5_000, 120_000, 30_000
	// MinInteractiveMillis and MaxInteractiveMillis are those of interactive_timeout_millis in Python and gcloud.
	MinInteractiveMillis, MaxInteractiveMillis = 30_000, 1_800_000
	// MinLifetimeSeconds and MaxLifetimeSeconds are those of token_lifetime_seconds; above LifetimeWithoutPolicy the
	// organization policy constraints/iam.allowServiceAccountCredentialLifetimeExtension has to name the account.
	MinLifetimeSeconds, MaxLifetimeSeconds, LifetimeWithoutPolicy = 600, 43_200, 3_600
	// maxURL is the longest URL that google-auth-library for Node.js takes.
	maxURL = 256
)
