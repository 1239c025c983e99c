//go:build !(linux || freebsd || netbsd || openbsd || dragonfly)

package cache

import "github.com/zalando/go-keyring"

// probeKeyring has nothing to ask: neither the Keychain's security program nor the Credential Manager tells whether it
// would prompt. The time limit is what is left.
func probeKeyring(func(string) (string, bool)) (operation, error) {
	return func() (string, error) { return keyring.Get(keyService, keyAccount) }, nil
}
