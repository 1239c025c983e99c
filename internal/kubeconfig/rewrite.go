package kubeconfig

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/idferry/idferry/internal/problem"
)

// rewriter collects the edits of one file.
type rewriter struct {
	*document
	edits []edit
	// name is the user that is being rewritten.
	name string
	// replaced are nodes whose text goes, altered are mappings that keep their place and lose or gain entries.
	replaced, altered []*yaml.Node
	// step and dash are how far this file indents a mapping and a list below their key.
	step, dash int
}

// rewrite makes the edits that give the users, by their index, what they are to be.
func (f *File) rewrite(wanted map[int]translated) error {
	if len(wanted) == 0 {
		return nil
	}
	r := &rewriter{document: f.doc, step: 2, dash: f.doc.dashes()}
	order := slices.Sorted(maps.Keys(wanted))
	for _, n := range order {
		u := f.doc.users[n]
		r.name = u.name
		if err := r.user(u, wanted[n].user); err != nil {
			return err
		}
	}
	if err := r.checkSharing(order); err != nil {
		return err
	}
	after := apply(f.doc.src, r.edits)
	if !f.doc.becomes(after, wanted) {
		u := f.doc.users[order[0]]
		return refuse(f.Path, u.line, "user %q: it is written in a way that cannot be changed without touching something else", u.name).
			WithHint("write the user out in block style, then run this again")
	}
	f.edits, f.after = r.edits, []byte(f.mark+after)
	return nil
}

// dashes returns how far the file indents list items below their key.
func (d *document) dashes() int {
	for i := 0; i+1 < len(d.root.Content); i += 2 {
		key, list := d.root.Content[i], d.root.Content[i+1]
		if list.Kind == yaml.SequenceNode && list.Style&yaml.FlowStyle == 0 && len(list.Content) > 0 {
			return max(0, indentOf(d.line(list.Content[0].Line))-(key.Column-1))
		}
	}
	return 0
}

func (r *rewriter) refuse(line int, format string, args ...any) *problem.Error {
	return refuse(r.path, line, "user %q: %s", r.name, fmt.Sprintf(format, args...))
}

func (r *rewriter) user(u user, want *yaml.Node) error {
	v := u.value
	switch {
	case v == nil:
		return r.refuse(u.line, "it has no `user` section").WithHint("kubectl config set-credentials %s", u.name)
	case u.item.Style&yaml.FlowStyle != 0:
		return r.replaceFlow(v, want)
	case v.Kind == yaml.MappingNode && v.Style&yaml.FlowStyle == 0:
		r.step = max(1, v.Content[0].Column-u.key.Column)
		return r.sync(v, want)
	}
	// An alias, {…} or nothing: the user gets a section of its own.
	start, last := r.offset(u.key.Line, u.key.Column), r.lastLine(u.key, v)
	lines := r.block(u.key.Value, want, u.key.Column-1)
	lines[0] = lines[0][u.key.Column-1:]
	r.replaced = append(r.replaced, v)
	r.edits = append(r.edits, edit{start, r.end(last), strings.Join(lines, r.newline(last))})
	return nil
}

// sync gives a block mapping the entries of want, and touches only the lines of entries that differ.
func (r *rewriter) sync(m, want *yaml.Node) error {
	indent := m.Content[0].Column - 1
	var added []string
	for _, p := range pairs(want) {
		now := field(m, p.key)
		if slices.ContainsFunc(pairs(m), func(q pair) bool { return q.key == p.key && !q.fromMerged }) || now != nil && same(now, p.value) {
			continue
		}
		added = append(added, r.block(p.key, p.value, indent)...)
		r.altered = append(r.altered, m)
	}
	for _, p := range pairs(m) {
		if p.fromMerged && field(want, p.key) == nil {
			return r.refuse(m.Line, "%s comes in through <<, and other entries may need it there", p.key).
				WithHint("write the user out without <<, then run this again")
		}
	}
	last := 0
	for i := 0; i < len(m.Content); i += 2 {
		key, value := m.Content[i], m.Content[i+1]
		if strings.Trim(r.src[r.start(key.Line):r.offset(key.Line, key.Column)], " ") != "" {
			return r.refuse(key.Line, "the key %q is not at the beginning of its line", key.Value)
		}
		last = r.lastLine(key, value)
		wanted := field(want, key.Value)
		switch {
		case key.Tag == mergeTag || wanted != nil && same(value, wanted):
			continue
		case wanted == nil && len(added) > 0:
			r.swap(key.Line, last, added)
			added = nil
		case wanted == nil:
			r.drop(key.Line, last)
		case value.Kind == yaml.MappingNode && value.Style&yaml.FlowStyle == 0 && wanted.Kind == yaml.MappingNode:
			if err := r.sync(value, wanted); err != nil {
				return err
			}
			continue
		default:
			r.replace(key, value, wanted)
		}
		r.altered, r.replaced = append(r.altered, m), append(r.replaced, value)
	}
	if len(added) > 0 {
		newline := r.newline(last)
		r.edits = append(r.edits, edit{r.end(last), r.end(last), newline + strings.Join(added, newline)})
	}
	return nil
}

