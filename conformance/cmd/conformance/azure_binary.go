package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

// binaryAsks runs the verbs as scripts do, in /bin with an empty HOME, no settings of the cache and a standard input
// that stays open. Standard error has to be empty on success: Java takes every line of it for the answer, and
// JavaScript looks for words in it.
func binaryAsks(ctx context.Context, shop *workshop, _ *machine) ([]ask, func(), error) {
	helper := filepath.Join(shop.programs, "azure-token-helper")
	about, err := shop.command(ctx, shop.dir, helper, "version").Output()
	if err != nil {
		return nil, nil, err
	}
	// It says "azure-token-helper VERSION (…)".
	words := append(strings.Fields(string(about)), "", "")
	id := regexp.QuoteMeta(subscription)
	asks := []ask{
		// The subscription is AZURE_SUBSCRIPTION_ID's, and goes where a tenant is named, as with the real az.
		{verb: "az account get-access-token -o json --resource " + storage, check: azToken(fakecloud.SandboxTenant, true)},
		{verb: "az account get-access-token -o=json --resource " + storage + " --subscription " + subscription, check: azToken(fakecloud.SandboxTenant, true)},
		{verb: "az account get-access-token --scope " + storage + "/.default --tenant " + fakecloud.SandboxOtherTenant, check: azToken(fakecloud.SandboxOtherTenant, false)},
		{verb: "az account get-access-token --resource " + storage + " --query accessToken -o tsv", check: bare(storage, `^(\S+)\n$`)},
		{verb: "az account get-access-token --resource " + storage + " --query accessToken", check: bare(storage, `^"(\S+)"\n$`)},
		{verb: "az account get-access-token -o none", check: prints(`^$`)},
		{verb: "az account show", check: prints(`"tenantId": "` + fakecloud.SandboxTenant + `"`)},
		{verb: "az account show --query id -o tsv", check: prints(`^` + id + `\n$`)},
		{verb: "az account list -o json", check: prints(`^\[\n  \{\n(?s:.*)"id": "` + id + `"`)},
		{verb: "az account set --subscription " + subscription, check: prints(`^$`)},
		{verb: "az version -o=json", check: prints(`"azure-cli": "2\.\d+\.\d+"`)},
		{verb: "az cloud show -o json", check: prints(`"resourceManager": "https://management\.azure\.com/?"`)},
		{verb: "az cloud list --query [?isActive].endpoints.resourceManager|[0] --output json", check: prints(`^"https://management\.azure\.com/"\n$`)},
		{verb: "azd auth token --output json --no-prompt --scope " + storage + "/.default", check: azdToken},
		{verb: "azure-token-helper get-token -o raw --resource " + storage, check: bare(storage, `^(\S+)\n?$`)},
		{verb: "azure-token-helper get-token -o header --resource " + storage, check: bare(storage, `^Authorization: Bearer (\S+)\n$`)},
		{verb: "azure-token-helper get-token -o env --resource " + storage, check: prints(`(?m)^export \w+=`)},
		{verb: "azure-token-helper get-token -o az --resource " + storage, check: azToken(fakecloud.SandboxTenant, false)},
		{verb: "azure-token-helper get-token -o azd --resource " + storage, check: azdToken},
		{verb: "azure-token-helper get-token --server-id " + fakecloud.AKSServer, check: bare(fakecloud.AKSServer, `"kind":\s*"ExecCredential"(?s:.*)"token":\s*"([^"]+)"`)},
		{verb: "azure-token-helper assertion", check: prints(`^[\w-]+\.[\w-]+\.[\w-]+\n?$`)},
		{verb: "az account get-access-token -o json --resource " + storage + " --tenant " + unknownTenant, check: complains("AADSTS90002", unknownTenant)},
		{verb: "azd auth token --output json --no-prompt --scope " + storage + "/.default --tenant-id " + unknownTenant, check: complains("AADSTS90002", unknownTenant)},
		{verb: "az account get-access-token -o json", hangs: true, check: within(9 * time.Second)},
		{verb: "az account get-access-token -o tsv --query accessToken", hangs: true, check: within(9 * time.Second)},
		{verb: "azd auth token --output json --no-prompt --scope " + storage + "/.default", hangs: true, check: within(9 * time.Second)},
	}
	for i := range asks {
		a := &asks[i]
		// env gives the empty HOME, and finds the names on PATH as a shell does.
		a.argv = append([]string{"env", "HOME="}, strings.Fields(a.verb)...)
		a.env = map[string]string{"AZURE_SUBSCRIPTION_ID": subscription, "IDFERRY_CACHE": "", "IDFERRY_CACHE_DIR": "", "IDFERRY_LOG": ""}
		a.plain, a.version = true, words[1]
		a.verb = shorter(a.verb)
		if a.hangs {
			a.verb += ", Entra hangs"
		}
	}
	return asks, func() {}, nil
}

// shorter leaves a table's row readable.
func shorter(line string) string {
	return strings.NewReplacer(
		" --output json --no-prompt", "", "account get-access-token", "get-access-token", "azure-token-helper ", "", "[?isActive].endpoints.resourceManager|[0] --output json", "'[?isActive]…'",
		" --resource "+storage, "", " --scope "+storage+"/.default", "", subscription, "SUBSCRIPTION",
		fakecloud.SandboxOtherTenant, "OTHER-TENANT", unknownTenant, "UNKNOWN-TENANT", fakecloud.AKSServer, "AKS",
	).Replace(line)
}

