package azure

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/fakecloud"
	"github.com/idferry/idferry/internal/problem"
)

// managed asks the endpoint at address for a token. The client id is address's own, because MSAL remembers tokens of
// managed identities for the whole process.
func managed(t *testing.T, address string, limit time.Duration, vars map[string]string) (*problem.Error, time.Duration) {
	t.Helper()
	all := map[string]string{"AZURE_POD_IDENTITY_AUTHORITY_HOST": address}
	for k, v := range vars {
		all[k] = v
	}
	identity, err := New(Settings{Credential: "managed-identity", Lookup: environmentOf(all)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	start := time.Now()
	_, err = identity.Token(ctx, "api://"+strings.ReplaceAll(t.Name(), "/", "-")+"/.default")
	return problem.From(err), time.Since(start)
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	return "http://" + l.Addr().String()
}

// azidentity alone goes on for more than a minute.
func TestOffAzureAManagedIdentityFailsWithinSeconds(t *testing.T) {
	t.Run("nobody listens", func(t *testing.T) {
		e, took := managed(t, closedPort(t), 25*time.Second, nil)
		if e == nil || e.Code != problem.NoIdentity || !strings.Contains(e.Message, "nothing answered at 127.0.0.1:") || took > 5*time.Second {
			t.Errorf("%v after %s", e, took)
		}
	})
	t.Run("packets vanish", func(t *testing.T) {
		// No packet is sent: the transport waits as a connect to a black hole does, until its own limit.
		asked := 0
		silent := &http.Client{Transport: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			asked++
			select {
			case <-time.After(2 * time.Second):
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		})}
		identity, err := New(Settings{Credential: "managed-identity", HTTP: silent})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
		defer cancel()
		start := time.Now()
		_, err = identity.Token(ctx, "api://vanish/.default")
		e := problem.From(err)
		if e == nil || e.Code != problem.NoIdentity || !strings.Contains(e.Message, "nothing answered at 169.254.169.254") || !strings.Contains(e.Hint, "choose another --credential") || time.Since(start) > 5*time.Second || asked != 1 {
			t.Errorf("%v after %s and %d requests", err, time.Since(start), asked)
		}
	})
	t.Run("the deadline is shorter", func(t *testing.T) {
		hanging := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hanging }))
		defer server.Close()
		defer close(hanging)
		e, took := managed(t, server.URL, 300*time.Millisecond, nil)
		if e == nil || e.Code != problem.DeadlineExceeded || took > 2*time.Second {
			t.Errorf("%v after %s", e, took)
		}
	})
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWhateverAnswersForAManagedIdentityIsToldApart(t *testing.T) {
	for name, c := range map[string]struct {
		status              int
		contentType, body   string
		header              string
		vars                map[string]string
		code, message, hint string
	}{
		"no such identity":       {400, "application/json", `{"error":"invalid_request","error_description":"Identity not found"}`, "", map[string]string{"AZURE_CLIENT_ID": "u"}, "invalid_request", "Identity not found", "az vm identity assign"},
		"no system identity":     {400, "application/json", `{"error":"invalid_request","error_description":"Identity not found"}`, "", nil, "invalid_request", "Identity not found", "no system-assigned identity"},
		"resource does not":      {400, "application/json", `{"error":"invalid_resource","error_description":"AADSTS500011: The resource principal named x was not found. Trace ID: 1"}`, "", nil, "AADSTS500011", "AADSTS500011: The resource principal named x was not found", "App ID URI"},
		"a page as success":      {200, "text/html", "<html>Welcome</html>", "", nil, problem.BadAnswer, "not JSON", "curl"},
		"a page as refusal":      {403, "text/html", "<html>blocked</html>", "", nil, problem.BadAnswer, "answered 403 with text/html", "something else answers at 169.254.169.254"},
		"GKE's metadata server":  {403, "text/plain", `GKE Metadata Server encountered an error: Missing required header "Metadata-Flavor": "Google"`, "", nil, problem.NoIdentity, "Google's metadata server", "azure-token-helper"},
		"Google by its header":   {404, "text/html", "<html></html>", "Google", nil, problem.NoIdentity, "Google's metadata server", "azure-token-helper"},
		"throttled for too long": {429, "application/json", `{"error":"too_many"}`, "", nil, "too_many", "answered 429", "3600 seconds"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.contentType)
				if c.status == http.StatusTooManyRequests {
					w.Header().Set("Retry-After", "3600")
				}
				if c.header != "" {
					w.Header().Set("Metadata-Flavor", c.header)
				}
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			defer server.Close()
			e, took := managed(t, server.URL, 10*time.Second, c.vars)
			if e == nil || e.Code != c.code || !strings.Contains(e.Message, c.message) || !strings.Contains(e.Hint, c.hint) || took > 5*time.Second {
				t.Errorf("%+v after %s", e, took)
			}
			if e != nil && (strings.Contains(e.Error(), "<html") || strings.Contains(e.Error(), "aka.ms") || strings.Contains(e.Error(), "\n")) {
				t.Errorf("not for people: %s", e)
			}
		})
	}
}

