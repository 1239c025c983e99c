package main

import (
	"context"
	"fmt"
	"maps"
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
