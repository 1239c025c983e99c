package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

// examplesSuite runs the programs that everybody starts with as they are, in each language: on a machine of the other cloud, and
// on a laptop with what a developer has there. They know the real names alone; a proxy leads them to the sandbox.
func examplesSuite() suite {
	s := suite{name: "examples"}
	languages := exampleLanguages()
	for _, l := range languages {
		s.clients = append(s.clients, l.name)
	}
	s.run = func(ctx context.Context, shop *workshop, chosen []string, rows *table) error {
		m, err := startMachine(ctx, shop)
		if err != nil {
			return err
		}
		defer m.close()
		p, err := startPlaces(ctx, shop, m)
		if err != nil {
			return err
		}
		defer p.stop()
		for _, l := range languages {
			if len(chosen) > 0 && !slices.Contains(chosen, l.name) {
				continue
			}
			start := time.Now()
			for _, example := range []string{"bigquery", "blobs"} {
				argv, err := l.install("../examples/"+example)(ctx, shop)
				rows.add(row{client: l.name, verb: "install " + example, took: time.Since(start), err: err})
				if err != nil {
					continue
				}
				for _, a := range p.asks(example, argv, l.library) {
					a.plain, a.check = true, all(noToken, p.internet.nowhereElse, a.check)
					rows.add(call(ctx, m, m.clouds, l.name, "examples-"+l.name, nil, a))
				}
			}
			rows.took(l.name, time.Since(start))
		}
		return nil
	}
	return s
}

// exampleLanguage is a language that the examples are written in. One with a library of ours needs no helper.
type exampleLanguage struct {
	name    string
	library bool
	install func(source string) func(context.Context, *workshop) ([]string, error)
}

func exampleLanguages() []exampleLanguage {
	return []exampleLanguage{
		{"go", true, func(source string) func(context.Context, *workshop) ([]string, error) {
			return func(ctx context.Context, shop *workshop) ([]string, error) {
				program := filepath.Join(shop.dir, filepath.FromSlash(strings.TrimPrefix(source, "../")), "program")
				return []string{program}, shop.sh(ctx, source, "go", "build", "-o", program, ".")
			}
		}},
		{"python", false, func(source string) func(context.Context, *workshop) ([]string, error) {
			return pythonProgram(source, "main.py", "requirements.txt")
		}},
		{"node", false, func(source string) func(context.Context, *workshop) ([]string, error) {
			return func(ctx context.Context, shop *workshop) ([]string, error) {
				// The libraries need a newer Node.js than a distribution has.
				_, node, err := nodePackages(ctx, shop, "azure/node")
				if err != nil {
					return nil, err
				}
				dir, _, err := nodePackages(ctx, shop, source)
				return []string{node, filepath.Join(dir, "main.mjs")}, err
			}
		}},
	}
}

// places are where an example runs.
type places struct {
	m        *machine
	internet *watchedInternet
	// container is one of Azurite's; laptop is a directory with az, signed in, and a key file.
	container, laptop string
	stop              func()
}

type watchedInternet struct{ *fakecloud.Internet }

// nowhereElse wants no client to have asked for a name that is none of ours.
func (w *watchedInternet) nowhereElse(*machine, answer) error {
	if refused := w.Refused(); len(refused) > 0 {
		return fmt.Errorf("the proxy was asked for %q too", refused)
	}
	return nil
}

func startPlaces(ctx context.Context, shop *workshop, m *machine) (_ *places, err error) {
	p := &places{m: m, laptop: filepath.Join(m.dir, "laptop")}
	internet, err := fakecloud.StartInternet(m.clouds, nil)
	if err != nil {
		return nil, err
	}
	p.internet = &watchedInternet{internet}
	azurite, stopAzurite, err := startAzurite(ctx, shop, m)
	if err != nil {
		internet.Close()
		return nil, err
	}
	p.stop = func() { stopAzurite(); internet.Close() }
	defer func() {
		if err != nil {
			p.stop()
		}
	}()
	data, err := newStateContainer(ctx, m, azurite, "data")
	if err != nil {
		return nil, err
	}
	p.container = data.url
	if _, _, err := data.ask(ctx, http.MethodPut, "/2026/11/report.csv", http.StatusCreated); err != nil {
		return nil, err
	}
	return p, p.furnish(ctx)
}

// furnish gives the laptop what a developer has there.
func (p *places) furnish(ctx context.Context) error {
	key, err := p.m.clouds.Google.NewKeyFile(fakecloud.SandboxAccount)
	if err != nil {
		return err
	}
	token, err := p.personsToken(ctx)
	if err != nil {
		return err
	}
	az := "#!/bin/sh\n[ \"$1 $2\" = \"account get-access-token\" ] && exec cat '" + filepath.Join(p.laptop, "token.json") + "'\nexit 2\n"
	return errors.Join(os.Mkdir(p.laptop, 0o700), os.WriteFile(filepath.Join(p.laptop, "key.json"), key, 0o600),
		os.WriteFile(filepath.Join(p.laptop, "token.json"), token, 0o600), os.WriteFile(filepath.Join(p.laptop, "az"), []byte(az), 0o700))
}