// MSAL's client falls over that one word, wherever it is asked through.
func TestAnAnswerOfNullIsNoToken(t *testing.T) {
	null := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("null"))
	})
	asked := func(t *testing.T, s Settings) {
		t.Helper()
		s.Credential, s.Lookup = "managed-identity", os.LookupEnv
		identity, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		_, err = identity.Token(t.Context(), "api://null/.default")
		if e := problem.From(err); e == nil || e.Code != problem.BadAnswer || !strings.Contains(e.Message, "answered 200 with application/json, not JSON") {
			t.Errorf("%+v", e)
		}
	}
	t.Run("a client of the caller's", func(t *testing.T) {
		asked(t, Settings{HTTP: &http.Client{Transport: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			null(w, r)
			return w.Result(), nil
		})}})
	})
	t.Run("Service Fabric", func(t *testing.T) {
		server := httptest.NewTLSServer(null)
		defer server.Close()
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		t.Setenv("IDENTITY_ENDPOINT", server.URL)
		t.Setenv("IDENTITY_HEADER", "secret")
		t.Setenv("IDENTITY_SERVER_THUMBPRINT", fmt.Sprintf("%X", sha1.Sum(server.Certificate().Raw)))
		asked(t, Settings{})
	})
}

// While the endpoint is being updated it answers 404; what is left of the deadline is spent on it, and no more.
func TestARepairedEndpointIsWaitedForAsLongAsTheDeadlineAllows(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusNotFound)
	}))
	defer server.Close()
	e, took := managed(t, server.URL, 4*time.Second, nil)
	if e == nil || !strings.Contains(e.Message, "answered 404") || took >= 4*time.Second || asked < 2 {
		t.Errorf("%v after %s and %d requests", e, took, asked)
	}
}

// pod is a pod whose token file can be written.
func pod(t *testing.T, clouds *fakecloud.Sandbox, content string) (*Identity, string, error) {
	t.Helper()
	cloud, err := entra.FindCloud("", clouds.Entra.URL)
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, filepath.Join(t.TempDir(), "pod.jwt"), content)
	identity, err := New(Settings{
		Credential: "workload-identity", TenantID: fakecloud.SandboxTenant, ClientID: fakecloud.SandboxApp, TokenFile: file, Cloud: cloud, HTTP: clouds.CA.Client(),
	})
	return identity, file, err
}

func TestThePodsTokenFile(t *testing.T) {
	clouds, err := fakecloud.StartSandbox(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer clouds.Close()
	projected := func(life time.Duration) string {
		raw, err := clouds.ProjectedToken(life)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	const scope = fakecloud.SandboxResource + "/.default"

	// A line break at the end would be refused (AADSTS50027).
	identity, file, err := pod(t, clouds, projected(time.Hour)+"\n")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := identity.Token(t.Context(), scope); err != nil {
		t.Error(err)
	}
	// The file is read again for each exchange: kubelet has stopped renewing it.
	write(t, file, projected(-time.Hour))
	_, err = identity.Token(t.Context(), scope)
	if e := problem.From(err); e == nil || e.Code != "AADSTS700024" || !strings.Contains(e.Hint, "the token in "+file+" ended at") || strings.Contains(e.Error(), "eyJ") {
		t.Errorf("%v", err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := identity.Token(t.Context(), scope); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), file) {
		t.Errorf("%v", err)
	}
	if _, unknown := identity.Inputs(); !strings.Contains(unknown, file) {
		t.Errorf("%q", unknown)
	}
	for content, want := range map[string]string{"": "is empty", " \n": "is empty", "ya29.canary-canary": "not a JSON Web Token"} {
		_, file, err := pod(t, clouds, content)
		if e := problem.From(err); e == nil || !e.Misuse || !strings.Contains(e.Message, want) || !strings.Contains(e.Message, file) || strings.Contains(e.Error(), "canary") {
			t.Errorf("%s: %v", strconv.Quote(content), err)
		}
	}
}

// kubelet writes a new directory, and lets the link ..data point there in one step.
func TestKubeletReplacesTheTokenUnderARunningProgram(t *testing.T) {
	clouds, err := fakecloud.StartSandbox(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer clouds.Close()
	volume := t.TempDir()
	project := func(version string, life time.Duration) {
		t.Helper()
		raw, err := clouds.ProjectedToken(life)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(volume, version, "azure-identity-token"), raw)
		next := filepath.Join(volume, "..data_tmp")
		if err := errors.Join(os.Symlink(version, next), os.Rename(next, filepath.Join(volume, "..data"))); err != nil {
			t.Skip(err)
		}
	}
	project("..1", -time.Hour)
	file := filepath.Join(volume, "azure-identity-token")
	if err := os.Symlink(filepath.Join("..data", "azure-identity-token"), file); err != nil {
		t.Fatal(err)
	}
	cloud, err := entra.FindCloud("", clouds.Entra.URL)
	if err != nil {
		t.Fatal(err)
	}
	identity, err := New(Settings{
		Credential: "workload-identity", TenantID: fakecloud.SandboxTenant, ClientID: fakecloud.SandboxApp, TokenFile: file, Cloud: cloud, HTTP: clouds.CA.Client(),
	})
	if err != nil {
		t.Fatal(err)
	}
	before, _ := identity.Inputs()
	const scope = fakecloud.SandboxResource + "/.default"
	if _, err := identity.Token(t.Context(), scope); problem.From(err) == nil || problem.From(err).Code != "AADSTS700024" {
		t.Errorf("%v", err)
	}
	project("..2", time.Hour)
	if err := os.RemoveAll(filepath.Join(volume, "..1")); err != nil {
		t.Fatal(err)
	}
	if _, err := identity.Token(t.Context(), scope); err != nil {
		t.Error(err)
	}
	if after, unknown := identity.Inputs(); unknown != "" || !slices.Equal(before, after) {
		t.Errorf("another token of the same account is another key: %v %v", before, after)
	}
}
