package processes

import (
	"strings"
	"testing"

	"github.com/idferry/idferry/internal/fakecloud"
)

// commands are the command lines of a shell's text, without comments, those that go on joined.
func commands(text string) []string {
	var all []string
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
	}
	return all
}

// Whoever starts from nothing runs what trust prints, line by line, and has a trust that works and admits nobody else.
func TestWhatTrustPrintsMakesTheTrust(t *testing.T) {
	b := build(t)
	t.Run("Azure to Google", func(t *testing.T) {
		p := newPatient(t, b, source)
		const pool = "//iam.googleapis.com/projects/123456789/locations/global/workloadIdentityPools/fresh/providers/entra"
		p.file["audience"] = pool
		if err := p.examine().well(); err == nil {
			t.Fatal("there is a trust already")
		}
		out, code := p.run("trust", "--project", fakecloud.SandboxProject, "--pool", "fresh", "--service-account", fakecloud.SandboxAccount)
		if code != 0 {
			t.Fatalf("exit code %d", code)
		}
		for _, command := range commands(string(out)) {
			// What is for the Azure side is about Google's own addresses.
			if strings.HasPrefix(command, "echo ") {
				continue
			}
			if err := p.typed(command); err != nil {
				t.Fatalf("%s: %v", command, err)
			}
		}
		if err := p.examine().well(); err != nil {
			t.Error(err)
		}
		// Another identity of the same tenant, with the same audience, is not admitted.
		p.set("AZURE_CLIENT_ID", fakecloud.SandboxUserClient)
		if err := p.examine().well(); err == nil || !strings.Contains(err.Error(), "rejected by the attribute condition") {
			t.Errorf("the user-assigned identity: %v", err)
		}
	})
	for name, args := range map[string][]string{
		"Google to an application":        {"--application", "fresh"},
		"Google to a managed identity":    {"--user-assigned-identity", "fresh", "--resource-group", "group"},
		"Google to an application of old": {"--client-id", "66666666-6666-6666-6666-666666666666"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPatient(t, b, helper)
			p.set("AZURE_CLIENT_ID", "")
			p.set("AZURE_TENANT_ID", "")
			out, code := p.run(append([]string{"trust", "--role", "Storage Blob Data Reader", "--role-scope", "/subscriptions/1/storageAccounts/2"}, args...)...)
			if code != 0 {
				t.Fatalf("exit code %d", code)
			}
			// The last line is doctor itself, which has to find everything well.
			all := commands(string(out))
			if all[len(all)-1] != "echo 'azure-token-helper doctor'" {
				t.Errorf("it ends with %q", all[len(all)-1])
			}
			for _, command := range all {
				if err := p.typed(command); err != nil {
					t.Fatalf("%s: %v", command, err)
				}
			}
			// Another account of Google's is not.
			p.set("IDFERRY_GOOGLE_SOURCE", "impersonation")
			p.set("IDFERRY_IMPERSONATE_SERVICE_ACCOUNT", fakecloud.SandboxOtherAccount)
			if err := p.examine().well(); err == nil || !strings.Contains(err.Error(), "AADSTS700213") {
				t.Errorf("another account: %v", err)
			}
		})
	}
}
