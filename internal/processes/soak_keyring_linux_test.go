package processes

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/idferry/idferry/internal/desktop"
)

// restarted is a desktop whose keyring crashes and comes back.
type restarted struct {
	*desktop.Desktop
	// mu is held while it is away.
	mu sync.Mutex
}

func (s *soak) newRestarted() *restarted {
	s.t.Helper()
	d, err := desktop.Start(context.Background(), filepath.Join(s.short.home, "desktop"))
	if err != nil {
		s.missing("a keyring", err)
		return nil
	}
	s.t.Cleanup(d.Stop)
	return &restarted{Desktop: d}
}

func (s *soak) restartKeyring(dice *rand.Rand, ended <-chan struct{}) {
	for s.keyring != nil && pause(dice, ended, 6*time.Second, 15*time.Second) {
		over := s.down.begin()
		s.keyring.mu.Lock()
		s.keyring.StopService()
		pause(dice, ended, 0, 2*time.Second)
		err := s.keyring.StartService()
		s.keyring.mu.Unlock()
		if err != nil {
			s.errorf("the keyring: %v", err)
			return
		}
		s.count(&s.figures.restarts)
		// One that did not answer in time is left alone for five minutes. A crash is no reason for that.
		if reason, left := s.leftAlone(); left > 0 {
			s.t.Logf("the keyring is left alone for %s: %s", left, reason)
			if !strings.Contains(reason, "did not answer") {
				s.errorf("the keyring is left alone: %s", reason)
			}
			pause(dice, ended, left, left)
		}
		over()
	}
}

// watchKeyring starts the keyring again where it has crashed by itself, until the day's last call.
func (s *soak) watchKeyring(ended <-chan struct{}) {
	for s.keyring != nil {
		s.keyring.mu.Lock()
		gone := s.keyring.Ended()
		s.keyring.mu.Unlock()
		select {
		case <-ended:
			return
		case <-gone:
		}
		s.keyring.mu.Lock()
		if gone == s.keyring.Ended() {
			over := s.down.begin()
			if err := s.keyring.StartService(); err != nil {
				s.errorf("the keyring: %v", err)
			}
			s.count(&s.figures.crashes)
			over()
		}
		s.keyring.mu.Unlock()
	}
}

// leftAlone is why and for how long nobody asks the keyring.
func (s *soak) leftAlone() (string, time.Duration) {
	var marker struct {
		Reason string
		Until  time.Time
	}
	raw, err := os.ReadFile(filepath.Join(s.short.cacheDir()+"-keyring", "holder-keyring.down"))
	if err != nil || json.Unmarshal(raw, &marker) != nil {
		return "", 0
	}
	return marker.Reason, time.Until(marker.Until)
}
