package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/idferry/idferry/internal/child"
)

// The releases that are compared with: the newest in November 2026.
const (
	kubeloginVersion = "v0.2.22"
	oidcLoginVersion = "v1.36.3"
	// azVersion is the one that conformance/az_compare_test.go installs, so that one installation does for both.
	azVersion = "2.91.0"
)

var errNotInstalled = errors.New("not installed: go run ./bench -peers installs it")

// goProgram is a copy of a module's program, built as ours are. What was built is kept from one run to the next.
func (n *neighbours) goProgram(ctx context.Context, name, path, version string) (string, error) {
	kept, err := keptIn("idferry-bench", name+"-"+version)
	if err != nil {
		return "", err
	}
	if runtime.GOOS == "windows" {
		kept += ".exe"
	}
	if _, err := os.Stat(kept); err != nil {
		if !n.installPeers {
			return "", errNotInstalled
		}
		if err := n.build(ctx, path+"@"+version, kept); err != nil {
			return "", err
		}
	}
	return rewritten(n.dir, kept)
}

// build builds a module in its own directory, with the versions that its authors build it with, replacements too. A
// release may want a newer Go than this one, which is fetched then.
func (n *neighbours) build(ctx context.Context, pathAtVersion, to string) error {
	environment := append(os.Environ(), "GOTOOLCHAIN=auto", "GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0", "GOTMPDIR="+n.dir)
	download := exec.CommandContext(ctx, "go", "mod", "download", "-json", pathAtVersion)
	download.Env, download.Dir = environment, n.dir
	out, err := said(download)
	if err != nil {
		return err
	}
	var module struct{ Dir string }
	if err := json.Unmarshal([]byte(out), &module); err != nil {
		return fmt.Errorf("go mod download %s: %w", pathAtVersion, err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	// Nothing half-written has the name that is looked for.
	linked := to + ".linked"
	defer os.Remove(linked)
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w -buildid=", "-o", linked, ".")
	build.Env, build.Dir = environment, module.Dir
	if _, err := said(build); err != nil {
		return err
	}
	return os.Rename(linked, to)
}

// azureCLI is the azure-cli of a virtual environment. One on PATH may be our own stand-in.
func (n *neighbours) azureCLI(ctx context.Context) (string, error) {
	var az string
	for _, room := range []string{"idferry-test", "idferry-bench"} {
		venv, err := keptIn(room, "azure-cli-"+azVersion)
		if err != nil {
			return "", err
		}
		az = filepath.Join(venv, "bin", "az")
		if _, err := os.Stat(az); err == nil {
			return az, nil
		}
	}
	if !n.installPeers {
		return "", errNotInstalled
	}
	venv := filepath.Dir(filepath.Dir(az))
	// pip installs az near the end; an environment that an interruption left without it is made anew.
	for _, words := range [][]string{
		{"python3", "-m", "venv", "--clear", venv},
		{filepath.Join(venv, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "azure-cli==" + azVersion},
	} {
		if _, err := said(exec.CommandContext(ctx, words[0], words[1:]...)); err != nil {
			return "", err
		}
	}
	return az, nil
}

// keptIn is a path below the user's cache directory, where what is installed is kept.
func keptIn(names ...string) (string, error) {
	dir, err := os.UserCacheDir()
	return filepath.Join(append([]string{dir}, names...)...), err
}

// onPath is a copy of a program of this machine.
func (n *neighbours) onPath(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", errors.New(name + " is not installed")
	}
	return rewritten(n.dir, path)
}

// rewritten is a copy of a program in dir, since what a linker wrote starts slower (compile).
func rewritten(dir, program string) (string, error) {
	own, err := os.MkdirTemp(dir, "copy")
	if err != nil {
		return "", err
	}
	// Its name stays: some programs go by it.
	path := filepath.Join(own, filepath.Base(program))
	return path, rewrite(program, path)
}

// said runs what has to be done before a peer can be called, and returns its standard output.
func said(cmd *exec.Cmd) (string, error) {
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := child.Run(cmd); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s %s", filepath.Base(cmd.Path), cmd.Args[1], err, stdout.String(), stderr.String())
	}
	return stdout.String(), nil
}

// numbered is the version in what a program says of itself.
func numbered(text string) string {
	return regexp.MustCompile(`\d+(\.\d+)+`).FindString(text)
}
