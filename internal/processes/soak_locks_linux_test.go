package processes

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
	"github.com/idferry/idferry/internal/token"
)

// holdLocks stops a caller while it holds the lock, for longer than others wait: who has little time says so, and who has
// enough goes on alone.
func (s *soak) holdLocks(dice *rand.Rand, ended <-chan struct{}) {
	const path = "/oauth2/v2.0/token"
	s.locked.Entra.Slow(path, 500*time.Millisecond)
	for pause(dice, ended, 5*time.Second, 15*time.Second) {
		dir := filepath.Join(s.locked.home, "held")
		start := func(env ...string) (*exec.Cmd, *bytes.Buffer, *bytes.Buffer) {
			var stdout, stderr bytes.Buffer
			cmd := exec.Command(s.programs.helper, inTenant(fakecloud.SandboxTenant)...)
			cmd.Env = append(append(append([]string{}, s.locked.env...), "IDFERRY_CACHE_DIR="+dir), env...)
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Start(); err != nil {
				s.errorf("%v", err)
			}
			return cmd, &stdout, &stderr
		}
		good := func(what string, cmd *exec.Cmd, stdout, stderr *bytes.Buffer) string {
			err := cmd.Wait()
			value, _ := printed(stdout.Bytes())
			if claims, claimsErr := token.ReadClaims(value); err != nil || claimsErr != nil || claims.TenantID != fakecloud.SandboxTenant || !claims.Expiry.After(time.Now()) {
				s.errorf("%s: %v, %v, %s", what, err, claimsErr, stderr)
			}
			return value
		}
		asked := count(s.locked.Entra.Server, path)
		holder, out, complaint := start()
		for end := time.Now().Add(20 * time.Second); count(s.locked.Entra.Server, path) == asked && time.Now().Before(end); {
			time.Sleep(5 * time.Millisecond)
		}
		_ = holder.Process.Signal(syscall.SIGSTOP)
		begun := time.Now()
		patient, patientOut, patientErrors := start()
		hurried, hurriedOut, hurriedErrors := start("IDFERRY_TIMEOUT=2s")
		if err := hurried.Wait(); err == nil || hurriedOut.Len() > 0 || !strings.Contains(hurriedErrors.String(), "wait for another process to renew the token") || time.Since(begun) > 4*time.Second {
			s.errorf("who has two seconds, after %s: %v, %d bytes, %s", time.Since(begun), err, hurriedOut.Len(), hurriedErrors)
		}
		second := good("who has time", patient, patientOut, patientErrors)
		if took := time.Since(begun); took < 19*time.Second || took > 24*time.Second {
			s.errorf("who has time was served after %s", took)
		}
		_ = holder.Process.Signal(syscall.SIGCONT)
		// It has a few seconds left, and no more than its own token.
		first := good("who was stopped", holder, out, complaint)
		asked = count(s.locked.Entra.Server, path)
		for range 2 {
			cmd, out, complaint := start()
			if value := good("the next", cmd, out, complaint); value != first && value != second {
				s.errorf("neither of the two tokens was remembered")
			}
		}
		if n := count(s.locked.Entra.Server, path) - asked; n != 0 {
			s.errorf("%d exchanges more", n)
		}
		if err := os.RemoveAll(dir); err != nil {
			s.errorf("%v", err)
		}
		s.count(&s.figures.locks)
	}
}
