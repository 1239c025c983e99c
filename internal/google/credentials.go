package google

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/oauth2/google"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
	"github.com/idferry/idferry/internal/upstream"
)

const credentialsVariable = "GOOGLE_APPLICATION_CREDENTIALS"

// credentialsFile is a file of Application Default Credentials, of any type.
// https://cloud.google.com/docs/authentication/application-default-credentials
type credentialsFile struct {
	// origin names the file as the user knows it: with the flag or variable that chose it.
	origin string
	raw    []byte

	Type           string `json:"type"`
	UniverseDomain string `json:"universe_domain"`
	QuotaProjectID string `json:"quota_project_id"`
	// service_account
	ClientEmail  string `json:"client_email"`
	PrivateKeyID string `json:"private_key_id"`
	PrivateKey   string `json:"private_key"`
	TokenURI     string `json:"token_uri"`
	// authorized_user
	ClientID     string `json:"client_id"`
	RefreshToken string `json:"refresh_token"`
	Account      string `json:"account"`
	// external_account, external_account_authorized_user
	Audience string `json:"audience"`
	TokenURL string `json:"token_url"`
	// external_account, impersonated_service_account
	ImpersonationURL string `json:"service_account_impersonation_url"`
	// impersonated_service_account
	Delegates         []string        `json:"delegates"`
	SourceCredentials json.RawMessage `json:"source_credentials"`
}

// explicitCredentials reads the file that a setting names, or returns nil when none does.
func (s Settings) explicitCredentials() (*credentialsFile, error) {
	if s.KeyFile != "" {
		return readCredentials("--google-credentials ("+s.KeyFile+")", s.KeyFile)
	}
	if path, _ := s.Lookup(credentialsVariable); path != "" {
		return readCredentials("$"+credentialsVariable+" ("+path+")", path)
	}
	return nil, nil
}

// findCredentials reads the file that Application Default Credentials would take, or returns nil when there is none.
func (s Settings) findCredentials() (*credentialsFile, error) {
	if file, err := s.explicitCredentials(); file != nil || err != nil {
		return file, err
	}
	path := s.wellKnownFile()
	// A home that is a file (/dev/null) or somebody else's has none for us, as golang.org/x/oauth2/google sees it too.
	if _, err := os.Stat(path); path == "" || err != nil {
		return nil, nil
	}
	return readCredentials(path, path)
}

// wellKnownFile is where `gcloud auth application-default login` leaves its file.
func (s Settings) wellKnownFile() string {
	dir := s.gcloudDir()
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "application_default_credentials.json")
}

// gcloudDir is gcloud's configuration directory, or "" when no home directory is known.
// https://cloud.google.com/sdk/docs/configurations
func (s Settings) gcloudDir() string {
	if dir, _ := s.Lookup("CLOUDSDK_CONFIG"); dir != "" {
		return dir
	}
	home, inHome := "HOME", filepath.Join(".config", "gcloud")
	if runtime.GOOS == "windows" {
		home, inHome = "APPDATA", "gcloud"
	}
	if dir, _ := s.Lookup(home); dir != "" {
		return filepath.Join(dir, inHome)
	}
	return ""
}

func readCredentials(origin, path string) (*credentialsFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, problem.Input(origin, "%s", readable(err)).WithHint("ls -l %s", path)
	}
	defer f.Close()
	// Through a reader, because the file may be a pipe of the shell.
	raw, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return nil, problem.Input(origin, "%s", readable(err)).WithHint("ls -l %s", path)
	}
	return parseCredentials(origin, raw)
}

func parseCredentials(origin string, raw []byte) (*credentialsFile, error) {
	file := &credentialsFile{origin: origin, raw: raw}
	if err := json.Unmarshal(raw, file); err != nil {
		// The decoder's own text may quote the file.
		return nil, problem.Input(origin, "not JSON of a credentials file").WithHint("see whether it was cut short or is another file")
	}
	for _, field := range []struct{ name, value string }{{"token_uri", file.TokenURI}, {"token_url", file.TokenURL}} {
		if field.value != "" {
			if err := checkHTTPS(origin+": field \""+field.name+"\"", field.value); err != nil {
				return nil, err
			}
		}
	}
	switch google.CredentialsType(file.Type) {
	case google.ServiceAccount:
		return file, file.checkKey()
	case google.AuthorizedUser:
		return file, file.need("refresh_token", file.RefreshToken)
	case google.ExternalAccount:
		return file, file.need("audience", file.Audience)
	case google.ImpersonatedServiceAccount:
		if len(file.SourceCredentials) == 0 {
			return nil, file.need("source_credentials", "")
		}
		return file, file.need("service_account_impersonation_url", file.ImpersonationURL)
	case google.ExternalAccountAuthorizedUser:
		return file, nil
	case "":
		return nil, problem.Input(origin, "field \"type\" is missing").
			WithHint("an OAuth client's file (client_secret_….json) is no credentials file; make one: gcloud auth application-default login")
	}
	return nil, problem.Input(origin, "its \"type\" is %q, which cannot be used here", file.Type).
		WithHint("use service_account, impersonated_service_account, external_account or authorized_user")
}

