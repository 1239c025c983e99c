package externalaccount

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const programName = "gcp-executable-source"

// checkExecutable looks at the command and what surrounds its run.
func (r *Report) checkExecutable(x document, s Surroundings) {
	millis := r.checkTimeout(x)
	r.checkCommand(x, millis, s)
	if output, set := x["output_file"]; set {
		r.checkOutputFile(output, s)
	}
	if allowed, _ := s.Lookup("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES"); allowed != "1" {
		r.note("environment", "every client runs the command only where GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES is 1, and here it is not", "export GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1")
	}
	if interactive, set := x["interactive_timeout_millis"]; set {
		const field = "credential_source.executable.interactive_timeout_millis"
		value, ok := interactive.(float64)
		switch {
		case !ok || value < MinInteractiveMillis || value > MaxInteractiveMillis:
			r.fails(field, fmt.Sprintf("%v is not a number between %d and %d", interactive, MinInteractiveMillis, MaxInteractiveMillis), "", Python, GCloud)
		case !r.Audience.Workforce():
			r.note(field, "Python and gcloud ask people of a workforce pool only", "remove it", Python, GCloud)
		case x.text("output_file") == "":
			r.fails(field, "an interactive run answers in output_file, which is missing", "", Python, GCloud)
		}
	}
}

// checkTimeout returns how long clients wait.
func (r *Report) checkTimeout(x document) time.Duration {
	const field = "credential_source.executable.timeout_millis"
	given, set := x["timeout_millis"]
	if !set {
		return DefaultTimeoutMillis * time.Millisecond
	}
	value, isNumber := given.(float64)
	if text, ok := given.(string); ok {
		r.fails(field, fmt.Sprintf("%q is a text and not a number", text), fmt.Sprintf("write %d", DefaultTimeoutMillis), Go, Python, GCloud, Node, Ruby, Rust)
		millis, err := strconv.Atoi(text)
		if err != nil {
			r.fails(field, fmt.Sprintf("%q is no number", text), "", Java)
		}
		return time.Duration(millis) * time.Millisecond
	}
	switch {
	case !isNumber || value != float64(int64(value)):
		r.fails(field, fmt.Sprintf("%v is not a whole number", given), "")
		return DefaultTimeoutMillis * time.Millisecond
	case value == 0:
		// Zero is the default in Python and cloud.google.com/go/auth, and out of bounds in golang.org/x/oauth2.
		r.fails(field, "0 is out of bounds", fmt.Sprintf("write %d", DefaultTimeoutMillis), Go, Node, Java, Ruby)
		return DefaultTimeoutMillis * time.Millisecond
	case value < MinTimeoutMillis || value > MaxTimeoutMillis:
		r.fails(field, fmt.Sprintf("%v is not between %d and %d", given, MinTimeoutMillis, MaxTimeoutMillis), "", Go, Python, GCloud, Node, Java, Ruby)
	}
	return time.Duration(value) * time.Millisecond
}

func (r *Report) checkCommand(x document, limit time.Duration, s Surroundings) {
	command := x.text("command")
	const field = "credential_source.executable.command"
	words := strings.Fields(command)
	if len(words) == 0 {
		r.fails(field, "it is missing", "")
		return
	}
	if strings.Join(words, " ") != command {
		r.note(field, "Java splits at each single space, so that it passes empty arguments here", "leave single spaces", Java)
		if !strings.HasPrefix(command, words[0]+" ") && command != words[0] {
			r.fails(field, "what Java takes for the program is not "+words[0], "leave single spaces, and none before it", Java)
		}
	}
	switch {
	case strings.ContainsAny(command, `"'`):
		r.fails(field, "it has quotes: Go, Rust, Java and older Python pass them on as they are, others take them off", "leave no space in any word, and no quotes", Go, Python, GCloud, Java, Rust)
		return
	case strings.Contains(command, `\`):
		r.fails(field, "it has a backslash, which Python takes for a quote", "write / in paths, on Windows too", Python, GCloud)
		return
	case forShell().MatchString(command):
		r.fails(field, "it has a character of shells, and these clients give it to one", "", PHP, Ruby)
	}
	program := words[0]
	if !filepath.IsAbs(program) {
		r.note(field, fmt.Sprintf("%q is not an absolute path, which AIP-4117 asks for: what runs depends on where a client starts", program), "")
	}
	if found, err := exec.LookPath(program); err != nil {
		hint := "gcp-executable-source config writes the path of this program"
		if info, e := os.Stat(program); e == nil && !info.IsDir() {
			hint = "chmod +x " + program
		}
		r.fails(field, fmt.Sprintf("%s cannot be run here (%v)", program, unwrapped(err)), hint)
		return
	} else {
		program = found
	}
	if name := strings.TrimSuffix(path.Base(filepath.ToSlash(program)), ".exe"); name == programName && s.Understand != nil {
		r.checkOurs(words[1:], x.text("output_file"), limit, s)
	}
}

// checkOurs looks at arguments of this program.
func (r *Report) checkOurs(args []string, output string, limit time.Duration, s Surroundings) {
	const field = "credential_source.executable.command"
	h, err := s.Understand(args)
	switch {
	case err != nil:
		r.fails(field, err.Error(), programName+" --help")
		return
	case !h.Resource:
		r.fails(field, "it names no resource, and this client does not tell it the audience", "add --resource "+r.Audience.Resource(), Rust)
	}
	if output != "" && h.OutputFile == "" {
		r.note(field, "it does not name the output file, which this client reads and does not tell it", "add --output-file "+output, Rust)
	}
	if h.Deadline >= limit && limit >= MinTimeoutMillis*time.Millisecond {
		r.note(field, fmt.Sprintf("its own deadline (%s) is not below timeout_millis (%s): when something hangs, users see a client's timeout in place of the cause", h.Deadline, limit),
			fmt.Sprintf("add --timeout %s", OwnDeadline(int(limit.Milliseconds()))))
	}
}

// OwnDeadline is the helper's own deadline under a client's, in milliseconds: 25 s of the usual 30 s, so that the client
// has time to read the answer.
func OwnDeadline(timeoutMillis int) time.Duration {
	return (time.Duration(timeoutMillis) * time.Millisecond * 5 / 6).Truncate(100 * time.Millisecond)
}

func unwrapped(err error) error {
	if e, ok := err.(*exec.Error); ok {
		return e.Err
	}
	return err
}
