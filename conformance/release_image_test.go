package conformance

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The image has both programs where COPY --from and image volumes take them, certificates for what runs in it, and no more.
func TestReleaseImage(t *testing.T) {
	dist(t)
	needs(t, "buildah")
	if os.Getuid() != 0 {
		t.Skip("an image is looked into as root")
	}
	for arch, runs := range map[string]bool{"amd64": true, "arm64": false} {
		buildah := func(args ...string) string {
			return strings.TrimSpace(output(t, "buildah", append([]string{"--storage-driver", "vfs"}, args...)...))
		}
		container := buildah("from", "--pull-never", "ghcr.io/idferry/idferry:latest-"+arch)
		defer buildah("rm", container)
		root := buildah("mount", container)
		var files []string
		err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				files = append(files, strings.TrimPrefix(path, root))
			}
			return err
		})
		slices.Sort(files)
		if want := []string{
			"/etc/ssl/certs/ca-certificates.crt", "/usr/local/bin/azure-token-helper", "/usr/local/bin/gcp-executable-source",
			"/usr/share/doc/idferry/LICENSE", "/usr/share/doc/idferry/THIRD_PARTY_LICENSES",
		}; err != nil || !slices.Equal(files, want) {
			t.Errorf("%v %q, want %q", err, files, want)
		}
		var inspected struct {
			OCIv1 struct {
				Architecture string
				Config       struct {
					User   string
					Labels map[string]string
				}
			}
		}
		if err := json.Unmarshal([]byte(buildah("inspect", container)), &inspected); err != nil {
			t.Fatal(err)
		}
		image := inspected.OCIv1
		if image.Architecture != arch || image.Config.User != "65532:65532" || image.Config.Labels["org.opencontainers.image.licenses"] != "Apache-2.0" {
			t.Errorf("%+v", image)
		}
		if !runs {
			continue
		}
		for _, program := range []string{"azure-token-helper", "gcp-executable-source"} {
			run := exec.Command("chroot", "--userspec=65532:65532", root, "/usr/local/bin/"+program, "version")
			if out, err := run.CombinedOutput(); err != nil || !strings.HasPrefix(string(out), program+" ") {
				t.Errorf("%v %s", err, out)
			}
		}
	}
}
