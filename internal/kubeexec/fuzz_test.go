package kubeexec

import (
	"os"
	"path/filepath"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/idferry/idferry/internal/fuzzing"
	"github.com/idferry/idferry/internal/token"
)

// Whatever is in KUBERNETES_EXEC_INFO is refused in a sentence, or answered with one document that says the same of itself.
func FuzzExecInfo(f *testing.F) {
	for _, name := range []string{"v1.json", "v1beta1.json"} {
		answer, err := os.ReadFile(filepath.Join("..", "..", "testdata", "kubectl", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(answer), fuzzing.Token)
	}
	for _, info := range []string{
		"", " \n", "null", "[]", "{", `{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":true}}`,
		`{"apiVersion":"client.authentication.k8s.io/v1alpha1"}`, `{"kind":"Pod"}`, "{\"kind\":\"\\u001b[2J\\u202e\"}", `{"spec":{"interactive":"yes"}}`,
		`{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"cluster":{"server":"https://c","certificate-authority-data":"eA==","config":{"a":[1]}},"interactive":false}}`,
		`{"KIND":"ExecCredential","kind":"","apiVersion":"client.authentication.k8s.io/v1"}{}`,
	} {
		f.Add(info, "t\x00\u2028<&>\"\\")
	}
	now := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, info, value string) {
		set := func(info string) func(string) (string, bool) {
			return func(name string) (string, bool) { return info, name == Variable }
		}
		r, err := ReadRequest(set(info))
		if err != nil {
			judge.Refused(t, err)
			return
		}
		if r.APIVersion != V1 && r.APIVersion != V1Beta1 {
			t.Fatalf("to be answered in %q", r.APIVersion)
		}
		raw := Credential(r, token.Token{Value: token.NewSecret(value), ExpiresOn: now.Add(time.Hour)}, now)
		var c credential
		fuzzing.Document(t, raw, &c)
		if c.Kind != kind || c.APIVersion != r.APIVersion || c.Spec.Interactive != r.Interactive || utf8.ValidString(value) && c.Status.Token != value {
			t.Errorf("%+v answers %+v", c, r)
		}
		// An answer is an ExecCredential too.
		if again, err := ReadRequest(set(string(raw))); err != nil || again != r {
			t.Errorf("%+v %v, want %+v", again, err, r)
		}
	})
}
