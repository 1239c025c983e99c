package reference

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

const files = `# FILES
*idferry* in **$XDG_CACHE_HOME**, or in *~/.cache* (macOS: *~/Library/Caches*; Windows: *%LocalAppData%\\cache*)
: The cache of both programs: sealed tokens, and locks. **--cache-dir** chooses another directory.

# REPORTING
https://github.com/idferry/idferry/issues; what touches security: https://github.com/idferry/idferry/security
`

// pages are the manual pages by their file names.
func pages(t *testing.T, p Program) map[string]string {
	pages := map[string]string{}
	root := p.Command("--help")
	each(root, func(c *cobra.Command) {
		c.DisableAutoGenTag = true
		var out bytes.Buffer
		// A date would change with each build, and packages with it.
		if err := doc.GenMan(c, &doc.GenManHeader{Source: "idferry", Manual: "idferry", Date: &time.Time{}}, &out); err != nil {
			t.Fatal(err)
		}
		page := strings.Replace(out.String(), `"Jan 0001"`, `""`, 1)
		more := commands(c) + environment(c, p)
		if c == root {
			more += p.ExitStatus + "\n" + files
		}
		end := strings.Index(page, ".SH SEE ALSO")
		if end < 0 {
			end = len(page)
		}
		pages[strings.ReplaceAll(c.CommandPath(), " ", "-")+".1"] = page[:end] + section(more) + page[end:]
	})
	return pages
}

// commands is the section with the verbs below a command.
func commands(c *cobra.Command) string {
	var b strings.Builder
	for _, below := range c.Commands() {
		if below.IsAvailableCommand() {
			fmt.Fprintf(&b, "**%s**\n: %s.\n\n", below.Name(), below.Short)
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "# COMMANDS\n" + b.String()
}

// environment is the section with the variables that stand in for the command's flags.
func environment(c *cobra.Command, p Program) string {
	var b strings.Builder
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		for _, list := range regexp.MustCompile(`\[(\$[^\]]+)\]`).FindAllStringSubmatch(f.Usage, -1) {
			for _, name := range strings.Split(list[1], ", ") {
				fmt.Fprintf(&b, "**%s**\n: **--%s**\n\n", strings.TrimPrefix(name, "$"), f.Name)
			}
		}
	})
	if !c.HasParent() {
		for _, v := range p.Environment {
			fmt.Fprintf(&b, "**%s**\n: %s\n\n", v.Name, v.Does)
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "# ENVIRONMENT\nA flag wins over the variables that stand in for it; of several, the first that is set wins.\n\n" + b.String()
}

// section renders Markdown without the head that a page of its own would have.
func section(markdown string) string {
	page := string(md2man.Render([]byte("% \"x\" \"1\"\n" + markdown)))
	_, body, found := strings.Cut(page, ".SH ")
	if !found {
		return ""
	}
	return ".SH " + body
}
