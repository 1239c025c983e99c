package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

// place is a machine of both clouds at once, with a home of its own.
type place struct {
	clouds *fakecloud.Sandbox
	dir    string
	home   string
	env    []string
	// authorities is how many certificates programs have to read before they know whom to trust.
	authorities int
	files       int
}

func newPlace(dir string) (*place, error) {
	clouds, err := fakecloud.StartSandbox(time.Now)
	if err != nil {
		return nil, err
	}
	p := &place{clouds: clouds, dir: dir, home: filepath.Join(dir, "home")}
	// The system's own authorities are beside the sandbox's: reading them is the largest part of a cold call.
	bundle, authorities := filepath.Join(dir, "authorities.pem"), clouds.CA.PEM
	for _, path := range []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"} {
		if more, err := os.ReadFile(path); err == nil {
			authorities = append(more, authorities...)
			break
		}
	}
	p.authorities = strings.Count(string(authorities), "BEGIN CERTIFICATE")
	if err := os.WriteFile(bundle, authorities, 0o600); err != nil {
		clouds.Close()
		return nil, err
	}
	if err := os.Mkdir(p.home, 0o700); err != nil {
		clouds.Close()
		return nil, err
	}
	p.env = []string{
		"HOME=" + p.home, "LOCALAPPDATA=" + p.home, "PATH=" + os.Getenv("PATH"), "SYSTEMROOT=" + os.Getenv("SYSTEMROOT"), "SSL_CERT_FILE=" + bundle,
		"DBUS_SESSION_BUS_ADDRESS=disabled:", "AZURE_AUTHORITY_HOST=" + clouds.Entra.URL,
		"GCE_METADATA_HOST=" + clouds.Google.MetadataHost(), "AZURE_POD_IDENTITY_AUTHORITY_HOST=" + clouds.IMDS.URL,
	}
	return p, nil
}

// requests is how many requests the clouds have had.
func (p *place) requests() (n int) {
	c := p.clouds
	for _, server := range []*fakecloud.Server{
		c.Entra.Server, c.IMDS.Server, c.AppService.Server, c.Pipelines.Server, c.GitHub.Server, c.Google.Metadata, c.Google.Token, c.Google.IAM, c.Google.STS,
	} {
		n += len(server.Requests())
	}
	return n
}

// file writes a file that only this user reads.
func (p *place) file(name string, content []byte) (string, error) {
	p.files++
	path := filepath.Join(p.dir, fmt.Sprintf("%d-%s", p.files, name))
	return path, os.WriteFile(path, content, 0o600)
}

// toAzure are azure-token-helper's arguments, toGoogle gcp-executable-source's.
func toAzure() []string {
	return []string{"get-token", "--server-id", fakecloud.AKSServer, "--client-id", fakecloud.SandboxApp, "--tenant-id", fakecloud.SandboxTenant}
}

func toGoogle() []string {
	return []string{"--credential", "managed-identity", "--resource", fakecloud.SandboxResource}
}
