package faults

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/idferry/idferry/internal/fakecloud"
)

// onArc is the agent of a server that is connected to Azure Arc. It proves who asks by a file in a directory of its own, which a
// program in a container has; where there are no containers of users, it is not asked.
func onArc() []hop {
	unshare, err := exec.LookPath("unshare")
	if err != nil || exec.Command(unshare, "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/var/opt").Run() != nil {
		return nil
	}
	keys := func(m *machine) string { return filepath.Join(m.files(), "keys") }
	agent := func(m *machine) string {
		// Of its own, because an agent knows no more than its last key.
		a, err := fakecloud.StartArcAgent(m.clouds.Entra)
		if err != nil {
			m.t.Fatal(err)
		}
		m.t.Cleanup(a.Close)
		a.Assign(fakecloud.ManagedIdentity{Application: fakecloud.Application{TenantID: fakecloud.SandboxTenant, ClientID: fakecloud.SandboxSystemClient, ObjectID: fakecloud.SandboxSystemOID}})
		if err := os.Mkdir(keys(m), 0o700); err != nil {
			m.t.Fatal(err)
		}
		a.KeepKeysIn(keys(m))
		return a.URL
	}
	return []hop{{
		name: "agent of Azure Arc", server: agent, told: []contract{executable()}, resource: fakecloud.SandboxResource, given: system(),
		machine: func(m *machine, at string) {
			m.set("IDFERRY_CREDENTIAL=managed-identity", "AZURE_CLIENT_ID=", "IMDS_ENDPOINT=http://localhost:40342", "IDENTITY_ENDPOINT="+at+"/metadata/identity/oauth2/token")
		},
		inside: func(m *machine) []string {
			return []string{unshare, "--user", "--map-root-user", "--mount", "/bin/sh", "-c", strings.Join([]string{
				"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "mount -t tmpfs none /var/opt", "mkdir -p " + fakecloud.ArcTokenDirectory,
				"mount --bind " + keys(m) + " " + fakecloud.ArcTokenDirectory, `exec "$@"`,
			}, " && "), "sh"}
		},
		refusal: oauth("invalid_request", "Identity not found"), expected: arcAgent(),
	}}
}
