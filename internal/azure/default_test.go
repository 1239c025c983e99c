package azure

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/fakecloud"
	"github.com/idferry/idferry/internal/problem"
)

// A program that runs on is not to find another identity an hour later, nor to probe at each renewal.
func TestTheChainStaysWithWhoeverAnsweredFirst(t *testing.T) {
	clouds, err := fakecloud.StartSandbox(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer clouds.Close()
	t.Setenv("PATH", t.TempDir())
	vars := map[string]string{"AZURE_POD_IDENTITY_AUTHORITY_HOST": clouds.IMDS.URL, "HOME": t.TempDir()}
	cloud, err := entra.FindCloud("", clouds.Entra.URL)
	if err != nil {
		t.Fatal(err)
	}
	identity, err := New(Settings{Cloud: cloud, HTTP: clouds.CA.Client(), Lookup: environmentOf(vars)})
	if err != nil {
		t.Fatal(err)
	}
	const scope = fakecloud.SandboxResource + "/.default"
	for _, want := range []int{2, 3, 4} { // the probe and the token, then tokens
		if _, err := identity.Token(t.Context(), scope); err != nil {
			t.Fatal(err)
		}
		if asked := len(clouds.IMDS.Requests()); asked != want {
			t.Errorf("the endpoint was asked %d times, want %d", asked, want)
		}
	}
	vars["AZURE_TENANT_ID"], vars["AZURE_CLIENT_ID"], vars["AZURE_CLIENT_SECRET"] = fakecloud.SandboxTenant, fakecloud.SandboxApp, fakecloud.SandboxSecret
	if _, err := identity.Token(t.Context(), scope); err != nil || len(clouds.IMDS.Requests()) != 5 || len(clouds.Entra.Requests()) != 0 {
		t.Errorf("another identity of the chain was asked: %v", err)
	}
}

// What is configured and refused is what its owner has to hear of, rather than that az is not installed.
func TestARefusalEndsTheChain(t *testing.T) {
	clouds, err := fakecloud.StartSandbox(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer clouds.Close()
	cloud, err := entra.FindCloud("", clouds.Entra.URL)
	if err != nil {
		t.Fatal(err)
	}
	identity, err := New(Settings{Cloud: cloud, HTTP: clouds.CA.Client(), Lookup: environmentOf(map[string]string{
		"AZURE_POD_IDENTITY_AUTHORITY_HOST": clouds.IMDS.URL, "HOME": t.TempDir(),
		"AZURE_TENANT_ID": fakecloud.SandboxTenant, "AZURE_CLIENT_ID": fakecloud.SandboxApp, "AZURE_CLIENT_SECRET": "of last year",
	})})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := identity.Token(t.Context(), fakecloud.SandboxResource+"/.default"); problem.From(err).Code != "AADSTS7000215" || len(clouds.IMDS.Requests()) != 0 {
		t.Errorf("%v", err)
	}
}

func TestHowLongAnEndpointAsksToWait(t *testing.T) {
	for header, want := range map[string][2]time.Duration{
		"Retry-After: 7":            {7 * time.Second, 7 * time.Second},
		"Retry-After-Ms: 1500":      {1500 * time.Millisecond, 1500 * time.Millisecond},
		"X-Ms-Retry-After-Ms: 20":   {20 * time.Millisecond, 20 * time.Millisecond},
		"Retry-After: a while":      {0, 0},
		"Retry-After: " + aMinute(): {50 * time.Second, time.Minute},
		"Content-Type: text/plain":  {0, 0},
		"Retry-After: -1":           {0, 0},
		"Retry-After: 0":            {0, 0},
	} {
		w := httptest.NewRecorder()
		name, value, _ := strings.Cut(header, ": ")
		w.Header().Set(name, value)
		if got := retryAfter(w.Result()); got < want[0] || got > want[1] {
			t.Errorf("%s: %s", header, got)
		}
	}
	if retryAfter(nil) != 0 {
		t.Error("no answer asks for nothing")
	}
}

func aMinute() string { return time.Now().Add(time.Minute).UTC().Format(http.TimeFormat) }
