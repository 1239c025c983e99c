package azcli

import (
	"regexp"

	"github.com/idferry/idferry/internal/token"
)

// Phrases by which an SDK takes an error for "the tool is missing" or "nobody is logged in", and then shows its own
// advice instead of our sentence: JavaScript and Java match them on stderr, .NET and Python too unless an AADSTS code
// is in it (azure-contracts: AzureCliCredential of each SDK).
func misleading() *regexp.Regexp {
	return regexp.MustCompile(`(?i)az login|az logout|az account set|azd (?:auth )?login|azd?:(.*)not found|'azd?' is not recognized|CLIInternalError`)
}

// Sentence returns message on one line and without any phrase that would hide it from the user.
func Sentence(message string) string {
	return misleading().ReplaceAllString(token.Line(message), "[a log-in of the Azure tools]")
}

// Error returns the line that the stand-in for az writes on stderr, with az's prefix.
func Error(message string) string { return "ERROR: " + Sentence(message) }
