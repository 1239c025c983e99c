package conformance

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// block is a fenced block of a page with something to type. A comment above it says where that is done:
//
//	<!-- run: azure -->     a virtual machine in Azure, with a system-assigned identity
//	<!-- run: google -->    a virtual machine at Google, with a service account
//	<!-- run: admin -->     a shell of whoever administers both clouds, with gcloud and az
//	<!-- run: ci -->        a clone of the project: .ci/run has these very lines
//	<!-- run: deb -->       a Debian system with nothing but the package
//	<!-- run: published --> where a release is: .github/workflows/installed.yml has these very lines
//
// A word "fails" behind the place says that the last command ends with an exit code that is not 0.
type block struct {
	place, language, text string
	fails                 bool
	line                  int
}

// blocks are those of a page. A block of the shell's language without its place is an error.
func blocks(t *testing.T, page string) []block {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var all []block
	var open *block
	place := ""
	lines := strings.Split(string(data), "\n")
	for i, line := range lines {
		fence := strings.HasPrefix(strings.TrimSpace(line), "```")
		switch {
		case fence && open != nil:
			if open.language == "console" || open.language == "sh" {
				all = append(all, *open)
			}
			open = nil
		case fence:
			open = &block{language: strings.TrimPrefix(strings.TrimSpace(line), "```"), line: i + 1}
			place, open.fails = strings.CutSuffix(place, " fails")
			open.place, place = place, ""
			shell := regexp.MustCompile(`^(console|sh|bash|shell|powershell|)$`).MatchString(open.language)
			if shell && open.place == "" || !shell && open.place != "" || open.language == "bash" || open.language == "shell" || open.language == "powershell" || open.language == "" {
				t.Errorf("%s:%d: a block in %q that is run at %q", page, i+1, open.language, open.place)
			}
		case open != nil:
			open.text += line + "\n"
		case strings.HasPrefix(line, "<!-- run: "):
			place = strings.TrimSuffix(strings.TrimPrefix(line, "<!-- run: "), " -->")
		}
	}
	return all
}

// typed is a command of a block, and what the page shows of its output.
type typed struct {
	command string
	shown   []string
}

// commands are the block's. In a console they stand behind a prompt; a script is one.
func (b block) commands() []typed {
	if b.language == "sh" {
		return []typed{{command: b.text}}
	}
	var all []typed
	continued := false
	for line := range strings.Lines(b.text) {
		line = strings.TrimSuffix(line, "\n")
		command, prompt := strings.CutPrefix(line, "$ ")
		switch {
		case prompt:
			all = append(all, typed{command: command})
		case len(all) == 0:
			continue
		case continued:
			all[len(all)-1].command += "\n" + line
		default:
			all[len(all)-1].shown = append(all[len(all)-1].shown, line)
			continue
		}
		last := all[len(all)-1].command
		continued = strings.HasSuffix(last, `\`) || strings.Count(last, "'")%2 == 1
	}
	return all
}

// terminal is a shell that a person types into.
type terminal struct {
	in  io.WriteCloser
	out *bufio.Reader
}

func newTerminal(t *testing.T, shell *exec.Cmd) *terminal {
	t.Helper()
	in, err := shell.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	shell.WaitDelay = time.Second
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = shell.Wait() })
	return &terminal{in, bufio.NewReader(out)}
}

// types runs a command in the shell, whose variables and directory stay, and returns what it prints and its exit code.
func (s *terminal) types(t *testing.T, command string) (string, int) {
	t.Helper()
	const end = "\x1e"
	if _, err := fmt.Fprintf(s.in, "{ %s\n} </dev/null 2>&1; printf '\\036%%d\\036' $?\n", command); err != nil {
		t.Fatal(err)
	}
	out, err := s.out.ReadString(end[0])
	if err != nil {
		t.Fatalf("%s: the shell has ended: %v\n%s", command, err, out)
	}
	text, err := s.out.ReadString(end[0])
	if err != nil {
		t.Fatal(err)
	}
	code := 0
	if _, err := fmt.Sscan(strings.TrimSuffix(text, end), &code); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(out, end), code
}

// mustShow fails where a command does not print what the page shows: … stands for any text, and as a line for any lines;
// times and durations are those of another day.
func mustShow(t *testing.T, where string, shown []string, got string) {
	t.Helper()
	var want strings.Builder
	for _, line := range shown {
		if line == "…" {
			want.WriteString(`(?:.*\n)*?`)
			continue
		}
		pattern := strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*")
		// What takes less than a millisecond has no duration.
		pattern = regexp.MustCompile(` *\b\d+(\\\.\d+)? ?(µs|ms|s|h\d+m\d+s|m\d+s)\b`).ReplaceAllString(pattern, `(?:\s*[\d.hm]+\s?(?:µs|ms|s))?`)
		pattern = regexp.MustCompile(`\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?`).ReplaceAllString(pattern, `\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\dZ)?`)
		want.WriteString(regexp.MustCompile(` +`).ReplaceAllString(pattern, ` +`) + `\n`)
	}
	if got = strings.TrimRight(got, "\n"); got != "" {
		got += "\n"
	}
	if !regexp.MustCompile(`^` + want.String() + `$`).MatchString(got) {
		t.Errorf("%s: the page shows\n%s\nand this is printed\n%s", where, strings.Join(shown, "\n"), got)
	}
}

// standsIn fails where a line of a block that is run elsewhere is not in the file that runs it there.
func standsIn(t *testing.T, where string, commands []typed, file string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", file))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commands {
		command, _, _ := strings.Cut(c.command, "  #")
		for line := range strings.Lines(command) {
			if line = strings.TrimSpace(line); line != "" && !strings.Contains(string(data), line) {
				t.Errorf("%s: %s does not run %q", where, file, line)
			}
		}
	}
}
