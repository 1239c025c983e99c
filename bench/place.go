package main

import (
	"os"
	"path/filepath"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

// place is a machine of both clouds at once, with a home of its own.
type place struct {
	clouds *fakecloud.Sandbox
	home   string
	env    []string
}

func newPlace(dir string) (*place, error) {
	clouds, err := fakecloud.StartSandbox(time.Now)
	if err != nil {
		return nil, err
	}
	p := &place{clouds: clouds, home: filepath.Join(dir, "home")}
	bundle := filepath.Join(dir, "authority.pem")
	if err := os.WriteFile(bundle, clouds.CA.PEM, 0o600); err != nil {
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
func (p *place) requests() int {
	return len(p.clouds.Entra.Requests()) + len(p.clouds.IMDS.Requests()) + len(p.clouds.Google.Metadata.Requests())
}

// toAzure are azure-token-helper's arguments, toGoogle gcp-executable-source's.
func toAzure() []string {
	return []string{"get-token", "--server-id", fakecloud.AKSServer, "--client-id", fakecloud.SandboxApp, "--tenant-id", fakecloud.SandboxTenant}
}

func toGoogle() []string {
	return []string{"--credential", "managed-identity", "--resource", fakecloud.SandboxResource}
}
