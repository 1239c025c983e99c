// Package storytest runs the binaries' testscript stories against fake clouds. Each story has clouds, a home and an
// environment of its own; nothing of the machine it runs on reaches the binaries.
//
// The environment names what the sandbox holds: TENANT, OTHER_TENANT, APP, SECRET, RESOURCE, PROVIDER, SYSTEM_OID, USER_CLIENT,
// USER_OID, USER_RESOURCE, PERSON, JOB_TOKEN, CONNECTION, PIPELINES, GITHUB, APPSERVICE, APPSERVICE_HEADER, ACCOUNT, ACCOUNT_ID, OTHER_ACCOUNT, OTHER_ACCOUNT_ID, AKS, ARC, APP_OID;
// APPSERVICE_PROXIED, the same at an address that Go's proxy settings do not leave out; SYSTEM_CLIENT, ARC_AGENT, FABRIC, FABRIC_THUMBPRINT, FABRIC_CODE, FABRIC_OTHER_CODE, AZURE_ML, OLD_APPSERVICE, MSI_KEY, CLOUD_SHELL, SHELL_OID, TOKEN_PROXY, TOKEN_PROXY_NAME.
package storytest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/idferry/idferry/internal/fakecloud"
)

// Run runs every story in dir.
func Run(t *testing.T, dir string) {
	testdata, err := filepath.Abs(filepath.Join("..", "..", "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		Condition:           condition,
		Setup: func(env *testscript.Env) error {
			st := &story{}
			s, err := fakecloud.StartSandbox(st.now)
			if err != nil {
				return err
			}
			env.Defer(s.Close)
			st.Sandbox = s
			env.Values[key{}] = st
			env.Setenv("TESTDATA", testdata)
			return prepare(env, s)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"identity":        withStory(identity),
			"google":          withStory(google),
			"requests":        withStory(requests),
			"forget-requests": withStory(func(_ *testscript.TestScript, s *story, _ []string) { s.seen = s.counts() }),
			"outage":          withStory(outage),
			"answers":         withStory(answers),
			"identities":      withStory(identities),
			"arc":             withStory(arc),
			"claim":           withStory(claim),
			"projected":       withStory(projected),
			"google-token":    withStory(googleToken),
			"key-file":        withStory(keyFile),
			"user":            withStory(user),
			"cloud-build":     withStory(func(ts *testscript.TestScript, s *story, _ []string) { ts.Check(s.WithoutIdentityEndpoint()) }),
			"mode":            withStory(mode),
			"ask-cluster":     withStory(askCluster),
			"clock":           withStory(clock),
			"issue":           withStory(func(ts *testscript.TestScript, s *story, args []string) { s.Entra.Issue(lifetime(ts, args[0]), 0) }),
			"issue-google": withStory(func(ts *testscript.TestScript, s *story, args []string) {
				s.Google.IssueIDTokens(lifetime(ts, args[0]))
			}),
			"await":            withStory(await),
			"external-account": withStory(externalAccount),
			"proxy":            proxy,
			"admin":            admin,
			"refuse":           withStory(refuse),
		},
	})
}

type key struct{}

type story struct {
	*fakecloud.Sandbox
	// ahead is how far the clouds' clocks are before the machine's, in nanoseconds.
	ahead atomic.Int64
	seen  map[string]int
}

// now is the time in the clouds.
func (s *story) now() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }

func withStory(run func(*testscript.TestScript, *story, []string)) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg {
			ts.Fatalf("this command takes no !")
		}
		run(ts, ts.Value(key{}).(*story), args)
	}
}

