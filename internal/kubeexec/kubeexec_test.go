package kubeexec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

func info(value string, set bool) func(string) (string, bool) {
	return func(name string) (string, bool) { return value, set && name == Variable }
}

func TestCredentialIsTheOneOnTheWire(t *testing.T) {
	now := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	held := token.Token{Value: token.NewSecret("eyJ0eXAiOiJKV1QifQ.eyJzdWIiOiJzYW1wbGUifQ.c2lnbmF0dXJl"), ExpiresOn: now.Add(time.Hour)}
	for file, asked := range map[string]string{
		"v1.json":      `{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":true,"cluster":{"server":"https://k"}}}`,
		"v1beta1.json": `{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","spec":{}}`,
	} {
		r, err := ReadRequest(info(asked, true))
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join("..", "..", "testdata", "kubectl", file))
		if err != nil {
			t.Fatal(err)
		}
		if got := Credential(r, held, now); string(got) != string(want) {
			t.Errorf("%s\n got %s\nwant %s", file, got, want)
		}
	}
}

func TestRunByHandAnswersV1Beta1(t *testing.T) {
	for _, lookup := range []func(string) (string, bool){info("", false), info(" ", true), info("{}", true)} {
		if r, err := ReadRequest(lookup); err != nil || r.APIVersion != V1Beta1 {
			t.Errorf("%+v %v", r, err)
		}
	}
}

func TestExecInfoThatCannotBeAnswered(t *testing.T) {
	for text, want := range map[string]string{
		`{"kind":`: "not an ExecCredential in JSON",
		`[]`:       "not an ExecCredential in JSON",
		`{"apiVersion":"client.authentication.k8s.io/v1alpha1","kind":"ExecCredential"}`: `"client.authentication.k8s.io/v1alpha1" is not supported`,
		`{"apiVersion":"client.authentication.k8s.io/v1","kind":"Pod"}`:                  `its kind is "Pod"`,
	} {
		_, err := ReadRequest(info(text, true))
		e := problem.From(err)
		if e == nil || !e.Misuse || !strings.HasPrefix(e.Message, "$KUBERNETES_EXEC_INFO: ") || !strings.Contains(e.Message, want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
