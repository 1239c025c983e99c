package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/idferry/idferry/internal/fakecloud"
)

const trustStorePassword = "changeit"

// azureMachine is an Azure virtual machine with a managed identity, whose programs use Google Cloud.
type azureMachine struct {
	dir    string
	clouds *fakecloud.Sandbox
	helper string
	// bundle and trustStore hold the authority of the clouds' servers.
	bundle, trustStore string
	// outage is another one, whose Entra ID is down.
	outage *azureMachine
	// sent is what each client sent, by what it was asked.
	sent map[string][]fakecloud.Exchange
}

func startAzureMachine(shop *workshop) (_ *azureMachine, err error) {
	m := &azureMachine{helper: filepath.Join(shop.programs, "gcp-executable-source"), sent: map[string][]fakecloud.Exchange{}}
	if m.dir, err = os.MkdirTemp(shop.dir, "machine-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			m.close()
		}
	}()
	if m.clouds, err = fakecloud.StartSandbox(time.Now); err != nil {
		return nil, err
	}
	m.bundle, m.trustStore = filepath.Join(m.dir, "ca.pem"), filepath.Join(m.dir, "trust.p12")
	block, _ := pem.Decode(m.clouds.CA.PEM)
	authority, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	store, err := pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{authority}, trustStorePassword)
	if err != nil {
		return nil, err
	}
	if err = os.WriteFile(m.trustStore, store, 0o600); err != nil {
		return nil, err
	}
	return m, os.WriteFile(m.bundle, m.clouds.CA.PEM, 0o600)
}

func (m *azureMachine) close() {
	if m.clouds != nil {
		m.clouds.Close()
	}
	_ = os.RemoveAll(m.dir)
}

// environment is what a process sees, with the changes of one row. Nothing of our own environment reaches it but PATH.
func (m *azureMachine) environment(cache, log string, changes map[string]string) []string {
	env := map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": m.dir, "TMPDIR": m.dir, "LANG": "C.UTF-8", "JAVA_HOME": os.Getenv("JAVA_HOME"), "TZ": "America/New_York",
		"SSL_CERT_FILE": m.bundle, "SSL_CERT_DIR": filepath.Join(m.dir, "none"), "REQUESTS_CA_BUNDLE": m.bundle, "NODE_EXTRA_CA_CERTS": m.bundle,
		"IDFERRY_TRUSTSTORE": m.trustStore, "IDFERRY_TRUSTSTORE_PASSWORD": trustStorePassword,
		"IDFERRY_CACHE": "file", "IDFERRY_CACHE_DIR": cache, "IDFERRY_LOG": log,
		"AZURE_POD_IDENTITY_AUTHORITY_HOST": m.clouds.IMDS.URL, "AZURE_AUTHORITY_HOST": m.clouds.Entra.URL + "/",
		"GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES": "1", "GOOGLE_CLOUD_PROJECT": fakecloud.SandboxProject,
		// Nobody looks for a metadata server of Google's.
		"NO_GCE_CHECK": "true", "METADATA_SERVER_DETECTION": "none",
	}
	for name, value := range changes {
		env[name] = value
	}
	var list []string
	for name, value := range env {
		if value != "" {
			list = append(list, name+"="+value)
		}
	}
	return list
}

// configure has config write an external_account file and puts the fake's addresses in place of Google's.
func (m *azureMachine) configure(ctx context.Context, path string, flags ...string) error {
	args := append([]string{"config", "--audience", fakecloud.SandboxProvider}, append(flags, path)...)
	if out, err := m.run(ctx, args...); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	written, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var fields map[string]any
	if err := json.Unmarshal(written, &fields); err != nil {
		return err
	}
	for key, address := range map[string]string{
		"token_url": m.clouds.Google.STSURL(), "token_info_url": m.clouds.Google.STS.URL + "/v1/introspect",
		"service_account_impersonation_url": m.clouds.Google.ImpersonationURL(fakecloud.SandboxAccount),
	} {
		if real, ok := fields[key].(string); ok {
			written = bytes.Replace(written, []byte(real), []byte(address), 1)
		}
	}
	return os.WriteFile(path, written, 0o600)
}

func (m *azureMachine) run(ctx context.Context, args ...string) (string, error) {
	cmd := (&workshop{}).command(ctx, m.dir, append([]string{m.helper}, args...)...)
	cmd.Env = m.environment(filepath.Join(m.dir, "cache"), filepath.Join(m.dir, "log"), nil)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// readAsTheirSourcesDo takes a token the way that .NET (FileSourcedExternalAccountCredential) and C++
// (MakeExternalAccountTokenSourceFile) do: credential_source.file, its whole content as it is, to token_url.
func (m *azureMachine) readAsTheirSourcesDo(ctx context.Context) error {
	path, subject := filepath.Join(m.dir, "file.json"), filepath.Join(m.dir, "subject")
	selection := []string{"--credential", "managed-identity", "--resource", fakecloud.SandboxResource}
	if err := m.configure(ctx, path, append(selection, "--source", "file", "--token-path", subject)...); err != nil {
		return err
	}
	if out, err := m.run(ctx, append([]string{"token-file", "--once", "--path", subject}, selection...)...); err != nil || out != "" {
		return errors.Join(err, fmt.Errorf("token-file printed %q", out))
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var file struct {
		Type, Audience   string
		SubjectTokenType string `json:"subject_token_type"`
		TokenURL         string `json:"token_url"`
		CredentialSource struct {
			File, URL, Executable *string
			EnvironmentID         *string `json:"environment_id"`
		} `json:"credential_source"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	if s := file.CredentialSource; file.Type != "external_account" || s.File == nil || s.URL != nil || s.Executable != nil || s.EnvironmentID != nil {
		return fmt.Errorf("another source is taken: %s", data)
	}
	token, err := os.ReadFile(*file.CredentialSource.File)
	if err != nil {
		return err
	}
	form := url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "requested_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
		"audience": {file.Audience}, "scope": {platformScope}, "subject_token_type": {file.SubjectTokenType}, "subject_token": {string(token)},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, file.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := m.clouds.CA.Client().Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
		Error       string
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	return m.standsFor(answer.AccessToken, federated)
}
