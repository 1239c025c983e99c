package google

import (
	"context"
	"io"
	"os"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// tokenFile is a file in which someone else keeps a fresh ID token: a projected service-account token, signed by a GKE
// cluster's own issuer, or a token of Google's that a job was given.
// https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#launch-a-pod-using-service-account-token-projection
type tokenFile struct {
	path string
	now  func() time.Time
	// whose is who the token said it was when the file was first read.
	whose token.Claims
}

func (s Settings) tokenFile() (source, error) {
	if s.TokenFile == "" {
		return nil, problem.Input("--google-source", "token-file needs a file with an ID token").WithHint("name it with --federated-token-file FILE or AZURE_FEDERATED_TOKEN_FILE")
	}
	f := &tokenFile{path: s.TokenFile, now: s.Now}
	_, claims, err := f.read()
	f.whose = claims
	return f, err
}

// read takes the file without the line break at its end, which most SDKs would send along.
func (f *tokenFile) read() (token.Secret, token.Claims, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return token.Secret{}, token.Claims{}, problem.Input("token file "+f.path, "%s", readable(err)).WithHint("ls -lL %s", f.path)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, 1<<20))
	if err != nil {
		return token.Secret{}, token.Claims{}, problem.Input("token file "+f.path, "%s", readable(err)).WithHint("ls -lL %s", f.path)
	}
	text := strings.TrimSpace(string(data))
	if text == "" {
		return token.Secret{}, token.Claims{}, problem.Input("token file "+f.path, "it is empty").WithHint("ls -lL %s", f.path)
	}
	claims, err := token.ReadClaims(text)
	if err != nil {
		return token.Secret{}, token.Claims{}, problem.Input("token file "+f.path, "%w", err).
			WithHint("it must hold an ID token alone, not an access token and not JSON around it")
	}
	return token.NewSecret(text), claims, nil
}

func (f *tokenFile) inputs() []token.Input {
	return []token.Input{{Name: "token-file", Value: f.path}, {Name: "token-issuer", Value: f.whose.Issuer}, {Name: "token-subject", Value: f.whose.Subject}}
}

// idToken reads the file anew each time: whoever writes it replaces the token before it expires.
func (f *tokenFile) idToken(context.Context) (token.Secret, error) {
	value, claims, err := f.read()
	if err != nil {
		return token.Secret{}, err
	}
	if now := f.now(); !claims.Expiry.IsZero() && !now.Before(claims.Expiry) {
		return token.Secret{}, problem.New(problem.Expired, "token file %s: its token expired at %s; this machine's clock shows %s",
			f.path, claims.Expiry.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339)).
			WithHint("see whether it is still being replaced: ls -lL --time-style=full-iso %s", f.path)
	}
	return value, nil
}
