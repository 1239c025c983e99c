package fakecloud

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	jmespath "github.com/jmespath-community/go-jmespath"
)

// azCommands are the commands of az, signed in to SandboxTenant.
// https://learn.microsoft.com/cli/azure/reference-index
func (s *Sandbox) azCommands() []adminCommand {
	words := strings.Fields
	output := []string{"query", "output"}
	return []adminCommand{
		{verb: words("az ad app federated-credential create"), required: []string{"id", "parameters"}, run: s.createCredential},
		{verb: words("az ad app federated-credential list"), required: []string{"id"}, optional: output, run: s.listCredentials},
		{verb: words("az ad app federated-credential update"), required: []string{"id", "federated-credential-id", "parameters"}, run: s.updateCredential},
		{verb: words("az identity federated-credential create"), required: words("name identity-name resource-group issuer subject audiences"), run: s.createForIdentity},
		{verb: words("az ad sp update"), required: words("id set"), run: s.updatePrincipal},
		{verb: words("az ad sp create"), required: words("id"), run: s.createPrincipal},
		{verb: words("az ad app create"), required: words("display-name"), optional: append(words("identifier-uris"), output...), run: s.createApplication},
		{verb: words("az ad sp show"), required: words("id"), optional: output, run: func(a arguments) (string, error) {
			app, ok := s.Entra.app(SandboxTenant, a["id"])
			if !ok {
				return "", fmt.Errorf("no application %s", a["id"])
			}
			return azPrint(a, map[string]any{"id": app.ObjectID, "appId": app.ClientID})
		}},
		{verb: words("az role assignment create"), required: words("assignee-object-id assignee-principal-type role scope"), run: s.assignRole},
		{verb: words("az identity create"), required: words("name resource-group"), optional: output, run: s.createIdentity},
		{verb: words("az identity show"), required: words("name resource-group"), optional: output, run: func(a arguments) (string, error) {
			app, ok := s.Entra.app(SandboxTenant, identityName(a["resource-group"], a["name"]))
			if !ok {
				return "", fmt.Errorf("no identity %s", a["name"])
			}
			return azPrint(a, map[string]any{"clientId": app.ClientID, "principalId": app.ObjectID, "tenantId": app.TenantID})
		}},
		{verb: words("az ad app show"), required: words("id"), optional: output, run: s.showApplication},
		{verb: words("az ad app permission admin-consent"), required: words("id"), run: func(a arguments) (string, error) {
			return "", s.changeApplication(a["id"], func(app *Application) { app.NeedsConsent = false })
		}},
		{verb: words("az ad app credential reset"), required: words("id"), optional: words("cert query output"), switches: words("append"), run: s.resetCredential},
		{verb: words("az ad app update"), required: words("id is-fallback-public-client"), run: func(a arguments) (string, error) {
			public, err := strconv.ParseBool(a["is-fallback-public-client"])
			if err != nil {
				return "", fmt.Errorf("argument --is-fallback-public-client: %q is neither true nor false", a["is-fallback-public-client"])
			}
			return "", s.changeApplication(a["id"], func(app *Application) { app.PublicClient = public })
		}},
		{verb: words("az account show"), optional: output, run: func(a arguments) (string, error) {
			return azPrint(a, map[string]any{"tenantId": SandboxTenant, "environmentName": "AzureCloud", "id": "22222222-2222-2222-2222-222222222222"})
		}},
		{verb: words("az cloud show"), optional: output, run: func(a arguments) (string, error) { return azPrint(a, map[string]any{"name": "AzureCloud"}) }},
	}
}

// azPrint prints as --query and --output say: text for tsv, else JSON.
func azPrint(a arguments, value any) (string, error) {
	if a.given("query") {
		found, err := jmespath.Search(a["query"], value)
		if err != nil {
			return "", fmt.Errorf("--query: %w", err)
		}
		value = found
	}
	if a.given("output") && a["output"] != "tsv" && a["output"] != "json" {
		return "", fmt.Errorf("--output %s is not known here", a["output"])
	}
	if a["output"] != "tsv" {
		data, err := json.MarshalIndent(value, "", "  ")
		return string(data) + "\n", err
	}
	switch v := value.(type) {
	case nil:
		return "", nil
	case string:
		return v + "\n", nil
	case []any:
		text := ""
		for _, item := range v {
			line, err := azPrint(arguments{"output": "tsv"}, item)
			if err != nil {
				return "", err
			}
			text += line
		}
		return text, nil
	}
	return "", fmt.Errorf("-o tsv of %T is not known here", value)
}

