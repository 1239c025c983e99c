package fakecloud

import (
	"slices"
	"testing"
)

// What a command is not about stays.
func TestAnAdministratorChangesOneCredential(t *testing.T) {
	s, _ := sandbox(t)
	const update = "az ad app federated-credential update --id " + SandboxApp + " --federated-credential-id id-of-cluster --parameters "
	if _, err := s.Run(update + `'{"issuer":"https://cluster.example","subject":"s","audiences":["a"]}'`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Run(update + `'{"issuer":"` + GoogleIssuer + `","subject":"` + SandboxAccountID + `","audiences":["a"]}'`); err == nil {
		t.Error("two have the same issuer and subject")
	}
	if _, err := s.Run("az ad app credential reset --id " + SandboxApp + " --append --cert app.pem"); err == nil {
		t.Error("a certificate that is no file is taken for a secret to make")
	}
	app, _ := s.Entra.app(SandboxTenant, SandboxApp)
	want := []FederatedCredential{
		{Issuer: GoogleIssuer, Subject: SandboxAccountID, Audience: AssertionAudience, Name: "google"}, {Issuer: "https://cluster.example", Subject: "s", Audience: "a", Name: "cluster"},
		{Issuer: PipelinesIssuer, Subject: PipelinesSubject, Audience: AssertionAudience, Name: "pipelines"}, {Issuer: GitHubIssuer, Subject: GitHubSubject, Audience: AssertionAudience, Name: "github"},
	}
	if !slices.Equal(app.Federated, want) {
		t.Errorf("%+v", app.Federated)
	}
}

// Keys are an issuer's own: those of nobody verify nothing.
func TestAProviderHasItsIssuersKeys(t *testing.T) {
	s, _ := sandbox(t)
	for issuer, want := range map[string]string{
		IssuerV1(SandboxTenant): s.Entra.JWKSURL(), "https://sts.windows.net/" + SandboxTenant: s.Entra.JWKSURL(), IssuerV2(SandboxOtherTenant): s.Entra.JWKSURL(),
		GitHubIssuer: s.GitHub.JWKSURL(), "https://issuer.example": "", IssuerV1("00000000-0000-0000-0000-000000000009"): "",
	} {
		if _, err := s.Run("gcloud iam workload-identity-pools providers update-oidc entra --workload-identity-pool=azure --location=global --project=sandbox-project --issuer-uri=" + issuer); err != nil {
			t.Fatal(err)
		}
		s.Google.mu.Lock()
		got := s.Google.providers[SandboxProvider].JWKSURL
		s.Google.mu.Unlock()
		if got != want {
			t.Errorf("the keys of %s are at %q, want %q", issuer, got, want)
		}
	}
}
