package fakecloud

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2/google/externalaccount"
)

func TestARecordOfRequestsHasNoToken(t *testing.T) {
	g, e := trusting(t)
	g.Bind(federated, RoleWorkloadIdentityUser, robot)
	subject := signed(t, e.key, e.claims(g.clock.now()))
	config := g.external(t, subject)
	config.ServiceAccountImpersonationURL = g.ImpersonationURL(robot)
	source, err := externalaccount.NewTokenSource(g.ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	token, err := source.Token()
	if err != nil {
		t.Fatal(err)
	}
	sent := g.Exchanges()
	if len(sent) != 2 {
		t.Fatalf("%d exchanges", len(sent))
	}
	sts, iam := sent[0], sent[1]
	if sts.Path != "/v1/token" || !slices.Contains(sts.Form, "subject_token=…") || sts.Authorization != "" ||
		!slices.Contains(sts.Form, "subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt") {
		t.Errorf("%+v", sts)
	}
	if !strings.HasSuffix(iam.Path, robot+":generateAccessToken") || iam.Authorization != "Bearer" || !strings.Contains(iam.Body, "lifetime") {
		t.Errorf("%+v", iam)
	}
	if all := fmt.Sprint(sent); strings.Contains(all, "eyJ") || strings.Contains(all, "ya29.") {
		t.Error("a token is in the record")
	}
	if principal, _, known := g.Principal(token.AccessToken); !known || principal != "serviceAccount:"+robot {
		t.Errorf("the token is one of %q, known: %t", principal, known)
	}
	g.clock.advance(time.Hour)
	if _, _, known := g.Principal(token.AccessToken); known {
		t.Error("it is still known after its end")
	}
}
