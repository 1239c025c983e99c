package fakecloud

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCommandLinesAreSplitAsAShellDoes(t *testing.T) {
	echo := func(inner string) (string, error) {
		if strings.HasPrefix(inner, "$") {
			return "<" + inner + ">", nil
		}
		if inner == "false" {
			return "", errors.New("it failed")
		}
		return "<" + inner + ">\n", nil
	}
	for line, want := range map[string][]string{
		`a  b	c`:                           {"a", "b", "c"},
		`a 'b c' "d e" f\ g`:               {"a", "b c", "d e", "f g"},
		`--x='{"a":"it'\''s"}'`:            {`--x={"a":"it's"}`},
		`"a \"b\" \$c \\ \d"`:              {`a "b" $c \ \d`},
		`a "$(b --query "[?x=='y'].z")" c`: {"a", `<b --query "[?x=='y'].z">`, "c"},
		`p/"$(n 'a)b')"/q`:                 {"p/<n 'a)b'>/q"},
		`--id "$APP" $OTHER/x`:             {"--id", "<$APP>", "<$OTHER>/x"},
		"a \\\n  b # a comment":            {"a", "b"},
		`'' ""`:                            {"", ""},
		`a#b`:                              {"a#b"},
	} {
		if got, err := Words(line, echo); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q %v", line, got, err)
		}
	}
	for _, line := range []string{`'a`, `"a`, `"$(a"`, `a | b`, `a; b`, "a `b`", `"$"`, `a > b`, `*`, `$(false)`} {
		if got, err := Words(line, echo); err == nil {
			t.Errorf("%s: %q", line, got)
		}
	}
}

func TestAnAdministratorMistypes(t *testing.T) {
	s, err := StartSandbox(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const provider = "gcloud iam workload-identity-pools providers update-oidc entra --workload-identity-pool=azure --location=global --project=sandbox-project "
	for line, want := range map[string]string{
		"":                        "there is no command",
		"rm -rf /":                "not a command of az or gcloud",
		"az ad app delete --id x": "not a command of az or gcloud",
		"az ad app federated-credential create --id " + SandboxApp:                                                                                                                                "--parameters: must be specified",
		"az ad app federated-credential create --id " + SandboxApp + " --params x":                                                                                                                "unrecognized argument --params",
		"az ad app federated-credential create --id " + SandboxApp + ` --parameters '{"name":"x","issuer":"i","subject":"s","audience":["a"]}'`:                                                   "unknown field",
		"az ad app federated-credential create --id " + SandboxApp + ` --parameters '{"name":"x","issuer":"i","subject":"s","audiences":[]}'`:                                                     "one audience",
		"az ad app federated-credential create --id nobody --parameters '{\"name\":\"x\",\"issuer\":\"i\",\"subject\":\"s\",\"audiences\":[\"a\"]}'":                                              "does not exist",
		"az ad app federated-credential create --id " + SandboxApp + ` --parameters '{"name":"x","issuer":"https://accounts.google.com","subject":"` + SandboxAccountID + `","audiences":["a"]}'`: "must be unique",
		"az ad app federated-credential update --id " + SandboxApp + ` --federated-credential-id nothing --parameters '{"issuer":"i","subject":"s","audiences":["a"]}'`:                           "no federated credential",
		"az ad app credential reset --id " + SandboxApp:                                                     "every other credential",
		provider + "--attribute-condition=true":                                                             "is not understood here",
		provider + "--allowed-audience=x":                                                                   "unrecognized argument --allowed-audience",
		provider + "--no-disabled=x":                                                                        "unrecognized argument",
		strings.Replace(provider, "global", "europe", 1):                                                    "pools are in global",
		strings.Replace(provider, "sandbox-project", "another", 1):                                          "project another is not known",
		strings.Replace(provider, "pool=azure", "pool=other", 1):                                            "NOT_FOUND",
		"gcloud iam service-accounts add-iam-policy-binding " + SandboxAccount + " --role=r --member=me":    "unknown type",
		"gcloud iam service-accounts add-iam-policy-binding nobody@x --role=r --member=user:me@example.com": "NOT_FOUND",
		"gcloud services enable --project=sandbox-project":                                                  "0 words where 1 are wanted",
		`az ad sp create --id "$APP_ID"`:                                                                    "$APP_ID is not set",
	} {
		if out, err := s.Run(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q %v, want %q", line, out, err, want)
		}
	}
}

func TestAConditionAdmitsWhatItSays(t *testing.T) {
	condition, err := parseCondition(`assertion.tid == 'it\'s' && assertion.oid == "x"`)
	if err != nil {
		t.Fatal(err)
	}
	for want, claims := range map[bool]map[string]any{true: {"tid": "it's", "oid": "x"}, false: {"tid": "it's", "oid": "y"}} {
		if condition(claims) != want {
			t.Errorf("%v", claims)
		}
	}
	if condition(map[string]any{"tid": "it's"}) {
		t.Error("a claim that is missing is admitted")
	}
}
