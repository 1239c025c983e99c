package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

const (
	platformScope = "https://www.googleapis.com/auth/cloud-platform"
	federated     = "principal://iam.googleapis.com/projects/123456789/locations/global/workloadIdentityPools/azure/subject/" + fakecloud.SandboxSystemOID
	asAccount     = "serviceAccount:" + fakecloud.SandboxAccount
	// nowhere refuses connections.
	nowhere = "http://127.0.0.1:9"
)

// googleCase is one thing that is asked of every client.
type googleCase struct {
	verb string
	// flags are config's, beside the audience.
	flags []string
	env   map[string]string
	// args follow the client's command line; FILE stands for the external_account file.
	args []string
	// output is what the output file holds before; the file is configured where it is not nil.
	output *string
	// before changes what the clouds do; the function that it returns undoes that.
	before func(m *azureMachine) func()
	// outage means that Entra ID is down.
	outage bool
	// again means that another process is asked the same afterwards, with the same cache and output file.
	again bool
	// asked is how often the identity endpoint is asked in all.
	asked int
	// exchanges is how many the Security Token Service may be asked for; zero is any number.
	exchanges int
	check     func(m *azureMachine, a answer) error
}

func googleCases(c googleClient) []googleCase {
	identity := []string{"--credential", "managed-identity"}
	trusted := append(identity[:2:2], "--resource", fakecloud.SandboxResource)
	account := append(trusted[:4:4], "--service-account", fakecloud.SandboxAccount)
	token := []string{"token", "FILE", platformScope}
	if c.servicesOnly {
		return serviceCases(c, account)
	}
	text := func(s string) *string { return &s }
	torn, tornAsked := gives(federated), 1
	if c.refusesTorn {
		torn, tornAsked = showsNoToken, 0
	}
	cases := []googleCase{
		{verb: "first token", flags: trusted, args: token, asked: 1, check: gives(federated)},
		{verb: "another process, from the cache", flags: trusted, args: token, again: true, asked: 1, check: gives(federated)},
		{verb: "as a service account", flags: append(account[:6:6], "--token-lifetime", "30m"), args: token, asked: 1, check: gives(asAccount)},
		{verb: "two tokens", flags: trusted, args: []string{"twice", "FILE", platformScope}, asked: 1, check: gives(federated)},
		{verb: "five at once", flags: trusted, args: []string{"parallel", "FILE", platformScope, "5"}, asked: 1, check: gives(federated)},
		{verb: "five at once, as a service account", flags: account, args: []string{"parallel", "FILE", platformScope, "5"}, asked: 1, check: gives(asAccount)},
		{verb: "credential that is misspelt", flags: trusted[2:4:4], args: token, env: map[string]string{"IDFERRY_CREDENTIAL": "managed"}, check: shows("bad_input", "managed-identity")},
		{verb: "no setting but the provider", flags: identity, args: token, asked: 1, check: shows("does not match the expected audience")},
		{verb: "audience that Google does not take", flags: append(identity[:2:2], "--resource", "https://storage.azure.com"), args: token, asked: 1, check: shows("does not match the expected audience")},
		{verb: "resource that Entra does not know", flags: append(identity[:2:2], "--resource", "api://nobody"), args: token, asked: 1, check: shows("AADSTS500011", "api://nobody")},
		{verb: "no Azure identity", flags: trusted, args: token, env: map[string]string{"AZURE_POD_IDENTITY_AUTHORITY_HOST": nowhere}, check: shows("no_identity", "managed identity: nothing answered")},
		{verb: "token that has expired", flags: trusted, args: token, before: issuing(-time.Minute), asked: 1, check: shows("expired_token", "this machine's clock shows")},
		{verb: "Entra is down", flags: []string{"--credential", "environment", "--resource", fakecloud.SandboxResource}, args: token, env: secret(), outage: true, check: shows("AADSTS90033", "entra id refused")},
		{verb: "own deadline", flags: append(trusted[:4:4], "--timeout", "1s"), args: token, before: hanging, asked: 1, check: shows("deadline_exceeded", "within 1s")},
		{verb: "output file, fresh", flags: append(trusted[:4:4], "--cache", "off"), args: token, output: text(""), again: true, asked: 1, check: gives(federated)},
		{verb: "output file, stale", flags: trusted, args: token, output: text(`{"version":1,"success":true,"token_type":"urn:ietf:params:oauth:token-type:jwt","expiration_time":1700000000,"id_token":"stale"}`), asked: 1, check: gives(federated)},
		{verb: "output file, torn", flags: trusted, args: token, output: text(`{"version":1,"success":true,"token_type":"urn:iet`), asked: tornAsked, check: torn},
		{verb: "output file of a failure", flags: trusted, args: token, output: text(`{"version":1,"success":false,"code":"x","message":"y"}`), asked: 1, check: gives(federated)},
		// Node.js gives a token up five minutes before its end, Python nearly four: with less it would be asked for at each call.
		{verb: "three calls, with eleven minutes left", flags: trusted, args: []string{"calls", "FILE", platformScope}, before: issuing(11 * time.Minute), asked: 1, exchanges: 1, check: gives(federated)},
		{verb: "file-sourced", flags: append(trusted[:4:4], "--source", "file"), args: token, asked: 1, check: gives(federated)},
	}
	if c.processes {
		// Each of its tokens is a process's: there is no object to ask twice.
		cases = slices.DeleteFunc(cases, func(g googleCase) bool { return g.args[0] == "twice" || g.args[0] == "calls" })
	}
	return append(cases, serviceCases(c, account)...)
}

