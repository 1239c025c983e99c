package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cloud.google.com/go/auth/credentials"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"github.com/idferry/idferry/internal/fakecloud"
)

// fileSourced is the file that a Google client without executables is given.
func fileSourced(t *testing.T, clouds *fakecloud.Sandbox, token string) []byte {
	t.Helper()
	data, err := json.Marshal(map[string]any{
		"universe_domain": "googleapis.com", "type": "external_account", "audience": fakecloud.SandboxProvider,
		"subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": clouds.Google.STSURL(),
		"credential_source": map[string]any{"file": token},
	})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// longLived are the two Go libraries as a program uses them that lives on: one object, asked again and again.
func longLived() map[string]func(context.Context, *http.Client, []byte) (func() error, error) {
	return map[string]func(context.Context, *http.Client, []byte) (func() error, error){
		"golang.org/x/oauth2": func(ctx context.Context, client *http.Client, file []byte) (func() error, error) {
			c, err := google.CredentialsFromJSONWithType(context.WithValue(ctx, oauth2.HTTPClient, client), file, google.ExternalAccount, cloudPlatform)
			if err != nil {
				return nil, err
			}
			return func() error { _, err := c.TokenSource.Token(); return err }, nil
		},
		"cloud.google.com/go/auth": func(ctx context.Context, client *http.Client, file []byte) (func() error, error) {
			c, err := credentials.NewCredentialsFromJSON(credentials.ExternalAccount, file, &credentials.DetectOptions{Scopes: []string{cloudPlatform}, Client: client})
			if err != nil {
				return nil, err
			}
			return func() error { _, err := c.Token(ctx); return err }, nil
		},
	}
}

// subjectTokens is a transport that keeps what is handed to the token service.
type subjectTokens struct {
	next http.RoundTripper
	mu   sync.Mutex
	seen map[string]bool
}

func (s *subjectTokens) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if form, err := url.ParseQuery(string(body)); err == nil && form.Get("subject_token") != "" {
			s.mu.Lock()
			s.seen[form.Get("subject_token")] = true
			s.mu.Unlock()
		}
	}
	return s.next.RoundTrip(r)
}

func (s *subjectTokens) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen)
}

// keepFresh starts the service as systemd would, and returns when it says that it is up.
func keepFresh(t *testing.T, path string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	service := exec.Command(binary("gcp-executable-source"), append([]string{"token-file", "--path", path}, strings.Fields(managedIdentity)...)...)
	service.Env = append(os.Environ(), "NOTIFY_SOCKET="+filepath.Join(dir, "s"))
	var said bytes.Buffer
	service.Stdout, service.Stderr = &said, &said
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := service.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := service.Wait(); err != nil || said.Len() > 0 {
			t.Errorf("%v: %s", err, &said)
		}
	})
	_ = socket.SetReadDeadline(time.Now().Add(20 * time.Second))
	state := make([]byte, 100)
	n, err := socket.Read(state)
	if err != nil || string(state[:n]) != "READY=1" {
		t.Fatalf("%q %v", state[:n], err)
	}
}

// Programs that live on read the file again for each exchange, and find the renewed token there.
func TestGoogleClientsReadARenewedTokenFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no SIGTERM")
	}
	for name, open := range longLived() {
		t.Run(name, func(t *testing.T) {
			clouds := machine(t)
			// So short that the libraries exchange it at every call, and that it is renewed every two seconds.
			clouds.Entra.Issue(4*time.Second, 0)
			path := filepath.Join(t.TempDir(), "idferry", "token")
			keepFresh(t, path)
			client := clouds.CA.Client()
			seen := &subjectTokens{next: client.Transport, seen: map[string]bool{}}
			client.Transport = seen
			call, err := open(t.Context(), client, fileSourced(t, clouds, path))
			if err != nil {
				t.Fatal(err)
			}
			tick := time.NewTicker(50 * time.Millisecond)
			defer tick.Stop()
			for end := time.Now().Add(20 * time.Second); seen.count() < 3; <-tick.C {
				if err := call(); err != nil {
					t.Fatal(err)
				}
				if time.Now().After(end) {
					t.Fatalf("%d tokens were exchanged", seen.count())
				}
			}
			for subject := range seen.seen {
				if strings.TrimSpace(subject) != subject || strings.Count(subject, ".") != 2 {
					t.Error("more than a token was read")
				}
			}
		})
	}
}
