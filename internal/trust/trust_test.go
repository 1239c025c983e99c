package trust

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

const (
	tenant = "11111111-1111-1111-1111-111111111111"
	object = "44444444-0000-0000-0000-00000000000d"
)

func azureClaims() token.Claims {
	return token.Claims{Issuer: "https://sts.windows.net/" + tenant + "/", Subject: object, ObjectID: object, TenantID: tenant, Audience: []string{"api://my-app"}}
}

func googleClaims() token.Claims {
	return token.Claims{Issuer: GoogleIssuer, Subject: "115000000000000000001", Email: "reader@p.iam.gserviceaccount.com", Audience: []string{"api://AzureADTokenExchange"}}
}

func google(change func(*Google)) Google {
	g := Google{Claims: azureClaims(), Project: "my-project", Pool: "azure", Provider: "entra", Identity: []string{"--resource=api://my-app"}, Condition: "assertion.tid == '" + tenant + "' && assertion.oid == '" + object + "'"}
	if change != nil {
		change(&g)
	}
	return g
}

func azure(change func(*Azure)) Azure {
	a := Azure{Claims: googleClaims(), Audience: "api://AzureADTokenExchange", Application: "idferry", Credential: "accounts-google-com-115000000000000000001"}
	if change != nil {
		change(&a)
	}
	return a
}

