package externalaccount

import (
	"regexp"
	"runtime"
	"strings"

	"github.com/idferry/idferry/internal/problem"
)

// No two clients split a command alike: Go, Rust and old Python at white space, Java at every single space, Node.js and new
// Python with quotes, each in its own way, and PHP and Ruby give it to a shell. What is left has no need to be split otherwise.
// Go splits at a vertical tab and at a no-break space too, neither of which \s matches.
func divisive() *regexp.Regexp { return regexp.MustCompile(`[\s\p{Z}\p{C}"'\\]`) }
func forShell() *regexp.Regexp { return regexp.MustCompile("[`$;|&<>()*?\\[\\]{}!#]") }

// commandLine joins argv to what every client splits into argv again.
func commandLine(argv []string) (string, error) {
	for i, word := range argv {
		field, hint := "command", ""
		switch {
		case i == 0:
			field, hint = "--command", "install this program, or link it, where the path has none"
			if runtime.GOOS == "windows" || windowsPath().MatchString(word) {
				// Python's client reads a backslash as a quote.
				word = strings.ReplaceAll(word, `\`, "/")
				argv[0] = word
			}
			if err := absolute(field, word); err != nil {
				return "", err
			}
		case i > 1 && strings.HasPrefix(argv[i-1], "--"):
			field = argv[i-1]
		}
		var wrong *problem.Error
		switch {
		case word == "":
			wrong = problem.Input(field, "it is empty, and an empty word is lost in a command line")
		case divisive().MatchString(word):
			wrong = problem.Input(field, "%q has a space, a quote, a backslash or what cannot be seen, and no two clients split such a command alike", word)
		case forShell().MatchString(word):
			wrong = problem.Input(field, "%q has a character of shells, and the clients of PHP and Ruby give the command to one", word)
		default:
			continue
		}
		if hint == "" {
			hint = "set the variable that stands for it (see --help) where the client runs, in place of the flag"
		}
		return "", wrong.WithHint("%s", hint)
	}
	return strings.Join(argv, " "), nil
}
