package conformance

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

const documented = "/usr/local/bin/gcp-executable-source"

// takes fails unless the program knows every flag of a command line of the examples.
func takes(t *testing.T, command []string) {
	t.Helper()
	if len(command) < 2 || command[0] != documented {
		t.Fatalf("%q does not start %s", command, documented)
	}
	out, err := exec.Command(binary("gcp-executable-source"), append(command[1:], "--help")...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "token-file --path") {
		t.Errorf("%q: %v\n%s", command, err, out)
	}
}

// setting is the value of the line `name=value` of a unit.
func setting(unit, name string) string {
	for line := range strings.Lines(unit) {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func TestSystemdUnit(t *testing.T) {
	data, err := os.ReadFile("../examples/systemd/idferry-google-token.service")
	if err != nil {
		t.Fatal(err)
	}
	start := setting(string(data), "ExecStart")
	takes(t, strings.Fields(start))
	if file := "/run/" + setting(string(data), "RuntimeDirectory") + "/google-subject-token"; !strings.Contains(start, " --path "+file+" ") {
		t.Errorf("the file is not in the unit's own directory: %s", start)
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	unit := filepath.Join(t.TempDir(), "idferry-google-token.service")
	here := bytes.ReplaceAll(data, []byte("ExecStart="+documented), []byte("ExecStart="+binary("gcp-executable-source")))
	if err := os.WriteFile(unit, here, 0o644); err != nil {
		t.Fatal(err)
	}
	// It says what it does not know and exits with 0 all the same, and it has words for the machine's own units too.
	out, err := exec.Command(analyze, "verify", "--man=no", unit).CombinedOutput()
	if err != nil || strings.Contains(string(out), filepath.Base(unit)) {
		t.Errorf("%v: %s", err, out)
	}
}

func TestKubernetesSidecar(t *testing.T) {
	data, err := os.ReadFile("../examples/kubernetes/google-token-sidecar.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var account corev1.ServiceAccount
	var config corev1.ConfigMap
	var pod corev1.Pod
	for _, document := range bytes.Split(data, []byte("\n---\n")) {
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal(document, &kind); err != nil {
			t.Fatal(err)
		}
		into, ok := map[string]any{"ServiceAccount": &account, "ConfigMap": &config, "Pod": &pod}[kind.Kind]
		if !ok || kind.APIVersion != "v1" {
			t.Fatalf("what is a %s of %s?", kind.Kind, kind.APIVersion)
		}
		if err := yaml.UnmarshalStrict(document, into); err != nil {
			t.Fatalf("%s: %v", kind.Kind, err)
		}
	}
	sidecar, app := pod.Spec.InitContainers[0], pod.Spec.Containers[0]
	takes(t, append(sidecar.Command, sidecar.Args...))
	takes(t, sidecar.StartupProbe.Exec.Command)
	if sidecar.RestartPolicy == nil || *sidecar.RestartPolicy != corev1.ContainerRestartPolicyAlways || pod.Spec.ServiceAccountName != account.Name || pod.Labels["azure.workload.identity/use"] != "true" {
		t.Errorf("%v %q %v", sidecar.RestartPolicy, pod.Spec.ServiceAccountName, pod.Labels)
	}
	// What is written is what the probe looks at and the application is told to read.
	var file struct {
		Audience string
		Source   struct{ File string } `json:"credential_source"`
	}
	given := config.Data[filepath.Base(app.Env[0].Value)]
	if err := json.Unmarshal([]byte(given), &file); err != nil {
		t.Fatal(err)
	}
	written, err := exec.Command(binary("gcp-executable-source"), "config", "--source", "file", "--token-path", file.Source.File, "--audience", file.Audience).Output()
	if err != nil || strings.TrimSpace(string(written)) != strings.TrimSpace(given) {
		t.Errorf("the credentials are not what config writes: %v\n%s", err, written)
	}
	for what, words := range map[string][]string{"the sidecar": sidecar.Args, "the probe": sidecar.StartupProbe.Exec.Command} {
		if !strings.Contains(strings.Join(words, " ")+" ", "--path="+file.Source.File+" ") {
			t.Errorf("%s does not know %s: %q", what, file.Source.File, words)
		}
	}
	mounts := map[string]string{}
	for _, m := range app.VolumeMounts {
		mounts[m.Name] = m.MountPath
	}
	volume := sidecar.VolumeMounts[0]
	if mounts[volume.Name] != volume.MountPath || filepath.Dir(filepath.Dir(file.Source.File)) != volume.MountPath || filepath.Dir(app.Env[0].Value) != mounts[config.Name] {
		t.Errorf("mounted: %v", mounts)
	}
}
