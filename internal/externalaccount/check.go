package externalaccount

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/idferry/idferry/internal/pluggable"
	"github.com/idferry/idferry/internal/problem"
)

// document is the file as any client may have been given it: a key has the type that it has.
type document map[string]any

func (d document) text(key string) string {
	s, _ := d[key].(string)
	return s
}

func (d document) within(key string) document {
	m, _ := d[key].(map[string]any)
	return m
}

// Check says what each client makes of the file at path. The error is for a file that is none of this type.
func Check(path string, s Surroundings) (*Report, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, problem.Input("FILE", "%w", err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, problem.Input("FILE", "%w", err)
	}
	d, err := parse(path, data)
	if err != nil {
		return nil, err
	}
	r := &Report{}
	if info.Mode().Perm()&0o022 != 0 && os.PathSeparator == '/' {
		r.note("mode", fmt.Sprintf("%#o lets others change which command runs", info.Mode().Perm()), "chmod 600 "+path)
	}
	r.checkTrust(d)
	r.checkImpersonation(d)
	r.checkSource(d, s)
	return r, nil
}

// parse returns the file as a document. The error says what it is in place of one.
func parse(path string, data []byte) (document, error) {
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, problem.Input(path, "it is not JSON: %w", err).WithHint("gcp-executable-source config --force … %s", path)
	}
	switch kind := d.text("type"); kind {
	case Type:
		return d, nil
	case "service_account":
		return nil, problem.Input(path, "it is the private key of a service account, which is what an %s file does away with", Type)
	case "":
		return nil, problem.Input(path, "it has no \"type\", so that no client takes it for credentials")
	default:
		return nil, problem.Input(path, "its type is %q, and not %q", kind, Type)
	}
}

// checkTrust looks at what Google's Security Token Service is told.
func (r *Report) checkTrust(d document) {
	a, err := ParseAudience("audience", d.text("audience"))
	switch e := problem.From(err); {
	case e != nil:
		r.fails("audience", strings.TrimPrefix(e.Message, "audience: "), e.Hint)
	case d.text("audience") != a.String():
		r.fails("audience", fmt.Sprintf("%q is refused by Google (invalid_request)", d.text("audience")), "write it as "+a.String())
	default:
		r.Audience = a
	}
	switch kind := d.text("subject_token_type"); kind {
	case pluggable.TypeJWT, pluggable.TypeIDToken:
	case "":
		r.fails("subject_token_type", "it is missing", "set it to "+pluggable.TypeJWT)
	default:
		r.fails("subject_token_type", fmt.Sprintf("%q is nothing that Entra ID gives", kind), "set it to "+pluggable.TypeJWT)
	}
	universe, named := d["universe_domain"].(string)
	if !named {
		universe = DefaultUniverse
	}
	if !domain().MatchString(universe) {
		r.fails("universe_domain", fmt.Sprintf("%q is not a domain name", universe), "set it to "+DefaultUniverse)
		universe = DefaultUniverse
	}
	sts := "https://sts." + universe + "/v1/token"
	switch address := d.text("token_url"); {
	case address == "" && universe == DefaultUniverse:
		r.fails("token_url", "it is missing; these clients do not know it by themselves", "set it to "+sts, Python, GCloud, PHP, Ruby, Rust)
	case address == "":
		r.fails("token_url", "it is missing, and these clients do not make it from universe_domain", "set it to "+sts, Go, Python, GCloud, PHP, Ruby, Rust)
	default:
		r.checkURL("token_url", address)
		if host := hostOf(address); address != sts && strings.HasPrefix(host, "sts.") {
			r.note("token_url", fmt.Sprintf("%s is not of the universe %s", host, universe), "set it to "+sts)
		}
	}
	if project := d.text("workforce_pool_user_project"); r.Audience.Pool != "" {
		switch {
		case project != "" && !r.Audience.Workforce():
			r.fails("workforce_pool_user_project", "it is for workforce pools, and clients refuse it beside a pool of workloads", "remove it")
		case project == "" && r.Audience.Workforce() && d.text("client_id") == "":
			r.fails("workforce_pool_user_project", "it is missing, and Google bills what people of a workforce pool do to a project", "set it to a project number")
		}
	}
}

