package azcli

import (
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

const reference = "see https://aka.ms/cli_ref"

// Parse sets flags from args as az reads them, by Python's argparse: an option may be shortened as long as it stays
// unmistakable, one that takes a list (a stringArray) takes every word up to the next option, and -o=json is -o json.
// Hidden flags go by their whole name. It returns pflag.ErrHelp for --help, else az's own errors, exit code 2.
func Parse(flags *pflag.FlagSet, args []string) error {
	var unknown []string
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			unknown = append(unknown, args[i+1:]...)
			break
		}
		if !isOption(flags, args[i]) {
			unknown = append(unknown, args[i])
			continue
		}
		flag, value, given, err := option(flags, args[i])
		if err != nil {
			return err
		}
		if flag == nil {
			unknown = append(unknown, args[i])
			continue
		}
		if flag.Name == "help" {
			return pflag.ErrHelp
		}
		values := []string{value}
		switch {
		case flag.NoOptDefVal != "" && given:
			return misuse("argument %s: ignored explicit argument %s", label(flag), repr(value)).WithHint(reference)
		case flag.NoOptDefVal != "":
			values[0] = flag.NoOptDefVal
		case !given:
			n := i + 1
			for n < len(args) && !isOption(flags, args[n]) && (flag.Value.Type() == "stringArray" || n == i+1) {
				n++
			}
			values = args[i+1 : n]
			i = n - 1
			if len(values) == 0 && flag.Value.Type() != "stringArray" {
				return misuse("argument %s: expected one argument", label(flag)).WithHint(reference)
			}
		}
		for _, v := range values {
			if err := flags.Set(flag.Name, v); err != nil {
				return misuse("argument %s: invalid value: %s", label(flag), repr(v)).WithHint(reference)
			}
		}
	}
	if len(unknown) > 0 {
		return misuse("unrecognized arguments: %s", strings.Join(unknown, " ")).WithHint(reference)
	}
	return nil
}

// isOption tells an option from a value. A lone dash is a value, and so are a negative number and what has a space in it,
// unless an option of the command begins it (--query='{t: accessToken}').
func isOption(flags *pflag.FlagSet, arg string) bool {
	if len(arg) < 2 || arg[0] != '-' {
		return false
	}
	flag, _, _, err := option(flags, arg)
	return flag != nil || err != nil || !negative().MatchString(arg) && !strings.Contains(arg, " ")
}

// negative is argparse's _negative_number_matcher.
func negative() *regexp.Regexp { return regexp.MustCompile(`^-(\d+|\d*\.\d+)$`) }

// option finds the flag that arg means, or nil.
func option(flags *pflag.FlagSet, arg string) (flag *pflag.Flag, value string, given bool, err error) {
	if !strings.HasPrefix(arg, "--") {
		flag, value = flags.ShorthandLookup(arg[1:2]), arg[2:]
		value, _ = strings.CutPrefix(value, "=")
		return flag, value, len(arg) > 2, nil
	}
	name, value, given := strings.Cut(arg[2:], "=")
	if flag = flags.Lookup(name); flag != nil {
		return flag, value, given, nil
	}
	var matching []string
	flags.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && strings.HasPrefix(f.Name, name) {
			matching = append(matching, "--"+f.Name)
			flag = f
		}
	})
	if len(matching) > 1 {
		slices.Sort(matching)
		return nil, "", false, misuse("ambiguous option: %s could match %s", arg, strings.Join(matching, ", ")).WithHint(reference)
	}
	return flag, value, given, nil
}

// label names a flag as argparse does in its errors.
func label(flag *pflag.Flag) string {
	if flag.Shorthand == "" {
		return "--" + flag.Name
	}
	return "--" + flag.Name + "/-" + flag.Shorthand
}
