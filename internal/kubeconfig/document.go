package kubeconfig

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/idferry/idferry/internal/problem"
)

// bom is the mark that Windows editors put before UTF-8.
const bom = "\uFEFF"

// maxSize is far above any kubeconfig; what is larger is something else.
const maxSize = 16 << 20

// document is a kubeconfig as nodes and as the text they came from.
type document struct {
	path string
	*text
	root *yaml.Node // nil for an empty file
	// limits holds for each node the line of the next thing in the file that is neither inside it nor a comment.
	limits   map[*yaml.Node]int
	users    []user
	contexts []contextEntry
}

// user is one entry of users.
type user struct {
	name string
	line int
	// item is the entry, key and value are its `user` (nil if it has none).
	item, key, value *yaml.Node
}

type contextEntry struct{ name, user string }

// refuse returns the error for something in the file that cannot be worked with. line 0 means the whole file.
func refuse(path string, line int, format string, args ...any) *problem.Error {
	at := path
	if line > 0 {
		at += ":" + strconv.Itoa(line)
	}
	return problem.Input(at, format, args...)
}

// parse reads a kubeconfig. src has no byte order mark.
func parse(path, src string) (*document, error) {
	d := &document{path: path, text: newText(src), limits: map[*yaml.Node]int{}}
	switch {
	case len(src) > maxSize:
		return nil, refuse(path, 0, "it has %d bytes, which is no kubeconfig", len(src))
	case strings.ContainsRune(src, 0):
		return nil, refuse(path, 0, "it is not UTF-8 (UTF-16?)").WithHint("save it as UTF-8: iconv -f UTF-16 -t UTF-8")
	case !utf8.ValidString(src):
		return nil, refuse(path, 0, "it is not UTF-8")
	}
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(src)))
	var first, second yaml.Node
	switch err := decoder.Decode(&first); {
	case errors.Is(err, io.EOF):
		return d, nil
	case err != nil:
		return nil, broken(path, err)
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		return nil, refuse(path, second.Line, "a second document begins here, and a kubeconfig is one").
			WithHint("put the documents into files of their own and name them in KUBECONFIG")
	case !errors.Is(err, io.EOF):
		return nil, broken(path, err)
	}
	root := first.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return d, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, refuse(path, root.Line, "it is not a kubeconfig: a mapping with clusters, contexts and users belongs here")
	}
	d.root = root
	if err := d.checkKeys(root, 0); err != nil {
		return nil, err
	}
	if expanded(root, map[*yaml.Node]int{}) > maxSize {
		return nil, refuse(path, 0, "its aliases are nested in themselves or beyond all use")
	}
	d.measure(root, d.count()+1)
	return d, d.readEntries()
}

// broken says where the parser stopped.
func broken(path string, err error) error {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if m := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		message = strings.TrimPrefix(message, m[0])
	}
	return refuse(path, line, "it is not YAML: %s", message).WithHint("kubectl config view --kubeconfig %s", path)
}

// checkKeys refuses what the parser takes and kubectl does not, or takes differently: repeated keys, and keys that
// are no strings.
func (d *document) checkKeys(n *yaml.Node, depth int) error {
	if depth > 100 {
		return refuse(d.path, n.Line, "it is nested too deep")
	}
	if n.Kind == yaml.MappingNode {
		seen := map[string]int{}
		for i := 0; i < len(n.Content); i += 2 {
			key := n.Content[i]
			if key.Kind != yaml.ScalarNode {
				return refuse(d.path, key.Line, "this key is not a string")
			}
			if line, again := seen[key.Value]; again {
				return refuse(d.path, key.Line, "the key %q was given on line %d already", key.Value, line)
			}
			seen[key.Value] = key.Line
		}
	}
	for _, c := range n.Content {
		if err := d.checkKeys(c, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (d *document) measure(n *yaml.Node, limit int) {
	d.limits[n] = limit
	for i, c := range n.Content {
		next := limit
		if i+1 < len(n.Content) {
			next = n.Content[i+1].Line
		}
		d.measure(c, next)
	}
}

// readEntries reads users and contexts.
func (d *document) readEntries() error {
	if kind := field(d.root, "kind"); kind != nil && kind.Value != "Config" && kind.Value != "" {
		return refuse(d.path, kind.Line, "its kind is %q, not Config", kind.Value)
	}
	err := d.each("users", func(name string, item *yaml.Node) {
		u := user{name: name, line: item.Line, item: item}
		for i := 0; i < len(item.Content); i += 2 {
			if item.Content[i].Value == "user" {
				u.key, u.value = item.Content[i], item.Content[i+1]
			}
		}
		d.users = append(d.users, u)
	})
	if err != nil {
		return err
	}
	return d.each("contexts", func(name string, item *yaml.Node) {
		d.contexts = append(d.contexts, contextEntry{name, valueOf(field(field(item, "context"), "user"))})
	})
}

// each visits the named entries of a list. Names are unique, as clientcmd wants them.
func (d *document) each(key string, visit func(name string, item *yaml.Node)) error {
	list := field(d.root, key)
	if list == nil || list.Kind == yaml.ScalarNode && list.Tag == "!!null" {
		return nil
	}
	if list.Kind != yaml.SequenceNode {
		return refuse(d.path, list.Line, "%s is not a list", key)
	}
	seen := map[string]int{}
	for _, raw := range list.Content {
		item := target(raw)
		name := field(item, "name")
		if item.Kind != yaml.MappingNode || name == nil || name.Kind != yaml.ScalarNode {
			return refuse(d.path, raw.Line, "this entry of %s has no name", key)
		}
		if line, again := seen[name.Value]; again {
			return refuse(d.path, raw.Line, "%q is in %s on line %d already", name.Value, key, line)
		}
		seen[name.Value] = raw.Line
		visit(name.Value, item)
	}
	return nil
}

// content is the place of a scalar, behind its anchor and its tag.
func (d *document) content(n *yaml.Node) int {
	at := d.offset(n.Line, n.Column)
	for at < len(d.src) {
		rest := d.src[at:]
		switch size := lineBreak(rest); {
		case size > 0:
			at += size
		case rest[0] == ' ' || rest[0] == '\t':
			at++
		case rest[0] == '&' || rest[0] == '!':
			at += upTo(rest, " \t"+breaks)
		case rest[0] == '#':
			at += upTo(rest, breaks)
		default:
			return at
		}
	}
	return at
}

// quoted is the place of what is between a scalar's quotes, 0 and 0 for one without.
func (d *document) quoted(n *yaml.Node) (start, end int) {
	if n.Kind != yaml.ScalarNode || n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 {
		return 0, 0
	}
	at := d.content(n)
	if at == len(d.src) || d.src[at] != '\'' && d.src[at] != '"' {
		return 0, 0
	}
	quote := d.src[at]
	for i := at + 1; i < len(d.src); i++ {
		switch {
		case quote == '"' && d.src[i] == '\\', quote == '\'' && strings.HasPrefix(d.src[i:], "''"):
			i++
		case d.src[i] == quote:
			return at + 1, i
		}
	}
	return 0, 0
}
