package main

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Another version of this program, installed elsewhere under the name az, is not the real az.
func TestOtherVersionsOfTheStandInAreNotTheRealAz(t *testing.T) {
	name := "az"
	if runtime.GOOS == "windows" {
		name = "az.exe"
	}
	install := func(content string, mode os.FileMode) string {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return file
	}
	standIn := install("\x7fELF\x00path\tgithub.com/idferry/idferry/cmd/azure-token-helper\nmod\t", 0o755)
	real := install("#!/usr/bin/env python3\n", 0o755)
	list := func(dirs ...string) string {
		all := ""
		for _, dir := range dirs {
			all += dir + string(filepath.ListSeparator)
		}
		return all
	}
	dir := filepath.Dir
	if got := nextAz(list("", ".", dir(standIn), t.TempDir(), "relative", dir(real))); got != real {
		t.Errorf("%q", got)
	}
	if got := nextAz(list(dir(standIn))); got != "" {
		t.Errorf("%q", got)
	}
	if got := nextAz(""); got != "" {
		t.Errorf("%q", got)
	}
	if runtime.GOOS == "windows" {
		return
	}
	if got := nextAz(list(dir(install("not executable", 0o644)), dir(real))); got != real {
		t.Errorf("%q", got)
	}
}
