package main

import (
	"bytes"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

// googleSources are what azure-token-helper starts from. From the metadata server it is two requests in three round trips,
// since the connection to Entra ID is made while that server answers.
func (b *bench) googleSources() []source {
	clouds := b.clouds
	// credentials is a credentials file for the token endpoint's public name.
	credentials := func(name string, file func() ([]byte, error), more ...string) func(*far) ([]string, error) {
		return func(f *far) ([]string, error) {
			content, err := file()
			if err != nil {
				return nil, err
			}
			path, err := f.file(name, bytes.ReplaceAll(content, []byte(clouds.Google.Token.URL), []byte("https://oauth2.googleapis.com")))
			return append([]string{"IDFERRY_GOOGLE_CREDENTIALS=" + path}, more...), err
		}
	}
	all := []source{
		{name: "metadata server", asks: 2, atMost: 3, slack: 15, env: func(*far) ([]string, error) { return []string{"IDFERRY_GOOGLE_SOURCE=metadata"}, nil }},
		{name: "key file", asks: 2, env: credentials("key.json", func() ([]byte, error) { return clouds.Google.NewKeyFile(fakecloud.SandboxAccount) })},
		{name: "person's credentials, impersonation", asks: 3, env: credentials("adc.json", clouds.UserCredentials, "IDFERRY_IMPERSONATE_SERVICE_ACCOUNT="+fakecloud.SandboxAccount)},
		{name: "token file", asks: 1, env: func(f *far) ([]string, error) {
			projected, err := f.projected()
			return []string{"IDFERRY_GOOGLE_SOURCE=token-file", "AZURE_FEDERATED_TOKEN_FILE=" + projected}, err
		}},
	}
	for i := range all {
		all[i].program, all[i].args = b.helper, toAzure()
	}
	return all
}

// azureSources are what gcp-executable-source starts from.
func (b *bench) azureSources() []source {
	clouds := b.clouds
	application := []string{"AZURE_TENANT_ID=" + fakecloud.SandboxTenant, "AZURE_CLIENT_ID=" + fakecloud.SandboxApp}
	all := []source{
		{name: "managed identity, virtual machine", asks: 1, env: func(*far) ([]string, error) { return []string{"IDFERRY_CREDENTIAL=managed-identity"}, nil }},
		{name: "managed identity, App Service", asks: 1, env: func(f *far) ([]string, error) {
			at, err := f.to(clouds.AppService.Endpoint())
			return []string{"IDFERRY_CREDENTIAL=managed-identity", "IDENTITY_ENDPOINT=" + at, "IDENTITY_HEADER=" + fakecloud.SandboxAppServiceHeader}, err
		}},
		{name: "workload identity", asks: 1, env: func(f *far) ([]string, error) {
			projected, err := f.projected()
			return append(application, "IDFERRY_CREDENTIAL=workload-identity", "AZURE_FEDERATED_TOKEN_FILE="+projected), err
		}},
		{name: "client secret", asks: 2, env: func(*far) ([]string, error) {
			return append(application, "IDFERRY_CREDENTIAL=environment", "AZURE_CLIENT_SECRET="+fakecloud.SandboxSecret), nil
		}},
		{name: "certificate", asks: 2, env: func(f *far) ([]string, error) {
			path, err := f.file("certificate.pem", clouds.CertificatePEM)
			return append(application, "IDFERRY_CREDENTIAL=environment", "AZURE_CLIENT_CERTIFICATE_PATH="+path), err
		}},
		{name: "GitHub Actions", asks: 3, env: func(f *far) ([]string, error) {
			at, err := f.to(clouds.GitHub.RequestURL())
			return append(application, "IDFERRY_CREDENTIAL=github-actions", "ACTIONS_ID_TOKEN_REQUEST_URL="+at, "ACTIONS_ID_TOKEN_REQUEST_TOKEN="+fakecloud.SandboxJobToken), err
		}},
	}
	for i := range all {
		all[i].program, all[i].args = b.source, []string{"--resource", fakecloud.SandboxResource}
	}
	return all
}

// projected is a file with the token of a pod.
func (f *far) projected() (string, error) {
	raw, err := f.clouds.ProjectedToken(time.Hour)
	if err != nil {
		return "", err
	}
	return f.file("projected", []byte(raw))
}