// prepare sets what every story has: a home, trust in the sandbox's certificates, and both clouds' addresses.
func prepare(env *testscript.Env, s *fakecloud.Sandbox) error {
	home := filepath.Join(env.WorkDir, "home")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	files := map[string][]byte{"ca.pem": s.CA.PEM, "app.pem": s.CertificatePEM, "app.pfx": s.CertificatePFX}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(env.WorkDir, name), data, 0o600); err != nil {
			return err
		}
	}
	for name, value := range map[string]string{
		"HOME": home, "XDG_CACHE_HOME": filepath.Join(home, ".cache"), "LOCALAPPDATA": home, "IDFERRY_CACHE": "file",
		"SSL_CERT_FILE": filepath.Join(env.WorkDir, "ca.pem"), "SSL_CERT_DIR": filepath.Join(env.WorkDir, "no-certificates"),
		"AZURE_AUTHORITY_HOST": s.Entra.URL + "/", "DBUS_SESSION_BUS_ADDRESS": "disabled:",
		// Stories that want an identity ask for it; until then nothing answers at either metadata address.
		"GCE_METADATA_HOST": "127.0.0.1:9", "AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:9",
		"TENANT": fakecloud.SandboxTenant, "OTHER_TENANT": fakecloud.SandboxOtherTenant, "APP": fakecloud.SandboxApp, "SECRET": fakecloud.SandboxSecret, "RESOURCE": fakecloud.SandboxResource,
		"PROVIDER": fakecloud.SandboxProvider, "SYSTEM_OID": fakecloud.SandboxSystemOID, "USER_CLIENT": fakecloud.SandboxUserClient,
		"USER_OID": fakecloud.SandboxUserOID, "USER_RESOURCE": fakecloud.SandboxUserResource,
		"PERSON": fakecloud.SandboxPerson, "JOB_TOKEN": fakecloud.SandboxJobToken, "CONNECTION": fakecloud.SandboxConnection, "PIPELINES": s.Pipelines.RequestURI(), "GITHUB": s.GitHub.RequestURL(),
		"APPSERVICE": s.AppServiceEndpoint(), "APPSERVICE_HEADER": fakecloud.SandboxAppServiceHeader, "APPSERVICE_PROXIED": strings.Replace(s.AppServiceEndpoint(), "127.0.0.1", "0.0.0.0", 1), "SYSTEM_CLIENT": fakecloud.SandboxSystemClient,
		"ARC_AGENT": s.ArcAgent.Endpoint(), "FABRIC": s.ServiceFabric.Endpoint(), "FABRIC_THUMBPRINT": s.ServiceFabric.Thumbprint,
		"FABRIC_CODE": fakecloud.SandboxFabricCode, "FABRIC_OTHER_CODE": fakecloud.SandboxOtherFabricCode,
		"AZURE_ML": s.AzureML.Endpoint(), "OLD_APPSERVICE": s.OldAppService.Endpoint(), "MSI_KEY": fakecloud.SandboxMSISecret,
		"CLOUD_SHELL": s.CloudShell.Endpoint(), "SHELL_OID": fakecloud.SandboxShellOID, "TOKEN_PROXY": s.TokenProxy.URL, "TOKEN_PROXY_NAME": fakecloud.TokenProxyName,
		"ACCOUNT": fakecloud.SandboxAccount, "ACCOUNT_ID": fakecloud.SandboxAccountID,
		"OTHER_ACCOUNT": fakecloud.SandboxOtherAccount, "OTHER_ACCOUNT_ID": fakecloud.SandboxOtherAccountID,
		"AKS": fakecloud.AKSServer, "ARC": fakecloud.SandboxArcCluster, "APP_OID": fakecloud.SandboxAppOID, "CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS": s.Google.IAM.URL + "/",
		"IDFERRY_RESOURCE_MANAGER": s.ResourceManager.URL + "/", "STS": s.Google.STSURL(), "STS_INTROSPECT": s.Google.STS.URL + "/v1/introspect", "TOKEN_INFO": s.Google.TokenInfoURL(), "IMPERSONATE": s.Google.ImpersonationURL(fakecloud.SandboxAccount),
	} {
		env.Setenv(name, value)
	}
	return nil
}

// identity puts the story on an Azure machine.
func identity(ts *testscript.TestScript, s *story, _ []string) {
	ts.Setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", s.IMDS.URL)
}

// google puts the story on a Google machine.
func google(ts *testscript.TestScript, s *story, _ []string) {
	ts.Setenv("GCE_METADATA_HOST", s.Google.MetadataHost())
}

func (s *story) servers() map[string]*fakecloud.Server {
	return map[string]*fakecloud.Server{
		"entra": s.Entra.Server, "imds": s.IMDS.Server, "metadata": s.Google.Metadata, "iam": s.Google.IAM, "token": s.Google.Token, "sts": s.Google.STS, "arm": s.ResourceManager.Server,
		"appservice": s.AppService.Server, "arc": s.ArcAgent.Server, "fabric": s.ServiceFabric.Server, "azure-ml": s.AzureML.Server, "old-appservice": s.OldAppService.Server,
		"cloud-shell": s.CloudShell.Server, "token-proxy": s.TokenProxy.Server, "pipelines": s.Pipelines.Server, "github": s.GitHub.Server,
	}
}