// forms are every document of which the goldens are kept in testdata.
func forms(t *testing.T) map[string]string {
	account := func(g *Google) { g.ServiceAccount = "reader@my-project.iam.gserviceaccount.com" }
	person := func(g *Google) {
		g.Claims.Subject, g.Project, g.Role = "/eid1/c/pub/t/"+strings.Repeat("x", 120), "123456789", "roles/bigquery.jobUser"
	}
	bucket := func(g *Google) {
		g.Project, g.Role, g.On = "123456789", "roles/storage.objectViewer", "gs://my-bucket"
		g.Identity = []string{"--resource=api://my-app", "--credential=managed-identity", "--client-id=55555555-5555-5555-5555-555555555555"}
	}
	secret := func(g *Google) { g.Role, g.On = "roles/secretmanager.secretAccessor", "projects/other/secrets/key" }
	topic := func(g *Google) { g.Role, g.On = "roles/pubsub.publisher", "projects/other/topics/events" }
	subscription := func(g *Google) { g.Role, g.On = "roles/pubsub.subscriber", "projects/other/subscriptions/events" }
	wide := func(g *Google) { g.WholeTenant = true }
	role := func(a *Azure) { a.Role, a.Scope = "Storage Blob Data Reader", "/subscriptions/1/storageAccounts/2" }
	managed := func(a *Azure) { a.Application, a.Identity, a.ResourceGroup = "", "blob-reader", "my-group" }
	managedRole := func(a *Azure) {
		managed(a)
		a.Role, a.Scope = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", "/subscriptions/1/storageAccounts/2"
	}
	managedGroup := func(a *Azure) {
		managedRole(a)
		a.Scope = "/subscriptions/1/resourcegroups/My-Group"
	}
	national := func(a *Azure) {
		role(a)
		a.Cloud, a.Source = "AzureUSGovernment", []string{"--google-source=gcloud", "--impersonate-service-account=reader@p.iam.gserviceaccount.com"}
		a.Audience, a.Claims.Audience = "api://AzureADTokenExchangeUSGov", []string{"api://AzureADTokenExchangeUSGov"}
	}
	existing := func(a *Azure) {
		a.Application, a.ClientID = "", "33333333-3333-3333-3333-333333333333"
		a.Claims.Issuer, a.Claims.Subject, a.Claims.Email = "https://container.googleapis.com/v1/projects/p/locations/l/clusters/c", "system:serviceaccount:prod:app", ""
	}
	must := func(text string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	return map[string]string{
		"google_account.sh": google(account).Gcloud(), "google_account.tf": google(account).Terraform(), "google_account.json": must(google(account).JSON()),
		"google_role.sh": google(person).Gcloud(), "google_role.tf": google(person).Terraform(), "google_role.json": must(google(person).JSON()),
		"google_bucket.sh": google(bucket).Gcloud(), "google_bucket.tf": google(bucket).Terraform(), "google_bucket.json": must(google(bucket).JSON()),
		"google_secret.sh": google(secret).Gcloud(), "google_secret.tf": google(secret).Terraform(),
		"google_topic.sh": google(topic).Gcloud(), "google_topic.tf": google(topic).Terraform(),
		"google_subscription.sh": google(subscription).Gcloud(), "google_subscription.tf": google(subscription).Terraform(),
		"google_tenant.sh": google(wide).Gcloud(), "google_tenant.tf": google(wide).Terraform(), "google_tenant.json": must(google(wide).JSON()),
		"azure_application.sh": azure(role).Az(), "azure_application.tf": azure(role).Terraform(), "azure_application.json": must(azure(role).JSON()), "azure_application.bicep": must(azure(nil).Bicep()),
		"azure_managed.sh": azure(managed).Az(), "azure_managed.tf": azure(managedRole).Terraform(), "azure_managed.json": must(azure(managed).JSON()), "azure_managed.bicep": must(azure(managedGroup).Bicep()),
		"azure_national.sh": azure(national).Az(), "azure_national.tf": azure(national).Terraform(),
		"azure_existing.sh": azure(existing).Az(), "azure_existing.tf": azure(existing).Terraform(), "azure_existing.json": must(azure(existing).JSON()),
	}
}

func TestFormsAreThoseThatWereRead(t *testing.T) {
	for name, got := range forms(t) {
		path := filepath.Join("testdata", name)
		if os.Getenv("IDFERRY_TEST_RECORD") != "" {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || string(want) != got {
			t.Errorf("%s: %v\n%s", name, err, got)
		}
	}
}

// Claims are whatever their issuer wrote. A shell hands them on as they are, and runs nothing of them.
func TestHostileClaimsStayWords(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh")
	}
	bin := t.TempDir()
	for _, name := range []string{"gcloud", "az", "gcp-executable-source", "azure-token-helper"} {
		// Every argument on its own, ended by what no argument has here.
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!"+sh+"\nprintf '%s\\001' \"$@\"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	run := func(script string) []string {
		cmd := exec.Command(sh, "-c", script)
		cmd.Env = []string{"PATH=" + bin, "HOME=" + t.TempDir()}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s\n%s", err, out, script)
		}
		return strings.Split(string(out), "\001")
	}
	for _, hostile := range []string{`it's "me"`, "$(touch owned) `touch owned`", `\`, "${HOME}", "a\nb", "!x", "%{x}"} {
		g := google(func(g *Google) {
			g.Project = "123"
			g.Claims.Subject, g.Claims.ObjectID, g.Claims.Issuer, g.Claims.Audience = hostile, hostile, "https://"+hostile, []string{"api://" + hostile}
		})
		args := run(g.Gcloud())
		for _, want := range []string{"--issuer-uri=https://" + hostile, "--allowed-audiences=api://" + hostile} {
			if !slices.Contains(args, want) {
				t.Errorf("%q is no argument: %q", want, args)
			}
		}
		a := azure(func(a *Azure) {
			a.Claims.Subject, a.Claims.Email, a.Claims.Issuer = hostile, hostile, "https://"+hostile
			a.Application, a.Identity, a.ResourceGroup = "", "name", "group"
		})
		if args := run(a.Az()); !slices.Contains(args, hostile) || !slices.Contains(args, "https://"+hostile) {
			t.Errorf("%q is no argument: %q", hostile, args)
		}
	}
}

// Within quotes neither language may find an end, a line's end or a template.
func TestHostileClaimsStayStrings(t *testing.T) {
	const hostile = "it's \"${a}\" %{b} \\ $$${c}\n\r\t"
	if got, want := hcl(hostile), `"it's \"$${a}\" %%{b} \\ $$$${c}\n\r\t"`; got != want {
		t.Errorf("Terraform: %s, not %s", got, want)
	}
	if got, want := bicep(hostile), `'it\'s "\${a}" %{b} \\ $$\${c}\n\r\t'`; got != want {
		t.Errorf("Bicep: %s, not %s", got, want)
	}
}

func TestWhatCannotBeTrustedIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		field string
	}{
		"no project":         {google(func(g *Google) { g.Project = "" }).Check(), "--project"},
		"no audience":        {google(func(g *Google) { g.Claims.Audience = nil }).Check(), `"aud"`},
		"two audiences":      {google(func(g *Google) { g.Claims.Audience = []string{"a", "b"} }).Check(), "2 audiences"},
		"no subject":         {google(func(g *Google) { g.Claims.Subject = " " }).Check(), `"sub"`},
		"none of Entra's":    {google(func(g *Google) { g.Claims.TenantID = "" }).Check(), "tid and oid"},
		"no https":           {google(func(g *Google) { g.Claims.Issuer = "http://x" }).Check(), "no https URL"},
		"an e-mail":          {azure(func(a *Azure) { a.Claims.Subject = "a@b" }).Check(), "numeric id"},
		"another cloud":      {azure(func(a *Azure) { a.Claims.Audience = []string{"api://AzureADTokenExchangeChina"} }).Check(), "AzureADTokenExchangeChina"},
		"no group":           {azure(func(a *Azure) { a.Application, a.Identity = "", "x" }).Check(), "--resource-group"},
		"two identities":     {azure(func(a *Azure) { a.Identity, a.ResourceGroup = "x", "y" }).Check(), "--user-assigned-identity"},
		"a role on nothing":  {azure(func(a *Azure) { a.Role = "Reader" }).Check(), "--role-scope"},
		"a role by its name": {second(azure(func(a *Azure) { a.Identity, a.ResourceGroup, a.Role, a.Scope = "x", "y", "Reader", "/s" }).Bicep()), "az role definition list"},
		"a role in a tenant": {second(azure(func(a *Azure) { a.Role, a.Scope = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", "/s" }).Bicep()), "two deployments"},
		"more than one asks": {second(azure(func(a *Azure) {
			a.Identity, a.ResourceGroup, a.Role, a.Scope = "x", "y", "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", "/subscriptions/1/resourceGroups/y/providers/Microsoft.Storage/storageAccounts/z"
		}).Bicep()), "--role-scope"},
		"another group": {second(azure(func(a *Azure) {
			a.Identity, a.ResourceGroup, a.Role, a.Scope = "x", "y", "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", "/subscriptions/1/resourceGroups/z"
		}).Bicep()), "--role-scope"},
		"an application": {second(azure(func(a *Azure) { a.ClientID = "x" }).Bicep()), "uniqueName"},
		"an escape":      {google(func(g *Google) { g.Claims.Audience = []string{"api://x\x1b[2K"} }).Check(), `"aud" has a character that cannot be seen: "api://x\x1b[2K"`},
		"turned around":  {azure(func(a *Azure) { a.Claims.Email = "a\u202eb" }).Check(), `"email" has a character that cannot be seen: "a\u202eb"`},
		"a line's end":   {azure(func(a *Azure) { a.Claims.Issuer = "https://x\n" }).Check(), `"iss"`},
		"a pool of people": {google(func(g *Google) {
			g.Claims.Audience = []string{"https://iam.googleapis.com/locations/global/workforcePools/p/providers/q"}
		}).Check(), "workforce pool"},
		"a role and account": {google(func(g *Google) { g.Role, g.ServiceAccount = "r", "s" }).Check(), "--role"},
		"on, and no role":    {google(func(g *Google) { g.On = "gs://x" }).Check(), "--on"},
		"on something else":  {google(func(g *Google) { g.Role, g.On = "r", "projects/p/datasets/d" }).Check(), "gs://BUCKET"},
		"on a folder":        {google(func(g *Google) { g.Role, g.On = "r", "gs://bucket/folder" }).Check(), "gs://BUCKET"},
		"on a secret":        {google(func(g *Google) { g.Role, g.On = "r", "projects/p/secrets/s" }).Check(), ""},
		"a list":             {google(func(g *Google) { g.Claims.Audience = []string{"api://x,api://victim"} }).Check(), "read as several"},
		"another separator":  {google(func(g *Google) { g.Claims.Audience = []string{"^:^api://x"} }).Check(), "read as several"},
		"no GUID":            {google(func(g *Google) { g.Claims.TenantID = "x' && true || '" }).Check(), "no GUIDs"},
		"a pool's name":      {google(func(g *Google) { g.Pool = "My Pool" }).Check(), "--pool"},
		"Google's own":       {google(func(g *Google) { g.Provider = "gcp-entra" }).Check(), "--provider"},
		"a file's content":   {azure(func(a *Azure) { a.Claims.Issuer, a.Claims.Subject = "https://x", "@/etc/hostname" }).Check(), "az takes"},
		"a flag":             {azure(func(a *Azure) { a.Claims.Issuer, a.Claims.Subject = "https://x", "--yes" }).Check(), "az takes"},
		"an issuer's name":   {azure(func(a *Azure) { a.Claims.Issuer = "accounts.google.com" }).Check(), "no https URL"},
		"old and new":        {azure(func(a *Azure) { a.ClientID = "x" }).Check(), "--application"},
		"a group of nothing": {azure(func(a *Azure) { a.ResourceGroup = "x" }).Check(), "--resource-group"},
		"fine":               {google(nil).Check(), ""},
		"fine, too":          {azure(nil).Check(), ""},
		"a GKE cluster's too": {azure(func(a *Azure) {
			a.Claims.Issuer, a.Claims.Subject = "https://container.googleapis.com/x", "system:serviceaccount:a:b"
		}).Check(), ""},
	} {
		if p := problem.From(c.err); (p == nil) != (c.field == "") || p != nil && (!p.Misuse || !strings.Contains(p.Error(), c.field)) {
			t.Errorf("%s: %v", name, c.err)
		}
	}
}

func second(_ string, err error) error { return err }

func TestClaimsOfAFile(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ content, want string }{
		"claims":   {`{"iss":"https://x","sub":"s","aud":["a"],"exp":1}`, ""},
		"token":    {"eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL3giLCJzdWIiOiJzIiwiYXVkIjoiYSJ9.c2ln\n", ""},
		"neither":  {"hello", "neither claims in JSON nor a token"},
		"broken":   {`{"iss":`, "is not JSON"},
		"an array": {`["a"]`, "neither claims in JSON nor a token"},
		"no sub":   {`{"iss":"https://x","aud":"a"}`, `"sub"`},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		claims, err := ReadClaims(path)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) || err == nil && (claims.Subject != "s" || claims.Audience[0] != "a") {
			t.Errorf("%s: %+v %v", name, claims, err)
		}
	}
	if _, err := ReadClaims(filepath.Join(dir, "nothing")); problem.From(err) == nil || !problem.From(err).Misuse {
		t.Error(err)
	}
}
