package externalaccount

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/idferry/idferry/internal/pluggable"
	"github.com/idferry/idferry/internal/problem"
)

// Options is what config is told. A zero field is one that was not given.
type Options struct {
	Audience Audience
	// SubjectTokenType is a short name ("jwt", "id_token") or the whole URN (RFC 8693 section 3).
	SubjectTokenType string
	// UniverseDomain is DefaultUniverse when empty.
	UniverseDomain string
	// ServiceAccount is the e-mail of an account to impersonate, TokenLifetime how long its tokens live.
	ServiceAccount string
	TokenLifetime  time.Duration
	// UserProject is billed for what people of a workforce pool do.
	UserProject string

	// TokenPath makes the file one that names a file with the subject token, in place of a command.
	TokenPath string
	// Command is the whole command line.
	Command []string
	// TimeoutMillis and InteractiveMillis are in milliseconds; OutputFile is where clients look for a response.
	TimeoutMillis, InteractiveMillis int
	OutputFile                       string
}

// file has the keys of gcloud's, in its order.
type file struct {
	UniverseDomain   string        `json:"universe_domain"`
	Type             string        `json:"type"`
	Audience         string        `json:"audience"`
	SubjectTokenType string        `json:"subject_token_type"`
	TokenURL         string        `json:"token_url"`
	CredentialSource source        `json:"credential_source"`
	UserProject      string        `json:"workforce_pool_user_project,omitempty"`
	ImpersonationURL string        `json:"service_account_impersonation_url,omitempty"`
	Impersonation    *impersonated `json:"service_account_impersonation,omitempty"`
	TokenInfoURL     string        `json:"token_info_url,omitempty"`
}

type source struct {
	File       string      `json:"file,omitempty"`
	Executable *executable `json:"executable,omitempty"`
}

type executable struct {
	Command           string `json:"command"`
	TimeoutMillis     int    `json:"timeout_millis"`
	OutputFile        string `json:"output_file,omitempty"`
	InteractiveMillis int    `json:"interactive_timeout_millis,omitempty"`
}

type impersonated struct {
	LifetimeSeconds int `json:"token_lifetime_seconds"`
}

// Patterns are compiled where they are used: a call that writes no file does not pay for them.
func domain() *regexp.Regexp {
	return regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$`)
}
func email() *regexp.Regexp {
	return regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*@[a-z0-9][a-z0-9.-]*\.gserviceaccount\.com$`)
}

// Exchange is where a subject token becomes an access token, and what for.
type Exchange struct {
	UniverseDomain, SubjectTokenType, TokenURL string
	// ImpersonationURL is empty where no service account is acted as, LifetimeSeconds zero where its tokens live as long as
	// they do by default.
	ImpersonationURL string
	LifetimeSeconds  int
}

// Exchange returns what o means for the exchange, whoever gives the subject token. Errors name the flag of config that is
// unusable.
func (o Options) Exchange() (Exchange, error) {
	kind, err := subjectTokenType(o)
	if err != nil {
		return Exchange{}, err
	}
	x := Exchange{UniverseDomain: o.UniverseDomain, SubjectTokenType: kind}
	if x.UniverseDomain == "" {
		x.UniverseDomain = DefaultUniverse
	}
	if !domain().MatchString(x.UniverseDomain) {
		return Exchange{}, problem.Input("--universe-domain", "%q is not a domain name", x.UniverseDomain)
	}
	x.TokenURL = "https://sts." + x.UniverseDomain + "/v1/token"
	if err := userProject(o); err != nil {
		return Exchange{}, err
	}
	return x, x.impersonate(o)
}