func (s *story) counts() map[string]int {
	counts := map[string]int{}
	for name, server := range s.servers() {
		counts[name] = len(server.Requests())
	}
	return counts
}

// requests SERVER N: as many requests reached the server since the last look at it.
func requests(ts *testscript.TestScript, s *story, args []string) {
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	now := s.counts()
	got := now[args[0]] - s.seen[args[0]]
	if s.seen == nil {
		s.seen = map[string]int{}
	}
	s.seen[args[0]] = now[args[0]]
	if got != want {
		var paths []string
		for _, r := range s.servers()[args[0]].Requests() {
			paths = append(paths, r.Method+" "+r.Path)
		}
		ts.Fatalf("%s was asked %d times, want %d; all so far: %s", args[0], got, want, strings.Join(paths, ", "))
	}
}

// outage SERVER html|garbage|nothing|silent|none.
func outage(ts *testscript.TestScript, s *story, args []string) {
	answers := map[string]http.HandlerFunc{
		"html": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = fmt.Fprint(w, "<html><body>Sign in to the guest network</body></html>")
		},
		"garbage": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) },
		"nothing": func(http.ResponseWriter, *http.Request) {},
		"silent":  func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	}
	server := s.servers()[args[0]]
	if args[1] == "none" {
		server.Answer(nil)
		return
	}
	server.Answer(answers[args[1]])
}

// claim NAME VALUE: the token on stdout has this claim.
func claim(ts *testscript.TestScript, _ *story, args []string) {
	out := ts.ReadFile("stdout")
	jwt := regexp.MustCompile(`eyJ[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+`).FindStringSubmatch(out)
	if jwt == nil {
		ts.Fatalf("no token on stdout: %s", out)
	}
	payload, err := base64.RawURLEncoding.DecodeString(jwt[1])
	ts.Check(err)
	claims := map[string]any{}
	ts.Check(json.Unmarshal(payload, &claims))
	if got := fmt.Sprint(claims[args[0]]); got != args[1] {
		ts.Fatalf("claim %s is %q, want %q", args[0], got, args[1])
	}
}

func lifetime(ts *testscript.TestScript, text string) time.Duration {
	d, err := time.ParseDuration(text)
	ts.Check(err)
	return d
}

// projected FILE LIFETIME [ACCOUNT]: the token that kubelet projects into an AKS pod of the service account app, or another.
func projected(ts *testscript.TestScript, s *story, args []string) {
	token, err := s.ProjectedToken(lifetime(ts, args[1]))
	if len(args) > 2 {
		token, err = s.Cluster.Token("prod", args[2], fakecloud.AssertionAudience, lifetime(ts, args[1]))
	}
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(token+"\n"), 0o600))
}

// google-token FILE LIFETIME: an ID token of the service account.
func googleToken(ts *testscript.TestScript, s *story, args []string) {
	left := lifetime(ts, args[1])
	issued := time.Now()
	if left < 0 {
		issued, left = issued.Add(left-time.Hour), time.Hour
	}
	token, err := s.Google.IDToken(fakecloud.SandboxAccount, fakecloud.AssertionAudience, fakecloud.IDTokenIssued(issued, left))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(token), 0o600))
}

// key-file FILE: a service-account key.
func keyFile(ts *testscript.TestScript, s *story, args []string) {
	data, err := s.Google.NewKeyFile(fakecloud.SandboxAccount)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o600))
}

// user FILE: Application Default Credentials of a person who may impersonate the service account.
func user(ts *testscript.TestScript, s *story, args []string) {
	data, err := s.UserCredentials()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o600))
}

