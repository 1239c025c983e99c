package main

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
)

// sockets is how many sockets one run opened, by address family.
type sockets struct {
	Counted bool `json:"counted"`
	Local   int  `json:"local"`
	Network int  `json:"network"`
}

func (s sockets) String() string {
	switch {
	case !s.Counted:
		return "not counted"
	case s.Network > 0:
		return fmt.Sprintf("%d to the network", s.Network)
	case s.Local > 0:
		return fmt.Sprintf("%d local", s.Local)
	}
	return "none"
}

// countSockets runs c once under strace.
func countSockets(ctx context.Context, c command) sockets {
	if _, err := exec.LookPath("strace"); err != nil || runtime.GOOS != "linux" {
		return sockets{}
	}
	cmd := exec.CommandContext(ctx, "strace", append([]string{"-f", "-qq", "-e", "trace=socket", c.path}, c.args...)...)
	cmd.Env = c.env
	var trace strings.Builder
	cmd.Stderr = &trace
	if err := cmd.Run(); err != nil {
		return sockets{}
	}
	return socketsIn(trace.String())
}

// socketsIn counts what strace wrote. Whatever is not local is to the network, route sockets too.
func socketsIn(trace string) sockets {
	local := strings.Count(trace, "socket(AF_UNIX")
	return sockets{Counted: true, Local: local, Network: strings.Count(trace, "socket(AF_") - local}
}
