package launch

import (
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// endWithUs has the program asked to end when this process is killed: nobody would renew what it reads.
func endWithUs(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGTERM }

// dieOf returns only if s does not end this process. The runtime's own ways with a signal, a stack trace for some, are
// switched off first.
func dieOf(s syscall.Signal) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// Zero is SIG_DFL, no flags and an empty mask (rt_sigaction(2)); no architecture has a larger struct.
	var byDefault [8]uint64
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&byDefault)), 0, 8, 0, 0)
	_ = unix.Tgkill(os.Getpid(), unix.Gettid(), s)
}

// First reports whether this process is the first of its PID namespace, as the entry point of a container is.
func First() bool { return os.Getpid() == 1 }

// Init starts this program again and waits for it as init(8) does: for every process whose parent has ended, too. The
// kernel spares process 1 most signals and gives it all orphans; what is started by process 2 knows nothing of either.
func Init(args []string, env Environment) (End, error) {
	return run(Program{Path: "/proc/self/exe", Args: args, Env: env}, reap)
}

func reap(process *os.Process) (syscall.WaitStatus, error) {
	for {
		var status syscall.WaitStatus
		switch pid, err := syscall.Wait4(-1, &status, 0, nil); {
		case err == syscall.EINTR:
		case err != nil:
			return 0, os.NewSyscallError("wait4", err)
		case pid == process.Pid:
			return status, nil
		}
	}
}
