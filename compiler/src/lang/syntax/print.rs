//! The text of a tree, as `nix-instantiate --parse` prints it.
//!
//! Owns: parentheses, order of bindings, quoting.
//! Never does: recurse. What is still to be printed is kept on a stack of its own, so depth is bounded by memory only.

use super::ast::{
    AttrName, BinaryOp, Binding, BindingKind, Bindings, Expr, Formal, Lambda, MAX_MERGED_ARGS, Node,
};
use super::symbol::{Symbol, Symbols};

/// Appends the text of an expression.
pub fn expr(out: &mut Vec<u8>, node: Node<'_>, symbols: &Symbols<'_>) {
    let mut printer = Printer { out, symbols, steps: vec![Step::Node(node)] };
    printer.run();
}

/// Appends the text of an attribute path.
pub fn attr_path(out: &mut Vec<u8>, path: &[AttrName<'_>], symbols: &Symbols<'_>) {
    let mut printer = Printer { out, symbols, steps: Vec::new() };
    printer.path(path);
    printer.steps.reverse();
    printer.run();
}

/// Appends a name, quoted unless it is an identifier.
pub fn name(out: &mut Vec<u8>, name: &[u8]) {
    let is_identifier = name.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'\'' | b'-'));
    if is_identifier && !is_reserved(name) {
        out.extend_from_slice(name);
    } else {
        string(out, name);
    }
}

fn is_reserved(name: &[u8]) -> bool {
    matches!(name, b"if" | b"then" | b"else" | b"assert" | b"with" | b"let" | b"in" | b"rec" | b"inherit")
}

/// Appends a string with quotes and escapes.
pub fn string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'$' if text.get(at + 1) == Some(&b'{') => out.extend_from_slice(b"\\$"),
            other => out.push(*other),
        }
    }
    out.push(b'"');
}

/// Appends a float as C's `%g` does: six significant digits, no zeros at the end.
pub fn float(out: &mut Vec<u8>, value: f64) {
    let scientific = format!("{value:.5e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        out.extend_from_slice(scientific.as_bytes());
        return;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let text = if (-4..6).contains(&exponent) {
        without_trailing_zeros(&format!("{value:.*}", (5 - exponent).max(0) as usize)).to_owned()
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}e{sign}{:02}", without_trailing_zeros(mantissa), exponent.abs())
    };
    out.extend_from_slice(text.as_bytes());
}

