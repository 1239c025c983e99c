package conformance

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dist is where goreleaser put a snapshot's artefacts. The tests of packages run where .ci/run built one.
func dist(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("IDFERRY_TEST_DIST")
	if dir == "" {
		t.Skip("IDFERRY_TEST_DIST names no directory of goreleaser's")
	}
	return dir
}

// artefact is the one file of the snapshot with that ending.
func artefact(t *testing.T, ending string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dist(t), "*"+ending))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %q %v", ending, found, err)
	}
	return found[0]
}

func output(t *testing.T, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, stderr.String())
	}
	return string(out)
}

// A release has everything that the README says.
func TestReleaseIsWhole(t *testing.T) {
	var artefacts []struct{ Name, Type string }
	data, err := os.ReadFile(filepath.Join(dist(t), "artifacts.json"))
	if err == nil {
		err = json.Unmarshal(data, &artefacts)
	}
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	version := ""
	for _, a := range artefacts {
		if m := regexp.MustCompile(`^idferry_(.*)_linux_amd64\.deb$`).FindStringSubmatch(a.Name); m != nil {
			version = m[1]
		}
		if a.Type != "Binary" && a.Type != "Metadata" {
			got = append(got, a.Type+" "+a.Name)
		}
	}
	want := []string{
		"Checksum checksums.txt", "Homebrew Cask idferry.rb", "Scoop Manifest idferry.json", "Winget Manifest idferry.idferry.yaml",
		"Winget Manifest idferry.idferry.installer.yaml", "Winget Manifest idferry.idferry.locale.en-US.yaml",
	}
	for _, arch := range []string{"amd64", "arm64"} {
		for _, system := range []string{"linux", "darwin", "windows", "freebsd"} {
			archive := map[bool]string{true: ".zip", false: ".tar.gz"}[system == "windows"]
			want = append(want, "Archive idferry_"+version+"_"+system+"_"+arch+archive)
			for _, program := range []string{"azure-token-helper", "gcp-executable-source"} {
				want = append(want, "SBOM "+program+"_"+version+"_"+system+"_"+arch+".cdx.json")
			}
		}
		for _, format := range []string{"deb", "rpm", "apk", "pkg.tar.zst"} {
			want = append(want, "Linux Package idferry_"+version+"_linux_"+arch+"."+format)
		}
		for _, tag := range []string{version, "latest"} {
			want = append(want, "Docker Image ghcr.io/idferry/idferry:"+tag+"-"+arch)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("there is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// held is what a package puts on a machine: each file with its mode and owner.
func held(t *testing.T, listing string) []string {
	t.Helper()
	var files []string
	for line := range strings.Lines(listing) {
		fields := strings.Fields(strings.ReplaceAll(line, "/root", " root"))
		name := strings.TrimPrefix(fields[len(fields)-1], ".")
		name = "/" + strings.TrimPrefix(name, "/")
		if strings.HasPrefix(fields[0], "-") && strings.HasPrefix(name, "/usr/") {
			files = append(files, fields[0]+" "+strings.ReplaceAll(name, "/vendor-completions/", "/site-functions/"))
			if !slices.Contains(fields, "root") && !strings.Contains(line, " 0/0 ") {
				t.Errorf("whose is %s", line)
			}
		}
	}
	slices.Sort(files)
	return files
}

// Every kind of package has the same files: programs, a manual page for each verb, completions, licences.
func TestReleasePackagesHoldTheSame(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		want := held(t, output(t, "dpkg-deb", "--contents", artefact(t, "_linux_"+arch+".deb")))
		for kind, listing := range map[string]string{
			"rpm":       output(t, "rpm", "--query", "--list", "--verbose", "--package", artefact(t, "_linux_"+arch+".rpm")),
			"apk":       output(t, "tar", "--numeric-owner", "-tzvf", artefact(t, "_linux_"+arch+".apk")),
			"archlinux": output(t, "tar", "--zstd", "--numeric-owner", "-tvf", artefact(t, "_linux_"+arch+".pkg.tar.zst")),
		} {
			if got := held(t, listing); !slices.Equal(got, want) {
				t.Errorf("%s has\n%s\nand the deb\n%s", kind, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
		for _, file := range []string{
			"-rwxr-xr-x /usr/bin/azure-token-helper", "-rwxr-xr-x /usr/bin/gcp-executable-source", "-rw-r--r-- /usr/share/doc/idferry/copyright",
			"-rw-r--r-- /usr/share/doc/idferry/THIRD_PARTY_LICENSES", "-rw-r--r-- /usr/share/fish/vendor_completions.d/azure-token-helper.fish",
		} {
			if !slices.Contains(want, file) {
				t.Errorf("the deb lacks %s", file)
			}
		}
		for _, page := range pages(t) {
			if !slices.Contains(want, "-rw-r--r-- /usr/share/man/man1/"+page) {
				t.Errorf("the deb lacks %s", page)
			}
		}
	}
}

// pages are the names of the manual pages.
func pages(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("../man/*.1")
	if err != nil || len(found) < 30 {
		t.Fatal(found, err)
	}
	for i, page := range found {
		found[i] = filepath.Base(page)
	}
	return found
}

// archived are the files of an archive.
func archived(t *testing.T, file string) []string {
	t.Helper()
	if strings.HasSuffix(file, ".zip") {
		return strings.Fields(output(t, "python3", "-c", "import sys, zipfile; print(*zipfile.ZipFile(sys.argv[1]).namelist())", file))
	}
	return strings.Fields(output(t, "tar", "-tzf", file))
}

// An archive has the programs, and with them what a package puts elsewhere.
func TestReleaseArchivesAreWhole(t *testing.T) {
	archives, err := filepath.Glob(filepath.Join(dist(t), "idferry_*_*_*[4].*"))
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, file := range archives {
		programs := []string{"azure-token-helper", "gcp-executable-source"}
		switch {
		case strings.HasSuffix(file, ".zip"):
			programs = []string{"azure-token-helper.exe", "gcp-executable-source.exe"}
		case !strings.HasSuffix(file, ".tar.gz"):
			continue
		}
		checked++
		has := archived(t, file)
		want := append(programs, "LICENSE", "README.md", "CHANGELOG.md", "SECURITY.md", "THIRD_PARTY_LICENSES",
			"completions/azure-token-helper.bash", "completions/azure-token-helper.fish", "completions/azure-token-helper.ps1", "completions/_azure-token-helper",
			"completions/gcp-executable-source.bash", "completions/gcp-executable-source.fish", "completions/gcp-executable-source.ps1", "completions/_gcp-executable-source")
		for _, page := range pages(t) {
			want = append(want, "man/"+page)
		}
		slices.Sort(has)
		slices.Sort(want)
		if !slices.Equal(has, want) {
			t.Errorf("%s has\n%s\nwant\n%s", file, has, want)
		}
	}
	if checked != 8 {
		t.Errorf("%d archives", checked)
	}
}

// The bill of materials of a program has the modules that it is made of, and no others.
func TestReleaseBillsOfMaterials(t *testing.T) {
	for _, program := range []string{"azure-token-helper", "gcp-executable-source"} {
		var bill struct {
			Format     string `json:"bomFormat"`
			Components []struct{ Name, Version string }
		}
		data, err := os.ReadFile(artefact(t, program+"_*_linux_amd64.cdx.json"))
		if err == nil {
			err = json.Unmarshal(data, &bill)
		}
		if err != nil {
			t.Fatal(err)
		}
		var got, want []string
		for _, c := range bill.Components {
			got = append(got, c.Name+" "+c.Version)
		}
		built, err := filepath.Glob(filepath.Join(dist(t), program+"_linux_amd64_*", program))
		if err != nil || len(built) != 1 {
			t.Fatal(built, err)
		}
		for line := range strings.Lines(output(t, "go", "version", "-m", built[0])) {
			if fields := strings.Fields(line); fields[0] == "dep" {
				want = append(want, fields[1]+" "+fields[2])
			} else if len(fields) == 2 && strings.HasPrefix(fields[1], "go1") {
				want = append(want, "std "+fields[1])
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if bill.Format != "CycloneDX" || len(want) < 10 || !slices.Equal(got, want) {
			t.Errorf("%s\n%q\nwant\n%q", bill.Format, got, want)
		}
	}
}
