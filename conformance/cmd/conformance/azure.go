package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

// client is a program that a user of Azure has, and what is asked of it.
type client struct {
	name string
	// install makes it runnable and returns the command line that asks are added to.
	install func(ctx context.Context, shop *workshop) ([]string, error)
	asks    startAsks
}

// startAsks may start what its asks need; stop ends that.
type startAsks func(ctx context.Context, shop *workshop, m *machine) (asks []ask, stop func(), err error)

func fixedAsks(asks []ask) startAsks {
	return func(context.Context, *workshop, *machine) ([]ask, func(), error) { return asks, func() {}, nil }
}

// ask is one call of a client.
type ask struct {
	verb string
	// args follow the client's command line. argv, where given, takes the place of both.
	args, argv []string
	env        map[string]string
	// hangs means that Entra ID does not answer.
	hangs bool
	// lasts is how long the client works before it has an answer, beyond the usual.
	lasts time.Duration
	// plain means that the client is not one of our programs, which answer in JSON and tell their version.
	plain   bool
	version string
	check   func(m *machine, a answer) error
}

func azureClients() []client {
	sdk := func(names credentialNames) startAsks { return fixedAsks(credentialAsks(names)) }
	return []client{
		{"binary", installNothing, binaryAsks},
		{"python", installVenv("azure/python", "requirements.txt"), sdk(credentialNames{az: "AzureCliCredential", azd: "AzureDeveloperCliCredential", chain: "DefaultAzureCredential"})},
		{"node", installNode, sdk(credentialNames{az: "AzureCliCredential", azd: "AzureDeveloperCliCredential", chain: "DefaultAzureCredential"})},
		{"java", installMaven("azure/java"), sdk(credentialNames{az: "AzureCliCredential", azd: "AzureDeveloperCliCredential", chain: "DefaultAzureCredential"})},
		{"rust", installCargo("azure/rust"), fixedAsks(append(credentialAsks(credentialNames{az: "AzureCliCredential", azd: "AzureDeveloperCliCredential"}),
			ask{verb: "DeveloperToolsCredential", args: []string{"DeveloperToolsCredential", storage + "/.default"}, check: issued(fakecloud.SandboxTenant, storage)}))},
		{"go", installGo("azidentity"), sdk(credentialNames{az: "AzureCLICredential", azd: "AzureDeveloperCLICredential", chain: "DefaultAzureCredential"})},
		{"terraform", installGo("goazuresdk"), fixedAsks(terraformAsks())},
		{"opentofu", installOpenTofu, openTofuAsks},
		{"databricks", installGo("databricks"), databricksAsks},
		{"mssql", installGo("mssql"), sqlAsks},
		{"kubectl", installGo("kubectl"), kubectlAsks},
		{"client-go", installGo("clientgo"), clientGoAsks},
		{"blobs", installAzurite, blobAsks},
	}
}

func azureSuite() suite {
	s := suite{name: "azure", run: runAzure}
	for _, c := range azureClients() {
		s.clients = append(s.clients, c.name)
	}
	return s
}

func runAzure(ctx context.Context, shop *workshop, chosen []string, rows *table) error {
	m, err := startMachine(ctx, shop)
	if err != nil {
		return err
	}
	defer m.close()
	for _, c := range azureClients() {
		if len(chosen) == 0 || slices.Contains(chosen, c.name) {
			runClient(ctx, shop, m, c, rows)
		}
	}
	return nil
}

func runClient(ctx context.Context, shop *workshop, m *machine, c client, rows *table) {
	start := time.Now()
	defer func() { rows.took(c.name, time.Since(start)) }()
	argv, err := c.install(ctx, shop)
	rows.add(row{client: c.name, verb: "install", took: time.Since(start), err: err})
	if err != nil {
		return
	}
	asks, stop, err := c.asks(ctx, shop, m)
	if err != nil {
		rows.add(row{client: c.name, verb: "start", err: err})
		return
	}
	defer stop()
	// Those that wait for their deadline cost no processor: they run beside the others.
	var waiting sync.WaitGroup
	defer waiting.Wait()
	for i, a := range asks {
		if !a.hangs {
			continue
		}
		waiting.Go(func() {
			rows.add(call(ctx, m, m.broken, c.name, fmt.Sprintf("%s-%d", c.name, i), argv, a))
		})
	}
	for _, a := range asks {
		if !a.hangs {
			rows.add(call(ctx, m, m.clouds, c.name, c.name, argv, a))
		}
	}
}

// installNothing is for what the workshop has built already.
func installNothing(context.Context, *workshop) ([]string, error) { return nil, nil }

func installAzurite(ctx context.Context, shop *workshop) ([]string, error) {
	_, _, err := nodePackages(ctx, shop, "azure/node")
	return nil, err
}

func installNode(ctx context.Context, shop *workshop) ([]string, error) {
	dir, node, err := nodePackages(ctx, shop, "azure/node")
	return []string{node, filepath.Join(dir, "client.mjs")}, err
}

// installGo builds one of the programs under azure/go, which are a module of their own: nobody else waits for kubectl's dependencies.
func installGo(name string) func(context.Context, *workshop) ([]string, error) {
	return goPackage("azure/go", name)
}

func goProgram(shop *workshop, name string) string {
	return filepath.Join(shop.dir, "azure", "go", name)
}
