// Databricks lets the Databricks SDK sign one request to a workspace on Azure and prints how that went as one JSON line.
//
//	databricks TENANT
package main

import (
	"errors"
	"net/http"
	"os"
	"strings"

	"github.com/databricks/databricks-sdk-go/config"

	"github.com/idferry/idferry/conformance/azure/go/answer"
)

func main() {
	answer.Print("databricks-sdk-go", "github.com/databricks/databricks-sdk-go", "azure-cli", func(a *answer.Answer) error {
		c := config.Config{Host: "https://adb-1234567890123456.7.azuredatabricks.net", AuthType: "azure-cli", AzureTenantID: os.Args[1], Loaders: []config.Loader{config.ConfigAttributes}}
		request, err := http.NewRequest(http.MethodGet, c.Host+"/api/2.0/preview/scim/v2/Me", nil)
		if err != nil {
			return err
		}
		if err := c.Authenticate(request); err != nil {
			return err
		}
		if request.Header.Get("X-Databricks-Azure-SP-Management-Token") == "" {
			return errors.New("no token for the management API, which a service principal needs")
		}
		token, err := c.GetToken()
		if err != nil {
			return err
		}
		a.ExpiresOn = token.Expiry.Unix()
		a.Token = strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer ")
		return nil
	})
}
