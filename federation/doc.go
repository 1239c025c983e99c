// Package federation lets a Go program that one cloud already identifies use the other one, without a secret and without
// a helper process.
//
// # From Google to Azure
//
// [AzureCredential] is an azcore.TokenCredential, which every client of the Azure SDK for Go takes. It presents the Google
// identity of the machine, pod or job to the Entra application that trusts it.
//
//	credential, err := federation.NewAzureCredential(nil) // AZURE_TENANT_ID and AZURE_CLIENT_ID name the application
//	client, err := azblob.NewClient("https://account.blob.core.windows.net", credential, nil)
//
// # From Azure to Google
//
// [NewGoogleCredentials] returns what Google's clients take, for the provider of a workload identity pool that trusts the
// Azure identity of the machine, pod or job.
//
//	credentials, err := federation.NewGoogleCredentials("//iam.googleapis.com/projects/…/providers/…", nil)
//	client, err := bigquery.NewClient(ctx, "project", option.WithAuthCredentials(credentials))
//
// [SubjectTokens] is the half of it that Google's two libraries leave to the program: the supplier of subject tokens for
// golang.org/x/oauth2/google/externalaccount, and the provider of them for
// cloud.google.com/go/auth/credentials/externalaccount.
//
// The trust that either way needs is set up once: `azure-token-helper trust` and `gcp-executable-source trust` print it
// for the identity at hand, and `doctor` finds what does not match. Both are of this module.
//
// # Remembered tokens
//
// A credential remembers its tokens in the process and may be used by any number of goroutines: those that want the same
// token at the same time share one exchange, and one that gives up leaves it to the others. A token is served until ten
// minutes before its end, or until its issuer wants it to be renewed; then it is renewed in the background while the
// old one is served, for up to two minutes before its end. Whether tokens are also kept from one process to the next is
// for [Cache] to say.
//
// # Versions
//
// The package follows semantic versioning with its module: before v1.0.0 a minor version may change what is exported here,
// and CHANGELOG.md says how; from v1.0.0 on nothing exported here is changed or removed within a major version. Messages
// of errors may change at any time; their codes do not.
package federation
