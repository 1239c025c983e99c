package main

import (
	"context"

	"github.com/idferry/idferry/internal/fakecloud"
)

const (
	subscription = "22222222-2222-2222-2222-222222222222"
	management   = "https://management.azure.com"
	// databricksApp is the application of every Azure Databricks workspace.
	databricksApp = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d"
)

// terraformAsks is what the azurerm and azuread providers and Terraform's azurerm backend do before their first call.
func terraformAsks() []ask {
	return []ask{
		{verb: "Azure CLI authorizer", args: []string{"", fakecloud.SandboxTenant}, check: issued(fakecloud.SandboxTenant, management)},
		{verb: "Azure CLI authorizer, another tenant", args: []string{"", fakecloud.SandboxOtherTenant}, check: issued(fakecloud.SandboxOtherTenant, management)},
		{verb: "Azure CLI authorizer, subscription", args: []string{subscription, fakecloud.SandboxTenant}, env: map[string]string{"AZURE_SUBSCRIPTION_ID": subscription}, check: issued(fakecloud.SandboxTenant, management)},
		{verb: "Azure CLI authorizer, unknown tenant", args: []string{"", unknownTenant}, check: refused("AADSTS90002", unknownTenant)},
		{verb: "Azure CLI authorizer, untrusted audience", args: []string{"", fakecloud.SandboxTenant}, env: map[string]string{"IDFERRY_ASSERTION_AUDIENCE": "api://Other"}, check: refused("AADSTS700212", "audience api://Other")},
		{verb: "Azure CLI authorizer, Entra hangs", args: []string{"", fakecloud.SandboxTenant}, hangs: true, check: inTime},
	}
}

func databricksAsks(_ context.Context, _ *workshop, m *machine) ([]ask, func(), error) {
	for _, tenant := range []string{fakecloud.SandboxTenant, fakecloud.SandboxOtherTenant} {
		m.clouds.Entra.AddApplication(fakecloud.Application{TenantID: tenant, ClientID: databricksApp, ObjectID: databricksApp})
	}
	return []ask{
		{verb: "azure-cli", args: []string{fakecloud.SandboxTenant}, check: issued(fakecloud.SandboxTenant, databricksApp)},
		{verb: "azure-cli, another tenant", args: []string{fakecloud.SandboxOtherTenant}, check: issued(fakecloud.SandboxOtherTenant, databricksApp)},
		{verb: "azure-cli, untrusted audience", args: []string{fakecloud.SandboxTenant}, env: map[string]string{"IDFERRY_ASSERTION_AUDIENCE": "api://Other"}, check: refused("AADSTS700212", "audience api://Other")},
	}, func() {}, nil
}
