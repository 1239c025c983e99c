package kubeconfig

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// checkSharing refuses edits that would reach further than the users that are rewritten: through an anchor that
// something else refers to.
func (r *rewriter) checkSharing(rewritten []int) error {
	gone := r.within(r.replaced)
	var values []*yaml.Node
	for _, n := range rewritten {
		values = append(values, r.users[n].value)
	}
	ours := r.within(values)
	changed := slices.Concat(r.replaced, r.altered)
	var err error
	visit(r.root, func(n *yaml.Node) {
		if err != nil || n.Kind != yaml.AliasNode || gone[n] {
			return
		}
		reached := gone[n.Alias]
		if !ours[n] {
			visit(n.Alias, func(inside *yaml.Node) { reached = reached || slices.Contains(changed, inside) })
		}
		if reached {
			err = refuse(r.path, n.Line, "*%s refers to a part of a user that is to be rewritten, and would change with it", n.Value).
				WithHint("write it out there in place of *%s, or have both users rewritten", n.Value)
		}
	})
	return err
}

// within returns the nodes and everything below them in the file.
func (r *rewriter) within(nodes []*yaml.Node) map[*yaml.Node]bool {
	all := map[*yaml.Node]bool{}
	for _, n := range nodes {
		visit(n, func(inside *yaml.Node) { all[inside] = true })
	}
	return all
}

// visit goes through a node and what is below it in the file; it does not follow aliases.
func visit(n *yaml.Node, do func(*yaml.Node)) {
	do(n)
	for _, c := range n.Content {
		visit(c, do)
	}
}