// New returns the file for o, as JSON that ends with a line break. Errors name the flag of config that is unusable.
func New(o Options) ([]byte, error) {
	if err := o.checkText(); err != nil {
		return nil, err
	}
	x, err := o.Exchange()
	if err != nil {
		return nil, err
	}
	f := file{
		UniverseDomain: x.UniverseDomain, Type: Type, Audience: o.Audience.String(), SubjectTokenType: x.SubjectTokenType,
		TokenURL: x.TokenURL, UserProject: o.UserProject, ImpersonationURL: x.ImpersonationURL,
	}
	if f.CredentialSource, err = credentialSource(o); err != nil {
		return nil, err
	}
	if x.ImpersonationURL == "" {
		f.TokenInfoURL = "https://sts." + x.UniverseDomain + "/v1/introspect"
	}
	if x.LifetimeSeconds != 0 {
		f.Impersonation = &impersonated{LifetimeSeconds: x.LifetimeSeconds}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(f); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return b.Bytes(), nil
}

// checkText refuses what JSON cannot hold: another byte would stand in its place.
func (o Options) checkText() error {
	for flag, text := range map[string]string{
		"command": strings.Join(o.Command, " "), "--output-file": o.OutputFile, "--token-path": o.TokenPath, "--service-account": o.ServiceAccount, "--workforce-pool-user-project": o.UserProject,
	} {
		if !utf8.ValidString(text) {
			return problem.Input(flag, "%q is not UTF-8, and the file is", text)
		}
	}
	return nil
}

func subjectTokenType(o Options) (string, error) {
	switch o.SubjectTokenType {
	case "jwt", pluggable.TypeJWT:
		return pluggable.TypeJWT, nil
	case "id_token", pluggable.TypeIDToken:
		return pluggable.TypeIDToken, nil
	case "":
		if o.Audience.Workforce() {
			return pluggable.TypeIDToken, nil
		}
		return pluggable.TypeJWT, nil
	default:
		return "", problem.Input("--subject-token-type", "%q is not a type of token that Entra ID gives: jwt, id_token", o.SubjectTokenType)
	}
}

func credentialSource(o Options) (source, error) {
	if o.TokenPath != "" {
		if err := absolute("--token-path", o.TokenPath); err != nil {
			return source{}, err
		}
		return source{File: filepath.ToSlash(o.TokenPath)}, nil
	}
	command, err := commandLine(o.Command)
	if err != nil {
		return source{}, err
	}
	x := &executable{Command: command, TimeoutMillis: o.TimeoutMillis, OutputFile: o.OutputFile, InteractiveMillis: o.InteractiveMillis}
	if x.TimeoutMillis == 0 {
		x.TimeoutMillis = DefaultTimeoutMillis
	}
	if x.TimeoutMillis < MinTimeoutMillis || x.TimeoutMillis > MaxTimeoutMillis {
		return source{}, problem.Input("--timeout-millis", "%d is not between %d and %d, and clients refuse it", x.TimeoutMillis, MinTimeoutMillis, MaxTimeoutMillis)
	}
	if x.OutputFile != "" {
		if err := absolute("--output-file", x.OutputFile); err != nil {
			return source{}, err
		}
	}
	if x.InteractiveMillis != 0 {
		switch {
		case x.InteractiveMillis < MinInteractiveMillis || x.InteractiveMillis > MaxInteractiveMillis:
			return source{}, problem.Input("--interactive-timeout-millis", "%d is not between %d and %d, and clients refuse it", x.InteractiveMillis, MinInteractiveMillis, MaxInteractiveMillis)
		case !o.Audience.Workforce():
			return source{}, problem.Input("--interactive-timeout-millis", "clients ask people of a workforce pool only, and %s is a pool of workloads", o.Audience.Pool)
		case x.OutputFile == "":
			return source{}, problem.Input("--interactive-timeout-millis", "an interactive run answers in a file").WithHint("name it: --output-file /ABSOLUTE/PATH")
		}
	}
	return source{Executable: x}, nil
}

func absolute(field, path string) error {
	// A Windows path may be written for a Windows machine elsewhere.
	if filepath.IsAbs(path) || strings.HasPrefix(path, "/") || windowsPath().MatchString(path) {
		return nil
	}
	return problem.Input(field, "%q is not an absolute path, and clients start anywhere", path)
}

func windowsPath() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z]:[/\\]`) }

func userProject(o Options) error {
	switch {
	case o.UserProject != "" && !o.Audience.Workforce():
		return problem.Input("--workforce-pool-user-project", "it is for workforce pools, and clients refuse it beside a pool of workloads")
	case o.UserProject == "" && o.Audience.Workforce():
		return problem.Input("--workforce-pool-user-project", "it is missing, and what people of a workforce pool do is billed to a project").
			WithHint("gcloud projects list --format='value(projectNumber)'")
	}
	return nil
}

func (x *Exchange) impersonate(o Options) error {
	seconds := int(o.TokenLifetime / time.Second)
	if o.ServiceAccount == "" {
		if o.TokenLifetime != 0 {
			return problem.Input("--token-lifetime", "it is that of a service account's tokens, and --service-account is missing")
		}
		return nil
	}
	// Other universes name their accounts after themselves.
	if x.UniverseDomain == DefaultUniverse && !email().MatchString(o.ServiceAccount) || strings.Count(o.ServiceAccount, "@") != 1 || strings.ContainsAny(o.ServiceAccount, "/ ") {
		return problem.Input("--service-account", "%q is not the e-mail of a service account", o.ServiceAccount).WithHint("gcloud iam service-accounts list")
	}
	x.ImpersonationURL = "https://iamcredentials." + x.UniverseDomain + "/v1/projects/-/serviceAccounts/" + o.ServiceAccount + ":generateAccessToken"
	if u, err := url.Parse(x.ImpersonationURL); err != nil || u.Host == "" || len(x.ImpersonationURL) > maxURL {
		return problem.Input("--service-account", "the URL with %q has more than %d characters, which Node.js refuses", o.ServiceAccount, maxURL)
	}
	switch {
	case o.TokenLifetime == 0:
	case seconds < MinLifetimeSeconds || seconds > MaxLifetimeSeconds || o.TokenLifetime%time.Second != 0:
		return problem.Input("--token-lifetime", "%s is not a number of seconds between %d and %d (10m to 12h)", o.TokenLifetime, MinLifetimeSeconds, MaxLifetimeSeconds)
	default:
		x.LifetimeSeconds = seconds
	}
	return nil
}
