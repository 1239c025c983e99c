// Package faults holds the tests of what becomes of a call when something it asks is broken: every endpoint of both clouds, with
// every fault that a network, a proxy or the endpoint itself can have, told through every contract of both binaries.
package faults