// silent wants success without a word on standard error.
func silent(a answer) error {
	if !a.OK {
		return errors.New(a.Error)
	}
	if a.Diagnostics != "" {
		return fmt.Errorf("standard error is not empty: %q", a.Diagnostics)
	}
	return nil
}

func prints(pattern string) func(*machine, answer) error {
	return func(_ *machine, a answer) error {
		if err := silent(a); err != nil {
			return err
		}
		if !regexp.MustCompile(pattern).MatchString(a.Output) {
			return fmt.Errorf("no %s in %q", pattern, hide([]byte(a.Output)))
		}
		return nil
	}
}

// bare finds the token in the output.
func bare(audience, pattern string) func(*machine, answer) error {
	return func(m *machine, a answer) error {
		if err := prints(pattern)(m, a); err != nil {
			return err
		}
		a.Token = regexp.MustCompile(pattern).FindStringSubmatch(a.Output)[1]
		claims, err := m.verify(a.Token)
		if err == nil && (claims["aud"] != audience || claims["tid"] != fakecloud.SandboxTenant) {
			err = fmt.Errorf("its token is for %v of %v", claims["aud"], claims["tid"])
		}
		return err
	}
}

// azToken wants what the Azure CLI prints: sorted keys, two spaces, a fraction of six digits in local time, and an integer.
func azToken(tenant string, withSubscription bool) func(*machine, answer) error {
	return func(m *machine, a answer) error {
		if err := silent(a); err != nil {
			return err
		}
		var got struct {
			AccessToken  string `json:"accessToken"`
			Local        string `json:"expiresOn"`
			Unix         int64  `json:"expires_on"`
			Subscription string `json:"subscription"`
			Tenant       string `json:"tenant"`
			TokenType    string `json:"tokenType"`
		}
		if err := json.Unmarshal([]byte(a.Output), &got); err != nil {
			return err
		}
		keys := []string{"accessToken", "expiresOn", "expires_on", "tenant", "tokenType"}
		if withSubscription {
			keys = slices.Insert(keys, 3, "subscription")
		}
		var found []string
		for _, line := range regexp.MustCompile(`(?m)^  "(\w+)": `).FindAllStringSubmatch(a.Output, -1) {
			found = append(found, line[1])
		}
		if !slices.Equal(found, keys) || got.TokenType != "Bearer" || got.Tenant != tenant || (withSubscription && got.Subscription != subscription) {
			return fmt.Errorf("not what az prints, whose keys are %q: %s", keys, hide([]byte(a.Output)))
		}
		newYork, err := time.LoadLocation("America/New_York")
		if err != nil {
			return err
		}
		if local := time.Unix(got.Unix, 0).In(newYork).Format("2006-01-02 15:04:05.000000"); local != got.Local {
			return fmt.Errorf("expiresOn is %q, and expires_on %d, which is %q in TZ", got.Local, got.Unix, local)
		}
		a.Token, a.ExpiresOn = got.AccessToken, got.Unix
		return issued(tenant, storage)(m, a)
	}
}

// azdToken wants what azd prints: whole seconds and Z, the only form that every SDK takes.
func azdToken(m *machine, a answer) error {
	if err := silent(a); err != nil {
		return err
	}
	var got struct {
		Token     string `json:"token"`
		ExpiresOn string `json:"expiresOn"`
	}
	if err := json.Unmarshal([]byte(a.Output), &got); err != nil {
		return err
	}
	expires, err := time.Parse("2006-01-02T15:04:05Z", got.ExpiresOn)
	if err != nil {
		return err
	}
	a.Token, a.ExpiresOn = got.Token, expires.Unix()
	return issued(fakecloud.SandboxTenant, storage)(m, a)
}

// misread are the words that SDKs take for "az is not there" or "nobody is logged in" and then hide our sentence.
var misread = regexp.MustCompile(`az login|az account set|azd? *:.*not found|'azd?' is not recognized|CLIInternalError|azd auth login|multi-factor|reauthentication required`)

// complains wants nothing on standard output, and an error without the words that SDKs misread.
func complains(parts ...string) func(*machine, answer) error {
	return func(_ *machine, a answer) error {
		if a.OK {
			return errors.New("a token, where it was to be refused")
		}
		if a.Output != "" {
			return fmt.Errorf("it failed with %q on standard output", hide([]byte(a.Output)))
		}
		if word := misread.FindString(a.Diagnostics); word != "" {
			return fmt.Errorf("SDKs misread %q in its error:\n%s", word, a.Diagnostics)
		}
		return saysAll(a.Diagnostics, parts...)
	}
}

// within wants the error of our own deadline before limit is over, the start of the process included.
func within(limit time.Duration) func(*machine, answer) error {
	return func(m *machine, a answer) error {
		if late := time.Duration(a.MS)*time.Millisecond - limit; late > 0 {
			return fmt.Errorf("its error came %s late", late)
		}
		return complains("deadline_exceeded", "no answer within ")(m, a)
	}
}