fn without_trailing_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// Something still to be printed.
#[derive(Clone, Copy)]
enum Step<'t> {
    Text(&'static str),
    Name(Symbol),
    Node(Node<'t>),
}

struct Printer<'p, 't> {
    out: &'p mut Vec<u8>,
    symbols: &'p Symbols<'p>,
    /// The next step is the last one.
    steps: Vec<Step<'t>>,
}

impl<'t> Printer<'_, 't> {
    fn run(&mut self) {
        while let Some(step) = self.steps.pop() {
            match step {
                Step::Text(text) => self.out.extend_from_slice(text.as_bytes()),
                Step::Name(symbol) => name(self.out, self.symbols.name(symbol)),
                Step::Node(node) => {
                    let base = self.steps.len();
                    self.expand(node);
                    self.steps[base..].reverse();
                }
            }
        }
    }

    fn text(&mut self, text: &'static str) {
        self.steps.push(Step::Text(text));
    }

    fn node(&mut self, node: Node<'t>) {
        self.steps.push(Step::Node(node));
    }

    fn name(&mut self, name: Symbol) {
        self.steps.push(Step::Name(name));
    }

    /// Adds texts and expressions in turn: `around[0]`, the first expression, `around[1]` and so on.
    fn around<const N: usize>(&mut self, texts: [&'static str; N], nodes: &[Node<'t>]) {
        for (index, text) in texts.into_iter().enumerate() {
            self.text(text);
            if let Some(node) = nodes.get(index) {
                self.node(node);
            }
        }
    }

    /// Adds the steps of an expression in the order in which they are to be printed.
    fn expand(&mut self, node: Node<'t>) {
        match node {
            Expr::Int(value) => self.out.extend_from_slice(value.to_string().as_bytes()),
            Expr::Float(value) => float(self.out, *value),
            Expr::String(text) => string(self.out, text),
            Expr::Path(path) => self.out.extend_from_slice(path),
            Expr::Var(_, name) => self.name(*name),
            Expr::CurPos(_) => self.text("__curPos"),
            Expr::InheritFrom(_, _) => self.text("(/* expanded inherit (expr) */)"),
            Expr::Select { base, path, default, .. } => {
                self.around(["(", ")."], &[base]);
                self.path(path);
                if let Some(default) = default {
                    self.around([" or (", ")"], &[default]);
                }
            }
            Expr::HasAttr { base, path } => {
                self.around(["((", ") ? "], &[base]);
                self.path(path);
                self.text(")");
            }
            Expr::Attrs { recursive, bindings, .. } => {
                self.text(if *recursive { "rec { " } else { "{ " });
                self.bindings(bindings);
                self.text("}");
            }
            Expr::List(items) => {
                self.text("[ ");
                items.iter().for_each(|item| self.around(["(", ") "], &[item]));
                self.text("]");
            }
            Expr::Lambda(lambda) => self.lambda(lambda),
            Expr::Call { function, args, .. } => self.call(function, args),
            Expr::Let { bindings, body } => {
                self.text("(let ");
                self.bindings(bindings);
                self.around(["in ", ")"], &[body]);
            }
            Expr::With { attrs, body, .. } => self.around(["(with ", "; ", ")"], &[attrs, body]),
            Expr::If { condition, then, otherwise, .. } => {
                self.around(["(if ", " then ", " else ", ")"], &[condition, then, otherwise]);
            }
            Expr::Assert { condition, body, .. } => self.around(["assert ", "; ", ""], &[condition, body]),
            Expr::Not(inner) => self.around(["(! ", ")"], &[inner]),
            Expr::Binary { op, left, right, .. } => self.around(["(", operator(*op), ")"], &[left, right]),
            Expr::ConcatStrings { parts, .. } => {
                for (index, (_, part)) in parts.iter().enumerate() {
                    self.around([if index == 0 { "(" } else { " + " }], &[part]);
                }
                self.text(")");
            }
        }
    }

    /// Adds an attribute path.
    fn path(&mut self, path: &[AttrName<'t>]) {
        for (index, step) in path.iter().enumerate() {
            if index > 0 {
                self.text(".");
            }
            match step {
                AttrName::Static(name) => self.name(*name),
                AttrName::Dynamic(node) => self.around(["\"${", "}\""], &[node]),
            }
        }
    }

    fn call(&mut self, function: Node<'t>, args: &'t [Node<'t>]) {
        let mut function = function;
        let mut arguments = vec![args];
        while let Expr::Call { function: inner, args, .. } = function
            && args.len() >= MAX_MERGED_ARGS
        {
            function = inner;
            arguments.push(args);
        }
        self.around(["("], &[function]);
        arguments.into_iter().rev().flatten().for_each(|arg| self.around([" "], &[arg]));
        self.text(")");
    }

    fn lambda(&mut self, lambda: &Lambda<'t>) {
        self.text("(");
        if let Some(formals) = &lambda.formals {
            self.text("{ ");
            let mut sorted: Vec<&Formal<'t>> = formals.formals.iter().collect();
            sorted.sort_by_key(|formal| self.symbols.name(formal.name));
            for (index, formal) in sorted.iter().enumerate() {
                if index > 0 {
                    self.text(", ");
                }
                self.name(formal.name);
                if let Some(default) = formal.default {
                    self.around([" ? "], &[default]);
                }
            }
            if formals.ellipsis {
                self.text(if sorted.is_empty() { "..." } else { ", ..." });
            }
            self.text(if lambda.arg.is_some() { " } @ " } else { " }" });
        }
        if let Some(arg) = lambda.arg {
            self.name(arg);
        }
        self.around([": ", ")"], &[lambda.body]);
    }

    /// Adds bindings: what is inherited first, then what is inherited from something, then the others by name, then those whose
    /// names are computed.
    fn bindings(&mut self, bindings: &'t Bindings<'t>) {
        let mut sorted: Vec<&Binding<'t>> = bindings.attrs.iter().collect();
        sorted.sort_by_key(|binding| self.symbols.name(binding.name));
        let inherited = |binding: &&&Binding<'t>| binding.kind == BindingKind::Inherited;
        if sorted.iter().any(|binding| inherited(&binding)) {
            self.text("inherit");
            sorted.iter().filter(inherited).for_each(|binding| self.inherited(binding.name));
            self.text("; ");
        }
        self.inherited_from(bindings, &sorted);
        for binding in sorted.iter().filter(|binding| binding.kind == BindingKind::Plain) {
            self.name(binding.name);
            self.around([" = ", "; "], &[binding.value]);
        }
        for binding in bindings.dynamic {
            self.around(["\"${", "}\" = ", "; "], &[binding.name, binding.value]);
        }
    }

    fn inherited(&mut self, name: Symbol) {
        self.text(" ");
        self.name(name);
    }

    fn inherited_from(&mut self, bindings: &'t Bindings<'t>, sorted: &[&Binding<'t>]) {
        let mut names: Vec<(u32, Symbol)> = sorted
            .iter()
            .filter_map(|binding| match binding.value {
                Expr::Select { base: Expr::InheritFrom(_, source), .. } => Some((*source, binding.name)),
                _ => None,
            })
            .collect();
        names.sort_by_key(|(source, _)| *source);
        for group in names.chunk_by(|a, b| a.0 == b.0) {
            let Some(source) = bindings.inherit_from.get(group[0].0 as usize) else { continue };
            self.around(["inherit (", ")"], &[source]);
            group.iter().for_each(|(_, name)| self.inherited(*name));
            self.text("; ");
        }
    }
}

fn operator(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Eq => " == ",
        BinaryOp::NotEq => " != ",
        BinaryOp::And => " && ",
        BinaryOp::Or => " || ",
        BinaryOp::Implies => " -> ",
        BinaryOp::Update => " // ",
        BinaryOp::Concat => " ++ ",
    }
}