// external-account FILE ARGUMENTS…: the file of Google's libraries with the sandbox's addresses, whose command is the binary with these
// arguments; the first may be a service account to be impersonated.
func externalAccount(ts *testscript.TestScript, s *story, args []string) {
	file, args := args[0], args[1:]
	document := map[string]any{
		"universe_domain": "googleapis.com", "type": "external_account", "audience": fakecloud.SandboxProvider, "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
		"token_url": s.Google.STSURL(), "token_info_url": s.Google.STS.URL + "/v1/introspect",
	}
	if len(args) > 0 && strings.Contains(args[0], "@") {
		document["service_account_impersonation_url"], document["token_info_url"] = s.Google.ImpersonationURL(args[0]), s.Google.TokenInfoURL()
		args = args[1:]
	}
	path := strings.SplitN(ts.Getenv("PATH"), string(os.PathListSeparator), 2)[0]
	command := append([]string{filepath.Join(path, "gcp-executable-source")}, args...)
	document["credential_source"] = map[string]any{"executable": map[string]any{"command": strings.Join(command, " "), "timeout_millis": 30000}}
	data, err := json.MarshalIndent(document, "", "  ")
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(file), data, 0o600))
}

// proxy STATUS: every request that may go through a proxy goes through one that answers with this status.
func proxy(ts *testscript.TestScript, neg bool, args []string) {
	status, err := strconv.Atoi(args[0])
	ts.Check(err)
	server, err := fakecloud.StartProxy(status)
	ts.Check(err)
	ts.Defer(server.Close)
	ts.Setenv("HTTPS_PROXY", server.URL)
}

// admin COMMAND: an administrator types a command line of az or gcloud, in one word of the story. With ! it is refused.
func admin(ts *testscript.TestScript, neg bool, args []string) {
	out, err := ts.Value(key{}).(*story).Run(strings.Join(args, " "))
	_, _ = fmt.Fprint(ts.Stdout(), out)
	switch {
	case neg && err == nil:
		ts.Fatalf("it is not refused")
	case neg:
		_, _ = fmt.Fprintln(ts.Stderr(), err)
	default:
		ts.Check(err)
	}
}

// refuse CODE TIMES: Entra ID refuses so many requests for tokens with an AADSTS code; fewer than none are all.
func refuse(ts *testscript.TestScript, s *story, args []string) {
	code, err := strconv.Atoi(args[0])
	ts.Check(err)
	times, err := strconv.Atoi(args[1])
	ts.Check(err)
	s.Entra.Refuse(code, times)
}

// await FILE REGEXP or await FILE -not OTHER: within ten seconds FILE holds that, or something else than OTHER does.
func await(ts *testscript.TestScript, _ *story, args []string) {
	file := ts.MkAbs(args[0])
	wanted := func(held string) bool { return regexp.MustCompile(args[1]).MatchString(held) }
	if args[1] == "-not" {
		other := ts.ReadFile(args[2])
		wanted = func(held string) bool { return held != other }
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); <-tick.C {
		if held, err := os.ReadFile(file); err == nil && wanted(string(held)) {
			return
		}
	}
	ts.Fatalf("waited for %s in vain", strings.Join(args, " "))
}

// clock DURATION: the machine's clock is off by as much, seen from the clouds.
func clock(ts *testscript.TestScript, s *story, args []string) {
	s.ahead.Store(-int64(lifetime(ts, args[0])))
}

// ask-cluster aks|arc USER: the cluster knows the bearer of the token on stdout as USER, or answers 401.
func askCluster(ts *testscript.TestScript, s *story, args []string) {
	bearer := regexp.MustCompile(`eyJ[A-Za-z0-9_.-]+`).FindString(ts.ReadFile("stdout"))
	server := map[string]*fakecloud.Kubernetes{"aks": s.Kubernetes, "arc": s.Arc}[args[0]]
	request, err := http.NewRequest(http.MethodPost, server.URL+"/apis/authentication.k8s.io/v1/selfsubjectreviews", nil)
	ts.Check(err)
	request.Header.Set("Authorization", "Bearer "+bearer)
	resp, err := s.CA.Client().Do(request)
	ts.Check(err)
	defer resp.Body.Close()
	var review struct {
		Code   int `json:"code"`
		Status any `json:"status"`
	}
	ts.Check(json.NewDecoder(resp.Body).Decode(&review))
	got := fmt.Sprint(review.Code)
	if status, ok := review.Status.(map[string]any); ok {
		user, _ := status["userInfo"].(map[string]any)
		got = fmt.Sprint(user["username"])
	}
	if got != args[1] {
		ts.Fatalf("%s says %s, want %s", args[0], got, args[1])
	}
}

// mode BITS FILE.
func mode(ts *testscript.TestScript, _ *story, args []string) {
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s, want %s", args[1], got, args[0])
	}
}
