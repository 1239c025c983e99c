// Azidentity asks the Azure SDK for Go for one token and prints how that went as one JSON line.
//
//	azidentity CREDENTIAL SCOPE [TENANT]
//	azidentity CREDENTIAL SCOPE every SECONDS APART    the same credential over and over
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/idferry/idferry/conformance/azure/go/answer"
)

func main() {
	answer.Print("azidentity", "github.com/Azure/azure-sdk-for-go/sdk/azidentity", os.Args[1], func(a *answer.Answer) error {
		c, err := credential(os.Args[1])
		if err != nil {
			return err
		}
		options := policy.TokenRequestOptions{Scopes: []string{os.Args[2]}}
		if len(os.Args) > 4 {
			return a.Every(os.Args[4:], func() (string, error) {
				token, err := c.GetToken(context.Background(), options)
				return token.Token, err
			})
		}
		if len(os.Args) > 3 {
			options.TenantID = os.Args[3]
		}
		token, err := c.GetToken(context.Background(), options)
		a.Token, a.ExpiresOn = token.Token, token.ExpiresOn.Unix()
		return err
	})
}

func credential(name string) (azcore.TokenCredential, error) {
	any := []string{"*"}
	switch name {
	case "AzureCLICredential":
		return azidentity.NewAzureCLICredential(&azidentity.AzureCLICredentialOptions{AdditionallyAllowedTenants: any})
	case "AzureDeveloperCLICredential":
		return azidentity.NewAzureDeveloperCLICredential(&azidentity.AzureDeveloperCLICredentialOptions{AdditionallyAllowedTenants: any})
	case "DefaultAzureCredential":
		return azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{AdditionallyAllowedTenants: any})
	case "WorkloadIdentityCredential":
		return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{DisableInstanceDiscovery: true})
	}
	return nil, fmt.Errorf("unknown credential %q", name)
}
