package fakecloud

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// ArcTokenDirectory is where the agent leaves the keys of its challenges on Linux, readable by the group himds.
const ArcTokenDirectory = "/var/opt/azcmagent/tokens"

// ArcAgent is the identity endpoint of a server connected to Azure Arc: whoever asks has to show that it can read a file.
// https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication
type ArcAgent struct {
	*Server
	identities

	mu sync.Mutex
	// directory is where key files are written, if anywhere; realm is what challenges call it.
	directory, realm string
	// key is the last challenge's, of size bytes; keys counts them.
	key        string
	size, keys int
	// userAssigned is set where the agent knows of user-assigned identities; older ones answer for the system-assigned one.
	userAssigned bool
}

// StartArcAgent starts the endpoint of a server without an identity; Assign gives it some.
func StartArcAgent(entra *Entra) (*ArcAgent, error) {
	a := &ArcAgent{identities: identities{entra: entra}, realm: ArcTokenDirectory, size: 36}
	var err error
	a.Server, err = listen(nil, http.HandlerFunc(a.serve))
	return a, err
}

// Endpoint is the value of IDENTITY_ENDPOINT.
func (a *ArcAgent) Endpoint() string { return a.URL + "/metadata/identity/oauth2/token" }

// KeepKeysIn has key files written to directory. Challenges call it ArcTokenDirectory all the same, where clients want them.
func (a *ArcAgent) KeepKeysIn(directory string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.directory = directory
}

// Challenge changes what the agent's challenges look like: the directory that they name, and the size of the key in
// bytes, of which the documentation allows 4096.
func (a *ArcAgent) Challenge(realm string, size int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.realm, a.size = realm, size
}

// UserAssigned makes the agent one that knows of user-assigned identities.
func (a *ArcAgent) UserAssigned() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.userAssigned = true
}

func (a *ArcAgent) serve(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, name, description string) {
		writeJSON(w, status, map[string]string{"error": name, "error_description": description})
	}
	q := r.URL.Query()
	version := q.Get("api-version")
	switch {
	case r.URL.Path != "/metadata/identity/oauth2/token":
		http.NotFound(w, r)
	case r.Header.Get("Metadata") != "true":
		refuse(http.StatusBadRequest, "invalid_request", "Required metadata header not specified")
	case version != "2019-08-15" && version != "2019-11-01" && version != "2020-06-01":
		refuse(http.StatusBadRequest, "invalid_request", "Invalid api-version")
	case q.Get("resource") == "":
		refuse(http.StatusBadRequest, "invalid_request", "Required query variable 'resource' is missing")
	case !a.answers(strings.TrimPrefix(r.Header.Get("Authorization"), "Basic ")):
		if err := a.challenge(w); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		refuse(http.StatusUnauthorized, "unauthorized_client", "Missing Basic Authorization header")
	default:
		a.answer(w, r)
	}
}

// answers reports whether key is the last challenge's, which is good for one answer.
func (a *ArcAgent) answers(key string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.key == "" || key != a.key {
		return false
	}
	a.key = ""
	return true
}

func (a *ArcAgent) challenge(w http.ResponseWriter) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keys++
	a.key = (rand.Text() + strings.Repeat("k", a.size))[:a.size]
	name := fmt.Sprintf("%d.key", a.keys)
	w.Header().Set("WWW-Authenticate", "Basic realm="+a.realm+"/"+name)
	if a.directory == "" {
		return nil
	}
	return os.WriteFile(filepath.Join(a.directory, name), []byte(a.key), 0o600)
}

func (a *ArcAgent) answer(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	a.mu.Lock()
	knows := a.userAssigned
	a.mu.Unlock()
	client, object, resource := "", "", ""
	if knows {
		client, object, resource = q.Get("client_id"), q.Get("object_id"), q.Get("msi_res_id")
	}
	m, ok := a.find(client, object, resource)
	if !ok {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": "Identity not found"})
		return
	}
	token, refused, err := a.issue(m, q.Get("resource"))
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	case refused != "":
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_resource", "error_description": refused})
		return
	}
	answer := map[string]string{
		"access_token": token, "token_type": "Bearer", "resource": q.Get("resource"), "expires_in": strconv.Itoa(int(a.entra.lifetime().Seconds())),
		"expires_on": strconv.FormatInt(a.entra.now().Add(a.entra.lifetime()).Unix(), 10),
	}
	for name, value := range map[string]string{"client_id": client, "object_id": object, "msi_res_id": resource} {
		if value != "" {
			answer[name] = value
		}
	}
	writeJSON(w, http.StatusOK, answer)
}
