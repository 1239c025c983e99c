package processes

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// roleVariable makes the test binary put itself into a state and then become the program that its arguments name.
const roleVariable = "IDFERRY_TEST_ROLE"

func takeRole() {
	if role := os.Getenv(roleVariable); role != "" {
		fmt.Fprintln(os.Stderr, become(role, os.Args[1:]))
		os.Exit(3)
	}
}

// become returns only when something went wrong.
func become(role string, argv []string) error {
	_ = os.Unsetenv(roleVariable)
	// A filter and a session keyring are the thread's.
	runtime.LockOSThread()
	name, rest, _ := strings.Cut(role, " ")
	var err error
	switch name {
	case "deny":
		err = deny(strings.Fields(rest))
	case "quota":
		if err := fillQuota(); err != nil {
			return err
		}
		// They are this process's for as long as its standard input is open.
		fmt.Println("full")
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	case "disk":
		if err := mountSmall(rest); err != nil {
			return err
		}
		fmt.Println("mounted")
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	case "attack":
		var a attack
		if err := json.Unmarshal([]byte(rest), &a); err != nil {
			return err
		}
		a.carryOut()
		os.Exit(0)
	case "full":
		err = fillDisk(rest)
	case "readonly":
		err = readOnly(rest)
	default:
		err = errors.New("no such role: " + role)
	}
	if err != nil {
		return err
	}
	return syscall.Exec(argv[0], argv, os.Environ())
}

// deny makes system calls fail with an errno, given by number first, as a container's seccomp profile does.
func deny(words []string) error {
	errno, err := strconv.Atoi(words[0])
	if err != nil {
		return err
	}
	numbers := map[string]uint32{"keyctl": unix.SYS_KEYCTL, "add_key": unix.SYS_ADD_KEY, "request_key": unix.SYS_REQUEST_KEY, "flock": unix.SYS_FLOCK}
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}} // seccomp_data.nr
	for _, w := range words[1:] {
		filter = append(filter, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: numbers[w], Jf: 1},
			unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)})
	}
	filter = append(filter, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&program))); errno != 0 {
		return errno
	}
	return nil
}

// fillQuota uses up this user's quota of keys, in a session keyring that ends with the process.
func fillQuota() error {
	if _, err := unix.KeyctlJoinSessionKeyring("idferry-test"); err != nil {
		return err
	}
	for size := 4000; size > 0; {
		name := fmt.Sprintf("idferry-test-%d", size)
		for n := 0; ; n++ {
			_, err := unix.AddKey("user", name+strconv.Itoa(n), make([]byte, size), unix.KEY_SPEC_SESSION_KEYRING)
			if errors.Is(err, unix.EDQUOT) {
				break
			}
			if err != nil {
				return err
			}
		}
		size /= 4
	}
	return nil
}

// mountSmall mounts a small file system at dir, in a mount namespace that is the process's own.
func mountSmall(dir string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	return unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k,mode=0700")
}

func fillDisk(dir string) error {
	if err := mountSmall(dir); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(dir, "idferry"), 0o700); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, "rest"))
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		if _, err := f.Write(make([]byte, 4096)); errors.Is(err, unix.ENOSPC) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func readOnly(dir string) error {
	if err := mountSmall(dir); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(dir, "idferry"), 0o700); err != nil {
		return err
	}
	return unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, "")
}
