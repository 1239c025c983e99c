package federation

import (
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// A remembered token costs a look: its string is the only thing that is handed over.
func TestARememberedTokenAllocatesNothing(t *testing.T) {
	s := sandbox(t)
	c := newAzure(t, s, AzureCredentialOptions{})
	for name, o := range map[string]policy.TokenRequestOptions{
		"one scope":                   {Scopes: []string{storage}},
		"a tenant, named by a caller": {Scopes: []string{storage}, TenantID: strings.ToUpper(c.way.TenantID)},
	} {
		if _, err := c.GetToken(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { _, _ = c.GetToken(t.Context(), o) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkRememberedToken(b *testing.B) {
	s := sandbox(b)
	c := newAzure(b, s, AzureCredentialOptions{})
	o := policy.TokenRequestOptions{Scopes: []string{storage}}
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.GetToken(ctx, o); err != nil {
			b.Fatal(err)
		}
	}
}
