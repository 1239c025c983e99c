package fakecloud

import (
	"errors"
	"fmt"
	"regexp"
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

// Words splits a command line as a POSIX shell does: single and double quotes, backslashes, comments, and $( … ) within
// double quotes or outside of them, which substitute evaluates, as it does $NAME. Everything else that a shell would expand is refused.
// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02
func Words(command string, substitute func(string) (string, error)) ([]string, error) {
	var words []string
	var word strings.Builder
	begun := false
	end := func() {
		if begun {
			words = append(words, word.String())
		}
		word.Reset()
		begun = false
	}
	for i := 0; i < len(command); i++ {
		switch c := command[i]; {
		case c == ' ' || c == '\t' || c == '\n':
			end()
		case c == '#' && !begun:
			rest := strings.IndexByte(command[i:], '\n')
			if rest < 0 {
				i = len(command)
			} else {
				i += rest - 1
			}
		case c == '\'':
			closing := strings.IndexByte(command[i+1:], '\'')
			if closing < 0 {
				return nil, errors.New("a single quote is not closed")
			}
			word.WriteString(command[i+1 : i+1+closing])
			begun, i = true, i+1+closing
		case c == '"':
			n, err := doubleQuoted(command[i+1:], &word, substitute)
			if err != nil {
				return nil, err
			}
			begun, i = true, i+n
		case c == '\\' && i+1 < len(command):
			i++
			if command[i] != '\n' {
				word.WriteByte(command[i])
				begun = true
			}
		case c == '$':
			n, err := substituted(command[i:], &word, substitute)
			if err != nil {
				return nil, err
			}
			begun, i = true, i+n-1
		case strings.IndexByte("`|&;<>()*?[~", c) >= 0:
			return nil, fmt.Errorf("%q means something to a shell, and is not quoted", c)
		default:
			word.WriteByte(c)
			begun = true
		}
	}
	end()
	return words, nil
}

// doubleQuoted reads up to the closing quote and returns how many bytes that were, the quote included.
func doubleQuoted(rest string, word *strings.Builder, substitute func(string) (string, error)) (int, error) {
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '"':
			return i + 1, nil
		case c == '\\' && i+1 < len(rest) && strings.IndexByte("$`\"\\\n", rest[i+1]) >= 0:
			i++
			if rest[i] != '\n' {
				word.WriteByte(rest[i])
			}
		case c == '`':
			return 0, errors.New("a backquote within double quotes is a command")
		case c == '$':
			n, err := substituted(rest[i:], word, substitute)
			if err != nil {
				return 0, err
			}
			i += n - 1
		default:
			word.WriteByte(c)
		}
	}
	return 0, errors.New("a double quote is not closed")
}

// substituted reads $( … ) at the beginning of rest and writes what the command in it prints.
func substituted(rest string, word *strings.Builder, substitute func(string) (string, error)) (int, error) {
	if !strings.HasPrefix(rest, "$(") {
		name := regexp.MustCompile(`^\$[A-Za-z_][A-Za-z0-9_]*`).FindString(rest)
		if name == "" {
			return 0, errors.New("a dollar sign is not quoted")
		}
		value, err := substitute(name)
		word.WriteString(value)
		return len(name), err
	}
	inner, err := closing(rest[2:])
	if err != nil {
		return 0, err
	}
	out, err := substitute(rest[2 : 2+inner])
	if err != nil {
		return 0, err
	}
	word.WriteString(strings.TrimRight(out, "\n"))
	return 2 + inner + 1, nil
}

// closing returns where the parenthesis closes that was opened before rest.
func closing(rest string) (int, error) {
	depth, quote := 1, byte(0)
	for i := 0; i < len(rest); i++ {
		c := rest[i]
		switch {
		case quote == '\'':
			if c == '\'' {
				quote = 0
			}
		case c == '\\':
			i++
		case quote == '"':
			if c == '"' {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 {
				return i, nil
			}
		}
	}
	return 0, errors.New("a parenthesis is not closed")
}
