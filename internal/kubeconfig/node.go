package kubeconfig

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

const mergeTag = "!!merge"

// target is the node that an alias stands for, or the node itself.
func target(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// pair is an entry of a mapping as a reader sees it.
type pair struct {
	key        string
	value      *yaml.Node
	fromMerged bool
}

// pairs returns the entries of a mapping in their order, with those that `<<` brings in behind them.
func pairs(n *yaml.Node) []pair {
	n = target(n)
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	var own, merged []pair
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Tag != mergeTag {
			own = append(own, pair{key.Value, target(value), false})
			continue
		}
		sources := []*yaml.Node{value}
		if v := target(value); v.Kind == yaml.SequenceNode {
			sources = v.Content
		}
		for _, s := range sources {
			merged = append(merged, pairs(s)...)
		}
	}
	for _, m := range merged {
		if !slices.ContainsFunc(own, func(p pair) bool { return p.key == m.key }) {
			own = append(own, pair{m.key, m.value, true})
		}
	}
	return own
}

// field returns the value of a key, or nil.
func field(n *yaml.Node, key string) *yaml.Node {
	for _, p := range pairs(n) {
		if p.key == key {
			return p.value
		}
	}
	return nil
}

// valueOf is the text of a scalar, "" for anything else.
func valueOf(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return ""
	}
	return n.Value
}

// values is a list of scalars.
func values(n *yaml.Node) []string {
	var all []string
	if n = target(n); n != nil && n.Kind == yaml.SequenceNode {
		for _, c := range n.Content {
			all = append(all, valueOf(target(c)))
		}
	}
	return all
}

// plain is a copy of n without anchors, aliases, merge keys, comments and positions: what it means to a reader.
func plain(n *yaml.Node) *yaml.Node {
	n = target(n)
	switch {
	case n == nil:
		return nil
	case n.Kind == yaml.MappingNode:
		m := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		for _, p := range pairs(n) {
			set(m, p.key, plain(p.value))
		}
		return m
	case n.Kind == yaml.SequenceNode:
		s := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, c := range n.Content {
			s.Content = append(s.Content, plain(c))
		}
		return s
	default:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: n.Tag, Value: n.Value}
	}
}

// expanded counts the nodes of n with its aliases written out; more than maxSize where an alias is inside its anchor.
func expanded(n *yaml.Node, known map[*yaml.Node]int) int {
	if size, ok := known[n]; ok {
		return size
	}
	known[n] = maxSize + 1 // until it is known, that is: when n is inside itself
	size := 1
	if n.Kind == yaml.AliasNode {
		size = expanded(n.Alias, known)
	}
	for _, c := range n.Content {
		size = min(size+expanded(c, known), maxSize+1)
	}
	known[n] = size
	return size
}

// set gives a plain mapping's key a value, at its place if it is there already.
func set(m *yaml.Node, key string, value *yaml.Node) {
	for i := 0; i < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			m.Content[i+1] = value
			return
		}
	}
	m.Content = append(m.Content, str(key), value)
}

// remove takes a key out of a plain mapping.
func remove(m *yaml.Node, key string) {
	for i := 0; i < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			m.Content = slices.Delete(m.Content, i, i+2)
			return
		}
	}
}

func str(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

func strs(all []string) *yaml.Node {
	s := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for _, v := range all {
		s.Content = append(s.Content, str(v))
	}
	return s
}

// same reports whether two nodes mean the same. The order of a mapping's keys means nothing.
func same(a, b *yaml.Node) bool {
	a, b = target(a), target(b)
	switch {
	case a == nil || b == nil:
		return a == b
	case a.Kind != b.Kind || a.ShortTag() != b.ShortTag():
		return false
	case a.Kind == yaml.ScalarNode:
		return a.Value == b.Value || a.ShortTag() == "!!null"
	case a.Kind == yaml.SequenceNode:
		return slices.EqualFunc(a.Content, b.Content, same)
	}
	p, q := pairs(a), pairs(b)
	if len(p) != len(q) {
		return false
	}
	for _, e := range p {
		if other := field(b, e.key); other == nil || !same(e.value, other) {
			return false
		}
	}
	return true
}
