package pluggable

import (
	"path/filepath"

	"github.com/idferry/idferry/internal/ownfile"
	"github.com/idferry/idferry/internal/problem"
)

const outputField = "output_file"

// OutputFile is the place where a client library looks for a response before it runs the executable. The library
// only reads it: writing is the executable's part. Only whole, successful documents are written, because clients
// fail for good on anything else they find there.
type OutputFile = ownfile.File

// OpenOutputFile checks that path can be replaced without following anybody else's links, before any token is asked
// for. It returns nil for "".
func OpenOutputFile(path string) (*OutputFile, error) {
	if path == "" {
		return nil, nil
	}
	if !filepath.IsAbs(path) {
		return nil, problem.Input(outputField, "%q is not an absolute path", path).
			WithHint("AIP-4117 asks for an absolute path in credential_source.executable.output_file")
	}
	return ownfile.Open(ownfile.Place{Field: outputField, Path: path})
}
