package main

import (
	"context"
	"fmt"
)

// metered is how many runs of a row the meter watches.
const metered = 9

// meter builds the program that runs another one and prints its largest resident set in kB and its processor time in µs,
// where wait4(2) tells them. A large parent's own pages would be counted as the child's. macOS counts bytes (getrusage(2)).
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
	kilobytes := int64(0)
	usage := reflect.ValueOf(cmd.ProcessState.SysUsage())
	if usage.Kind() == reflect.Pointer && usage.Elem().Kind() == reflect.Struct {
		if f := usage.Elem().FieldByName("Maxrss"); f.IsValid() {
			kilobytes = f.Int()
			if runtime.GOOS == "darwin" {
				kilobytes /= 1024
			}
		}
	}
	fmt.Print(kilobytes, " ", (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Microseconds())
}
`)
}

// meterRuns fills in what some runs of a command take: the medians of memory and processor time, or 0 where they are not known.
func (b *bench) meterRuns(ctx context.Context, r *row, next func() command) {
	var kilobytes, micros []float64
	for range metered {
		c := next()
		out, _, err := command{b.meter, append([]string{c.path}, c.args...), c.env}.run(ctx)
		var k, m float64
		if _, scanned := fmt.Sscan(out, &k, &m); err != nil || scanned != nil {
			return
		}
		kilobytes, micros = append(kilobytes, k), append(micros, m)
	}
	r.Memory, r.CPU, r.Own = int(median(kilobytes)), median(micros)/1e3, ownMemory(ctx, next())
}
