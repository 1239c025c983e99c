package fakecloud

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/compute/metadata"
	"golang.org/x/oauth2/google"
)

func vm() GoogleInstance {
	return GoogleInstance{
		ServiceAccount: robot, ID: 8087716956832600000, Name: "vm1", Zone: "europe-west1-b",
		ProjectID: "acme", ProjectNumber: 123456, Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
}

func identityPath(format string) string {
	return "instance/service-accounts/default/identity?" + url.Values{"audience": {entraAud}, "format": {format}}.Encode()
}

func TestGooglesOwnMetadataClientReadsTheMachine(t *testing.T) {
	g := startGoogle(t)
	g.SetInstance(vm())
	t.Setenv("GCE_METADATA_HOST", g.MetadataHost())
	client := metadata.NewWithOptions(&metadata.Options{Client: http.DefaultClient})
	for path, want := range map[string]string{
		"project/project-id":                                "acme",
		"project/numeric-project-id":                        "123456",
		"instance/id":                                       "8087716956832600000",
		"instance/zone":                                     "projects/123456/zones/europe-west1-b",
		"universe/universe-domain":                          "googleapis.com",
		"instance/service-accounts/":                        "default/\n" + robot + "/\n",
		"instance/service-accounts/default/email":           robot,
		"instance/service-accounts/" + robot + "/aliases":   "default\n",
		"instance/service-accounts/default":                 "aliases\nemail\nidentity\nscopes\ntoken\n",
		"instance/service-accounts/default/?recursive=true": `{"aliases":["default"],"email":"` + robot + `","scopes":["https://www.googleapis.com/auth/cloud-platform","https://www.googleapis.com/auth/userinfo.email"]}` + "\n",
		"instance/service-accounts/default/scopes":          "https://www.googleapis.com/auth/cloud-platform\nhttps://www.googleapis.com/auth/userinfo.email\n",
		"instance/service-accounts/" + strings.ReplaceAll(robot, "@", "%40") + "/email": robot,
	} {
		if got, err := client.GetWithContext(t.Context(), path); err != nil || got != want {
			t.Errorf("%s = %q, %v; want %q", path, got, err, want)
		}
	}
	for _, path := range []string{"instance/attributes/nothing", "instance/service-accounts/other@acme.iam.gserviceaccount.com/email"} {
		var undefined metadata.NotDefinedError
		if _, err := client.GetWithContext(t.Context(), path); !errors.As(err, &undefined) {
			t.Errorf("%s: %v, want a NotDefinedError", path, err)
		}
	}
}

func TestAMachinesIdentityTokenSaysWhichMachineWhenAskedInFull(t *testing.T) {
	g := startGoogle(t)
	g.SetInstance(vm())
	t.Setenv("GCE_METADATA_HOST", g.MetadataHost())
	for format, full := range map[string]bool{"": false, "standard": false, "full": true} {
		token, err := metadata.GetWithContext(t.Context(), identityPath(format))
		if err != nil {
			t.Fatal(err)
		}
		claims, err := verify(g.ca.Client(), g.JWKSURL, token)
		if err != nil {
			t.Fatal(err)
		}
		if claims["aud"] != entraAud || claims["sub"] != robotID || claims["azp"] != robotID {
			t.Errorf("format %q: claims = %v", format, claims)
		}
		outer, _ := claims["google"].(map[string]any)
		engine, described := outer["compute_engine"].(map[string]any)
		if described != full || (claims["email"] == robot) != full {
			t.Errorf("format %q: machine described: %v, e-mail %v", format, described, claims["email"])
		}
		if full && (engine["instance_id"] != "8087716956832600000" || engine["project_number"] != 123456.0 || engine["zone"] != "europe-west1-b") {
			t.Errorf("compute_engine = %v", engine)
		}
	}
}

func TestAMachinesAccessTokenWorksInGooglesLibraryAndIsKnownToTheAPIs(t *testing.T) {
	g := startGoogle(t)
	g.SetInstance(vm())
	g.GrantBigQuery("serviceAccount:"+robot, "acme")
	t.Setenv("GCE_METADATA_HOST", g.MetadataHost())
	token, err := google.ComputeTokenSource("", bigQueryScope).Token()
	if err != nil {
		t.Fatal(err)
	}
	if got := g.query(t, token.AccessToken, "SELECT CURRENT_DATE()"); got.status != http.StatusOK {
		t.Errorf("BigQuery answered %d %s", got.status, got.body)
	}
}

func TestTheMetadataServerHandsOutItsTokenUntilFiveMinutesAreLeft(t *testing.T) {
	g := startGoogle(t)
	g.SetInstance(vm())
	get := func(path string) string {
		return g.do(t, http.MethodGet, g.Metadata.URL+"/computeMetadata/v1/"+path, "", "", "Metadata-Flavor", "Google").body
	}
	identity := get(identityPath("full"))
	g.clock.advance(54 * time.Minute)
	if get(identityPath("full")) != identity {
		t.Error("a new token with six minutes left")
	}
	if get(identityPath("standard")) == identity {
		t.Error("one token for two formats")
	}
	if got := get("instance/service-accounts/default/token"); !strings.Contains(got, `"expires_in":3600`) {
		t.Errorf("token = %s", got)
	}
	g.clock.advance(time.Minute)
	if get(identityPath("full")) == identity {
		t.Error("the old token with five minutes left")
	}
	if got := get("instance/service-accounts/default/token"); !strings.Contains(got, `"expires_in":3540`) {
		t.Errorf("token = %s", got)
	}
}

func TestManyCallersAtOnceGetOneIdentityToken(t *testing.T) {
	g := startGoogle(t)
	g.SetInstance(vm())
	var wait sync.WaitGroup
	tokens := make([]string, 20)
	for i := range tokens {
		wait.Go(func() {
			tokens[i] = g.do(t, http.MethodGet, g.Metadata.URL+"/computeMetadata/v1/"+identityPath(""), "", "", "Metadata-Flavor", "Google").body
		})
	}
	wait.Wait()
	for _, token := range tokens {
		if token != tokens[0] || len(token) < 100 {
			t.Fatalf("%q beside %q", token, tokens[0])
		}
	}
}

func TestTheMetadataServerRefusesAsTheRealOnesDo(t *testing.T) {
	const (
		vmServer, gkeServer = "Metadata Server for VM", "GKE Metadata Server"
		page                = "text/html; charset=UTF-8"
		plain               = "text/plain; charset=utf-8"
		azure               = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fmanagement.azure.com"
		email               = "/computeMetadata/v1/instance/service-accounts/default/email"
		identity            = "/computeMetadata/v1/instance/service-accounts/default/identity"
	)
	g := startGoogle(t)
	flavor := []string{"Metadata-Flavor", "Google"}
	gke := func(i *GoogleInstance) { i.GKE = true }
	for name, c := range map[string]struct {
		instance    func(*GoogleInstance)
		method      string
		path        string
		header      []string
		status      int
		contentType string
		server      string
		body        string
	}{
		"a probe of the root":             {path: "/", status: 200, contentType: "application/text", server: vmServer, body: "computeMetadata/\n"},
		"without its header":              {path: email, status: 403, contentType: page, server: vmServer, body: "Missing Metadata-Flavor:Google header."},
		"with another flavor":             {path: email, header: []string{"Metadata-Flavor", "Azure"}, status: 403, contentType: page, server: vmServer, body: "Error 403 (Forbidden)!!1"},
		"through a proxy":                 {path: email, header: append(flavor, "X-Forwarded-For", "10.0.0.1"), status: 403, contentType: page, server: vmServer},
		"a write":                         {method: http.MethodPost, path: email, header: flavor, status: 405, contentType: page, server: vmServer},
		"Azure's path":                    {path: azure, header: []string{"Metadata", "true"}, status: 404, contentType: page, server: vmServer, body: "Error 404 (Not Found)!!1"},
		"an unknown path":                 {path: "/computeMetadata/v1/nothing", header: flavor, status: 404, contentType: page, server: vmServer, body: "<code>/computeMetadata/v1/nothing</code>"},
		"an identity for nobody":          {path: identity, header: flavor, status: 400, contentType: "application/text", server: vmServer, body: "non-empty audience parameter required"},
		"an identity on Cloud Build":      {instance: func(i *GoogleInstance) { i.WithoutIdentity = true }, path: identity + "?audience=a", header: flavor, status: 404, contentType: page, server: vmServer},
		"a machine without an account":    {instance: func(i *GoogleInstance) { i.ServiceAccount = "" }, path: email, header: flavor, status: 404, contentType: page, server: vmServer},
		"GKE's root without its header":   {instance: gke, path: "/", status: 403, contentType: plain, body: `Missing required header "Metadata-Flavor": "Google"`},
		"GKE's root":                      {instance: gke, path: "/", header: flavor, status: 200, contentType: "application/text", server: gkeServer, body: "computeMetadata/\n"},
		"Azure's path on GKE":             {instance: gke, path: azure, header: []string{"Metadata", "true"}, status: 403, contentType: plain, body: "GKE Metadata Server encountered an error: "},
		"a GKE pod without a Google name": {instance: func(i *GoogleInstance) { i.GKE, i.ServiceAccount = true, "" }, path: identity + "?audience=a", header: flavor, status: 404, contentType: plain, server: gkeServer, body: "iam.gke.io/gcp-service-account="},
	} {
		t.Run(name, func(t *testing.T) {
			i := vm()
			if c.instance != nil {
				c.instance(&i)
			}
			g.SetInstance(i)
			method := c.method
			if method == "" {
				method = http.MethodGet
			}
			got := g.do(t, method, g.Metadata.URL+c.path, "", "", c.header...)
			if got.status != c.status || got.header.Get("Content-Type") != c.contentType || got.header.Get("Server") != c.server || !strings.Contains(got.body, c.body) {
				t.Errorf("got %d %s %q\n%s", got.status, got.header.Get("Content-Type"), got.header.Get("Server"), got.body)
			}
			if c.server != "" && got.header.Get("Metadata-Flavor") != "Google" {
				t.Error("no Metadata-Flavor in the answer")
			}
		})
	}
}
