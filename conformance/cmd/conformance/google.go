package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// googleClient is a library of Google's that runs executables.
type googleClient struct {
	name string
	// install makes it runnable and returns the command line that asks are added to.
	install func(ctx context.Context, shop *workshop) ([]string, error)
	// refusesTorn means that an output file which is no JSON is an error for it; others run the executable then.
	refusesTorn bool
	// services are the client libraries of Google Cloud that come with it; servicesOnly means that there is nothing else to it.
	services     []string
	servicesOnly bool
	// processes means that it is a program, and each call one of its own.
	processes bool
	// optional is a command without which it is left out: no package manager that a clean machine has gives it.
	optional string
}

func googleClients() []googleClient {
	tokens := func(library string) func(context.Context, *workshop) ([]string, error) {
		return func(ctx context.Context, shop *workshop) ([]string, error) {
			program, err := goPackage("google/go", "tokens")(ctx, shop)
			return append(program, library), err
		}
	}
	node := func(library string) func(context.Context, *workshop) ([]string, error) {
		return func(ctx context.Context, shop *workshop) ([]string, error) {
			dir, node, err := nodePackages(ctx, shop, "google/node")
			return []string{node, filepath.Join(dir, "client.mjs"), library}, err
		}
	}
	return []googleClient{
		{name: "x/oauth2", install: tokens("golang.org/x/oauth2"), refusesTorn: true},
		{name: "go/auth", install: tokens("cloud.google.com/go/auth"), refusesTorn: true},
		{name: "terraform", install: tokens("google.golang.org/api"), refusesTorn: true},
		{name: "go-services", install: goPackage("google/go", "services"), services: []string{"bigquery", "storage"}, servicesOnly: true},
		{name: "python", install: installVenv("google/python", "requirements.txt"), services: []string{"bigquery", "storage"}},
		{name: "python-old", install: installVenv("google/python", "requirements-old.txt")},
		{name: "node", install: node("google-auth-library"), refusesTorn: true},
		{name: "node-9", install: node("google-auth-library-9"), refusesTorn: true},
		{name: "java", install: installMaven("google/java"), refusesTorn: true},
		{name: "rust", install: installCargo("google/rust")},
		{name: "gcloud", install: pythonScript("google/gcloud"), services: []string{"bigquery", "storage"}, processes: true, optional: "gcloud"},
	}
}

// fileClients have no executable source and cannot be installed here: what they read is read as their sources do.
func fileClients() []string { return []string{".NET", "C++"} }

func googleSuite() suite {
	s := suite{name: "google", clients: fileClients(), run: runGoogle}
	for _, c := range googleClients() {
		s.clients = append(s.clients, c.name)
	}
	return s
}

func runGoogle(ctx context.Context, shop *workshop, chosen []string, rows *table) error {
	m, err := startAzureMachine(shop)
	if err != nil {
		return err
	}
	defer m.close()
	if m.outage, err = startAzureMachine(shop); err != nil {
		return err
	}
	defer m.outage.close()
	down(m.outage)
	for _, c := range googleClients() {
		if len(chosen) == 0 || slices.Contains(chosen, c.name) {
			m.runClient(ctx, shop, c, rows)
		}
	}
	for _, name := range fileClients() {
		if len(chosen) == 0 || slices.Contains(chosen, name) {
			start := time.Now()
			err := m.readAsTheirSourcesDo(ctx)
			rows.add(row{client: name, verb: "file-sourced, by its contract", took: time.Since(start), err: err})
		}
	}
	return nil
}

func (m *azureMachine) runClient(ctx context.Context, shop *workshop, c googleClient, rows *table) {
	if c.optional != "" {
		if _, err := exec.LookPath(c.optional); err != nil {
			rows.absent(c.name)
			return
		}
	}
	start := time.Now()
	defer func() { rows.took(c.name, time.Since(start)) }()
	argv, err := c.install(ctx, shop)
	rows.add(row{client: c.name, verb: "install", took: time.Since(start), err: err})
	if err != nil {
		return
	}
	// Most of an outage is waiting between tries: it goes on beside the others.
	var waiting sync.WaitGroup
	defer waiting.Wait()
	for _, g := range googleCases(c) {
		if g.outage {
			waiting.Go(func() { rows.add(m.outage.ask(ctx, c, argv, g)) })
			continue
		}
		rows.add(m.ask(ctx, c, argv, g))
	}
	if !c.servicesOnly {
		begin := time.Now()
		rows.add(row{client: c.name, verb: "requests are those of the reference", took: time.Since(begin), err: m.compareRequests(c.name)})
	}
}
