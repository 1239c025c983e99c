package fakecloud

import (
	"strings"
	"testing"
)

// typed is a command with what it changes.
type typed struct {
	before  func(*Sandbox)
	command string
	prints  string
	// changed says whether the cloud is as it is to be after the command; it must not be before.
	changed func(*Sandbox) bool
}

func (c typed) check(t *testing.T, s *Sandbox) {
	t.Helper()
	if c.before != nil {
		c.before(s)
	}
	if c.changed != nil && c.changed(s) {
		t.Errorf("%s: there is nothing to change", c.command)
	}
	out, err := s.Run(c.command)
	if err != nil {
		t.Errorf("%s: %v", c.command, err)
	}
	if out != c.prints {
		t.Errorf("%s prints %q, want %q", c.command, out, c.prints)
	}
	if c.changed != nil && !c.changed(s) {
		t.Errorf("%s changes nothing", c.command)
	}
}

// refusedCommands checks that each command is refused with an error that names what is wrong.
func refusedCommands(t *testing.T, s *Sandbox, commands map[string]string) {
	t.Helper()
	for command, names := range commands {
		if out, err := s.Run(command); err == nil || !strings.Contains(err.Error(), names) {
			t.Errorf("%s: %q %v, want an error that says %q", command, out, err, names)
		}
	}
}

func TestWhatIsNoFlagOrNoValueIsNamed(t *testing.T) {
	s, _ := sandbox(t)
	refusedCommands(t, s, map[string]string{
		"# nothing":                        "there is no command",
		`az ad sp create --id "$(rm x)"`:   "not a command",
		"az cloud show -q name":            "unrecognized argument -q",
		"az ad sp create":                  "--id: must be specified",
		"az ad sp create --id":             "--id: expected one argument",
		"az ad sp create --id --only-show": "--id: expected one argument",
		"az ad sp create --id x y":         `"y"`,
		"az cloud show --query [].name":    "means something to a shell",
	})
}

func TestAVariableOfTheShellIsFilledIn(t *testing.T) {
	s, _ := sandbox(t)
	out, err := s.RunWith(`az ad app show --id "$APP" --query appId -o tsv`, map[string]string{"APP": SandboxAppOID})
	if err != nil || out != SandboxApp+"\n" {
		t.Errorf("%q %v", out, err)
	}
}
