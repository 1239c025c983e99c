package doctor

import (
	"strings"
	"time"

	"github.com/idferry/idferry/internal/token"
)

// Claims shows what a token says of itself. An opaque one says nothing.
func (h *Hop) Claims(t token.Token, now time.Time) (token.Claims, bool) {
	claims, err := t.Value.Claims()
	if err != nil {
		h.Add("exp", In(t.ExpiresOn, now))
		return claims, false
	}
	// Google's tokens have only the newer name, and no object id.
	app := "appid"
	if claims.ObjectID == "" {
		app = "azp"
	}
	for _, c := range []Field{
		{"iss", claims.Issuer}, {"sub", claims.Subject}, {"aud", strings.Join(claims.Audience, ", ")}, {"tid", claims.TenantID},
		{"oid", claims.ObjectID}, {app, claims.AppID}, {"email", claims.Email}, {"ver", claims.Version}, {"exp", In(claims.Expiry, now)},
	} {
		h.Add(c.Name, oneLine(c.Value))
	}
	return claims, true
}
