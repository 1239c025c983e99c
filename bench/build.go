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
	"strings"

	"github.com/idferry/idferry/internal/child"
)

const module = "github.com/idferry/idferry"

// compile builds a package as the releases are built (goreleaser.yaml) and returns a copy of it: what the linker itself
// writes starts a tenth slower, because of how its pages are in memory.
func compile(ctx context.Context, dir, name, pkg string) (string, error) {
	linked, path := filepath.Join(dir, name+".linked"), filepath.Join(dir, name)
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w -buildid=", "-o", linked, pkg)
	// What go leaves behind when it is interrupted is in dir then.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOTMPDIR="+dir)
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	// It ends its compilers and linkers too.
	if err := child.Run(cmd); err != nil {
		return "", fmt.Errorf("build %s: %w: %s", pkg, err, said.String())
	}
	return path, rewrite(linked, path)
}

// rewrite copies a program to a new file.
func rewrite(program, path string) error {
	from, err := os.Open(program)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o700)
	if err != nil {
		return err
	}
	if _, err = io.Copy(writerOnly{to}, from); err != nil {
		_ = to.Close()
		return err
	}
	return to.Close()
}

// writerOnly hides os.File's ReadFrom, by which the kernel may let both files share the very pages (copy_file_range(2)).
type writerOnly struct{ io.Writer }

// program builds a main package of one file.
func program(ctx context.Context, dir, name, code string) (string, error) {
	source := filepath.Join(dir, name+".go")
	if err := os.WriteFile(source, []byte(code), 0o600); err != nil {
		return "", err
	}
	return compile(ctx, dir, name, source)
}

// bare builds the program to compare with: it starts, prints text and exits.
func bare(ctx context.Context, dir, name, text string) (string, error) {
	return program(ctx, dir, name, "package main\n\nimport \"os\"\n\nfunc main() { _, _ = os.Stdout.WriteString("+strconv.Quote(text)+") }\n")
}
