package processes

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	soakClient = "34343434-3434-3434-3434-343434343434"
	storage    = "https://storage.azure.com"
	// failureMemory is how long a failure, or a token that could not be kept, is told to others (internal/cache).
	failureMemory = 5 * time.Second
	// longestStop is how long a caller is suspended at most.
	longestStop = time.Second
	// aftermath is how long after a fault others are told of it: one who was stopped as he heard of it, on a busy machine,
	// remembers it so much later.
	aftermath = failureMemory + longestStop + 500*time.Millisecond
	// impatient is the deadline of a caller that has little time.
	impatient = 3 * time.Second
)

// remembered is what has been promised: a token that was printed, when all was well, is what everybody is given until
// it is to be renewed.
type remembered struct {
	life time.Duration

	mu          sync.Mutex
	value       string
	begun, told time.Time // the call that printed it first
	until, ends time.Time
}

func (s *soak) newRemembered(life time.Duration) *remembered {
	if life == 0 {
		life = s.life()
	}
	return &remembered{life: life}
}

// way is what becomes of a call.
type way int

const (
	plain way = iota
	hasty
	killed
	suspended
)

// calls makes one call after the other.
func (s *soak) calls(dice *rand.Rand, ended <-chan struct{}) {
	for pause(dice, ended, 0, 150*time.Millisecond) {
		how := []way{plain, plain, plain, plain, hasty, killed, killed, suspended}[dice.IntN(8)]
		s.call(s.callers[dice.IntN(len(s.callers))], dice, how)
	}
}

// call makes a call and checks what comes of it.
func (s *soak) call(c *caller, dice *rand.Rand, how way) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.program, c.args...)
	cmd.Env = append(append([]string{}, c.place.env...), c.env...)
	if how == hasty {
		cmd.Env = append(cmd.Env, "IDFERRY_TIMEOUT="+impatient.String())
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	if err := cmd.Start(); err != nil {
		s.errorf("%s: %v", c.name, err)
		return
	}
	switch how {
	case killed:
		timer := time.AfterFunc(time.Duration(dice.IntN(40_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
	case suspended:
		time.Sleep(time.Duration(dice.IntN(40_000)) * time.Microsecond)
		over := s.stopped.begin()
		_ = cmd.Process.Signal(syscall.SIGSTOP)
		time.Sleep(time.Duration(dice.Int64N(int64(longestStop))))
		_ = cmd.Process.Signal(syscall.SIGCONT)
		over()
		s.count(&s.figures.suspended)
	}
	err := cmd.Wait()
	end := time.Now()
	if how == killed {
		s.count(&s.figures.killed)
		return
	}
	value, said := printed(stdout.Bytes())
	if err != nil || value == "" {
		s.failed(c, how, start, end, err, said, stderr.String())
		return
	}
	s.served(c, how, start, end, value)
	if stderr.Len() > 0 {
		s.errorf("%s: on stderr: %s", c.name, &stderr)
	}
	if c.outputFile != "" {
		s.readable(c)
	}
}

// printed is the token in any of the contracts, or the error of one.
func printed(out []byte) (value, said string) {
	text := strings.TrimPrefix(strings.TrimSpace(string(out)), "Authorization: Bearer ")
	if !strings.HasPrefix(text, "{") {
		return text, ""
	}
	var document struct {
		Code, Message string
		IDToken       string `json:"id_token"`
		AccessToken   string `json:"accessToken"`
		Token         string
		Status        struct{ Token string }
	}
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return "", err.Error()
	}
	if document.Code != "" {
		return "", document.Code + ": " + document.Message
	}
	return document.IDToken + document.AccessToken + document.Token + document.Status.Token, ""
}
