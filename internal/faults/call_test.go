package faults

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// call is one run of a program.
type call struct {
	result
	outcome
	// malformed says what is wrong with the form of the answer.
	malformed error
	// failed says that the program could not be run, or left a child behind.
	failed error
	took   time.Duration
	// limit is the deadline that the program was given.
	limit time.Duration
	// asked is how often the endpoint was, up to then.
	asked int64
}

// call asks for the token.
func (c *cell) call(programs string) call {
	// Far beyond the program's own deadline: whoever needs this hangs.
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	program, args := filepath.Join(programs, c.contract.program)+exe(), c.args()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Args[0] = c.contract.as
	if front := c.front(); len(front) > 0 {
		if c.umask != "" {
			program = c.machine.under(c.machine.t, c.contract.as)
		}
		words := append(front, program)
		cmd = exec.CommandContext(ctx, words[0], slices.Concat(words[1:], args)...)
	}
	cmd.Env = append(c.machine.env[:len(c.machine.env):len(c.machine.env)], "IDFERRY_LOG="+c.machine.logFile())
	if !c.contract.untimed {
		cmd.Env = append(cmd.Env, "IDFERRY_TIMEOUT="+c.limit.String())
	}
	cmd.Dir = c.machine.home
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// A child that outlives the program holds its streams, and Wait says so.
	cmd.WaitDelay = time.Second
	start := time.Now()
	err := cmd.Run()
	r := call{took: time.Since(start), limit: c.limit, asked: c.gate.asked.Load()}
	var ended *exec.ExitError
	if errors.As(err, &ended) && ended.Exited() {
		r.code, err = ended.ExitCode(), nil
	}
	r.stdout, r.stderr, r.failed = stdout.Bytes(), stderr.Bytes(), err
	r.outcome, r.malformed = c.contract.read(c.machine, r.result)
	return r
}

func (c *cell) args() []string {
	if c.contract.atPath != nil {
		return c.contract.atPath(c.machine)
	}
	return c.contract.args(c.hop)
}
