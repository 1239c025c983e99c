// Package processes holds the tests that run the built binaries as the processes they are: a herd that finds the cache
// empty, a crowd in two identities whose members are killed at random, a day of all of that at once (soak_linux_test.go),
// and every fault that a keyring, a disk, a lock or an environment can have.
package processes