func serviceCases(c googleClient, flags []string) []googleCase {
	var cases []googleCase
	for _, s := range c.services {
		name := map[string]string{"bigquery": fakecloud.SandboxProject, "storage": fakecloud.SandboxBucket}[s]
		cases = append(cases, googleCase{verb: s, flags: flags, args: []string{s, "FILE", name, strings.ToUpper(s)}, asked: 1, check: answers(s)})
	}
	return cases
}

func secret() map[string]string {
	return map[string]string{"AZURE_TENANT_ID": fakecloud.SandboxTenant, "AZURE_CLIENT_ID": fakecloud.SandboxApp, "AZURE_CLIENT_SECRET": fakecloud.SandboxSecret}
}

func issuing(life time.Duration) func(*azureMachine) func() {
	return func(m *azureMachine) func() {
		m.clouds.Entra.Issue(life, 0)
		return func() { m.clouds.Entra.Issue(0, 0) }
	}
}

func down(m *azureMachine) {
	m.clouds.Entra.Answer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"error":"temporarily_unavailable","error_description":"AADSTS90033: A transient error has occurred. Please try again."}`))
	}))
}

func hanging(m *azureMachine) func() {
	m.clouds.IMDS.Answer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	return func() { m.clouds.IMDS.Answer(nil) }
}

// ask runs the client for one case: a process, or two after each other.
func (m *azureMachine) ask(ctx context.Context, c googleClient, argv []string, g googleCase) row {
	r := row{client: c.name, verb: g.verb}
	dir, err := os.MkdirTemp(m.dir, "case-")
	if err != nil {
		r.err = err
		return r
	}
	file, flags := filepath.Join(dir, "google.json"), g.flags
	if g.output != nil {
		output := filepath.Join(dir, "output.json")
		flags = append(flags[:len(flags):len(flags)], "--output-file", output)
		if *g.output != "" {
			err = os.WriteFile(output, []byte(*g.output), 0o600)
		}
	}
	already, sent := len(m.clouds.IMDS.Requests()), len(m.clouds.Google.Exchanges())
	if err == nil && g.verb == "file-sourced" {
		flags, err = m.subjectToken(ctx, dir, flags)
	}
	if err == nil {
		err = m.configure(ctx, file, flags...)
	}
	if err != nil {
		r.err = err
		return r
	}
	if g.before != nil {
		defer g.before(m)()
	}
	args := make([]string, len(g.args))
	for i, a := range g.args {
		args[i] = a
		switch a {
		case "FILE":
			args[i] = file
		case "BIGQUERY":
			args[i] = m.clouds.Google.BigQuery.URL
		case "STORAGE":
			args[i] = m.clouds.Google.Storage.URL
		}
	}
	log := filepath.Join(dir, "log")
	env := m.environment(filepath.Join(dir, "cache"), log, g.env)
	process := ask{verb: g.verb, args: args, check: func(_ *machine, a answer) error { return g.check(m, a) }}
	r = run(ctx, nil, env, c.name, argv, process)
	if g.again && r.err == nil {
		r = run(ctx, nil, env, c.name, argv, process)
	}
	// Nothing of ours runs in some cases, and there is no log then.
	if written, err := os.ReadFile(log); err == nil {
		r.err = errors.Join(r.err, notShown("log", string(written)))
	}
	if asked := len(m.clouds.IMDS.Requests()) - already; r.err == nil && asked != g.asked {
		r.err = fmt.Errorf("the identity endpoint was asked %d times, not %d", asked, g.asked)
	}
	exchanges := m.clouds.Google.Exchanges()[sent:]
	if r.err == nil && g.exchanges > 0 && len(exchanges) != g.exchanges {
		r.err = fmt.Errorf("%d exchanges, not %d", len(exchanges), g.exchanges)
	}
	m.sent[c.name+": "+g.verb] = exchanges
	return r
}

// subjectToken keeps a file with the subject token, as token-file does beside a program, and returns the flags for it.
func (m *azureMachine) subjectToken(ctx context.Context, dir string, flags []string) ([]string, error) {
	path := filepath.Join(dir, "subject")
	out, err := m.run(ctx, "token-file", "--once", "--path", path, "--credential", "managed-identity", "--resource", fakecloud.SandboxResource, "--cache", "off")
	if err != nil || out != "" {
		return nil, errors.Join(err, fmt.Errorf("token-file printed %q", out))
	}
	return append(flags[:len(flags):len(flags)], "--token-path", path), nil
}

func (m *azureMachine) standsFor(token, want string) error {
	principal, expires, known := m.clouds.Google.Principal(token)
	switch {
	case !known:
		return errors.New("not a token of this cloud's, or one that has expired")
	case principal != want:
		return fmt.Errorf("a token of %s", principal)
	case time.Until(expires) < 5*time.Minute:
		return fmt.Errorf("a token that lives for %s", time.Until(expires))
	}
	return nil
}

// gives checks every token of an answer.
func gives(principal string) func(*azureMachine, answer) error {
	return func(m *azureMachine, a answer) error {
		if !a.OK {
			return errors.New(a.Error)
		}
		if want := map[string]int{"token": 1, "twice": 2, "calls": 3, "parallel": 5}[a.Verb]; len(a.Tokens) != want {
			return fmt.Errorf("%d tokens, not %d", len(a.Tokens), want)
		}
		for _, token := range a.Tokens {
			if err := m.standsFor(token, principal); err != nil {
				return err
			}
		}
		return nil
	}
}

func shows(texts ...string) func(*azureMachine, answer) error {
	return func(_ *azureMachine, a answer) error {
		if a.OK {
			return errors.New("it got a token")
		}
		for _, text := range texts {
			if !strings.Contains(a.Error, text) {
				return fmt.Errorf("its user is not shown %q: %s", text, a.Error)
			}
		}
		return nil
	}
}

func showsNoToken(_ *azureMachine, a answer) error {
	if a.OK {
		return errors.New("it took a file that is torn, or ran the executable, which its sources say it does not")
	}
	return nil
}

func answers(service string) func(*azureMachine, answer) error {
	return func(m *azureMachine, a answer) error {
		switch {
		case !a.OK:
			return errors.New(a.Error)
		case service == "bigquery" && (len(a.Result) == 0 || slices.ContainsFunc(a.Result, func(day string) bool { return !strings.HasPrefix(day, "20") })):
			return fmt.Errorf("rows %q", a.Result)
		case service == "storage" && !strings.Contains(strings.Join(a.Result, " "), "/report.csv"):
			return fmt.Errorf("objects %q", a.Result)
		}
		return nil
	}
}
