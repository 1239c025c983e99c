package faults

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/idferry/idferry/internal/fakecloud"
)

// contract is a form in which a program is asked for a token and answers.
type contract struct {
	name string
	// program is the binary, and as the name it is started under.
	program, as string
	// args are its arguments; prepare sets what a caller of this contract sets.
	args    func(h hop) []string
	prepare func(m *machine)
	// read makes an outcome of what the program left, or says what is wrong with its form.
	read func(m *machine, r result) (outcome, error)
}

// result is what a program left behind when it ended.
type result struct {
	stdout, stderr []byte
	code           int
}

// outcome is a token, or the error in its place: code is the error's, as far as the contract has a field for it, and said
// all that a reader sees.
type outcome struct{ token, problem, said string }

const (
	helper = "azure-token-helper"
	source = "gcp-executable-source"
)

// executable is Google's contract (AIP-4117) without an output file.
func executable() contract {
	return contract{
		name: "AIP-4117", program: source, as: source,
		args: func(h hop) []string { return []string{"--resource", h.resource} },
		prepare: func(m *machine) {
			m.set("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1", "GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE=//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/a/providers/b",
				"GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE=urn:ietf:params:oauth:token-type:jwt", "GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE=0")
		},
		read: func(_ *machine, r result) (outcome, error) { return readResponse(r) },
	}
}

// executableWithFile is the same with an output file, which holds the document of a success and nothing else.
func executableWithFile() contract {
	c := executable()
	c.name = "AIP-4117, output file"
	prepare := c.prepare
	c.prepare = func(m *machine) {
		prepare(m)
		m.set("GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE=" + m.outputFile())
	}
	c.read = func(m *machine, r result) (outcome, error) {
		o, err := readResponse(r)
		if err != nil {
			return o, err
		}
		held, err := os.ReadFile(m.outputFile())
		switch {
		case o.token == "" && !errors.Is(err, os.ErrNotExist):
			return o, fmt.Errorf("a failure left the output file %q, %v", held, err)
		case o.token != "" && (err != nil || !bytes.Equal(held, r.stdout)):
			return o, fmt.Errorf("the output file holds %q, %v", held, err)
		}
		return o, nil
	}
	return c
}

func readResponse(r result) (outcome, error) {
	if r.code != 0 || len(r.stderr) > 0 {
		return outcome{}, fmt.Errorf("exit code %d, on stderr %q", r.code, r.stderr)
	}
	var response struct {
		Version        int    `json:"version"`
		Success        bool   `json:"success"`
		TokenType      string `json:"token_type"`
		ExpirationTime int64  `json:"expiration_time"`
		IDToken        string `json:"id_token"`
		Code           string `json:"code"`
		Message        string `json:"message"`
	}
	if err := oneDocument(r.stdout, &response); err != nil {
		return outcome{}, err
	}
	good := response.IDToken != "" && response.ExpirationTime > 0 && response.Code+response.Message == ""
	bad := response.IDToken == "" && response.ExpirationTime == 0 && response.Code != "" && response.Message != ""
	if response.Version != 1 || response.TokenType != "urn:ietf:params:oauth:token-type:jwt" || (response.Success && !good) || (!response.Success && !bad) {
		return outcome{}, fmt.Errorf("not a response of AIP-4117: %+v", response)
	}
	return outcome{response.IDToken, response.Code, response.Message}, nil
}

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

// readVerb reads what has either a token on stdout and an empty stderr, or nothing on stdout and an error on stderr.
func readVerb(r result, success, failure func([]byte) (string, error)) (outcome, error) {
	if r.code == 0 {
		if len(r.stderr) > 0 {
			return outcome{}, fmt.Errorf("beside a token, on stderr: %q", r.stderr)
		}
		value, err := success(r.stdout)
		return outcome{token: value}, err
	}
	if r.code != 1 || len(r.stdout) > 0 {
		return outcome{}, fmt.Errorf("exit code %d with stdout %q, stderr %q", r.code, r.stdout, r.stderr)
	}
	said, err := failure(r.stderr)
	return outcome{said: said}, err
}

// told reads how a verb of our own tells a person of an error: the sentence, and on a second line what to do.
func told(stderr []byte) (string, error) {
	lines := strings.Split(strings.TrimSuffix(string(stderr), "\n"), "\n")
	if len(lines) > 2 {
		return "", fmt.Errorf("more than a sentence and a hint: %q", stderr)
	}
	for i, line := range lines {
		bare, ok := strings.CutPrefix(line, helper+": ")
		if !ok || bare == "" {
			return "", fmt.Errorf("not said by %s: %q", helper, line)
		}
		lines[i] = bare
	}
	return strings.Join(lines, "; "), nil
}

// oneLine reads what is between two texts on the only line.
func oneLine(before, after string) func([]byte) (string, error) {
	return func(out []byte) (string, error) {
		line, ended := strings.CutSuffix(string(out), after+"\n")
		value, begun := strings.CutPrefix(line, before)
		if !ended || !begun || value == "" || strings.Contains(value, "\n") {
			return "", fmt.Errorf("not one line of %q: %q", before, out)
		}
		return value, nil
	}
}

// oneDocument reads exactly one JSON document, with no field that is not expected.
func oneDocument(out []byte, to any) error {
	dec := json.NewDecoder(bytes.NewReader(out))
	dec.DisallowUnknownFields()
	if err := dec.Decode(to); err != nil {
		return fmt.Errorf("%w: %q", err, out)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("something after the document: %q", out)
	}
	return nil
}

// is reports whether the error is the one of that code, and says something.
func (o outcome) is(code string) bool {
	if o.problem != "" {
		return o.problem == code && len(o.said) > run12
	}
	return strings.Contains(o.said, code)
}
