package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/idferry/idferry/internal/storytest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"azure-token-helper": main, "az": main, "azd": main})
}

func TestStories(t *testing.T) { storytest.Run(t, "testdata") }
