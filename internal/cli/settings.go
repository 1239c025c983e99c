package cli

import (
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/idferry/idferry/internal/ownfile"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// Settings binds flags to the environment variables that stand in for them: flag, then variable, then default. Every
// variable that a verb reads for itself is named in the help text of its flag.
type Settings struct {
	flags  *pflag.FlagSet
	lookup func(string) (string, bool)
	bound  []binding
	// from are the variables that filled flags.
	from map[string]string
	// groups are flags of which one says what another would say otherwise.
	groups [][]string
}

type binding struct {
	flag string
	env  []string
}

// NewSettings binds onto flags.
func NewSettings(flags *pflag.FlagSet, lookup func(string) (string, bool)) *Settings {
	return &Settings{flags: flags, lookup: lookup, from: map[string]string{}}
}

// String adds a string flag. short may be "". env are the variables in order of precedence.
func (s *Settings) String(p *string, name, short, def, usage string, env ...string) {
	s.flags.StringVarP(p, name, short, def, s.usage(name, usage, env))
}

// Into makes the settings that are added from now on flags of another set, whose values Resolve then looks up there.
func (s *Settings) Into(flags *pflag.FlagSet) { s.flags = flags }

// Strings adds a flag that may be repeated.
func (s *Settings) Strings(p *[]string, name, usage string, env ...string) {
	s.flags.StringArrayVar(p, name, nil, s.usage(name, usage, env))
}

// Duration adds a duration flag (30s, 2m).
func (s *Settings) Duration(p *time.Duration, name string, def time.Duration, usage string, env ...string) {
	s.flags.DurationVar(p, name, def, s.usage(name, usage, env))
}

// Bool adds a switch.
func (s *Settings) Bool(p *bool, name string, usage string, env ...string) {
	s.flags.BoolVar(p, name, false, s.usage(name, usage, env))
}

func (s *Settings) usage(name, usage string, env []string) string {
	s.bound = append(s.bound, binding{name, env})
	if len(env) == 0 {
		return usage
	}
	return usage + " [$" + strings.Join(env, ", $") + "]"
}

// Exclusive names flags that say the same thing in different ways: one of them on the command line silences the
// variables of the others.
func (s *Settings) Exclusive(names ...string) { s.groups = append(s.groups, names) }

// silenced lists the flags whose variables do not count.
func (s *Settings) silenced() map[string]bool {
	silent := map[string]bool{}
	for _, group := range s.groups {
		if !slices.ContainsFunc(group, s.flags.Changed) {
			continue
		}
		for _, name := range group {
			silent[name] = true
		}
	}
	return silent
}

// Resolve fills every flag that was not given from the first of its variables that is set and not empty. It is
// called once, after parsing.
func (s *Settings) Resolve() error {
	silent := s.silenced()
	for _, b := range s.bound {
		if s.flags.Changed(b.flag) || silent[b.flag] {
			continue
		}
		for _, name := range b.env {
			value, ok := s.lookup(name)
			if !ok || value == "" {
				continue
			}
			if err := s.flags.Set(b.flag, value); err != nil {
				return problem.Input("$"+name, "%q is unusable for --%s: %w", value, b.flag, err)
			}
			s.from[b.flag] = name
			break
		}
	}
	return nil
}

// Given reports whether a flag, or a variable in its place, was set. It is known after Resolve.
func (s *Settings) Given(name string) bool { return s.flags.Changed(name) }

// InForce is a setting with where it came from.
type InForce struct {
	// Name is the flag's, without its hyphens.
	Name, Value string
	// From is "--flag", "$VARIABLE" or "default".
	From string
}

// InForce returns every setting that has a value. It is known after Resolve.
func (s *Settings) InForce() []InForce {
	var all []InForce
	for _, b := range s.bound {
		f := s.flags.Lookup(b.flag)
		if f == nil || f.Value.String() == "" || f.Value.String() == "[]" || f.Hidden {
			continue
		}
		from := "default"
		if name := s.from[b.flag]; name != "" {
			from = "$" + name
		} else if f.Changed {
			from = "--" + b.flag
		}
		all = append(all, InForce{b.flag, f.Value.String(), from})
	}
	return all
}

// Log opens the file that --log-file names for appending, mode 0600, and returns a logger whose every line has passed the
// redactor. It returns a nil logger for "", and an error that names the field for a file that cannot be used.
func Log(path string) (*slog.Logger, func(), error) {
	if path == "" {
		return nil, func() {}, nil
	}
	f, err := ownfile.Append(ownfile.Place{Field: "--log-file", Path: path})
	if err != nil {
		return nil, nil, err
	}
	handler := slog.NewTextHandler(&redacting{f, token.NewRedactor()}, &slog.HandlerOptions{Level: slog.LevelDebug})
	return slog.New(handler).With("pid", os.Getpid()), func() { _ = f.Close() }, nil
}

type redacting struct {
	file     *os.File
	redactor *token.Redactor
}

// Write takes one whole line, as slog's handlers hand it over.
func (r *redacting) Write(line []byte) (int, error) {
	if _, err := r.file.WriteString(r.redactor.Clean(string(line))); err != nil {
		return 0, err
	}
	return len(line), nil
}
