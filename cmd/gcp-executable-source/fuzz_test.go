package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/externalaccount"
	"github.com/idferry/idferry/internal/fuzzing"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// Whatever an administrator hands over as a provider, it is one, or it is said that it is none; what differs is shown letter by letter.
func FuzzTrustedProvider(f *testing.F) {
	for _, text := range []string{"", "{}", "null", "[]", `{"name":"n","oidc":{"issuerUri":"https://sts.windows.net/t/","allowedAudiences":["a"]},"attributeMapping":{"google.subject":"assertion.oid"},"attributeCondition":"assertion.tid == 't'","state":"ACTIVE"}`, `{"oidc":{"issuerUri":"\u001b[2J"},"disabled":true}`, `{"oidc":{"issuerUri":1}}`} {
		f.Add([]byte(text), "https://sts.windows.net/t/", "a", "The audience in ID Token [x] does not match the expected audience.")
		f.Add([]byte(text), "\u202e", "\x1b[2J", "does not match the expected ones: a b")
	}
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, content []byte, issuer, audience, said string) {
		path := filepath.Join(t.TempDir(), "provider.json")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := readProvider(path)
		if err != nil {
			judge.Refused(t, err)
			p = nil
		}
		w := &walk{examination: &examination{identity: &source{}}, file: &externalaccount.Loaded{Audience: "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/provider"}, provider: p}
		claims := token.Claims{Issuer: issuer, Subject: "s", Audience: []string{audience}, ObjectID: "o", TenantID: "t"}
		for _, d := range w.differences(problem.New("unauthorized_client", "%s", said), claims) {
			judge.Shown(t, d.Field+" "+d.Presented+" "+d.Expected+" "+d.Why)
		}
		_ = w.member(claims)
	})
}

// Whatever a command in somebody's file says behind this program's name, it is understood as the program would, or said what is wrong.
func FuzzCommandArguments(f *testing.F) {
	for _, args := range []string{"", "--resource api://app", "--resource=api://app --output-file /run/o --timeout 25s", "--timeout -1s", "--timeout 9999999h", "--bogus", "config", "-", "--", "--resource", "--help", "--credential managed-identity --client-id x", "--\x1b[2J", "--timeout=1e9"} {
		f.Add(args)
	}
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, command string) {
		c := newSettings(cli.Process{Name: "gcp-executable-source", Lookup: func(string) (string, bool) { return "", false }, Now: time.Now, Environ: func() []string { return nil }})
		h, err := c.understand(strings.Fields(command))
		if err != nil {
			judge.Shown(t, err.Error())
			return
		}
		if h.Deadline <= 0 || h.OutputFile != "" && !strings.Contains(command, h.OutputFile) || h.Resource && !strings.Contains(command, "--") {
			t.Errorf("%q: %+v", command, h)
		}
	})
}