// changeApplication changes the application that an id is of: its client id, or the object id that az takes as well.
func (s *Sandbox) changeApplication(id string, change func(*Application)) error {
	app, ok := s.Entra.app(SandboxTenant, id)
	if !ok {
		return fmt.Errorf("resource '%s' does not exist or one of its queried reference-property objects are not present", id)
	}
	s.Entra.Change(SandboxTenant, app.ClientID, change)
	return nil
}

// credentialBody is what Microsoft Graph takes.
// https://learn.microsoft.com/graph/api/application-post-federatedidentitycredentials
type credentialBody struct {
	Name        string   `json:"name"`
	Issuer      string   `json:"issuer"`
	Subject     string   `json:"subject"`
	Audiences   []string `json:"audiences"`
	Description string   `json:"description"`
}

func readCredential(text string, named bool) (FederatedCredential, error) {
	var body credentialBody
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&body); err != nil {
		return FederatedCredential{}, fmt.Errorf("--parameters: %w", err)
	}
	switch {
	case named && body.Name == "":
		return FederatedCredential{}, errors.New("--parameters: name is missing")
	case !named && body.Name != "":
		return FederatedCredential{}, errors.New("--parameters: name cannot be changed")
	case body.Issuer == "" || body.Subject == "":
		return FederatedCredential{}, errors.New("--parameters: issuer and subject are needed")
	case len(body.Audiences) != 1:
		return FederatedCredential{}, errors.New("--parameters: one audience is wanted")
	}
	return FederatedCredential{Issuer: body.Issuer, Subject: body.Subject, Audience: body.Audiences[0], Name: body.Name}, nil
}

func (s *Sandbox) createCredential(a arguments) (string, error) {
	c, err := readCredential(a["parameters"], true)
	if err != nil {
		return "", err
	}
	return "", s.addCredential(a["id"], c)
}

func (s *Sandbox) addCredential(id string, c FederatedCredential) error {
	var refused error
	err := s.changeApplication(id, func(app *Application) {
		if refused = app.takes(c); refused == nil {
			app.Federated = append(app.Federated, c)
		}
	})
	return errors.Join(err, refused)
}

// takes refuses a federated credential that cannot be beside the others of an application.
// Texts from https://github.com/Azure/azure-dev/issues/1482 and https://github.com/Azure/azure-workload-identity/issues/434.
func (a Application) takes(c FederatedCredential) error {
	for _, f := range a.Federated {
		switch {
		case strings.EqualFold(f.Name, c.Name):
			return fmt.Errorf("FederatedIdentityCredential with name %s already exists", c.Name)
		case f.Issuer == c.Issuer && f.Subject == c.Subject:
			return fmt.Errorf("the combination of issuer and subject must be unique for the application: issuer %s and subject %s already exist", c.Issuer, c.Subject)
		}
	}
	return nil
}

// createForIdentity adds to a managed identity that was created; IDENTITY and GROUP, which doctor cannot know, are the
// sandbox's application.
func (s *Sandbox) createForIdentity(a arguments) (string, error) {
	app, ok := s.Entra.app(SandboxTenant, identityName(a["resource-group"], a["identity-name"]))
	if a["identity-name"] == "IDENTITY" && a["resource-group"] == "GROUP" {
		app, ok = s.Entra.app(SandboxTenant, SandboxApp)
	}
	if !ok {
		return "", errors.New("the sandbox has no such identity")
	}
	return "", s.addCredential(app.ClientID, FederatedCredential{Issuer: a["issuer"], Subject: a["subject"], Audience: a["audiences"], Name: a["name"]})
}

func (s *Sandbox) listCredentials(a arguments) (string, error) {
	app, ok := s.Entra.app(SandboxTenant, a["id"])
	if !ok {
		return "", fmt.Errorf("no application %s", a["id"])
	}
	all := []any{}
	for _, f := range app.Federated {
		all = append(all, map[string]any{"id": "id-of-" + f.Name, "name": f.Name, "issuer": f.Issuer, "subject": f.Subject, "audiences": []any{f.Audience}})
	}
	return azPrint(a, all)
}

func (s *Sandbox) updateCredential(a arguments) (string, error) {
	c, err := readCredential(a["parameters"], false)
	if err != nil {
		return "", err
	}
	refused := fmt.Errorf("no federated credential %q", a["federated-credential-id"])
	err = s.changeApplication(a["id"], func(app *Application) {
		i := slices.IndexFunc(app.Federated, func(f FederatedCredential) bool {
			return f.Name == a["federated-credential-id"] || "id-of-"+f.Name == a["federated-credential-id"]
		})
		if i < 0 {
			return
		}
		c.Name = app.Federated[i].Name
		others := Application{Federated: slices.Delete(slices.Clone(app.Federated), i, i+1)}
		if refused = others.takes(c); refused == nil {
			app.Federated = slices.Insert(others.Federated, i, c)
		}
	})
	return "", errors.Join(err, refused)
}

