package entra

import (
	"fmt"
	"strings"

	"github.com/idferry/idferry/internal/token"
)

// Belongs returns a check that an access token was issued by the tenant and to the application, as far as it is a JWT
// that says so (tid, and appid or azp). Either may be empty; a tenant named by a domain is not compared. Nor is the
// audience ever: Entra answers some resources with their GUID.
// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
func Belongs(tenantID, clientID string) func(token.Secret) error {
	return func(value token.Secret) error {
		claims, err := value.Claims()
		if err != nil {
			return nil
		}
		for _, c := range []struct{ what, says, wanted string }{{"tenant", claims.TenantID, tenantID}, {"application", claims.AppID, clientID}} {
			if isGUID(c.wanted) && c.says != "" && !strings.EqualFold(c.says, c.wanted) {
				return fmt.Errorf("the token is of the %s %s, not of %s", c.what, oneLine(c.says), c.wanted)
			}
		}
		return nil
	}
}
