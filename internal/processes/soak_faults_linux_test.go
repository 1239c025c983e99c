package processes

import (
	"bufio"
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/idferry/idferry/internal/fakecloud"
)

// upstream is a server of one of the two clouds.
type upstream struct {
	place *place
	name  string
}

func (s *soak) upstreams() []upstream {
	return []upstream{{s.short, "entra"}, {s.short, "metadata"}, {s.short, "imds"}, {s.hours, "entra"}, {s.hours, "metadata"}}
}

func (u upstream) server() *fakecloud.Server {
	switch u.name {
	case "entra":
		return u.place.Entra.Server
	case "imds":
		return u.place.IMDS.Server
	}
	return u.place.Google.Metadata
}

// breakUpstreams lets one after the other fail, or say nothing, for seconds.
func (s *soak) breakUpstreams(dice *rand.Rand, ended <-chan struct{}) {
	all := s.upstreams()
	for n := 0; pause(dice, ended, 2*time.Second, 6*time.Second); n++ {
		u := all[n%len(all)]
		says := []int{http.StatusInternalServerError, http.StatusServiceUnavailable, 0}[dice.IntN(3)]
		over := make(chan struct{})
		done := s.outages[u].begin()
		u.server().Answer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.failedRequests(u).Add(1)
			if says != 0 {
				http.Error(w, "not today", says)
				return
			}
			select {
			case <-over:
			case <-r.Context().Done():
			}
			// The connection is cut, not answered.
			panic(http.ErrAbortHandler)
		}))
		pause(dice, ended, time.Second, 8*time.Second)
		u.server().Answer(nil)
		close(over)
		done()
		s.count(&s.figures.outages)
	}
}

func (s *soak) failedRequests(u upstream) *atomic.Int64 {
	n, _ := s.unanswered.LoadOrStore(u, new(atomic.Int64))
	return n.(*atomic.Int64)
}

// smallDisk is a file system of 64 KB in another process's mount namespace, which ends with it.
type smallDisk struct{ root, cache, response string }

func (s *soak) newSmallDisk() *smallDisk {
	s.t.Helper()
	at := filepath.Join(s.short.home, "disk")
	if err := os.Mkdir(at, 0o700); err != nil {
		s.t.Fatal(err)
	}
	env, under := as("disk " + at)
	cmd := exec.CommandContext(context.Background(), under[0])
	cmd.Env, cmd.SysProcAttr, cmd.Stderr = append(append([]string{}, s.short.env...), env...), private(), os.Stderr
	// It is no caller.
	cmd.Env = append(cmd.Env, markVariable+"=")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err == nil {
		s.t.Cleanup(func() { _ = errors.Join(stdin.Close(), cmd.Wait()) })
		_, err = bufio.NewReader(stdout).ReadString('\n')
	}
	root := ""
	if err == nil {
		// No other process sees what is mounted there, but by this way.
		root = "/proc/" + strconv.Itoa(cmd.Process.Pid) + "/root" + at
		_, err = os.Stat(root)
	}
	if err != nil {
		s.missing("a small disk", err)
		return nil
	}
	return &smallDisk{root, filepath.Join(root, "idferry"), filepath.Join(root, "response.json")}
}

// missing notes a part of the day that this machine has not; CI has them all.
func (s *soak) missing(what string, err error) {
	s.t.Helper()
	if os.Getenv(faultsVariable) == "1" {
		s.t.Fatalf("%s: %v", what, err)
	}
	s.t.Logf("left out: %s: %v", what, err)
}

// fillDisks fills the disk, and frees it again.
func (s *soak) fillDisks(dice *rand.Rand, ended <-chan struct{}) {
	for s.disk != nil && pause(dice, ended, 6*time.Second, 12*time.Second) {
		rest := filepath.Join(s.disk.root, "rest")
		over := s.full.begin()
		err := fill(rest)
		pause(dice, ended, time.Second, 6*time.Second)
		if err := errors.Join(err, os.Remove(rest)); err != nil {
			s.errorf("the disk: %v", err)
		}
		over()
		s.count(&s.figures.disks)
	}
}

// fill writes until there is no space left.
func fill(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		if _, err := f.Write(make([]byte, 512)); errors.Is(err, unix.ENOSPC) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
