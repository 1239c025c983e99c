package fakecloud

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// GoogleInstance is the machine that the metadata server describes, with the service account attached to it.
type GoogleInstance struct {
	// ServiceAccount is the e-mail address of a registered account, or "" for a machine without one.
	ServiceAccount string
	// Scopes are the machine's access scopes; empty means cloud-platform and userinfo.email.
	Scopes        []string
	ID            uint64
	Name, Zone    string
	ProjectID     string
	ProjectNumber uint64
	Created       time.Time
	// WithoutIdentity switches the identity endpoint off, as on Cloud Build
	// (https://github.com/GoogleCloudPlatform/cloud-builders/issues/80).
	WithoutIdentity bool
	// GKE answers as the metadata server of a GKE node with workload identity does.
	GKE bool
}

// mintedToken is a token that the metadata server keeps for the next caller.
type mintedToken struct {
	value   string
	expires time.Time
}

// metadataReuse is the life a kept token must still have to be handed out again.
// https://cloud.google.com/compute/docs/access/authenticate-workloads#applications
const metadataReuse = 5 * time.Minute

// SetInstance says which machine the metadata server describes from now on, and forgets the tokens it kept.
func (g *Google) SetInstance(i GoogleInstance) {
	if len(i.Scopes) == 0 {
		i.Scopes = []string{cloudPlatformScope, "https://www.googleapis.com/auth/userinfo.email"}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.instance, g.minted = i, map[string]mintedToken{}
}

func (g *Google) serveMetadata(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	i := g.instance
	g.mu.Unlock()
	w.Header().Set("Metadata-Flavor", "Google")
	w.Header().Set("Server", "Metadata Server for VM")
	w.Header().Set("X-XSS-Protection", "0")
	w.Header().Set("X-Frame-Options", "SAMEORIGIN")
	if i.GKE {
		w.Header().Set("Server", "GKE Metadata Server")
	}
	path, inside := strings.CutPrefix(r.URL.Path, "/computeMetadata/v1/")
	flavored := r.Header.Get("Metadata-Flavor") == "Google"
	switch {
	case i.GKE && !flavored:
		// Recorded in https://github.com/googleapis/google-cloud-ruby/pull/3750: for "/" too, and without the
		// headers by which clients know a metadata server.
		w.Header().Del("Metadata-Flavor")
		w.Header().Del("Server")
		http.Error(w, `GKE Metadata Server encountered an error: Missing required header "Metadata-Flavor": "Google"`, http.StatusForbidden)
	case r.Header.Get("X-Forwarded-For") != "":
		metadataError(w, r, i, http.StatusForbidden, "")
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		metadataError(w, r, i, http.StatusMethodNotAllowed, "")
	case r.URL.Path == "/":
		metadataOK(w, "computeMetadata/\n")
	case strings.HasPrefix(r.URL.Path, "/computeMetadata") && !flavored:
		metadataError(w, r, i, http.StatusForbidden, "Missing Metadata-Flavor:Google header.")
	case !inside:
		// Azure's /metadata/identity/oauth2/token and /metadata/instance end here.
		metadataError(w, r, i, http.StatusNotFound, "")
	default:
		g.serveMetadataValue(w, r, i, path)
	}
}

func (g *Google) serveMetadataValue(w http.ResponseWriter, r *http.Request, i GoogleInstance, path string) {
	if rest, ok := strings.CutPrefix(path, "instance/service-accounts/"); ok {
		g.serveMetadataAccounts(w, r, i, rest)
		return
	}
	number := strconv.FormatUint(i.ProjectNumber, 10)
	values := map[string]string{
		"":                           "instance/\noslogin/\nproject/\nuniverse/\n",
		"instance/":                  "id\nname\nservice-accounts/\nzone\n",
		"instance/id":                strconv.FormatUint(i.ID, 10),
		"instance/name":              i.Name,
		"instance/zone":              "projects/" + number + "/zones/" + i.Zone,
		"project/":                   "numeric-project-id\nproject-id\n",
		"project/project-id":         i.ProjectID,
		"project/numeric-project-id": number,
		"universe/":                  "universe-domain\n",
		"universe/universe-domain":   "googleapis.com",
	}
	if value, ok := values[path]; ok {
		metadataOK(w, value)
		return
	}
	if _, directory := values[path+"/"]; directory || path == "instance/service-accounts" {
		http.Redirect(w, r, r.URL.Path+"/", http.StatusMovedPermanently)
		return
	}
	metadataError(w, r, i, http.StatusNotFound, "")
}

// serveMetadataAccounts answers below instance/service-accounts/.
func (g *Google) serveMetadataAccounts(w http.ResponseWriter, r *http.Request, i GoogleInstance, path string) {
	email := i.ServiceAccount
	if email == "" && i.GKE {
		// A Kubernetes account that is not linked to a Google one still has a name of its own.
		email = i.ProjectID + ".svc.id.goog"
	}
	described := map[string]any{"aliases": []string{"default"}, "email": email, "scopes": i.Scopes}
	recursive := strings.EqualFold(r.URL.Query().Get("recursive"), "true")
	if path == "" {
		switch {
		case recursive && email == "":
			metadataJSON(w, map[string]any{})
		case recursive:
			metadataJSON(w, map[string]any{"default": described, email: described})
		case email == "":
			metadataOK(w, "")
		default:
			metadataOK(w, "default/\n"+email+"/\n")
		}
		return
	}
	name, what, inside := strings.Cut(path, "/")
	if email == "" || name != "default" && name != email {
		metadataError(w, r, i, http.StatusNotFound, "")
		return
	}
	if !inside {
		http.Redirect(w, r, r.URL.Path+"/", http.StatusMovedPermanently)
		return
	}
	switch what {
	case "":
		if recursive {
			metadataJSON(w, described)
			return
		}
		metadataOK(w, "aliases\nemail\nidentity\nscopes\ntoken\n")
	case "aliases":
		metadataOK(w, "default\n")
	case "email":
		metadataOK(w, email)
	case "scopes":
		metadataOK(w, strings.Join(i.Scopes, "\n")+"\n")
	case "token":
		g.serveMetadataToken(w, r, i, email)
	case "identity":
		g.serveMetadataIdentity(w, r, i)
	default:
		metadataError(w, r, i, http.StatusNotFound, "")
	}
}

func (g *Google) serveMetadataToken(w http.ResponseWriter, r *http.Request, i GoogleInstance, email string) {
	principal := "serviceAccount:" + email
	if i.ServiceAccount == "" {
		principal = fmt.Sprintf("principal://iam.googleapis.com/projects/%d/locations/global/workloadIdentityPools/%s/subject/ns/default/sa/default", i.ProjectNumber, email)
	}
	scopes := i.Scopes
	if asked := r.URL.Query().Get("scopes"); asked != "" {
		// A machine's token never goes beyond the machine's scopes, save that cloud-platform holds all others.
		scopes = slices.DeleteFunc(strings.Split(asked, ","), func(s string) bool {
			return !slices.Contains(i.Scopes, s) && !slices.Contains(i.Scopes, cloudPlatformScope)
		})
	}
	kept, _ := g.keep("token "+strings.Join(scopes, " "), time.Hour, func() (string, error) {
		return g.issue(googleGrant{principal: principal, scopes: scopes, expires: g.now().Add(time.Hour)}), nil
	})
	metadataJSON(w, map[string]any{
		"access_token": kept.value, "expires_in": int(kept.expires.Sub(g.now()) / time.Second), "token_type": "Bearer",
	})
}

// serveMetadataIdentity answers with an ID token.
// https://cloud.google.com/compute/docs/instances/verifying-instance-identity
func (g *Google) serveMetadataIdentity(w http.ResponseWriter, r *http.Request, i GoogleInstance) {
	query := r.URL.Query()
	audience, format := query.Get("audience"), query.Get("format")
	account, registered := g.account(i.ServiceAccount)
	switch {
	case i.WithoutIdentity:
		metadataError(w, r, i, http.StatusNotFound, "")
		return
	case i.GKE && i.ServiceAccount == "":
		http.Error(w, "Your Kubernetes service account (default/default) is not annotated with a target Google service account, "+
			"which is a requirement for retrieving Identity Tokens using Workload Identity.\n"+
			"Please add the iam.gke.io/gcp-service-account=[GSA_NAME]@[PROJECT_ID] annotation to your Kubernetes service account.\n"+
			"For more information, refer to https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity#authenticating_to", http.StatusNotFound)
		return
	case audience == "":
		metadataText(w, http.StatusBadRequest, "non-empty audience parameter required")
		return
	case format != "" && format != "standard" && format != "full":
		metadataText(w, http.StatusBadRequest, "invalid format parameter")
		return
	case !registered:
		metadataError(w, r, i, http.StatusNotFound, "")
		return
	}
	extra := map[string]any{}
	if format == "full" {
		extra["email"], extra["email_verified"] = account.Email, true
		if !i.GKE {
			extra["google"] = map[string]any{"compute_engine": map[string]any{
				"instance_creation_timestamp": i.Created.Unix(), "instance_id": strconv.FormatUint(i.ID, 10), "instance_name": i.Name,
				"project_id": i.ProjectID, "project_number": i.ProjectNumber, "zone": i.Zone,
			}}
		}
	}
	kept, err := g.keep(fmt.Sprintf("identity %q %q", audience, format), g.idTokenLife(), func() (string, error) {
		return g.mint(account, audience, extra)
	})
	if err != nil {
		metadataError(w, r, i, http.StatusInternalServerError, "")
		return
	}
	w.Header().Set("Content-Type", "text/html")
	_, _ = w.Write([]byte(kept.value))
}

// keep returns the token kept under key while it has more than five minutes left, else a new one with this life.
func (g *Google) keep(key string, life time.Duration, mint func() (string, error)) (mintedToken, error) {
	now := g.now()
	g.mu.Lock()
	kept, ok := g.minted[key]
	g.mu.Unlock()
	if ok && kept.expires.Sub(now) > metadataReuse {
		return kept, nil
	}
	value, err := mint()
	if err != nil {
		return mintedToken{}, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	// Another request may have been first; all callers get one token.
	if first := g.minted[key]; first.expires.Sub(now) > metadataReuse {
		return first, nil
	}
	kept = mintedToken{value, now.Add(life)}
	g.minted[key] = kept
	return kept, nil
}

func metadataOK(w http.ResponseWriter, value string) { metadataText(w, http.StatusOK, value) }

func metadataText(w http.ResponseWriter, status int, value string) {
	w.Header().Set("Content-Type", "application/text")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(value))
}

// metadataJSON writes JSON without charset, since google-auth for Python compares the content type word for word
// (google/auth/compute_engine/_metadata.py, get).
func metadataJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

// metadataError answers as the VM's server does, with a page of HTML, or as GKE's does, with a line of text.
func metadataError(w http.ResponseWriter, r *http.Request, i GoogleInstance, status int, why string) {
	if i.GKE {
		http.Error(w, "GKE Metadata Server encountered an error: "+http.StatusText(status), status)
		return
	}
	sentence := "The requested URL <code>" + escaped(r) + "</code> was not found on this server."
	switch status {
	case http.StatusForbidden:
		sentence = "Your client does not have permission to get URL <code>" + escaped(r) + "</code> from this server. " + why
	case http.StatusMethodNotAllowed:
		sentence = "The request method <code>" + r.Method + "</code> is inappropriate for the URL <code>" + escaped(r) + "</code>."
	}
	htmlError(w, status, sentence)
}
