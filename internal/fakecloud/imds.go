package fakecloud

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// ManagedIdentity is an identity that an Azure machine may have.
type ManagedIdentity struct {
	Application
	// ResourceID is the Azure resource id of a user-assigned identity; empty for the system-assigned one.
	ResourceID string
}

// identities is what the machine's endpoint knows, and how it issues.
type identities struct {
	entra *Entra
	mu    sync.Mutex
	known []ManagedIdentity
	gone  func(ManagedIdentity) bool
}

// Assign gives the machine an identity.
func (i *identities) Assign(m ManagedIdentity) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.known = append(i.known, m)
}

// Only leaves the machine the identities of these object ids, of those that it was assigned; without any it has none.
func (i *identities) Only(objectIDs ...string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.gone = func(m ManagedIdentity) bool { return !slices.Contains(objectIDs, m.ObjectID) }
}

// all returns the identities.
func (i *identities) all() []ManagedIdentity {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.gone == nil {
		return slices.Clone(i.known)
	}
	return slices.DeleteFunc(slices.Clone(i.known), i.gone)
}

// find returns the identity of the id asked for, or the system-assigned one where none is.
func (i *identities) find(clientID, objectID, resourceID string) (ManagedIdentity, bool) {
	for _, m := range i.all() {
		switch {
		case clientID != "" && strings.EqualFold(m.ClientID, clientID),
			objectID != "" && strings.EqualFold(m.ObjectID, objectID),
			resourceID != "" && strings.EqualFold(m.ResourceID, resourceID),
			clientID+objectID+resourceID == "" && m.ResourceID == "":
			return m, true
		}
	}
	return ManagedIdentity{}, false
}

// issue mints the token for a resource, or names Entra's refusal.
func (i *identities) issue(m ManagedIdentity, resource string) (string, string, error) {
	if !i.entra.hasResource(m.TenantID, resource) {
		return "", "AADSTS500011: The resource principal named " + resource + " was not found in the tenant named " + m.TenantID +
			". This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. Trace ID: " +
			newGUID() + " Correlation ID: " + newGUID() + " Timestamp: " + i.entra.now().UTC().Format("2006-01-02 15:04:05Z"), nil
	}
	token, err := i.entra.mint(m.Application, resource, byCertificate)
	return token, "", err
}

// IMDS is the instance metadata service's identity endpoint of an Azure virtual machine, over plain HTTP.
// https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
type IMDS struct {
	*Server
	identities
}

// StartIMDS starts the endpoint of a machine without an identity; Assign gives it some.
func StartIMDS(entra *Entra) (*IMDS, error) {
	s := &IMDS{identities: identities{entra: entra}}
	var err error
	s.Server, err = listen(nil, http.HandlerFunc(s.serve))
	return s, err
}

func (s *IMDS) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "IMDS/150.870.65.1854")
	q := r.URL.Query()
	switch {
	case r.URL.Path != "/metadata/identity/oauth2/token":
		http.NotFound(w, r)
	case r.Method != http.MethodGet:
		writeJSON(w, http.StatusMethodNotAllowed, map[string]string{"error": "Method Not Allowed"})
	case !strings.EqualFold(r.Header.Get("Metadata"), "true"):
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": "Required metadata header not specified"})
	case r.Header.Get("X-Forwarded-For") != "":
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": "Requests with X-Forwarded-For header are refused"})
	case q.Get("api-version") != "2018-02-01":
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": "Required query variable 'api-version' is missing or unsupported"})
	case q.Get("resource") == "":
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": "Required query variable 'resource' is missing"})
	default:
		s.answer(w, q)
	}
}

func (s *IMDS) answer(w http.ResponseWriter, q url.Values) {
	resourceID := q.Get("msi_res_id") + q.Get("mi_res_id")
	picked := q.Get("client_id") + q.Get("object_id") + q.Get("principal_id") + resourceID
	m, ok := s.find(q.Get("client_id"), q.Get("object_id")+q.Get("principal_id"), resourceID)
	// Without a system-assigned identity, the only user-assigned one is taken, and of several none.
	if all := s.all(); !ok && picked == "" && len(all) == 1 {
		m, ok = all[0], true
	} else if !ok && picked == "" && len(all) > 1 {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request"})
		return
	}
	if !ok {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": "Identity not found"})
		return
	}
	token, refused, err := s.issue(m, q.Get("resource"))
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	case refused != "":
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_resource", "error_description": refused})
	default:
		now := s.entra.now()
		life := strconv.Itoa(int(s.entra.lifetime().Seconds()))
		// Every number is a string, as documented.
		writeJSON(w, http.StatusOK, map[string]string{
			"access_token": token, "client_id": m.ClientID, "expires_in": life, "ext_expires_in": life, "token_type": "Bearer",
			"expires_on": strconv.FormatInt(now.Add(s.entra.lifetime()).Unix(), 10), "not_before": strconv.FormatInt(now.Unix(), 10), "resource": q.Get("resource"),
		})
	}
}