func (f *credentialsFile) need(field, value string) error {
	if value == "" {
		return problem.Input(f.origin, "field %q is missing", field)
	}
	return nil
}

// inputs tell one file's identity from another's, without its secrets.
func (f *credentialsFile) inputs() []token.Input {
	inputs := []token.Input{{Name: "credentials-type", Value: f.Type}, {Name: "universe", Value: f.universe()}}
	switch google.CredentialsType(f.Type) {
	case google.ServiceAccount:
		return append(inputs, token.Input{Name: "client-email", Value: f.ClientEmail}, token.Input{Name: "private-key-id", Value: f.PrivateKeyID})
	case google.AuthorizedUser:
		return append(inputs, token.Input{Name: "oauth-client", Value: f.ClientID}, token.Input{Name: "refresh-token", Value: token.Fingerprint(f.RefreshToken)})
	}
	return append(inputs, token.Input{Name: "credentials-file", Value: token.Fingerprint(string(f.raw))})
}

func (f *credentialsFile) universe() string {
	// Users exist in the default universe only, whatever the file says (x/oauth2/google does the same).
	if f.UniverseDomain == "" || f.Type == string(google.AuthorizedUser) {
		return defaultUniverse
	}
	return f.UniverseDomain
}

// impersonates returns the account that the file acts as, from its service_account_impersonation_url
// (https://google.aip.dev/auth/4117), or "" when it has none.
func (f *credentialsFile) impersonates() (string, error) {
	if f.ImpersonationURL == "" {
		return "", nil
	}
	field := f.origin + ": field \"service_account_impersonation_url\""
	if err := checkHTTPS(field, f.ImpersonationURL); err != nil {
		return "", err
	}
	_, account, _ := strings.Cut(f.ImpersonationURL, "/serviceAccounts/")
	account, _, _ = strings.Cut(account, ":")
	if !accountName(account) {
		return "", problem.Input(field, "%q names no service account", f.ImpersonationURL)
	}
	return account, nil
}

// fromFile chooses what to do with a file: use its key, or impersonate.
func (s Settings) fromFile(file *credentialsFile, chain chain) (string, source, error) {
	if err := checkHTTPS("universe_domain of "+file.origin, "https://iamcredentials."+file.universe()); err != nil {
		return "", nil, err
	}
	own, err := file.impersonates()
	if err != nil {
		return "", nil, err
	}
	if google.CredentialsType(file.Type) == google.ServiceAccount && len(chain.delegates) == 0 && (chain.target == "" || chain.target == file.ClientEmail) {
		if file.universe() == defaultUniverse {
			return "key-file", s.serviceAccountKey(file), nil
		}
		// Other universes have no token endpoint for keys; there the account asks IAM Credentials for itself with a JWT
		// that it signs (https://google.aip.dev/auth/4111).
		chain.target = file.ClientEmail
	}
	start := file
	if own != "" && (chain.target == "" || chain.target == own && len(chain.delegates) == 0) {
		chain.target = own
		if start, err = file.withoutImpersonation(); err != nil {
			return "", nil, err
		}
		if len(file.Delegates) > 0 {
			chain.delegates = file.Delegates
		}
	}
	if chain.target == "" {
		return "", nil, file.cannotMint()
	}
	endpoint, err := s.iamEndpoint(file.ImpersonationURL)
	if err != nil {
		return "", nil, err
	}
	return "impersonation", &impersonated{
		base: s.credentials(start), chain: chain, audience: s.Audience, endpoint: endpoint, http: s.patientClient(upstream.Options{RequireJSON: true}),
	}, nil
}

// withoutImpersonation returns the identity that the file's impersonation starts from.
func (f *credentialsFile) withoutImpersonation() (*credentialsFile, error) {
	if google.CredentialsType(f.Type) == google.ImpersonatedServiceAccount {
		return parseCredentials(f.origin+": field \"source_credentials\"", f.SourceCredentials)
	}
	// An external account may ask for the ID token itself: roles/iam.workloadIdentityUser, which lets it impersonate,
	// holds iam.serviceAccounts.getOpenIdToken too. One request less, and the libraries' way ends in target ".".
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(f.raw, &fields); err != nil {
		return nil, problem.Input(f.origin, "not JSON of a credentials file")
	}
	delete(fields, "service_account_impersonation_url")
	raw, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	return parseCredentials(f.origin, raw)
}

// cannotMint says why a file needs a service account to act as.
func (f *credentialsFile) cannotMint() error {
	who, why := "a user's credentials", "Google gives a user ID tokens for gcloud's own OAuth client only"
	member := "user:YOUR_EMAIL"
	if f.Account != "" {
		member = "user:" + f.Account
	}
	if google.CredentialsType(f.Type) != google.AuthorizedUser {
		who, why, member = "an external identity", "Google's token exchange gives access tokens only", f.principal()
	}
	return problem.Input(f.origin, "%s (%q) cannot get an ID token for an audience: %s", who, f.Type, why).
		WithHint("name a service account to act as with --impersonate-service-account EMAIL, and allow it: gcloud iam service-accounts add-iam-policy-binding EMAIL --member='%s' --role=%s", member, openIDTokenCreator)
}
