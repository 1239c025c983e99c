package faults

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Variables of the programs that these tests have the binaries start, which are this test binary under other names.
const (
	// seenVariable names the directory in which a started program leaves what it was started with.
	seenVariable = "IDFERRY_TEST_SEEN"
	// sayVariable is what a tool does: it gives what its file holds, or complains of it, or prints it as garbage.
	sayVariable = "IDFERRY_TEST_SAY"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(seenVariable); dir != "" {
		os.Exit(started(dir, filepath.Base(os.Args[0])))
	}
	os.Exit(m.Run())
}

// child is what a program that a binary started saw of itself.
type child struct {
	Name       string
	Args, Env  []string
	Files      map[string]string // in the directory of its token file or credentials file
	Answer     string            // of the OIDC endpoint that it was given
	CoreLimit  string
	WrongModes []string
}

// started is a tool that prints a token, or the program that exec runs.
func started(dir, name string) int {
	c := child{Name: name, Args: os.Args[1:], Env: os.Environ(), Files: map[string]string{}}
	limits, _ := os.ReadFile("/proc/self/limits")
	for line := range strings.Lines(string(limits)) {
		if strings.HasPrefix(line, "Max core file size") {
			c.CoreLimit = strings.Join(strings.Fields(line)[4:5], "")
		}
	}
	code := 0
	if name == "program" {
		c.lookAround()
	} else if held, err := os.ReadFile(filepath.Join(dir, name+".says")); err == nil {
		switch os.Getenv(sayVariable) {
		case "complaint":
			fmt.Fprintf(os.Stderr, "ERROR: no such account: %s\n", held)
			code = 1
		case "garbage":
			fmt.Printf("<%s>\n", held)
		default:
			fmt.Printf("%s\n", held)
		}
	}
	data, err := json.Marshal(c)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d.seen", name, os.Getpid())), data, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	return code
}

// lookAround is what the program that exec runs finds where it is told to look.
func (c *child) lookAround() {
	for _, variable := range []string{"AZURE_FEDERATED_TOKEN_FILE", "GOOGLE_APPLICATION_CREDENTIALS"} {
		path := os.Getenv(variable)
		if path == "" {
			continue
		}
		_ = filepath.Walk(filepath.Dir(path), func(at string, info os.FileInfo, err error) error {
			if err != nil || info.Mode()&os.ModeSymlink != 0 {
				return err
			}
			if info.Mode().Perm()&0o077 != 0 {
				c.WrongModes = append(c.WrongModes, fmt.Sprintf("%s has mode %04o", at, info.Mode().Perm()))
			}
			if info.Mode().IsRegular() {
				held, _ := os.ReadFile(at)
				c.Files[filepath.Base(at)] = string(held)
			}
			return nil
		})
	}
	request, err := http.NewRequest(http.MethodGet, os.Getenv("ARM_OIDC_REQUEST_URL"), nil)
	if err != nil {
		return
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("ARM_OIDC_REQUEST_TOKEN"))
	if answer, err := http.DefaultTransport.RoundTrip(request); err == nil {
		text, _ := io.ReadAll(answer.Body)
		c.Answer = string(text)
		_ = answer.Body.Close()
	}
}

// tool puts a program of that name on PATH, which says what it is told to.
func (m *machine) tool(name, says string) {
	m.t.Helper()
	bin := filepath.Join(m.files(), "bin")
	if err := os.MkdirAll(bin, 0o700); err != nil {
		m.t.Fatal(err)
	}
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, filepath.Join(bin, name))
	}
	if err != nil {
		m.t.Fatal(err)
	}
	m.file(name+".says", says)
	m.set("PATH="+bin, seenVariable+"="+m.files())
}

// children are the programs that were started, as they saw it.
func (m *machine) children() (all []child) {
	m.t.Helper()
	files, _ := filepath.Glob(filepath.Join(m.files(), "*.seen"))
	for _, file := range files {
		data, err := os.ReadFile(file)
		var c child
		if err == nil {
			err = json.Unmarshal(data, &c)
		}
		if err != nil {
			m.t.Error(err)
		}
		all = append(all, c)
	}
	return all
}

// judgeChildren looks at what programs were started with: no secret is among their arguments, nor in their environment
// but those of the caller's own.
func (c *cell) judgeChildren(t *testing.T, look func(where, text string, field bool)) {
	t.Helper()
	for _, started := range c.machine.children() {
		look("the arguments of "+started.Name, strings.Join(started.Args, "\n"), false)
		for _, variable := range started.Env {
			if !slices.Contains(c.machine.env, variable) {
				look("the environment of "+started.Name, variable, false)
			}
		}
		for name, held := range started.Files {
			look("the program's file "+name, held, name == "google-id-token" || name == "subject-token")
		}
		for _, wrong := range started.WrongModes {
			t.Error(wrong)
		}
	}
}
