package entra

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/idferry/idferry/internal/token"
)

func TestATokenOfAnotherTenantOrApplicationIsTold(t *testing.T) {
	const tenant, other, app = "11111111-aaaa-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222", "33333333-3333-3333-3333-333333333333"
	jwt := func(claims string) token.Secret {
		return token.NewSecret("eyJhbGciOiJSUzI1NiJ9." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln")
	}
	for _, c := range []struct {
		name           string
		token          token.Secret
		tenant, client string
		want           string
	}{
		{"its own, in other letters", jwt(`{"tid":"` + strings.ToUpper(tenant) + `","appid":"` + app + `"}`), tenant, app, ""},
		{"another tenant's", jwt(`{"tid":"` + other + `","appid":"` + app + `"}`), tenant, app, "of the tenant " + other + ", not of " + tenant},
		{"another application's, version 1", jwt(`{"tid":"` + tenant + `","appid":"` + other + `"}`), tenant, app, "of the application " + other},
		{"another application's, version 2", jwt(`{"tid":"` + tenant + `","azp":"` + other + `"}`), tenant, app, "of the application " + other},
		{"a tenant known by its domain", jwt(`{"tid":"` + other + `"}`), "contoso.onmicrosoft.com", app, ""},
		{"nothing asked for", jwt(`{"tid":"` + other + `","appid":"` + other + `"}`), "", "", ""},
		{"a JWT that does not say", jwt(`{"sub":"x"}`), tenant, app, ""},
		{"not a JWT", token.NewSecret("EwBwA8l6BAAU"), tenant, app, ""},
	} {
		err := Belongs(c.tenant, c.client)(c.token)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
