package cli

import "github.com/spf13/cobra"

// Verb is a command that is made only for a command line that is about it.
type Verb struct {
	name  string
	build func(Process) *cobra.Command
}

// Named returns the verb of that name.
func Named(name string, build func(Process) *cobra.Command) Verb { return Verb{name, build} }

// Asked builds the verb that the word at a place of the command line names, and else all of them. Building all for every
// call of a client costs a tenth of the call.
func Asked(p Process, place int, verbs ...Verb) []*cobra.Command {
	var all []*cobra.Command
	for _, v := range verbs {
		if len(p.Args) > place && p.Args[place] == v.name {
			return []*cobra.Command{v.build(p)}
		}
	}
	for _, v := range verbs {
		all = append(all, v.build(p))
	}
	return all
}