// replace writes one entry anew. A list below its key leaves the key's line alone, and a scalar keeps its comment.
func (r *rewriter) replace(key, value, want *yaml.Node) {
	last := r.lastLine(key, value)
	switch {
	case want.Kind == yaml.SequenceNode && len(want.Content) > 0 && value.Kind == yaml.SequenceNode && value.Style&yaml.FlowStyle == 0:
		first := value.Content[0].Line
		r.swap(first, last, r.items(want, indentOf(r.line(first))))
	case want.Kind == yaml.SequenceNode && value.Kind == yaml.SequenceNode && key.Line == last:
		r.swap(key.Line, last, []string{spaces(key.Column-1) + scalarText(key) + ": " + flow{}.text(want, "") + r.comment(value, last)})
	default:
		lines := r.block(key.Value, want, key.Column-1)
		if len(lines) == 1 {
			lines[0] += r.comment(value, last)
		}
		r.swap(key.Line, last, lines)
	}
}

// comment returns the comment behind a value, with the white space before it.
func (r *rewriter) comment(n *yaml.Node, line int) string {
	text := r.line(line)
	at := strings.LastIndex(text, n.LineComment)
	if n.LineComment == "" || at < 0 {
		return ""
	}
	return text[len(strings.TrimRight(text[:at], " \t")):]
}

func (r *rewriter) swap(first, last int, lines []string) {
	r.edits = append(r.edits, edit{r.start(first), r.end(last), strings.Join(lines, r.newline(last))})
}

func (r *rewriter) drop(first, last int) {
	e := edit{start: r.start(first), end: r.start(last + 1)}
	if r.end(last) == e.end && first > 1 {
		e.start = r.end(first - 1) // the file ends here, and not with a line break
	}
	r.edits = append(r.edits, e)
}

// lastLine returns the last line of a block entry. Comments and blank lines behind it are not part of it.
func (d *document) lastLine(key, value *yaml.Node) int {
	limit := d.limits[value]
	leaf, indent := value, key.Column-1
	for leaf.Kind != yaml.AliasNode && len(leaf.Content) > 0 {
		if leaf.Kind == yaml.MappingNode {
			indent = leaf.Content[len(leaf.Content)-2].Column - 1
		} else {
			indent = leaf.Column - 1
		}
		leaf = leaf.Content[len(leaf.Content)-1]
	}
	if leaf.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		last := leaf.Line
		for line := leaf.Line + 1; line < limit; line++ {
			switch text := d.line(line); {
			case strings.TrimSpace(text) == "":
			case indentOf(text) > indent:
				last = line
			default:
				return last
			}
		}
		return last
	}
	// Within quotes a line that looks like a comment is none.
	_, quote := d.quoted(leaf)
	least, last := max(key.Line, d.lineOf(quote)), limit-1
	for ; last > least; last-- {
		text := strings.TrimSpace(d.line(last))
		if text != "" && text[0] != '#' && strings.Trim(text, "- ") != "" && text != "..." {
			break
		}
	}
	return last
}

// becomes reports whether after is this document with nothing but the wanted users changed.
func (d *document) becomes(after string, wanted map[int]translated) bool {
	now, err := parse(d.path, after)
	if err != nil || now.root == nil {
		return false
	}
	expected := plain(d.root)
	users := field(expected, "users")
	for n, t := range wanted {
		set(users.Content[n], "user", t.user)
	}
	return same(expected, now.root)
}
