package cli

import "golang.org/x/sys/unix"

// KeepMemory has the kernel write no core of this process and show its memory to no debugger but root's: there are tokens in
// it. A limit on the size of cores would be inherited by what is started, and is none where they go to a program
// (core(5)); this ends with the process or when it becomes another (prctl(2), PR_SET_DUMPABLE).
func KeepMemory() { _ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }
