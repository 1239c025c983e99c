package fakecloud

import (
	"net/http"
	"strconv"
)

// AppService is the identity endpoint of App Service, Functions and Container Apps.
// https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
type AppService struct {
	*Server
	identities
	// Header is the value of IDENTITY_HEADER.
	Header string
}

// StartAppService starts the endpoint of a site without an identity; Assign gives it some.
func StartAppService(entra *Entra, header string) (*AppService, error) {
	s := &AppService{identities: identities{entra: entra}, Header: header}
	var err error
	s.Server, err = listen(nil, http.HandlerFunc(s.serve))
	return s, err
}

// Endpoint is the value of IDENTITY_ENDPOINT.
func (s *AppService) Endpoint() string { return s.URL + "/msi/token" }

func (s *AppService) serve(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, message string) {
		writeJSON(w, status, map[string]any{"statusCode": status, "message": message, "correlationId": newGUID()})
	}
	q := r.URL.Query()
	switch {
	case r.URL.Path != "/msi/token":
		http.NotFound(w, r)
		return
	case r.Header.Get("X-IDENTITY-HEADER") != s.Header:
		refuse(http.StatusUnauthorized, "The X-IDENTITY-HEADER is missing or wrong.")
		return
	case q.Get("api-version") != "2019-08-01" || q.Get("resource") == "":
		refuse(http.StatusBadRequest, "The parameters api-version and resource are required.")
		return
	}
	m, ok := s.find(q.Get("client_id"), q.Get("principal_id")+q.Get("object_id"), q.Get("mi_res_id"))
	if !ok {
		message := "Unable to load the proper Managed Identity."
		if q.Has("client_id") || q.Has("principal_id") || q.Has("object_id") || q.Has("mi_res_id") {
			message = "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId."
		}
		refuse(http.StatusBadRequest, message)
		return
	}
	token, refused, err := s.issue(m, q.Get("resource"))
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	case refused != "":
		refuse(http.StatusBadRequest, refused)
	default:
		writeJSON(w, http.StatusOK, map[string]string{
			"access_token": token, "client_id": m.ClientID, "resource": q.Get("resource"), "token_type": "Bearer",
			"expires_on": strconv.FormatInt(s.entra.now().Add(s.entra.lifetime()).Unix(), 10),
		})
	}
}
