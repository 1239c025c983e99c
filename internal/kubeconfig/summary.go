package kubeconfig

import (
	"fmt"
	"slices"
	"strings"

	"github.com/idferry/idferry/internal/token"
)

// Summary says in a line what happens to each user, and below it what somebody may miss.
func (p *Plan) Summary(dryRun bool) string {
	verb := "rewrote"
	if dryRun {
		verb = "would rewrite"
	}
	var b strings.Builder
	for _, o := range p.Outcomes {
		if !o.Changed {
			fmt.Fprintf(&b, "left user %q in %s alone: %s\n", o.User, o.Path, token.Line(o.Why))
			continue
		}
		fmt.Fprintf(&b, "%s user %q in %s (%s)\n", verb, o.User, o.Path, token.Line(o.From))
		for _, n := range o.Notes {
			fmt.Fprintf(&b, "  %s\n", token.Line(n))
		}
	}
	return b.String()
}

// Uses reports whether a user runs command once the plan is carried out.
func (p *Plan) Uses(command string) bool {
	return p.Changed() || slices.ContainsFunc(p.Files, func(f *File) bool {
		return slices.ContainsFunc(f.doc.users, func(u user) bool {
			return valueOf(field(field(u.value, execKey), "command")) == command
		})
	})
}
