package processes

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// nobody says who still runs a program.
func nobody(program string) error {
	links, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && target == program {
			return fmt.Errorf("%s still runs %s", filepath.Base(filepath.Dir(link)), program)
		}
	}
	return nil
}

func uid() string { return strconv.Itoa(os.Getuid()) }
