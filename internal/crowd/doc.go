// Package crowd holds the tests that run many processes of the built binaries at once over one cache: a herd that finds
// it empty, and a crowd in two identities whose members are killed at random.
package crowd