func (s *Sandbox) updatePrincipal(a arguments) (string, error) {
	if a["set"] != "accountEnabled=true" {
		return "", fmt.Errorf("--set %s is not known here", a["set"])
	}
	return "", s.changeApplication(a["id"], func(app *Application) { app.Disabled = false })
}

// createPrincipal installs an application of another tenant, or one that only lacks its service principal.
func (s *Sandbox) createPrincipal(a arguments) (string, error) {
	if app, ok := s.Entra.app(SandboxTenant, a["id"]); ok {
		return "", fmt.Errorf("the service principal cannot be created, updated, or restored because the service principal name %s is already in use", app.ClientID)
	}
	s.Entra.mu.Lock()
	defer s.Entra.mu.Unlock()
	for _, app := range slices.Concat(s.Entra.uninstalled, s.Entra.apps) {
		if a["id"] == app.ClientID || a["id"] == app.AppIDURI && app.AppIDURI != "" {
			app.TenantID = SandboxTenant
			s.Entra.apps = append(s.Entra.apps, app)
			return "", nil
		}
	}
	return "", fmt.Errorf("unable to find the application with id %s", a["id"])
}

func (s *Sandbox) showApplication(a arguments) (string, error) {
	app, ok := s.Entra.app(SandboxTenant, a["id"])
	if !ok {
		return "", fmt.Errorf("no application %s", a["id"])
	}
	return azPrint(a, map[string]any{"appId": app.ClientID, "identifierUris": []any{app.AppIDURI}})
}

func (s *Sandbox) resetCredential(a arguments) (string, error) {
	if !a.given("append") {
		return "", errors.New("without --append every other credential of the application would be lost")
	}
	path, fromFile := strings.CutPrefix(a["cert"], "@")
	if a.given("cert") && !fromFile {
		return "", errors.New("--cert: only a file is known here, as @FILE")
	}
	if fromFile {
		data, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
			if block.Type == "CERTIFICATE" {
				cert, err := x509.ParseCertificate(block.Bytes)
				if err != nil {
					return "", err
				}
				return "", s.changeApplication(a["id"], func(app *Application) { app.Certificates = append(app.Certificates, cert) })
			}
		}
		return "", fmt.Errorf("%s holds no certificate", path)
	}
	secret := "new~" + newGUID()
	if err := s.changeApplication(a["id"], func(app *Application) { app.Secrets = append(app.Secrets, secret) }); err != nil {
		return "", err
	}
	return azPrint(a, map[string]any{"appId": a["id"], "password": secret, "tenant": SandboxTenant})
}

// identityName is how the sandbox finds a managed identity: it has no App ID URI of its own.
func identityName(group, name string) string { return "identity:" + group + "/" + name }

func (s *Sandbox) createIdentity(a arguments) (string, error) {
	app := Application{TenantID: SandboxTenant, ClientID: newGUID(), ObjectID: newGUID(), AppIDURI: identityName(a["resource-group"], a["name"])}
	s.Entra.AddApplication(app)
	return azPrint(a, map[string]any{"clientId": app.ClientID, "principalId": app.ObjectID})
}

// createApplication makes an application that has no service principal yet.
func (s *Sandbox) createApplication(a arguments) (string, error) {
	s.Entra.mu.Lock()
	defer s.Entra.mu.Unlock()
	app := Application{TenantID: SandboxTenant, ClientID: newGUID(), ObjectID: newGUID(), AppIDURI: a["identifier-uris"]}
	for _, other := range slices.Concat(s.Entra.uninstalled, s.Entra.apps) {
		if app.AppIDURI != "" && other.AppIDURI == app.AppIDURI {
			return "", errors.New("another object with the same value for property identifierUris already exists")
		}
	}
	s.Entra.uninstalled = append(s.Entra.uninstalled, app)
	return azPrint(a, map[string]any{"appId": app.ClientID})
}

func (s *Sandbox) assignRole(a arguments) (string, error) {
	switch {
	case a["assignee-principal-type"] != "ServicePrincipal":
		return "", fmt.Errorf("--assignee-principal-type %s is not known here", a["assignee-principal-type"])
	case a["role"] == "Storage Blob Data Reader":
		s.Blob.Grant(a["assignee-object-id"])
		return "", nil
	case a["role"] == "Storage Blob Data Contributor":
		s.Blob.GrantContributor(a["assignee-object-id"])
		return "", nil
	}
	return "", fmt.Errorf("--role %s is not known here", a["role"])
}
