package conformance

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/idferry/idferry/internal/fakecloud"
)

func TestKubernetesSidecar(t *testing.T) {
	p := newPlace(t)
	m := readManifests(t, "kubernetes/google-token-sidecar.yaml")
	sidecar, app := m.pod.Spec.InitContainers[0], m.pod.Spec.Containers[0]
	if sidecar.RestartPolicy == nil || *sidecar.RestartPolicy != corev1.ContainerRestartPolicyAlways {
		t.Errorf("%v", sidecar.RestartPolicy)
	}
	// What is written is what the probe looks at and the application is told to read.
	var file struct {
		Audience string
		Source   struct{ File string } `json:"credential_source"`
	}
	given := m.config.Data[filepath.Base(app.Env[0].Value)]
	if err := json.Unmarshal([]byte(given), &file); err != nil {
		t.Fatal(err)
	}
	written, err := exec.Command(binary("gcp-executable-source"), "config", "--source", "file", "--token-path", file.Source.File, "--audience", file.Audience).Output()
	if err != nil || strings.TrimSpace(string(written)) != strings.TrimSpace(given) {
		t.Errorf("the credentials are not what config writes: %v\n%s", err, written)
	}
	mounts := map[string]string{}
	for _, mount := range app.VolumeMounts {
		mounts[mount.Name] = mount.MountPath
	}
	volume := sidecar.VolumeMounts[0]
	if mounts[volume.Name] != volume.MountPath || filepath.Dir(filepath.Dir(file.Source.File)) != volume.MountPath || filepath.Dir(app.Env[0].Value) != mounts[m.config.Name] {
		t.Errorf("mounted: %v", mounts)
	}
	p.webhook(t, m)
	here := p.path("volume")
	if err := os.Mkdir(here, 0o777); err != nil {
		t.Fatal(err)
	}
	probe := append([]string{binary("gcp-executable-source")}, sidecar.StartupProbe.Exec.Command[1:]...)
	for i, word := range probe {
		probe[i] = strings.Replace(word, volume.MountPath, here, 1)
	}
	if out, err := p.run(t, "/", nil, probe...); err == nil {
		t.Errorf("the probe finds a file before there is one: %s", out)
	}
	token := p.keepsOnce(t, nil, volume.MountPath, here, append(sidecar.Command, sidecar.Args...))
	p.runs(t, "/", nil, probe...)
	// The application reads both files.
	credentials := p.path("google.json")
	if err := os.WriteFile(credentials, []byte(strings.Replace(given, file.Source.File, token, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	subject := "principal:" + strings.TrimSuffix(fakecloud.SandboxProvider, "/providers/entra") + "/subject/" + fakecloud.SandboxAppOID
	p.clouds.Google.GrantBigQuery(subject, fakecloud.SandboxProject)
	out := p.runs(t, "/", map[string]string{app.Env[0].Name: credentials, "GOOGLE_CLOUD_PROJECT": fakecloud.SandboxProject}, "server-on-aks")
	mustPrint(t, out, "row 20")
}
