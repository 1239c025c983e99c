package cache

import (
	"context"
	"errors"
	"runtime"

	"golang.org/x/sys/unix"
)

const (
	kernelKeyType = "user"
	// kernelKeyLife is how long the key outlives its last use, in seconds: three days, as the persistent keyring itself
	// (persistent_keyring_expiry), and longer than any token lives.
	kernelKeyLife = 3 * 24 * 60 * 60
)

// kernelHolder keeps the key in the user's persistent keyring (keyrings(7), persistent-keyring(7)), in memory only: it
// survives logging out and not the next boot.
type kernelHolder struct {
	// key is the key's description, by which it is found.
	key string
}

func newKernelHolder() kernelHolder { return kernelHolder{keyService + ":" + keyAccount} }

func (kernelHolder) name() string { return string(Kernel) }

// inRing runs f with the keyring that holds the key. The ring is linked into the process keyring, since a key can be
// written without possession of it and then not be read: in sessions whose keyring does not link the user's (systemd
// services, containers, sudo) adding works and reading says EACCES. To the kernel the process keyring belongs to the
// thread's credentials, so f must not move to another one.
func inRing(f func(ring int) error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return withRing(f)
}

// withRing is inRing for whoever sees to the thread himself.
func withRing(f func(ring int) error) error {
	ring, err := unix.KeyctlInt(unix.KEYCTL_GET_PERSISTENT, -1, unix.KEY_SPEC_PROCESS_KEYRING, 0, 0)
	if errors.Is(err, unix.EOPNOTSUPP) {
		// A kernel without CONFIG_PERSISTENT_KEYRINGS. After any other error the next call may well see that ring again,
		// and would not find there what this one put into another.
		if ring, err = unix.KeyctlGetKeyringID(unix.KEY_SPEC_USER_KEYRING, true); err == nil {
			if _, err = unix.KeyctlGetKeyringID(unix.KEY_SPEC_PROCESS_KEYRING, true); err == nil {
				_, err = unix.KeyctlInt(unix.KEYCTL_LINK, ring, unix.KEY_SPEC_PROCESS_KEYRING, 0, 0)
			}
		}
	}
	if err == nil {
		err = f(ring)
	}
	return kernelError(err)
}

func (h kernelHolder) get(context.Context) (key cacheKey, err error) {
	read := func(ring int) error {
		id, err := unix.KeyctlSearch(ring, kernelKeyType, h.key, 0)
		if err != nil {
			return err
		}
		var buf [64]byte
		n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, id, buf[:], 0)
		if err != nil {
			return err
		}
		if key, err = parseKey(string(buf[:min(n, len(buf))])); err != nil {
			return err
		}
		return setLife(id)
	}
	// To hold on to the thread, the runtime starts another one first: a hit takes 1 in 20 longer. Four calls in a row do
	// not move as a rule, and after one that did the kernel refuses.
	if err = withRing(read); err != nil {
		err = inRing(read)
	}
	return key, err
}

func (h kernelHolder) put(_ context.Context, key cacheKey) error {
	return inRing(func(ring int) error {
		id, err := unix.AddKey(kernelKeyType, h.key, []byte(key.text()), ring)
		if err != nil {
			return err
		}
		return setLife(id)
	})
}

func (h kernelHolder) drop(context.Context) error {
	err := inRing(func(ring int) error {
		id, err := unix.KeyctlSearch(ring, kernelKeyType, h.key, 0)
		if err != nil {
			return err
		}
		_, err = unix.KeyctlInt(unix.KEYCTL_UNLINK, id, ring, 0, 0)
		return err
	})
	if errors.Is(err, errNoKey) {
		return nil
	}
	return err
}

func setLife(id int) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_SET_TIMEOUT, id, kernelKeyLife, 0, 0)
	return err
}

// kernelError tells a key that is gone from a kernel or a container that has no keyring for us: EPERM is what Docker's
// and containerd's default seccomp profiles answer, EDQUOT a user's full quota of 20,000 bytes.
func kernelError(err error) error {
	switch {
	case err == nil, errors.Is(err, errNoKey):
		return err
	case errors.Is(err, unix.ENOKEY), errors.Is(err, unix.EKEYEXPIRED), errors.Is(err, unix.EKEYREVOKED):
		return errNoKey
	}
	return &unavailable{reason: "the kernel keyring says: " + err.Error()}
}
