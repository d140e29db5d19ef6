package prompt

import (
	"fmt"
	"slices"
	"strings"
	"text/template/parse"
)

// rewriter changes parsed templates so that data stays marked as data:
//
//	{{ .a.b }}         becomes  {{ field . "a" "b" | emit }}
//	{{ if .a }}        becomes  {{ if field . "a" | some }}
//	{{ range .a }}     becomes  {{ range field . "a" | items }}
//	{{ and .a .b }}    becomes  {{ and (some (field . "a")) (some (field . "b")) | emit }}
//
// field, emit, some, items and pairs cannot be written by the author: the
// parser knows none of them.
type rewriter struct {
	name  string
	text  string
	print printer
	roots []string // what the top of the data holds
	trees map[string]*parse.Tree
	main  bool // it is at the main template, not at a definition, so $ is all of the data
	err   *Error
}

func (w *rewriter) all() error {
	for name, tree := range w.trees {
		if tree.Root != nil {
			w.main = name == w.name
			w.list(tree.Root, w.main)
		}
	}
	w.noCycles()
	if w.err != nil {
		return w.err
	}
	return nil
}

// fail keeps the first mistake by line.
func (w *rewriter) fail(node parse.Node, message, hint string) {
	line := 1 + strings.Count(w.text[:min(int(node.Position()), len(w.text))], "\n")
	if w.err == nil || line < w.err.Line {
		w.err = &Error{Code: CodeInvalid, Name: w.name, Line: line, Message: message, Hint: hint}
	}
}

// list rewrites the nodes of a list. top says that the dot is all of the data.
func (w *rewriter) list(l *parse.ListNode, top bool) {
	if l == nil {
		return
	}
	for _, node := range l.Nodes {
		switch n := node.(type) {
		case *parse.ActionNode:
			w.pipe(n.Pipe, top)
			if len(n.Pipe.Decl) == 0 {
				finish(n.Pipe, "emit")
			}
		case *parse.IfNode:
			w.branch(&n.BranchNode, "some", top, top)
		case *parse.WithNode:
			w.branch(&n.BranchNode, "some", top, false)
		case *parse.RangeNode:
			if len(n.Pipe.Decl) > 1 {
				w.branch(&n.BranchNode, "pairs", top, false)
			} else {
				w.branch(&n.BranchNode, "items", top, false)
			}
		case *parse.TemplateNode:
			if n.Pipe != nil {
				w.pipe(n.Pipe, top && !isDot(n.Pipe))
			}
		}
	}
}

// isDot reports whether a pipeline is the dot alone, which hands all of the data
// to a definition.
func isDot(p *parse.PipeNode) bool {
	return len(p.Cmds) == 1 && len(p.Cmds[0].Args) == 1 && p.Cmds[0].Args[0].Type() == parse.NodeDot
}

func (w *rewriter) branch(b *parse.BranchNode, end string, top, topInside bool) {
	w.pipe(b.Pipe, top)
	finish(b.Pipe, end)
	w.list(b.List, topInside)
	w.list(b.ElseList, top)
}

// finish appends a function to a pipeline.
func finish(p *parse.PipeNode, function string) {
	p.Cmds = append(p.Cmds, command(p.Pos, identifier(p.Pos, function)))
}

func (w *rewriter) pipe(p *parse.PipeNode, top bool) {
	for i, c := range p.Cmds {
		w.command(c, i > 0, top)
	}
}

func (w *rewriter) command(c *parse.CommandNode, piped, top bool) {
	if first, ok := c.Args[0].(*parse.IdentifierNode); ok {
		for i := 1; i < len(c.Args); i++ {
			c.Args[i] = w.argument(c.Args[i], first.Ident, top)
		}
		return
	}
	if piped || len(c.Args) > 1 {
		w.fail(c, fmt.Sprintf("%s takes no arguments", c.Args[0]), "only functions take arguments: "+strings.Join(functionNames(), ", "))
		return
	}
	if p, ok := w.operand(c.Args[0], top).(*parse.PipeNode); ok && len(p.Cmds) == 1 {
		c.Args = p.Cmds[0].Args
	}
}

// argument rewrites an argument of a function.
func (w *rewriter) argument(node parse.Node, function string, top bool) parse.Node {
	node = w.operand(node, top)
	if function != "and" && function != "or" {
		return node
	}
	p := &parse.PipeNode{NodeType: parse.NodePipe, Pos: node.Position(), Cmds: []*parse.CommandNode{
		command(node.Position(), identifier(node.Position(), "some"), node)}}
	return p
}

