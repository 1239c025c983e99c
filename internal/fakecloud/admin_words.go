package fakecloud

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Words splits one command line as a POSIX shell does: single and double quotes, backslashes, a comment, and $( … ) and $NAME
// within double quotes or outside of them, where what comes out is split at blanks. substitute is given the command
// between the parentheses, or $NAME, and returns what it prints. Whatever else a shell would expand, or end the command at,
// is refused, as are braces and exclamation marks, which a person's shell expands in addition.
// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html
func Words(command string, substitute func(string) (string, error)) ([]string, error) {
	l := &shellLine{text: command, substitute: substitute}
	if err := l.read(); err != nil {
		return nil, err
	}
	return l.words, nil
}

// shellLine is a command line that has been read up to at.
type shellLine struct {
	text       string
	at         int
	substitute func(string) (string, error)
	words      []string
	word       strings.Builder
	// begun is set within a word, also where it has no characters yet.
	begun bool
}

func (l *shellLine) put(c byte) {
	l.word.WriteByte(c)
	l.begun = true
}

func (l *shellLine) end() {
	if l.begun {
		l.words = append(l.words, l.word.String())
	}
	l.word.Reset()
	l.begun = false
}

func (l *shellLine) read() error {
	for ; l.at < len(l.text); l.at++ {
		var err error
		switch c := l.text[l.at]; {
		case c == ' ' || c == '\t':
			l.end()
		case c == '\n':
			if strings.TrimSpace(l.text[l.at:]) != "" {
				return errors.New("a second line is another command")
			}
		case c == '#' && !l.begun:
			_, rest, _ := strings.Cut(l.text[l.at:], "\n")
			if strings.TrimSpace(rest) != "" {
				return errors.New("a second line is another command")
			}
			return nil
		case c == '\'':
			err = l.singleQuoted()
		case c == '"':
			err = l.doubleQuoted()
		case c == '\\':
			if l.at++; l.at == len(l.text) {
				return errors.New("nothing follows a backslash")
			}
			if l.text[l.at] != '\n' {
				l.put(l.text[l.at])
			}
		case c == '$':
			err = l.unquoted()
		case strings.IndexByte("`|&;<>()*?[{}!", c) >= 0 || c == '~' && !l.begun:
			return fmt.Errorf("%q means something to a shell, and is not quoted", c)
		default:
			l.put(c)
		}
		if err != nil {
			return err
		}
	}
	l.end()
	return nil
}

// singleQuoted reads from one quote to the next.
func (l *shellLine) singleQuoted() error {
	inner, _, closed := strings.Cut(l.text[l.at+1:], "'")
	if !closed {
		return errors.New("a single quote is not closed")
	}
	l.word.WriteString(inner)
	l.begun = true
	l.at += 1 + len(inner)
	return nil
}

// doubleQuoted reads from one quote to its match.
func (l *shellLine) doubleQuoted() error {
	l.begun = true
	for l.at++; l.at < len(l.text); l.at++ {
		switch c := l.text[l.at]; {
		case c == '"':
			return nil
		case c == '\\' && l.at+1 < len(l.text) && strings.IndexByte("$`\"\\\n", l.text[l.at+1]) >= 0:
			if l.at++; l.text[l.at] != '\n' {
				l.put(l.text[l.at])
			}
		case c == '`' || c == '!':
			return fmt.Errorf("%q means something to a shell within double quotes, too", c)
		case c == '$':
			value, err := l.value()
			if err != nil {
				return err
			}
			l.word.WriteString(value)
		default:
			l.put(c)
		}
	}
	return errors.New("a double quote is not closed")
}

// unquoted splits what is substituted outside of quotes.
func (l *shellLine) unquoted() error {
	value, err := l.value()
	if err != nil {
		return err
	}
	if strings.ContainsAny(value, "*?[") {
		return fmt.Errorf("%q is not quoted, and a shell looks for files of such names", value)
	}
	for i := range len(value) {
		if strings.IndexByte(" \t\n", value[i]) >= 0 {
			l.end()
			continue
		}
		l.put(value[i])
	}
	return nil
}

// value reads $( … ) or $NAME and returns what it stands for. It stays at the last byte of it.
func (l *shellLine) value() (string, error) {
	rest := l.text[l.at:]
	if !strings.HasPrefix(rest, "$(") {
		name := regexp.MustCompile(`^\$[A-Za-z_][A-Za-z0-9_]*`).FindString(rest)
		if name == "" {
			return "", errors.New("a dollar sign is not quoted")
		}
		l.at += len(name) - 1
		return l.substitute(name)
	}
	end, err := parenthesis(rest, len("$("))
	if err != nil {
		return "", err
	}
	l.at += end
	out, err := l.substitute(rest[len("$("):end])
	return strings.TrimRight(out, "\n"), err
}

// parenthesis returns where the one closes that was opened before i. Quotes within it are a command's own.
func parenthesis(text string, i int) (_ int, err error) {
	for ; i < len(text) && err == nil; i++ {
		switch text[i] {
		case ')':
			return i, nil
		case '(':
			i, err = parenthesis(text, i+1)
		case '\\':
			i++
		case '"':
			i, err = doubleQuote(text, i+1)
		case '\'':
			length := strings.IndexByte(text[i+1:], '\'')
			if length < 0 {
				return 0, errors.New("a single quote is not closed")
			}
			i += 1 + length
		}
	}
	if err == nil {
		err = errors.New("a parenthesis is not closed")
	}
	return 0, err
}

// doubleQuote returns where the one closes that was opened before i.
func doubleQuote(text string, i int) (_ int, err error) {
	for ; i < len(text) && err == nil; i++ {
		switch {
		case text[i] == '"':
			return i, nil
		case text[i] == '\\':
			i++
		case strings.HasPrefix(text[i:], "$("):
			i, err = parenthesis(text, i+len("$("))
		}
	}
	if err == nil {
		err = errors.New("a double quote is not closed")
	}
	return 0, err
}
