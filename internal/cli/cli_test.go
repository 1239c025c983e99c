package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/idferry/idferry/internal/problem"
)

func environment(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
}

func TestFlagThenVariableThenDefault(t *testing.T) {
	vars := map[string]string{"FIRST": "from first", "SECOND": "from second", "EMPTY": "", "WAIT": "3s"}
	for name, c := range map[string]struct {
		args []string
		env  []string
		want string
	}{
		"flag":                      {[]string{"--value", "typed"}, []string{"FIRST"}, "typed"},
		"flag set to nothing":       {[]string{"--value="}, []string{"FIRST"}, ""},
		"first variable":            {nil, []string{"FIRST", "SECOND"}, "from first"},
		"an empty one is not set":   {nil, []string{"EMPTY", "SECOND"}, "from second"},
		"default":                   {nil, []string{"EMPTY", "UNSET"}, "default"},
		"no variable stands for it": {nil, nil, "default"},
	} {
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		s := NewSettings(flags, environment(vars))
		var value string
		var wait time.Duration
		s.String(&value, "value", "", "default", "a value", c.env...)
		s.Duration(&wait, "wait", time.Second, "a wait", "WAIT")
		if err := errors.Join(flags.Parse(c.args), s.Resolve()); err != nil || value != c.want || wait != 3*time.Second {
			t.Errorf("%s: %q %s %v", name, value, wait, err)
		}
		if usage := flags.FlagUsages(); !strings.Contains(usage, "[$WAIT]") {
			t.Error("help does not name the variable:", usage)
		}
	}
}

// IDFERRY_RESOURCE is set for all programs; --scope is typed for one.
func TestAFlagSilencesTheVariableOfItsAlternative(t *testing.T) {
	for _, c := range []struct {
		args                []string
		wantScope, wantName string
	}{
		{[]string{"--scope", "typed"}, "typed", ""}, {nil, "", "set"}, {[]string{"--resource", "typed"}, "", "typed"},
	} {
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		s := NewSettings(flags, environment(map[string]string{"RESOURCE": "set"}))
		var resource, scope string
		s.String(&resource, "resource", "", "", "", "RESOURCE")
		s.String(&scope, "scope", "", "", "", "SCOPE")
		s.Exclusive("resource", "scope")
		if err := errors.Join(flags.Parse(c.args), s.Resolve()); err != nil || scope != c.wantScope || resource != c.wantName {
			t.Errorf("%v: resource %q, scope %q, %v", c.args, resource, scope, err)
		}
	}
}

func TestUnusableVariableIsNamed(t *testing.T) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	s := NewSettings(flags, environment(map[string]string{"WAIT": "soon"}))
	var wait time.Duration
	s.Duration(&wait, "wait", time.Second, "", "WAIT")
	if e := problem.From(s.Resolve()); e == nil || !e.Misuse || !strings.Contains(e.Message, "$WAIT") || !strings.Contains(e.Message, "--wait") {
		t.Errorf("%v", e)
	}
}

func TestCallThatIgnoresItsContextIsLeftBehind(t *testing.T) {
	hold := make(chan struct{})
	defer close(hold)
	start := time.Now()
	_, err := Bounded(t.Context(), 50*time.Millisecond, "asking a deaf library", func(context.Context) (int, error) {
		<-hold
		return 1, nil
	})
	e := problem.From(err)
	if e.Code != problem.DeadlineExceeded || !strings.Contains(e.Message, "asking a deaf library: no answer within 50ms") || time.Since(start) > 5*time.Second {
		t.Errorf("%v after %s", err, time.Since(start))
	}
}

func TestWhatIsKnownAtTheDeadlineIsSaid(t *testing.T) {
	known := problem.New(problem.Unreachable, "nothing answers at 169.254.169.254")
	_, err := Bounded(t.Context(), 20*time.Millisecond, "x", func(ctx context.Context) (int, error) {
		<-ctx.Done()
		return 0, known
	})
	if problem.From(err) != known {
		t.Error(err)
	}
}

func TestPanicShowsNoValue(t *testing.T) {
	_, err := Bounded(t.Context(), time.Minute, "sealing", func(context.Context) (int, error) { panic("canary") })
	if err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "internal fault") {
		t.Error(err)
	}
}

func TestPeopleSeeMessageThenHint(t *testing.T) {
	var out bytes.Buffer
	p := Process{Name: "tool", Stderr: &out}
	for _, c := range []struct {
		err  error
		code int
		want string
	}{
		{problem.Input("--tenant-id", "it is missing").WithHint("az account list"), ExitMisuse, "tool: --tenant-id: it is missing\ntool: az account list\n"},
		{problem.New("AADSTS700016", "entra ID refused:\nno such application"), ExitFailure, "tool: AADSTS700016: entra ID refused: no such application\n"},
		{problem.New("x", "subject \u202e\x1b[2J").WithHint("echo \a"), ExitFailure, `tool: x: subject \u202e\x1b[2J` + "\n" + `tool: echo \a` + "\n"},
		{errors.New("Bearer abcdefghijklmnop"), ExitFailure, "tool: Bearer [redacted]\n"},
	} {
		out.Reset()
		if code := p.Fail(c.err); code != c.code || out.String() != c.want {
			t.Errorf("%d %q", code, out.String())
		}
	}
}

func TestLogFileIsPrivateAndClean(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	for range 2 {
		log, done, err := Log(path)
		if err != nil {
			t.Fatal(err)
		}
		log.Info("answer", "body", `{"access_token":"canary-canary"}`)
		done()
	}
	text, _ := os.ReadFile(path)
	info, _ := os.Stat(path)
	if strings.Contains(string(text), "canary") || strings.Count(string(text), "\n") != 2 || (runtime.GOOS != "windows" && info.Mode().Perm() != 0o600) {
		t.Errorf("%v %s", info.Mode(), text)
	}
	if log, done, err := Log(""); log != nil || done == nil || err != nil {
		t.Error("no file, no log")
	}
	for _, bad := range []string{t.TempDir(), filepath.Join(path, "x")} {
		if _, _, err := Log(bad); problem.From(err) == nil || !problem.From(err).Misuse {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestVersionOfABuildWithoutALinkerFlag(t *testing.T) {
	var out bytes.Buffer
	if err := ReadVersion("1.2.3").Print(&out, "tool", false); err != nil || !strings.HasPrefix(out.String(), "tool 1.2.3 (go1.") {
		t.Error(out.String(), err)
	}
	out.Reset()
	if err := ReadVersion("").Print(&out, "tool", true); err != nil || !strings.Contains(out.String(), `"version":"(devel)"`) && !strings.Contains(out.String(), `"version":""`) && !strings.Contains(out.String(), `"version":"v0`) {
		t.Error(out.String(), err)
	}
}