func (r *Report) checkURL(field, address string) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "":
		r.fails(field, fmt.Sprintf("%q is no URL", address), "")
	case u.Scheme != "https":
		r.fails(field, fmt.Sprintf("%q is not https", address), "", Java)
	}
	if len(address) > maxURL {
		r.fails(field, fmt.Sprintf("it is longer than %d characters", maxURL), "", Node)
	}
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

func impersonation() *regexp.Regexp {
	return regexp.MustCompile(`^https?://[^/]+/v1/projects/-/serviceAccounts/([^/]+@[^/]+):generateAccessToken$`)
}

// checkImpersonation looks at the service account.
func (r *Report) checkImpersonation(d document) {
	const field = "service_account_impersonation_url"
	if address := d.text(field); address != "" {
		r.checkURL(field, address)
		if m := impersonation().FindStringSubmatch(address); m != nil {
			r.Account = m[1]
		} else {
			r.fails(field, fmt.Sprintf("%q does not end with /v1/projects/-/serviceAccounts/EMAIL:generateAccessToken", address), "")
		}
	}
	lifetime, set := d.within("service_account_impersonation")["token_lifetime_seconds"]
	if !set {
		return
	}
	const life = "service_account_impersonation.token_lifetime_seconds"
	seconds, ok := lifetime.(float64)
	switch {
	case r.Account == "":
		r.note(life, "it means nothing without "+field, "remove it")
	case !ok || seconds < MinLifetimeSeconds || seconds > MaxLifetimeSeconds:
		r.fails(life, fmt.Sprintf("%v is not a number between %d and %d", lifetime, MinLifetimeSeconds, MaxLifetimeSeconds), "")
	case seconds > LifetimeWithoutPolicy:
		r.note(life, fmt.Sprintf("Google gives more than %d only where constraints/iam.allowServiceAccountCredentialLifetimeExtension names the account", LifetimeWithoutPolicy), "")
	}
	if r.Account != "" {
		r.note(life, "these clients ask for an hour whatever it says", "", PHP, Rust, Ruby)
	}
}

// checkSource looks at where the subject token comes from.
func (r *Report) checkSource(d document, s Surroundings) {
	src := d.within("credential_source")
	_, runs := src["executable"]
	path, reads := src["file"].(string)
	_, asks := src["url"]
	switch {
	case runs && (reads || asks):
		r.Source = "executable"
		r.fails("credential_source", "it has an executable beside another source, and clients differ in which they take", "leave one of them")
	case runs:
		r.Source = "executable"
	case reads:
		r.Source = "file"
		r.checkTokenFile(path, src.within("format"))
		return
	case asks:
		r.Source = "url"
		r.checkMetadata(src.text("url"))
		return
	default:
		r.Source = "none"
		r.fails("credential_source", "it has neither executable nor file nor url", "gcp-executable-source config writes one")
		return
	}
	r.fails("credential_source.executable", "these libraries have no executable source", "gcp-executable-source config --source file --token-path /ABSOLUTE/PATH …", DotNet, CPP)
	r.checkExecutable(src.within("executable"), s)
}

// checkMetadata looks at what gcloud's --azure writes.
func (r *Report) checkMetadata(address string) {
	if hostOf(address) == "169.254.169.254" {
		r.note("credential_source.url", "it is an Azure machine's own metadata endpoint: it answers on virtual machines alone, for the only identity that there is", "gcp-executable-source config … knows every other place, and which identity")
	}
}

func (r *Report) checkTokenFile(path string, format document) {
	const field = "credential_source.file"
	if !filepath.IsAbs(path) {
		r.fails(field, fmt.Sprintf("%q is not an absolute path, and clients start anywhere", path), "")
		return
	}
	if format.text("type") == "json" && format.text("subject_token_field_name") == "" {
		r.fails("credential_source.format", "its type is json, and no subject_token_field_name says where the token is", "remove it: gcp-executable-source token-file writes the bare token")
	}
	info, err := os.Stat(path)
	switch keep := "gcp-executable-source token-file --path " + path + " --watch"; {
	case err != nil:
		r.fails(field, fmt.Sprintf("%v", err), keep)
	case !info.Mode().IsRegular() || info.Size() == 0:
		r.fails(field, path+" has no token", keep)
	}
}
