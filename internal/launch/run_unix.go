//go:build unix

package launch

import (
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Run starts a program and returns how it ended.
//
// A terminal tells a whole process group of Ctrl-C, Ctrl-\ and Ctrl-Z. Where ours is the one in the foreground the
// program stays in it, hears of them itself and is not told again: Terraform takes a second interrupt for "at once".
// Anywhere else it gets a group of its own, so that what is sent to ours (timeout(1), kill -PID) reaches it once, by us.
func Run(p Program) (End, error) { return run(p, wait) }

// run waits for the program with the given function.
func run(p Program, wait func(*os.Process) (syscall.WaitStatus, error)) (End, error) {
	// The kernel tells the program of our end when the thread that started it ends (prctl(2), PR_SET_PDEATHSIG).
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	t := teller{shared: inForeground(), signals: make(chan os.Signal, 64)}
	defer t.listen()()
	attributes := &syscall.SysProcAttr{Setpgid: !t.shared}
	endWithUs(attributes)
	process, err := os.StartProcess(p.Path, p.Args, &os.ProcAttr{Files: streams(), Env: p.Env, Sys: attributes})
	if err != nil {
		return End{}, cannotStart(p.Path, err)
	}
	done := make(chan struct{})
	go t.tell(process, done)
	status, err := wait(process)
	close(done)
	switch {
	case err != nil:
		return End{}, err
	case status.Signaled():
		return End{signal: int(status.Signal())}, nil
	}
	return End{code: status.ExitStatus()}, nil
}

func wait(process *os.Process) (syscall.WaitStatus, error) {
	state, err := process.Wait()
	if err != nil {
		return 0, err
	}
	return state.Sys().(syscall.WaitStatus), nil
}

// teller passes signals on.
type teller struct {
	// shared is set where the program is in our process group, which was the terminal's foreground one.
	shared  bool
	signals chan os.Signal
}

// listen begins to take signals in place of their usual effect, and returns what ends that.
func (t teller) listen() func() {
	take := []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGCONT,
		// A line for a reader of standard error who has gone must not be our end.
		syscall.SIGPIPE}
	if !t.shared {
		// In the terminal's foreground it stops us, as it stops the program, and the shell sees both.
		take = append(take, syscall.SIGTSTP)
	}
	for _, s := range take {
		// What nohup(1) or a shell without job control has switched off stays off, for the program too.
		if !signal.Ignored(s) {
			signal.Notify(t.signals, s)
		}
	}
	return func() { signal.Stop(t.signals) }
}

// twice is how soon after a signal the same one is its echo: timeout(1) and some service managers send it to a process
// and then to its group.
const twice = 50 * time.Millisecond

func (t teller) tell(process *os.Process, done <-chan struct{}) {
	last := map[os.Signal]time.Time{}
	for {
		select {
		case <-done:
			return
		case s := <-t.signals:
			now := time.Now()
			if t.known(s) || ends(s) && now.Sub(last[s]) < twice {
				continue
			}
			last[s] = now
			_ = process.Signal(s)
			if s == syscall.SIGTSTP {
				// We wait where the program waits, until both are continued.
				_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
			}
		}
	}
}

// ends reports whether a program takes the second of these for more than the first.
func ends(s os.Signal) bool {
	return s == syscall.SIGINT || s == syscall.SIGTERM || s == syscall.SIGQUIT || s == syscall.SIGHUP
}

// known reports whether the program was told already, or need not be.
func (t teller) known(s os.Signal) bool {
	switch s {
	case syscall.SIGPIPE:
		return true
	case syscall.SIGINT, syscall.SIGQUIT:
		return t.shared && inForeground()
	}
	return false
}

// inForeground reports whether our process group is the one that a terminal tells of its keys.
func inForeground() bool {
	tty, err := os.OpenFile("/dev/tty", os.O_RDONLY|syscall.O_NOCTTY, 0)
	if err != nil {
		return false
	}
	defer tty.Close()
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// Mirror ends this process as the program was ended, by the same signal where there was one. Where that is not possible
// it returns the exit code, which for a signal is a shell's: 128 and its number.
func (e End) Mirror() int {
	if e.signal == 0 {
		return e.code
	}
	// Our memory has tokens in it; the program's core, if any, is its own affair.
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
	dieOf(syscall.Signal(e.signal))
	return 128 + e.signal
}
