package azcli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/token"
)

func TestDocumentsAreThoseOfTheTools(t *testing.T) {
	const tenant, subscription = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
	held := token.Token{
		Value:     token.NewSecret("eyJ0eXAiOiJKV1QifQ.eyJzdWIiOiJzYW1wbGUifQ.c2lnbmF0dXJl"),
		ExpiresOn: time.Date(2026, 11, 23, 8, 0, 0, 123456789, time.UTC),
	}
	for file, got := range map[string][]byte{
		"get-access-token.json":        NewAccessToken(held, tenant, subscription, time.UTC).JSON(),
		"get-access-token-tenant.json": NewAccessToken(held, tenant, "", time.UTC).JSON(),
		"azd-auth-token.json":          DeveloperToken(held),
	} {
		want, err := os.ReadFile(filepath.Join("..", "..", "testdata", "azure-cli", file))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s\n got %s\nwant %s", file, got, want)
		}
	}
}

func TestExpiresOnIsLocalTime(t *testing.T) {
	east := time.FixedZone("east", 5*3600+1800)
	held := token.Token{ExpiresOn: time.Date(2026, 11, 23, 20, 0, 0, 0, time.UTC)}
	if got := NewAccessToken(held, "t", "", east).ExpiresOn; got != "2026-11-24 01:30:00.000000" {
		t.Error(got)
	}
}

// Phrases from the SDKs' own matching rules: an error that holds one is shown as "not logged in" instead.
func TestErrorsStayClearOfWhatSDKsTakeForLoggedOut(t *testing.T) {
	for _, phrase := range []string{"az login", "Please run AZ LOGIN now", "az account set", "azd auth login", "azd login", "az: command not found", "CLIInternalError", "'az' is not recognized"} {
		got := Error("AADSTS700016: no such application; " + phrase)
		if misleading().MatchString(got) || !strings.HasPrefix(got, "ERROR: AADSTS700016: no such application") {
			t.Errorf("%q became %q", phrase, got)
		}
	}
	if got := Error("two\nlines \x1b[2J"); got != `ERROR: two lines \x1b[2J` {
		t.Error(got)
	}
}
