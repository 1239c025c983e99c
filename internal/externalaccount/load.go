package externalaccount

import (
	"os"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/problem"
)

// Loaded is what a file says about the way from a subject token to an access token. What it does not say has the value
// that Google's libraries take.
type Loaded struct {
	Path string
	// Audience, TokenURL, SubjectTokenType, TokenInfoURL and UserProject are the file's, as they stand there.
	Audience, TokenURL, SubjectTokenType, TokenInfoURL, UserProject string
	// ClientID and ClientSecret are of an OAuth client that the exchange is authenticated by; pools of workloads have no
	// use for one.
	ClientID, ClientSecret string
	// ImpersonationURL is empty where no service account is impersonated, Account the e-mail in it, and Lifetime how long
	// its tokens are to live; zero is an hour.
	ImpersonationURL, Account string
	Lifetime                  time.Duration
	// Command are the words of the executable source; TokenPath is the file of the other form. One of them is empty.
	Command   []string
	TokenPath string
}

// Load reads the file at path. What clients make of it is Check's affair.
func Load(path string) (*Loaded, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, problem.Input("--file", "%w", err)
	}
	d, err := parse(path, data)
	if err != nil {
		return nil, err
	}
	universe := d.text("universe_domain")
	if universe == "" {
		universe = DefaultUniverse
	}
	l := &Loaded{
		Path: path, Audience: d.text("audience"), TokenURL: d.text("token_url"), SubjectTokenType: d.text("subject_token_type"), TokenInfoURL: d.text("token_info_url"),
		UserProject: d.text("workforce_pool_user_project"), ClientID: d.text("client_id"), ClientSecret: d.text("client_secret"), ImpersonationURL: d.text("service_account_impersonation_url"), TokenPath: d.within("credential_source").text("file"),
		Command: strings.Fields(d.within("credential_source").within("executable").text("command")),
	}
	if l.TokenURL == "" {
		l.TokenURL = "https://sts." + universe + "/v1/token"
	}
	if l.TokenInfoURL == "" {
		l.TokenInfoURL = "https://sts." + universe + "/v1/introspect"
		if l.ImpersonationURL != "" {
			l.TokenInfoURL = "https://oauth2." + universe + "/tokeninfo"
		}
	}
	if m := impersonation().FindStringSubmatch(l.ImpersonationURL); m != nil {
		l.Account = m[1]
	}
	if seconds, ok := d.within("service_account_impersonation")["token_lifetime_seconds"].(float64); ok && seconds >= 0 && seconds < 1<<31 {
		l.Lifetime = time.Duration(seconds) * time.Second
	}
	return l, nil
}

// IsOne reports whether a file of credentials is of this type, so that somebody means it.
func IsOne(path string) bool {
	data, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	_, err = parse(path, data)
	return err == nil
}

// OfThisProgram returns the arguments where the command is gcp-executable-source.
func (l *Loaded) OfThisProgram() ([]string, bool) {
	if len(l.Command) == 0 {
		return nil, false
	}
	name := l.Command[0]
	name = strings.TrimSuffix(name[strings.LastIndexAny(name, `/\`)+1:], ".exe")
	return l.Command[1:], name == programName
}
