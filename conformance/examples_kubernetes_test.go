package conformance

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/idferry/idferry/internal/fakecloud"
)

// manifests are one of each kind that the examples have.
type manifests struct {
	account corev1.ServiceAccount
	config  corev1.ConfigMap
	pod     corev1.Pod
}

func readManifests(t *testing.T, example string) manifests {
	t.Helper()
	var m manifests
	for _, document := range bytes.Split(readExample(t, example), []byte("\n---\n")) {
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal(document, &kind); err != nil {
			t.Fatal(err)
		}
		into, ok := map[string]any{"ServiceAccount": &m.account, "ConfigMap": &m.config, "Pod": &m.pod}[kind.Kind]
		if !ok || kind.APIVersion != "v1" {
			t.Fatalf("what is a %s of %s?", kind.Kind, kind.APIVersion)
		}
		if err := yaml.UnmarshalStrict(document, into); err != nil {
			t.Fatalf("%s: %v", kind.Kind, err)
		}
	}
	if m.pod.Spec.ServiceAccountName != m.account.Name {
		t.Errorf("the pod is of %q, not %q", m.pod.Spec.ServiceAccountName, m.account.Name)
	}
	return m
}

// image makes the tree of the image that the examples' Dockerfile builds, and returns where.
func (p *place) image(t *testing.T) string {
	t.Helper()
	root, programs, dockerfile := p.path("image"), "", string(readExample(t, "kubernetes/Dockerfile"))
	if !strings.Contains(dockerfile, " github.com/idferry/idferry/cmd/...@latest\n") {
		t.Error("what is in the image?")
	}
	for line := range strings.Lines(dockerfile) {
		if words := strings.Fields(line); len(words) == 4 && words[0] == "COPY" && words[2] == "/go/bin/" {
			programs = words[3]
		}
	}
	if !filepath.IsAbs(programs) || !strings.HasSuffix(programs, "/") {
		t.Fatalf("the binaries are in %q of the image", programs)
	}
	if err := os.MkdirAll(filepath.Join(root, programs), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"azure-token-helper", "gcp-executable-source"} {
		if err := os.Link(binary(name), filepath.Join(root, programs, name)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// start runs the only container of a pod whose application is the stand-in of the given name, and returns what it prints.
// The container's own files are read-only: there is neither a home nor a directory for temporary files.
func (p *place) start(t *testing.T, m manifests, application string) string {
	t.Helper()
	delete(p.environment, "HOME")
	p.environment["TMPDIR"] = p.path("none")
	container := m.pod.Spec.Containers[0]
	if r := container.SecurityContext.ReadOnlyRootFilesystem; r == nil || !*r || len(m.pod.Spec.Containers) != 1 || len(m.pod.Spec.InitContainers) != 0 {
		t.Errorf("not the pod that this test knows: %v", m.pod.Spec)
	}
	var places []string
	for _, mount := range container.VolumeMounts {
		for _, volume := range m.pod.Spec.Volumes {
			switch {
			case volume.Name != mount.Name:
			case volume.Image != nil:
				if !mount.ReadOnly || volume.Image.Reference != "registry.example.com/idferry:1.0.0" {
					t.Errorf("%v %v", mount, volume.Image)
				}
				places = append(places, mount.MountPath, p.image(t))
			case volume.EmptyDir != nil && volume.EmptyDir.Medium == corev1.StorageMediumMemory:
				// As kubelet makes it.
				if err := os.Mkdir(p.path(volume.Name), 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(p.path(volume.Name), 0o777); err != nil {
					t.Fatal(err)
				}
				places = append(places, mount.MountPath, p.path(volume.Name))
			}
		}
	}
	if len(places) != 2*len(m.pod.Spec.Volumes) {
		t.Fatalf("mounted: %q", places)
	}
	here := strings.NewReplacer(append(places, "/app/server", p.path("bin", application))...)
	environment := map[string]string{}
	for _, v := range container.Env {
		environment[v.Name] = here.Replace(v.Value)
	}
	var argv []string
	for _, word := range append(container.Command, container.Args...) {
		argv = append(argv, here.Replace(word))
	}
	out := p.runs(t, "/", environment, argv...)
	p.leavesNothing(t, environment["IDFERRY_RUNTIME_DIR"])
	return out
}

func TestGKEToAzure(t *testing.T) {
	p := newPlace(t)
	m := readManifests(t, "kubernetes/gke-to-azure.yaml")
	if m.account.Annotations["iam.gke.io/gcp-service-account"] != fakecloud.SandboxAccount {
		t.Errorf("%q", m.account.Annotations)
	}
	p.environment["GCE_METADATA_HOST"] = p.clouds.Google.MetadataHost()
	mustPrint(t, p.start(t, m, "server-on-gke"), "blob reports/2026/11/report.csv")
}

func TestAKSToGoogle(t *testing.T) {
	p := newPlace(t)
	m := readManifests(t, "kubernetes/aks-to-google.yaml")
	p.webhook(t, m)
	mustPrint(t, p.start(t, m, "server-on-aks"), "row 20")
	mustServe(t, p)
}

// webhook adds what that of Azure Workload Identity adds to a pod.
func (p *place) webhook(t *testing.T, m manifests) {
	t.Helper()
	if m.pod.Labels["azure.workload.identity/use"] != "true" {
		t.Error("the webhook leaves the pod alone")
		return
	}
	projected, err := p.clouds.ProjectedToken(time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	file := p.path("projected")
	if err := os.WriteFile(file, []byte(projected), 0o600); err != nil {
		t.Fatal(err)
	}
	maps.Copy(p.environment, map[string]string{
		"AZURE_CLIENT_ID": m.account.Annotations["azure.workload.identity/client-id"], "AZURE_TENANT_ID": fakecloud.SandboxTenant,
		"AZURE_FEDERATED_TOKEN_FILE": file, "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/",
	})
}
