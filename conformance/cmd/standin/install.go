package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// install is `go install PACKAGE@latest`: it puts the program where go does, as the tests built it.
func install(args []string) error {
	if len(args) != 2 || args[0] != "install" {
		return fmt.Errorf("%q is not go install PACKAGE@latest", args)
	}
	name, ours := strings.CutPrefix(args[1], "github.com/idferry/idferry/cmd/")
	name, latest := strings.CutSuffix(name, "@latest")
	built, err := required("IDFERRY_CONFORMANCE_BIN")
	if err != nil {
		return err
	}
	if !ours || !latest {
		return fmt.Errorf("%s is not one of this module's programs", args[1])
	}
	program, err := os.ReadFile(filepath.Join(built, name))
	if err != nil {
		return err
	}
	dir := os.Getenv("GOBIN")
	if dir == "" {
		dir = filepath.Join(os.Getenv("HOME"), "go", "bin")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name), program, 0o755)
}

// pip knows of the libraries that the stand-in for Python has the like of.
func pip(args []string) error {
	if !slices.Equal(args, []string{"install", "--quiet", "azure-identity", "azure-storage-blob"}) {
		return fmt.Errorf("it is not known what %q installs", args)
	}
	return nil
}
