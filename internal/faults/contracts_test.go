package faults

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// contract is a form in which a program is asked for a token and answers.
type contract struct {
	name string
	// program is the binary, and as the name it is started under.
	program, as string
	// args are its arguments; prepare sets what a caller of this contract sets.
	args func(h hop) []string
	// atPath are arguments in their place that name a file of the machine.
	atPath  func(m *machine) []string
	prepare func(m *machine)
	// untimed is set where the program takes no deadline.
	untimed bool
	// asksAnew is set where nothing is remembered, neither a token nor a failure.
	asksAnew bool
	// silent is set where there is no token on stdout, and holds are the files that have it by the contract.
	silent bool
	holds  func(m *machine) []string
	// read makes an outcome of what the program left, or says what is wrong with its form.
	read func(m *machine, r result) (outcome, error)
}

// result is what a program left behind when it ended.
type result struct {
	stdout, stderr []byte
	code           int
}

// outcome is a token, or the error in its place: problem is its code, as far as the contract has a field for it, and said all that
// a reader sees. Who examines the way has no token to show, and is well or not.
type outcome struct {
	well                 bool
	token, problem, said string
}

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
	c.holds = func(m *machine) []string { return []string{m.outputFile()} }
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
	return outcome{response.Success, response.IDToken, response.Code, response.Message}, nil
}

// readVerb reads what has either a token on stdout and an empty stderr, or nothing on stdout and an error on stderr.
func readVerb(r result, success, failure func([]byte) (string, error)) (outcome, error) {
	if r.code == 0 {
		if len(r.stderr) > 0 {
			return outcome{}, fmt.Errorf("beside a token, on stderr: %q", r.stderr)
		}
		value, err := success(r.stdout)
		return outcome{well: true, token: value}, err
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
