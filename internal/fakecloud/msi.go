package fakecloud

import (
	"net/http"
	"strconv"
	"strings"
)

// MSI is the older identity endpoint of api-version 2017-09-01, behind MSI_ENDPOINT and MSI_SECRET. Azure Machine Learning
// has it to this day: with a client id in every request, and a number for the expiry. App Service had it before
// IDENTITY_ENDPOINT: without a client id it means the system-assigned identity, and the expiry is a date.
// https://github.com/Azure/azure-sdk-for-python/issues/33325
type MSI struct {
	*Server
	identities
	// Secret is the value of MSI_SECRET.
	Secret string
	// AppService makes it the older endpoint of App Service.
	AppService bool
}

// StartMSI starts the endpoint of a compute instance or site without an identity; Assign gives it some.
func StartMSI(entra *Entra, secret string, appService bool) (*MSI, error) {
	m := &MSI{identities: identities{entra: entra}, Secret: secret, AppService: appService}
	var err error
	m.Server, err = listen(nil, http.HandlerFunc(m.serve))
	return m, err
}

// Endpoint is the value of MSI_ENDPOINT.
func (m *MSI) Endpoint() string { return m.URL + "/MSI/token/" }

func (m *MSI) serve(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, code, message string) {
		if m.AppService {
			writeJSON(w, status, map[string]any{"statusCode": status, "message": message})
			return
		}
		writeJSON(w, status, map[string]any{"error": map[string]string{"code": code, "message": message}})
	}
	q := r.URL.Query()
	client := q.Get("clientid")
	switch {
	case strings.TrimSuffix(r.URL.Path, "/") != "/MSI/token":
		http.NotFound(w, r)
		return
	case r.Header.Get("secret") != m.Secret:
		refuse(http.StatusUnauthorized, "Unauthorized", "The secret header is missing or wrong.")
		return
	case q.Get("api-version") != "2017-09-01":
		refuse(http.StatusBadRequest, "UserError", "Unsupported api-version")
		return
	case q.Get("resource") == "":
		refuse(http.StatusBadRequest, "UserError", "The resource parameter is required")
		return
	case client == "" && !m.AppService:
		refuse(http.StatusBadRequest, "UserError", "The clientid parameter is required")
		return
	}
	identity, ok := m.find(client, "", "")
	if !ok {
		refuse(http.StatusBadRequest, "UserError", "No managed identity found for clientid "+client)
		return
	}
	token, refused, err := m.issue(identity, q.Get("resource"))
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	case refused != "":
		refuse(http.StatusBadRequest, "UserError", refused)
		return
	}
	expires := m.entra.now().Add(m.entra.lifetime()).UTC()
	answer := map[string]any{"access_token": token, "resource": q.Get("resource"), "token_type": "Bearer", "expires_on": expires.Unix()}
	if m.AppService {
		answer["expires_on"] = expires.Format("01/02/2006 15:04:05")
	}
	writeJSON(w, http.StatusOK, answer)
}

// CloudShell is the endpoint behind MSI_ENDPOINT in Azure Cloud Shell: it gives tokens of the person who is there, for
// some of Microsoft's own resources only.
// https://learn.microsoft.com/azure/cloud-shell/msi-authorization
type CloudShell struct {
	*Server
	identities
	person ManagedIdentity
}

// StartCloudShell starts the endpoint of person's shell.
func StartCloudShell(entra *Entra, person ManagedIdentity) (*CloudShell, error) {
	c := &CloudShell{identities: identities{entra: entra}, person: person}
	var err error
	c.Server, err = listen(nil, http.HandlerFunc(c.serve))
	return c, err
}

// Endpoint is the value of MSI_ENDPOINT.
func (c *CloudShell) Endpoint() string { return c.URL + "/oauth2/token" }

func (c *CloudShell) serve(w http.ResponseWriter, r *http.Request) {
	refuse := func(code, message string) {
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": map[string]string{"code": code, "message": message}})
	}
	resource := r.PostFormValue("resource")
	switch {
	case r.URL.Path != "/oauth2/token" || r.Method != http.MethodPost:
		http.NotFound(w, r)
	case !strings.EqualFold(r.Header.Get("Metadata"), "true"):
		refuse("MissingMetadataHeader", "The request is missing the metadata header.")
	case resource == "":
		refuse("InvalidRequest", "The request is missing the resource.")
	case strings.TrimSuffix(resource, "/") != "https://management.azure.com":
		refuse("AudienceNotSupported", "Audience "+resource+" is not a supported MSI token audience. Supported audiences: https://management.azure.com/")
	default:
		token, refused, err := c.issue(c.person, resource)
		if err != nil || refused != "" {
			http.Error(w, "no token", http.StatusInternalServerError)
			return
		}
		life := strconv.Itoa(int(c.entra.lifetime().Seconds()))
		now := c.entra.now()
		writeJSON(w, http.StatusOK, map[string]string{
			"access_token": token, "refresh_token": "", "expires_in": life, "expires_on": strconv.FormatInt(now.Add(c.entra.lifetime()).Unix(), 10),
			"not_before": strconv.FormatInt(now.Unix(), 10), "resource": resource, "token_type": "Bearer",
		})
	}
}