// personsToken is what az prints for Key Vault, of an identity that may read the vault.
func (p *places) personsToken(ctx context.Context) ([]byte, error) {
	at := p.m.clouds.IMDS.URL + "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=" + url.QueryEscape("https://vault.azure.net")
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Metadata", "true")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	var given struct {
		AccessToken string `json:"access_token"`
	}
	body, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, json.Unmarshal(body, &given)); err != nil {
		return nil, err
	}
	ends := time.Now().Add(time.Hour)
	return json.Marshal(map[string]any{
		"accessToken": given.AccessToken, "expiresOn": ends.Format("2006-01-02 15:04:05.000000"), "expires_on": ends.Unix(), "tenant": fakecloud.SandboxTenant, "tokenType": "Bearer",
	})
}

func (p *places) asks(example string, argv []string, library bool) []ask {
	if example == "bigquery" {
		return p.queries(argv, library)
	}
	return p.listings(argv, library)
}

func (p *places) queries(argv []string, library bool) []ask {
	onAzure := map[string]string{
		"HTTPS_PROXY": p.internet.URL, "NO_PROXY": "127.0.0.1", "AZURE_POD_IDENTITY_AUTHORITY_HOST": p.m.clouds.IMDS.URL, "IDFERRY_RESOURCE": fakecloud.SandboxResource,
		"GCE_METADATA_HOST": "", "AZURE_AUTHORITY_HOST": "", "AZURE_TENANT_ID": "", "AZURE_CLIENT_ID": "",
	}
	atHome := with(onAzure, map[string]string{"AZURE_POD_IDENTITY_AUTHORITY_HOST": "", "GOOGLE_APPLICATION_CREDENTIALS": filepath.Join(p.laptop, "key.json")})
	there := slices.Concat([]string{
		filepath.Join(p.m.programs, "gcp-executable-source"), "exec", "--audience", fakecloud.SandboxProvider, "--service-account", fakecloud.SandboxAccount,
		"--project", fakecloud.SandboxProject, "--",
	}, argv)
	here := argv
	if library {
		there = slices.Concat(argv, []string{"-audience", fakecloud.SandboxProvider, "-service-account", fakecloud.SandboxAccount, "-project", fakecloud.SandboxProject})
		here = slices.Concat(argv, []string{"-project", fakecloud.SandboxProject})
	}
	if filepath.Ext(argv[len(argv)-1]) == ".mjs" {
		// Its library finds no project by itself.
		there, here = append(there, fakecloud.SandboxProject), append(slices.Clone(here), fakecloud.SandboxProject)
	}
	today := says(time.Now().UTC().Format(time.DateOnly), time.Now().UTC().Add(time.Hour).Format(time.DateOnly))
	return []ask{
		{verb: "bigquery on a machine of Azure's", argv: there, env: onAzure, check: today},
		{verb: "bigquery on a laptop, with a key file", argv: here, env: atHome, check: today},
	}
}

func (p *places) listings(argv []string, library bool) []ask {
	onGoogle := map[string]string{"HTTPS_PROXY": p.internet.URL, "NO_PROXY": "127.0.0.1", "AZURE_AUTHORITY_HOST": ""}
	// No az but the developer's.
	atHome := with(onGoogle, map[string]string{"GCE_METADATA_HOST": "", "PATH": p.laptop + string(os.PathListSeparator) + os.Getenv("PATH")})
	at := func(address string) []string {
		if library {
			return append(slices.Clone(argv), address)
		}
		return slices.Concat([]string{filepath.Join(p.m.programs, "azure-token-helper"), "exec", "--"}, argv, []string{address})
	}
	account := "https://" + fakecloud.SandboxStorage + "/" + fakecloud.SandboxContainer
	here := append(slices.Clone(argv), account)
	both := says("2026/10/report.csv\n2026/11/report.csv")
	return []ask{
		{verb: "blobs on a machine of Google's", argv: at(account), env: onGoogle, check: both},
		{verb: "blobs on a machine of Google's, of Azurite", argv: at(p.container), env: onGoogle, check: says("2026/11/report.csv")},
		{verb: "blobs on a laptop, with a secret in the environment", argv: here, env: with(atHome, map[string]string{"AZURE_CLIENT_SECRET": fakecloud.SandboxSecret}), check: both},
		{
			verb: "blobs on a laptop, with a secret in a vault", argv: here,
			env: with(atHome, map[string]string{"KEY_VAULT_URL": "https://" + fakecloud.SandboxVault, "KEY_VAULT_SECRET": "app-secret"}), check: both,
		},
	}
}

func with(env, more map[string]string) map[string]string {
	all := maps.Clone(env)
	maps.Copy(all, more)
	return all
}

// says wants one of these on standard output, and nothing else.
func says(texts ...string) func(*machine, answer) error {
	return func(_ *machine, a answer) error {
		if !a.OK || !slices.Contains(texts, strings.TrimSpace(a.Output)) {
			return fmt.Errorf("%q, want %q: %s", a.Output, texts, a.Error)
		}
		return nil
	}
}
