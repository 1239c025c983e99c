package main

import (
	"context"
	"strconv"
)

// meter builds the program that runs another one and prints its largest resident set in kB, where wait4(2) tells it. A
// large parent's own pages would be counted as the child's. macOS counts bytes (getrusage(2)).
func meter(ctx context.Context, dir string) (string, error) {
	return program(ctx, dir, "meter", `package main

import (
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"runtime"
)

func main() {
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	usage := reflect.ValueOf(cmd.ProcessState.SysUsage())
	if usage.Kind() != reflect.Pointer || usage.Elem().Kind() != reflect.Struct {
		return
	}
	if f := usage.Elem().FieldByName("Maxrss"); f.IsValid() {
		kilobytes := f.Int()
		if runtime.GOOS == "darwin" {
			kilobytes /= 1024
		}
		fmt.Print(kilobytes)
	}
}
`)
}

// memory is the largest resident set of one run in kB, or 0 where it is not known.
func (b *bench) memory(ctx context.Context, c command) int {
	out, _, err := command{b.meter, append([]string{c.path}, c.args...), c.env}.run(ctx)
	if err != nil {
		return 0
	}
	kilobytes, _ := strconv.Atoi(out)
	return kilobytes
}
