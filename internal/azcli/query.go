package azcli

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jmespath-community/go-jmespath/pkg/interpreter"
	"github.com/jmespath-community/go-jmespath/pkg/parsing"

	"github.com/idferry/idferry/internal/problem"
)

const queryReference = "see https://learn.microsoft.com/cli/azure/query-azure-cli"

// query is a compiled --query. The library parses and evaluates it; what it leaves open is settled here as the Python
// library that az uses settles it: objects have an order, and text compares with < and >.
type query struct{ node parsing.ASTNode }

// compile returns az's own error, exit code 2, for an expression that it cannot read.
func compile(expression string) (*query, error) {
	if quoted, readable := quoteLiterals(expression); readable && strings.TrimSpace(expression) != "" {
		if node, err := parsing.NewParser().Parse(quoted); err == nil && !unknownToAz(node) {
			return &query{ordered(node)}, nil
		}
	}
	return nil, misuse("argument --query: invalid jmespath_type value: %s", repr(expression)).WithHint(queryReference)
}

// unknownToAz reports whether an expression has something that the Python library does not read: arithmetic, $, and let, of
// which some make this one panic.
func unknownToAz(node parsing.ASTNode) bool {
	switch node.NodeType {
	case parsing.ASTArithmeticExpression, parsing.ASTArithmeticUnaryExpression, parsing.ASTRootNode, parsing.ASTLetExpression, parsing.ASTVariable:
		return true
	}
	return slices.ContainsFunc(node.Children, unknownToAz)
}

// Names that no expression can spell, for what is done by functions of our own.
const (
	fnHash   = "{}"
	fnList   = "[]"
	fnValues = "*"
	fnLess   = "<"
)

// ordered replaces the nodes whose result depends on an order, or differs from az's, by calls of our own functions.
func ordered(node parsing.ASTNode) parsing.ASTNode {
	children := make([]parsing.ASTNode, len(node.Children))
	for i, child := range node.Children {
		children[i] = ordered(child)
	}
	node.Children = children
	current := parsing.ASTNode{NodeType: parsing.ASTCurrentNode}
	call := func(name string, arguments ...parsing.ASTNode) parsing.ASTNode {
		return parsing.ASTNode{NodeType: parsing.ASTFunctionExpression, Value: name, Children: arguments}
	}
	then := func(nodes ...parsing.ASTNode) parsing.ASTNode {
		return parsing.ASTNode{NodeType: parsing.ASTPipe, Children: nodes}
	}
	literal := func(v any) parsing.ASTNode { return parsing.ASTNode{NodeType: parsing.ASTLiteral, Value: v} }
	switch node.NodeType {
	case parsing.ASTSubexpression, parsing.ASTIndexExpression:
		// The library stops at null, where az lets a function complain of it.
		return then(children...)
	case parsing.ASTFlatten, parsing.ASTFilterProjection:
		// The library passes over an error on the left of these.
		node.Children = append([]parsing.ASTNode{current}, children[1:]...)
		return then(children[0], node)
	case parsing.ASTMultiSelectHash:
		arguments := []parsing.ASTNode{current}
		for _, pair := range children {
			arguments = append(arguments, literal(pair.Value), pair)
		}
		return call(fnHash, arguments...)
	case parsing.ASTMultiSelectList:
		return call(fnList, append([]parsing.ASTNode{current}, children...)...)
	case parsing.ASTValueProjection:
		return parsing.ASTNode{NodeType: parsing.ASTProjection, Children: []parsing.ASTNode{call(fnValues, children[0]), children[1]}}
	case parsing.ASTComparator:
		switch node.Value {
		case parsing.TOKLT:
			return call(fnLess, literal(false), children[0], children[1])
		case parsing.TOKLTE:
			return call(fnLess, literal(true), children[0], children[1])
		case parsing.TOKGT:
			return call(fnLess, literal(false), children[1], children[0])
		case parsing.TOKGTE:
			return call(fnLess, literal(true), children[1], children[0])
		}
	}
	return node
}

// apply evaluates the query on a document.
func (q *query) apply(document any) (any, error) {
	s := &search{objects: map[uintptr]*original{}}
	data := s.lower(document)
	table := append(known(), s.functions()...)
	result, err := interpreter.NewInterpreter(data, interpreter.NewFunctionCaller(table...), nil).Execute(q.node, data)
	if err != nil {
		return nil, problem.New(problem.BadInput, "Invalid jmespath query supplied for `--query`: %s", withoutValue(err)).WithHint(queryReference)
	}
	return s.lift(result), nil
}

// withoutValue is the library's error without the value that it quotes, which may be the token.
func withoutValue(err error) string {
	text := err.Error()
	if _, expected, ok := strings.Cut(text, ", expected: []functions.JpType{"); ok && strings.HasPrefix(text, "invalid type for: ") {
		return "invalid type for a function's argument, expected " + strings.TrimSuffix(expected, "}")
	}
	return text
}

// search is one evaluation. The library knows objects as maps, whose order is remembered by their identity.
type search struct{ objects map[uintptr]*original }

type original struct {
	// held keeps the map alive, so that its address stays its own.
	held     map[string]any
	keys     []string
	selected bool
}

func (s *search) remember(m map[string]any, keys []string, selected bool) map[string]any {
	s.objects[reflect.ValueOf(m).Pointer()] = &original{m, keys, selected}
	return m
}

func (s *search) recall(m map[string]any) *original {
	if o, ok := s.objects[reflect.ValueOf(m).Pointer()]; ok {
		return o
	}
	// An object written in the query itself.
	o := &Object{}
	for k := range m {
		o.Members = append(o.Members, Member{Key: k})
	}
	o.Members = o.sorted()
	return &original{held: m, keys: o.keys()}
}

// lower turns a document into the types that the library knows.
func (s *search) lower(v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = s.lower(item)
		}
		return list
	case *Object:
		m := make(map[string]any, len(v.Members))
		for _, member := range v.Members {
			m[member.Key] = s.lower(member.Value)
		}
		return s.remember(m, v.keys(), v.Selected)
	default:
		return v
	}
}

// lift turns a result back into a document. A query can end in an expression reference, which az cannot show either.
func (s *search) lift(v any) any {
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = s.lift(item)
		}
		return list
	case map[string]any:
		o := s.recall(v)
		object := &Object{Selected: o.selected}
		for _, k := range o.keys {
			object.Members = append(object.Members, Member{k, s.lift(v[k])})
		}
		return object
	case string, bool, float64, nil:
		return v
	default:
		return nil
	}
}

// quoteLiterals lets text between backticks go without its quotes (`foo` for `"foo"`), as az does and much advice on
// the web has it. Outside quotes there is nothing but ASCII (jmespath.lexer), and of U+0080 the library makes a panic.
func quoteLiterals(expression string) (quoted string, readable bool) {
	var b strings.Builder
	for i := 0; i < len(expression); {
		quote := expression[i]
		if quote >= utf8.RuneSelf {
			return "", false
		}
		if quote != '`' && quote != '\'' && quote != '"' {
			b.WriteByte(quote)
			i++
			continue
		}
		end := i + 1
		for end < len(expression) && expression[end] != quote {
			if expression[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(expression) {
			b.WriteString(expression[i:])
			break
		}
		inner := expression[i+1 : end]
		if quote == '`' && !json.Valid([]byte(strings.ReplaceAll(inner, "\\`", "`"))) {
			inner = `"` + strings.TrimLeft(inner, " \t\r\n") + `"`
		}
		b.WriteString(string(quote) + inner + string(quote))
		i = end + 1
	}
	return b.String(), true
}
