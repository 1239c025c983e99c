package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
)

// compile builds a package as the releases are built (goreleaser.yaml) and returns a copy of it: what the linker itself
// writes starts a tenth slower, because of how its pages are in memory.
func compile(ctx context.Context, dir, name, pkg string) (string, error) {
	linked, path := filepath.Join(dir, name+".linked"), filepath.Join(dir, name)
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", linked, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w: %s", pkg, err, out)
	}
	from, err := os.Open(linked)
	if err != nil {
		return "", err
	}
	defer from.Close()
	to, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o700)
	if err != nil {
		return "", err
	}
	if _, err = io.Copy(to, from); err != nil {
		_ = to.Close()
		return "", err
	}
	return path, to.Close()
}

// bare builds the program to compare with: it starts, prints text and exits.
func bare(ctx context.Context, dir, name, text string) (string, error) {
	source := filepath.Join(dir, name+".go")
	code := "package main\n\nimport \"os\"\n\nfunc main() { _, _ = os.Stdout.WriteString(" + strconv.Quote(text) + ") }\n"
	if err := os.WriteFile(source, []byte(code), 0o600); err != nil {
		return "", err
	}
	return compile(ctx, dir, name, source)
}

// meter builds the program that runs another one and prints its largest resident set. A large parent's own pages would
// be counted as the child's.
func meter(ctx context.Context, dir string) (string, error) {
	source := filepath.Join(dir, "meter.go")
	const code = `package main

import (
	"fmt"
	"os"
	"os/exec"
	"reflect"
)

func main() {
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	usage := reflect.ValueOf(cmd.ProcessState.SysUsage())
	if usage.Kind() == reflect.Pointer && usage.Elem().Kind() == reflect.Struct {
		if f := usage.Elem().FieldByName("Maxrss"); f.IsValid() {
			fmt.Print(f.Int())
		}
	}
}
`
	if err := os.WriteFile(source, []byte(code), 0o600); err != nil {
		return "", err
	}
	return compile(ctx, dir, "meter", source)
}
