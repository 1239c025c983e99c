package azcli

import (
	"slices"
	"strings"

	"github.com/idferry/idferry/internal/problem"
)

// Formats are what --output takes, in the order in which az lists them. Nothing is coloured here, so jsonc and yamlc are
// what az prints for them where stdout is no terminal.
func Formats() []string { return []string{"json", "jsonc", "yaml", "yamlc", "table", "tsv", "none"} }

// Output is how a result is to be shown.
type Output struct {
	// Format is one of Formats in any case.
	Format string
	// Query is the JMESPath expression of --query; Queried says that there is one.
	Query   string
	Queried bool
	// Table makes rows of the result where a command has a table of its own; it may be nil.
	Table func(any) any
}

// Check says what cannot be used before anything is asked of anybody. command is the command's name, for the message.
func (o Output) Check(command string) error {
	if !slices.Contains(Formats(), strings.ToLower(o.Format)) {
		return Choice(command, o.Format, "--output", Formats())
	}
	if o.Queried {
		_, err := compile(o.Query)
		return err
	}
	return nil
}

// NotFound is az's error for a subscription that it does not have, exit code 1.
func NotFound(subscription string) *problem.Error {
	return problem.New(problem.BadInput, "Subscription '%s' not found. Check the spelling and casing and try again", subscription)
}

// NoCloud is az's error for a cloud that it does not have, exit code 1.
func NoCloud(name string) *problem.Error {
	return problem.New(problem.BadInput, "The cloud '%s' is not registered", name)
}

// Required is az's error for an argument that is missing, exit code 2.
func Required(options string) *problem.Error {
	return misuse("the following arguments are required: %s", options).WithHint(reference)
}

// Choice is az's error for a value that is not among those an argument takes.
func Choice(command, value, flag string, choices []string) *problem.Error {
	return misuse("%s: '%s' is not a valid value for '%s'. Allowed values: %s", command, value, flag, strings.Join(choices, ", "))
}

// misuse is an error of the command line, exit code 2, in az's own words.
func misuse(format string, args ...any) *problem.Error {
	e := problem.New(problem.BadInput, format, args...)
	e.Misuse = true
	return e
}

// Render returns what is printed for a result. Nothing at all is printed for a query that finds nothing, whatever the
// format, as az has it.
func (o Output) Render(result any) ([]byte, error) {
	if o.Queried {
		q, err := compile(o.Query)
		if err != nil {
			return nil, err
		}
		if result, err = q.apply(result); err != nil {
			return nil, err
		}
	}
	if result == nil {
		return nil, nil
	}
	var b strings.Builder
	switch strings.ToLower(o.Format) {
	case "tsv":
		writeTSV(&b, result)
	case "table":
		sorted := !o.Queried
		if o.Table != nil && !o.Queried {
			result, sorted = o.Table(result), false
		}
		writeTable(&b, result, sorted)
	case "yaml", "yamlc":
		writeYAML(&b, result)
	case "none":
	default:
		writeJSON(&b, result, "")
		b.WriteByte('\n')
	}
	return []byte(b.String()), nil
}
