package azure

import (
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idferry/idferry/internal/problem"
)

// Whoever forgot a variable is told which one, and where it comes from.
func TestEveryMissingVariableIsNamed(t *testing.T) {
	const guid = "11111111-1111-1111-1111-111111111111"
	file := write(t, filepath.Join(t.TempDir(), "pod.jwt"), jwt("a"))
	principal := map[string]string{"AZURE_TENANT_ID": guid, "AZURE_CLIENT_ID": guid, "AZURE_CLIENT_SECRET": "s"}
	pod := map[string]string{"AZURE_TENANT_ID": guid, "AZURE_CLIENT_ID": guid, "AZURE_FEDERATED_TOKEN_FILE": file}
	task := map[string]string{
		"SYSTEM_OIDCREQUESTURI": "https://h/p", "SYSTEM_ACCESSTOKEN": "s", "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": "c", "AZURESUBSCRIPTION_CLIENT_ID": guid, "AZURESUBSCRIPTION_TENANT_ID": guid,
	}
	job := map[string]string{"ACTIONS_ID_TOKEN_REQUEST_URL": "https://h/1", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "s", "AZURE_TENANT_ID": guid, "AZURE_CLIENT_ID": guid}
	for _, c := range []struct {
		credential string
		complete   map[string]string
		hints      map[string]string
	}{
		{"environment", principal, map[string]string{"AZURE_TENANT_ID": "--tenant-id", "AZURE_CLIENT_ID": "--client-id", "AZURE_CLIENT_SECRET": "AZURE_CLIENT_CERTIFICATE_PATH"}},
		{"workload-identity", pod, map[string]string{"AZURE_TENANT_ID": "--tenant-id", "AZURE_CLIENT_ID": "--client-id", "AZURE_FEDERATED_TOKEN_FILE": "azure.workload.identity/use"}},
		{"azure-pipelines", task, map[string]string{
			"SYSTEM_OIDCREQUESTURI": "Azure Pipelines sets it", "SYSTEM_ACCESSTOKEN": "env: SYSTEM_ACCESSTOKEN: $(System.AccessToken)",
			"AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": "AZURE_SERVICE_CONNECTION_ID", "AZURESUBSCRIPTION_CLIENT_ID": "AzureCLI@2", "AZURESUBSCRIPTION_TENANT_ID": "AzureCLI@2",
		}},
		{"github-actions", job, map[string]string{
			"ACTIONS_ID_TOKEN_REQUEST_URL": "permissions: id-token: write", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "permissions: id-token: write", "AZURE_TENANT_ID": "env: AZURE_TENANT_ID", "AZURE_CLIENT_ID": "env: AZURE_CLIENT_ID",
		}},
	} {
		if _, err := New(Settings{Credential: c.credential, Lookup: environmentOf(c.complete)}); err != nil {
			t.Errorf("%s, complete: %v", c.credential, err)
		}
		if len(c.hints) != len(c.complete) {
			t.Errorf("%s: not every variable is tried", c.credential)
		}
		for variable, hint := range c.hints {
			vars := maps.Clone(c.complete)
			delete(vars, variable)
			_, err := New(Settings{Credential: c.credential, Lookup: environmentOf(vars)})
			if e := problem.From(err); e == nil || !e.Misuse || !strings.HasPrefix(e.Message, variable+": it is not set") || !strings.Contains(e.Hint, hint) {
				t.Errorf("%s without %s: %v", c.credential, variable, err)
			}
		}
	}
}

// An id that would be passed over in silence means that another identity was wanted.
func TestAnIDThatDoesNotFitIsRefused(t *testing.T) {
	none := environmentOf(map[string]string{"HOME": t.TempDir()})
	shared := environmentOf(map[string]string{"HOME": t.TempDir(), "AZURE_CLIENT_ID": "app"})
	for name, c := range map[string]struct {
		settings Settings
		want     string
	}{
		"object id of az's user":           {Settings{Credential: "azure-cli", ObjectID: "o", Lookup: none}, "--object-id"},
		"resource id of the chain":         {Settings{ResourceID: "/r", Lookup: none}, "--resource-id"},
		"client id of the chain":           {Settings{ClientID: "c", Lookup: none}, "--client-id"},
		"two ids":                          {Settings{Credential: "managed-identity", ObjectID: "o", ResourceID: "/r", Lookup: none}, "--object-id"},
		"client id and object id":          {Settings{Credential: "managed-identity", ObjectID: "o", ClientID: "c", Lookup: none}, "--client-id"},
		"the variable of all programs":     {Settings{Credential: "azure-cli", ClientID: "app", Lookup: shared}, ""},
		"that variable beside an object":   {Settings{Credential: "managed-identity", ObjectID: "o", ClientID: "app", Lookup: shared}, ""},
		"part of the chain":                {Settings{Credential: "dev", Lookup: none}, ""},
		"a part that the chain has not":    {Settings{Lookup: environmentOf(map[string]string{"AZURE_TOKEN_CREDENTIALS": "DeviceCodeCredential"})}, "AZURE_TOKEN_CREDENTIALS"},
		"a pod identity that is no server": {Settings{Credential: "managed-identity", Lookup: environmentOf(map[string]string{"AZURE_POD_IDENTITY_AUTHORITY_HOST": "localhost"})}, "AZURE_POD_IDENTITY_AUTHORITY_HOST"},
	} {
		_, err := New(c.settings)
		if e := problem.From(err); (e == nil) != (c.want == "") || e != nil && !(e.Misuse && strings.HasPrefix(e.Message, c.want+": ")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