// operand rewrites what stands for a value; fields become a call in parentheses.
func (w *rewriter) operand(node parse.Node, top bool) parse.Node {
	switch n := node.(type) {
	case *parse.FieldNode:
		w.known(n, n.Ident[0], top)
		return w.field(n, &parse.DotNode{NodeType: parse.NodeDot, Pos: n.Pos}, n.Ident)
	case *parse.VariableNode:
		if n.Ident[0] == "$" {
			w.touches(n)
			if len(n.Ident) > 1 {
				w.known(n, n.Ident[1], w.main)
			}
		}
		if len(n.Ident) == 1 {
			return n
		}
		rest := n.Ident[1:]
		n.Ident = n.Ident[:1:1]
		return w.field(n, n, rest)
	case *parse.ChainNode:
		return w.field(n, w.operand(n.Node, top), n.Field)
	case *parse.DotNode:
		w.touches(n)
		if top {
			w.fail(n, "{{ . }} is everything there is", "name a field: .payload")
		}
	case *parse.PipeNode:
		w.pipe(n, top)
	}
	return node
}

// known refuses names that the data does not have at its top.
func (w *rewriter) known(node parse.Node, name string, top bool) {
	w.touches(node)
	if w.print != printNothing && top && !slices.Contains(w.roots, name) {
		w.fail(node, fmt.Sprintf("there is no .%s", name), "templates see ."+strings.Join(w.roots, ", ."))
	}
}

// touches refuses every look at the data where the text must not depend on it.
func (w *rewriter) touches(node parse.Node) {
	if w.print == printNothing {
		w.fail(node, fmt.Sprintf("%s depends on the event, and this text must be the same for all", node),
			"move it to the prompt: the system prompt is what is cached")
	}
}

func (w *rewriter) field(at, of parse.Node, names []string) parse.Node {
	pos := at.Position()
	args := []parse.Node{identifier(pos, "field"), of}
	for _, name := range names {
		args = append(args, &parse.StringNode{NodeType: parse.NodeString, Pos: pos, Quoted: fmt.Sprintf("%q", name), Text: name})
	}
	return &parse.PipeNode{NodeType: parse.NodePipe, Pos: pos, Cmds: []*parse.CommandNode{command(pos, args...)}}
}

func identifier(pos parse.Pos, name string) *parse.IdentifierNode {
	return parse.NewIdentifier(name).SetPos(pos)
}

func command(pos parse.Pos, args ...parse.Node) *parse.CommandNode {
	return &parse.CommandNode{NodeType: parse.NodeCommand, Pos: pos, Args: args}
}

// noCycles refuses definitions that use themselves, for they need not end.
func (w *rewriter) noCycles() {
	state := map[string]int{} // 1: being visited, 2: fine
	var visit func(name string, from parse.Node)
	visit = func(name string, from parse.Node) {
		tree := w.trees[name]
		if tree == nil {
			w.fail(from, fmt.Sprintf("there is no template %q", name), "define it: {{ define \""+name+"\" }}...{{ end }}")
			return
		}
		if state[name] == 1 {
			w.fail(from, fmt.Sprintf("template %q uses itself", name), "use range to repeat something")
			return
		}
		if state[name] == 2 || tree.Root == nil {
			return
		}
		state[name] = 1
		for _, call := range calls(tree.Root) {
			visit(call.Name, call)
		}
		state[name] = 2
	}
	for name, tree := range w.trees {
		visit(name, tree.Root)
	}
}

// calls lists the {{ template }} actions in a list, at any depth.
func calls(l *parse.ListNode) (found []*parse.TemplateNode) {
	if l == nil {
		return nil
	}
	for _, node := range l.Nodes {
		switch n := node.(type) {
		case *parse.TemplateNode:
			found = append(found, n)
		case *parse.IfNode:
			found = append(append(found, calls(n.List)...), calls(n.ElseList)...)
		case *parse.WithNode:
			found = append(append(found, calls(n.List)...), calls(n.ElseList)...)
		case *parse.RangeNode:
			found = append(append(found, calls(n.List)...), calls(n.ElseList)...)
		}
	}
	return found
}
