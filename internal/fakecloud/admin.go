package fakecloud

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Run is an administrator's shell for the sandbox: one command line of az or gcloud, as a person pastes it, applied to the
// clouds. It knows the commands that the project tells people to type, with their real flags, and nothing else: a flag
// that is unknown or missing is an error that names it.
func (s *Sandbox) Run(command string) (string, error) { return s.RunWith(command, nil) }

// RunWith is Run in a shell that has set variables.
func (s *Sandbox) RunWith(command string, variables map[string]string) (string, error) {
	words, err := Words(command, func(inner string) (string, error) {
		if name, ok := strings.CutPrefix(inner, "$"); ok {
			value, set := variables[name]
			if !set {
				return "", fmt.Errorf("$%s is not set", name)
			}
			return value, nil
		}
		return s.RunWith(inner, variables)
	})
	if err != nil {
		return "", err
	}
	if len(words) == 0 {
		return "", errors.New("there is no command")
	}
	all := append(s.azCommands(), s.gcloudCommands()...)
	i := slices.IndexFunc(all, func(c adminCommand) bool {
		return len(words) >= len(c.verb) && slices.Equal(words[:len(c.verb)], c.verb)
	})
	if i < 0 {
		return "", fmt.Errorf("not a command of az or gcloud that is known here: %s", command)
	}
	given, err := all[i].parse(words[len(all[i].verb):])
	if err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(all[i].verb, " "), err)
	}
	return all[i].run(given)
}

// adminCommand is one command of az or gcloud.
type adminCommand struct {
	verb []string
	// positional are the names of the words that are no flags. One that ends with … takes all that are left, with spaces
	// between them.
	positional []string
	// required and optional flags take a value, without their hyphens; switches take none.
	required, optional, switches []string
	run                          func(arguments) (string, error)
}

// arguments are the values by flag or positional name. A switch that was given is "yes".
type arguments map[string]string

func (a arguments) given(name string) bool { _, ok := a[name]; return ok }

func (c adminCommand) parse(words []string) (arguments, error) {
	given := arguments{}
	var loose []string
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		flag, isFlag := strings.CutPrefix(word, "--")
		switch {
		case word == "-o":
			flag, isFlag = "output", true
		case !isFlag && len(word) > 1 && word[0] == '-':
			return nil, fmt.Errorf("unrecognized argument %s", word)
		}
		if !isFlag {
			loose = append(loose, word)
			continue
		}
		name, value, joined := strings.Cut(flag, "=")
		switch {
		case slices.Contains(c.switches, name) && !joined:
			given[name] = "yes"
			continue
		case !slices.Contains(c.required, name) && !slices.Contains(c.optional, name):
			return nil, fmt.Errorf("unrecognized argument --%s", name)
		case !joined && (len(words) == 0 || strings.HasPrefix(words[0], "--")):
			return nil, fmt.Errorf("argument --%s: expected one argument", name)
		case !joined:
			value, words = words[0], words[1:]
		}
		given[name] = value
	}
	if n := len(c.positional); n > 0 && strings.HasSuffix(c.positional[n-1], "…") && len(loose) >= n {
		loose = append(loose[:n-1:n-1], strings.Join(loose[n-1:], " "))
	}
	if len(loose) != len(c.positional) {
		return nil, fmt.Errorf("%d words where %d are wanted (%s): %q", len(loose), len(c.positional), strings.Join(c.positional, " "), loose)
	}
	for i, name := range c.positional {
		given[name] = loose[i]
	}
	for _, name := range c.required {
		if !given.given(name) {
			return nil, fmt.Errorf("argument --%s: must be specified", name)
		}
	}
	return given, nil
}
