package main

import (
	"fmt"
	"strings"

	"github.com/idferry/idferry/internal/catalogue"
	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/sts"
)

type section struct {
	title, text string
	entries     []catalogue.Entry
}

func sections() []section {
	return []section{
		{"Entra ID refuses", "Codes of Microsoft's token service. `azure-token-helper` meets them when it exchanges a Google token, `gcp-executable-source` when an Azure identity asks for its own token.", entra.Catalogue()},
		{"Google refuses", "What Google's Security Token Service and IAM Credentials say. Google's libraries show these when they exchange the token of `gcp-executable-source`, and `azure-token-helper` when it asks for a service account's ID token.", sts.Catalogue()},
		{"Neither cloud was asked, or it did not answer", "Codes of both programs' own.", catalogue.Own()},
	}
}

const opening = `# Troubleshooting

<!-- Made by go run ./internal/manual; a test holds it to the code. -->

Begin with ` + "`doctor`" + `: it walks from the identity to a call in the other cloud, and at the first hop that fails it shows what was
presented, what is expected, and the command that mends it with your own values filled in. It changes nothing.

` + "```console" + `
$ gcp-executable-source doctor google.json       # Azure → Google
$ azure-token-helper doctor                      # Google → Azure; --context NAME for a user of a kubeconfig
` + "```" + `

Where an error was shown by another program, give its text to ` + "`doctor --explain 'TEXT'`" + `, or find its code below. In the
commands, words in capitals stand for values that ` + "`doctor`" + ` fills in.

Pictures of both, failing and well: [doctor.md](doctor.md); what ` + "`--json`" + ` prints: [doctor-json.md](doctor-json.md).
`

// troubleshooting is the page with everything that is known of errors.
func troubleshooting() string {
	var b strings.Builder
	b.WriteString(opening)
	for _, s := range sections() {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", s.title, s.text)
		for _, e := range s.entries {
			b.WriteString(entry(e))
		}
	}
	return b.String()
}

func entry(e catalogue.Entry) string {
	var b strings.Builder
	title := e.Code
	if len(e.Says) > 0 {
		title += ": “" + strings.Join(e.Says, " … ") + "”"
	}
	fmt.Fprintf(&b, "\n### %s\n\n%s.", title, capital(e.Cause))
	a := e.Advice(entra.Places())
	if a.Mend != "" {
		fmt.Fprintf(&b, " %s", capital(a.Mend))
		if len(a.Run) > 0 {
			b.WriteString(":")
		} else {
			b.WriteString(".")
		}
	}
	b.WriteString("\n")
	if len(a.Run) > 0 {
		fmt.Fprintf(&b, "\n```sh\n%s\n```\n", strings.Join(a.Run, "\n# or\n"))
	}
	if a.Wait != "" {
		fmt.Fprintf(&b, "\n%s.\n", capital(a.Wait))
	}
	if a.See != "" {
		fmt.Fprintf(&b, "\nSee <%s>.\n", a.See)
	}
	return b.String()
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
