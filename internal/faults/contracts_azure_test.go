package faults

import (
	"fmt"
	"regexp"

	"github.com/idferry/idferry/internal/fakecloud"
)

// verb is a contract of azure-token-helper whose failures are told to persons.
func verb(name string, read func(stdout []byte) (string, error), args ...string) contract {
	return contract{
		name: name, program: helper, as: helper, args: func(hop) []string { return args },
		read: func(_ *machine, r result) (outcome, error) { return readVerb(r, read, told) },
	}
}

func getToken(format string, read func([]byte) (string, error)) contract {
	return verb("get-token -o "+format, read, "get-token", "-o", format, "--resource", storage)
}

func raw() contract { return getToken("raw", oneLine("", "")) }

func header() contract { return getToken("header", oneLine("Authorization: Bearer ", "")) }

func env() contract {
	return getToken("env", func(stdout []byte) (string, error) {
		m := regexp.MustCompile(`\Aexport AZURE_ACCESS_TOKEN='([^'\n]+)'\nexport AZURE_ACCESS_TOKEN_EXPIRES_ON=[0-9]+\n\z`).FindSubmatch(stdout)
		if m == nil {
			return "", fmt.Errorf("not two export lines: %q", stdout)
		}
		return string(m[1]), nil
	})
}

// execCredential is client-go's contract.
func execCredential() contract {
	c := verb("ExecCredential", func(stdout []byte) (string, error) {
		var credential struct {
			Kind       string `json:"kind"`
			APIVersion string `json:"apiVersion"`
			Spec       struct {
				Interactive bool `json:"interactive"`
			} `json:"spec"`
			Status struct {
				ExpirationTimestamp string `json:"expirationTimestamp"`
				Token               string `json:"token"`
			} `json:"status"`
		}
		if err := oneDocument(stdout, &credential); err != nil {
			return "", err
		}
		if credential.Kind != "ExecCredential" || credential.APIVersion != "client.authentication.k8s.io/v1" || credential.Status.ExpirationTimestamp == "" {
			return "", fmt.Errorf("not an ExecCredential: %+v", credential)
		}
		return credential.Status.Token, nil
	}, "get-token", "--server-id", fakecloud.AKSServer)
	c.prepare = func(m *machine) {
		m.set(`KUBERNETES_EXEC_INFO={"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":false}}`)
	}
	return c
}

// tool is the Azure CLI's contract by a verb of our own, cli the stand-in under the name az.
func tool() contract { return getToken("az", readCLI) }

func cli() contract {
	c := verb("az account get-access-token", readCLI, "account", "get-access-token", "--output", "json", "--resource", storage)
	c.as = "az"
	c.read = func(_ *machine, r result) (outcome, error) {
		return readVerb(r, readCLI, func(stderr []byte) (string, error) { return oneLine("ERROR: ", "")(stderr) })
	}
	return c
}

func readCLI(stdout []byte) (string, error) {
	var answer struct {
		AccessToken  string `json:"accessToken"`
		ExpiresOn    string `json:"expiresOn"`
		ExpiresOnSec int64  `json:"expires_on"`
		Subscription string `json:"subscription"`
		Tenant       string `json:"tenant"`
		TokenType    string `json:"tokenType"`
	}
	if err := oneDocument(stdout, &answer); err != nil {
		return "", err
	}
	if answer.ExpiresOn == "" || answer.ExpiresOnSec == 0 || answer.Tenant == "" || answer.TokenType != "Bearer" {
		return "", fmt.Errorf("not az's answer: %s", stdout)
	}
	return answer.AccessToken, nil
}

// developerTool is the Azure Developer CLI's contract by a verb of our own, developer the stand-in under the name azd.
func developerTool() contract { return getToken("azd", readDeveloper) }

func developer() contract {
	c := verb("azd auth token", readDeveloper, "auth", "token", "--output", "json", "--no-prompt", "--scope", storage+"/.default")
	c.as = "azd"
	c.read = func(_ *machine, r result) (outcome, error) {
		return readVerb(r, readDeveloper, func(stderr []byte) (string, error) {
			var failure struct {
				Error      string `json:"error"`
				Message    string `json:"message"`
				Suggestion string `json:"suggestion"`
			}
			if err := oneDocument(stderr, &failure); err != nil {
				return "", err
			}
			if failure.Error == "" || failure.Error != failure.Message {
				return "", fmt.Errorf("not azd's failure: %q", stderr)
			}
			return failure.Error, nil
		})
	}
	return c
}

func readDeveloper(stdout []byte) (string, error) {
	var answer struct {
		Token     string `json:"token"`
		ExpiresOn string `json:"expiresOn"`
	}
	if err := oneDocument(stdout, &answer); err != nil {
		return "", err
	}
	if answer.ExpiresOn == "" {
		return "", fmt.Errorf("not azd's answer: %s", stdout)
	}
	return answer.Token, nil
}
