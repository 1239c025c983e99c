package fakecloud

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// echoes evaluates what is in a line: there is the command echo, and nothing else.
func echoes(inner string) (string, error) {
	if name, ok := strings.CutPrefix(inner, "$"); ok {
		return map[string]string{"TWO": "two words", "EMPTY": ""}[name], nil
	}
	words, err := Words(inner, echoes)
	if err != nil {
		return "", err
	}
	if words[0] != "echo" {
		return "", errors.New(words[0] + " is no command")
	}
	return strings.Join(words[1:], " ") + "\n", nil
}

// The words are those that a shell makes of the same line, where one is here to ask.
func TestWordsAreAShells(t *testing.T) {
	lines := map[string][]string{
		`a  b	c `:                                    {"a", "b", "c"},
		`'a b' "c d" e\ f`:                           {"a b", "c d", "e f"},
		`'it'\''s' "it's" ''`:                        {"it's", "it's", ""},
		`"\$HOME \"q\" \\ \n"`:                       {`$HOME "q" \ \n`},
		`--x='{"a":"it'\''s"}'`:                      {`--x={"a":"it's"}`},
		`a "$(echo --query "[?x=='y'].z")" c`:        {"a", "--query [?x=='y'].z", "c"},
		`p/"$(echo 'a)b')"/q`:                        {"p/a)b/q"},
		`a#b # a comment 'open`:                      {"a#b"},
		"a \\\n  b\n":                                {"a", "b"},
		"a \"b\\\nc\"":                               {"a", "bc"},
		`--set=x --query "[?subject=='S'].id"`:       {"--set=x", "--query", "[?subject=='S'].id"},
		`X="$(echo one two)" y`:                      {"X=one two", "y"},
		`$(echo one two)`:                            {"one", "two"},
		`a$(echo one two)b`:                          {"aone", "twob"},
		`$TWO "$TWO" x$EMPTY$EMPTY "$EMPTY"`:         {"two", "words", "two words", "x", ""},
		`$EMPTY a`:                                   {"a"},
		`"$(echo "in \"ner" ')' "$(echo "a )" b)")"`: {`in "ner ) a ) b`},
		`"$(echo \) '(' )"`:                          {") ("},
		`a~b http://x/~y`:                            {"a~b", "http://x/~y"},
	}
	shell, missing := exec.LookPath("sh")
	for line, want := range lines {
		got, err := Words(line, echoes)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q %v, want %q", line, got, err, want)
		}
		// Windows hands a program its command line whole, with quotes of another kind.
		if missing != nil || runtime.GOOS == "windows" {
			continue
		}
		// A comment ends at its line.
		out, err := exec.CommandContext(t.Context(), shell, "-c", "TWO='two words' EMPTY=''\nset -- "+line+"\nprintf '%s|' \"$@\"").Output()
		if said := strings.Join(want, "|") + "|"; err != nil || string(out) != said {
			t.Errorf("%s: a shell says %q %v, want %q", line, out, err, said)
		}
	}
}

func TestWordsRefuseWhatAShellWouldExpand(t *testing.T) {
	for line, want := range map[string]string{
		`a 'b`:                "a single quote is not closed",
		`a "b`:                "a double quote is not closed",
		`a "$(echo b"`:        "is not closed",
		`a $(echo 'b)`:        "a single quote is not closed",
		`a $(echo (b)`:        "a parenthesis is not closed",
		`a \`:                 "nothing follows a backslash",
		`a | b`:               "'|' means something",
		`*`:                   "'*' means something",
		`a && b`:              "'&' means something",
		`a > b`:               "'>' means something",
		`a; b`:                "';' means something",
		`[?id]`:               "'[' means something",
		`{"name":"n"}`:        "'{' means something",
		`~/f`:                 "'~' means something",
		"a `b`":               "means something",
		"\"a `b`\"":           "within double quotes",
		`"Hello!"`:            "within double quotes",
		`a $'b'`:              "a dollar sign is not quoted",
		`a $`:                 "a dollar sign is not quoted",
		"a\nb":                "a second line",
		"a # comment\nb":      "a second line",
		`$(echo '*')`:         "looks for files",
		`$(rm x)`:             "rm is no command",
		`"x $(echo $(rm x))"`: "rm is no command",
	} {
		got, err := Words(line, echoes)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q %v, want %q", line, got, err, want)
		}
		if got != nil {
			t.Errorf("%s: words in spite of it: %s", line, fmt.Sprint(got))
		}
	}
}
