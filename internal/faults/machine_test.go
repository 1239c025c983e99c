package faults

import (
	"crypto/sha1"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

// clouds are both clouds, with what was handed out to their machines.
type clouds struct {
	*fakecloud.Sandbox
	// ahead is how far their clock is ahead of the machines', in nanoseconds.
	ahead        *atomic.Int64
	certificates *certificates
	// key and user are credentials files of Google.
	key, user string
	// withoutIdentity are clouds whose machine is one of Cloud Build. They are nil there.
	withoutIdentity *clouds
}

func newClouds(t *testing.T, ahead time.Duration) *clouds {
	t.Helper()
	c := startClouds(t, ahead)
	c.withoutIdentity = startClouds(t, ahead)
	c.withoutIdentity.ahead = c.ahead
	if err := c.withoutIdentity.WithoutIdentityEndpoint(); err != nil {
		t.Fatal(err)
	}
	return c
}

func startClouds(t *testing.T, ahead time.Duration) *clouds {
	t.Helper()
	c := &clouds{ahead: new(atomic.Int64)}
	c.ahead.Store(int64(ahead))
	var err error
	if c.Sandbox, err = fakecloud.StartSandbox(func() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	c.certificates = newCertificates(t, c.CA)
	key, err := c.Google.NewKeyFile(fakecloud.SandboxAccount)
	if err != nil {
		t.Fatal(err)
	}
	user, err := c.UserCredentials()
	if err != nil {
		t.Fatal(err)
	}
	c.key, c.user = string(key), string(user)
	return c
}

// secrets are what a machine of these clouds may know.
func (c *clouds) secrets() []string {
	var key struct {
		PrivateKey string `json:"private_key"`
	}
	_ = json.Unmarshal([]byte(c.key), &key)
	const pemLine = len("-----BEGIN PRIVATE KEY-----\n")
	return []string{
		fakecloud.SandboxSecret, fakecloud.SandboxAppServiceHeader, fakecloud.SandboxMSISecret, fakecloud.SandboxFabricCode, fakecloud.SandboxJobToken,
		key.PrivateKey[pemLine:], "sandbox-client-secret", "1//sandbox-refresh-token",
		page, otherDocument, truncatedToken, hugeToken,
	}
}

// machine is where a program runs: a home, and what it finds in its environment.
type machine struct {
	t    *testing.T
	home string
	// programs is where both binaries are.
	programs string
	clouds   *clouds
	env      []string
	// own are secrets of this machine alone.
	own []string
	// traced is set where a program is run under strace, with no limit of cores.
	traced bool
}

// newMachine makes one that nobody gave an identity, in an empty home.
func newMachine(t *testing.T, c *clouds, programs, home string) *machine {
	t.Helper()
	m := &machine{t: t, home: home, programs: programs, clouds: c}
	for _, dir := range []string{m.cacheDir(), m.outputDir(), m.files()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	const nobody = "127.0.0.1:9"
	m.set("HOME="+home, "LOCALAPPDATA="+home, "PATH="+home, "SYSTEMROOT="+os.Getenv("SYSTEMROOT"), "SSL_CERT_DIR="+m.files(),
		"IDFERRY_CACHE=file", "IDFERRY_CACHE_DIR="+m.cacheDir(), "DBUS_SESSION_BUS_ADDRESS=disabled:",
		"AZURE_TENANT_ID="+fakecloud.SandboxTenant, "AZURE_CLIENT_ID="+fakecloud.SandboxApp, "GCE_METADATA_HOST="+nobody, "AZURE_POD_IDENTITY_AUTHORITY_HOST=http://"+nobody)
	m.inClouds(c)
	return m
}

// inClouds has the machine trust other clouds.
func (m *machine) inClouds(c *clouds) {
	m.clouds = c
	m.set("SSL_CERT_FILE="+m.file("authorities.pem", string(c.CA.PEM)), "AZURE_AUTHORITY_HOST="+c.Entra.URL,
		"CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS="+c.Google.IAM.URL)
}

// set adds to the environment. The last value of a variable counts.
func (m *machine) set(variables ...string) { m.env = append(m.env, variables...) }

func (m *machine) cacheDir() string   { return filepath.Join(m.home, "cache") }
func (m *machine) outputDir() string  { return filepath.Join(m.home, "output") }
func (m *machine) outputFile() string { return filepath.Join(m.outputDir(), "response.json") }
func (m *machine) logFile() string    { return filepath.Join(m.home, "log") }
func (m *machine) files() string      { return filepath.Join(m.home, "files") }

// file writes a file and returns its path.
func (m *machine) file(name, text string) string {
	m.t.Helper()
	path := filepath.Join(m.files(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
	return path
}

// projected is the file of a token that kubelet keeps fresh.
func (m *machine) projected() string {
	m.t.Helper()
	value, err := m.clouds.ProjectedToken(time.Hour)
	if err != nil {
		m.t.Fatal(err)
	}
	m.own = append(m.own, value)
	return m.file("projected", value+"\n")
}

// externalAccount is the file of a workload outside of Google Cloud that may act as the service account.
func (m *machine) externalAccount(tokenURL string) string {
	m.t.Helper()
	subject, err := m.clouds.SubjectToken()
	if err != nil {
		m.t.Fatal(err)
	}
	m.own = append(m.own, subject)
	data, err := json.Marshal(map[string]any{
		"type": "external_account", "audience": fakecloud.SandboxProvider, "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": tokenURL,
		"credential_source": map[string]string{"file": m.file("subject", subject)},
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return m.file("external.json", string(data))
}

// executableSource is the file of Google's libraries for a virtual machine of Azure, with the addresses of Google's endpoints; the
// one of IAM Credentials may be "".
func (m *machine) executableSource(tokenURL, impersonationURL, tokenInfoURL string) string {
	m.t.Helper()
	command := filepath.ToSlash(filepath.Join(m.programs, source)) + exe() + " --credential managed-identity --resource " + fakecloud.SandboxResource
	document := map[string]any{
		"universe_domain": "googleapis.com", "type": "external_account", "audience": fakecloud.SandboxProvider, "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
		"token_url": tokenURL, "token_info_url": tokenInfoURL,
		"credential_source": map[string]any{"executable": map[string]any{"command": command, "timeout_millis": 30000}},
	}
	if impersonationURL != "" {
		document["service_account_impersonation_url"] = impersonationURL
	}
	data, err := json.Marshal(document)
	if err != nil {
		m.t.Fatal(err)
	}
	return m.file("google.json", string(data))
}

// thumbprint is the one of the certificate by which a gate is known.
func (m *machine) thumbprint() string {
	return fmt.Sprintf("%X", sha1.Sum(m.clouds.certificates.good.Certificate[0]))
}
