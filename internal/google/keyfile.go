package google

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"golang.org/x/oauth2/jwt"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/sts"
	"github.com/idferry/idferry/internal/token"
	"github.com/idferry/idferry/internal/upstream"
)

// keyFile takes a service-account key file, and nothing else.
func (s Settings) keyFile(chain chain) (string, source, error) {
	file, err := s.explicitCredentials()
	if err != nil {
		return "", nil, err
	}
	if file == nil {
		return "", nil, problem.Input("--google-source", "key-file needs a service-account key").
			WithHint("name it with --google-credentials FILE or GOOGLE_APPLICATION_CREDENTIALS")
	}
	if file.Type != string(google.ServiceAccount) {
		return "", nil, problem.Input(file.origin, "its \"type\" is %q, not \"service_account\"", file.Type).
			WithHint("use --google-source impersonation for this file, or let --google-source auto choose")
	}
	return s.fromFile(file, chain)
}

// serviceAccountKey signs an assertion with the key and exchanges it for an ID token.
// https://developers.google.com/identity/protocols/oauth2/service-account
type serviceAccountKey struct {
	file     *credentialsFile
	audience string
	http     *http.Client
	now      func() time.Time
}

func (s Settings) serviceAccountKey(file *credentialsFile) *serviceAccountKey {
	return &serviceAccountKey{file, s.Audience, s.patientClient(upstream.Options{RequireJSON: true}), s.Now}
}

func (k *serviceAccountKey) inputs() []token.Input { return k.file.inputs() }

func (k *serviceAccountKey) idToken(ctx context.Context) (token.Secret, error) {
	config := &jwt.Config{
		Email: k.file.ClientEmail, PrivateKey: []byte(k.file.PrivateKey), PrivateKeyID: k.file.PrivateKeyID,
		TokenURL: k.file.TokenURI, UseIDToken: true, PrivateClaims: map[string]any{"target_audience": k.audience},
	}
	if config.TokenURL == "" {
		config.TokenURL = google.JWTTokenURL
	}
	client, w := witnessed(ctx, k.http)
	granted, err := config.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, client)).Token()
	if err != nil {
		return token.Secret{}, tokenRefused("exchanging the key of "+k.file.ClientEmail+" for an ID token", err, w, k.file, k.now())
	}
	return token.NewSecret(granted.AccessToken), nil
}

// tokenRefused says why x/oauth2 got no token.
func tokenRefused(what string, err error, w *witness, file *credentialsFile, now time.Time) error {
	switch {
	case w.failure != nil:
		return w.failure
	case w.refused == nil:
		return problem.New(problem.BadAnswer, "%s: %s", what, sts.Quote(err.Error()))
	}
	e := w.refused.Problem(what, nil)
	if e.Code != "invalid_grant" {
		return e
	}
	switch google.CredentialsType(file.Type) {
	case google.ServiceAccount:
		if strings.Contains(w.refused.Message, "reasonable timeframe") {
			return e.WithHint("this machine's clock shows %s; set it, or synchronise it: timedatectl set-ntp true", now.UTC().Format(time.RFC3339))
		}
		return e.WithHint("is key %s still there? gcloud iam service-accounts keys list --iam-account=%s", file.PrivateKeyID, file.ClientEmail)
	case google.AuthorizedUser, google.ExternalAccountAuthorizedUser:
		return e.WithHint("sign in again: gcloud auth application-default login")
	}
	return e
}

// checkKey says which field of a service-account key file cannot be used.
func (f *credentialsFile) checkKey() error {
	for _, field := range []struct{ name, value string }{{"client_email", f.ClientEmail}, {"private_key", f.PrivateKey}} {
		if field.value == "" {
			return problem.Input(f.origin, "field %q is missing", field.name).
				WithHint("it does not look like a whole key file; make a new one: gcloud iam service-accounts keys create FILE --iam-account=EMAIL")
		}
	}
	if !accountName(f.ClientEmail) {
		return problem.Input(f.origin, "field \"client_email\" is %q, not an e-mail address", f.ClientEmail)
	}
	if !rsaKey(f.PrivateKey) {
		return problem.Input(f.origin, "field \"private_key\" is not an RSA key in PEM").
			WithHint("a copy may have lost its line breaks (\\n in JSON); make a new one: gcloud iam service-accounts keys create FILE --iam-account=%s", f.ClientEmail)
	}
	return nil
}

func rsaKey(text string) bool {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return false
	}
	if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		_, ok := key.(*rsa.PrivateKey)
		return ok
	}
	_, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	return err == nil
}
