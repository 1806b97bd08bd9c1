//! Values as text.
//!
//! Owns: the forms in which Nix prints values: in error messages and traces (suspended ones are not forced), and as the
//! result of `nix-instantiate --eval`.
//! Never does: forcing. JSON and XML are elsewhere.

use std::collections::HashSet;

use super::eval::Evaluator;
use super::number;
use super::report;
use super::syntax::{self, Symbols, ast};
use super::value::{Attrs, Closure, List, Value};

/// What is left out, and how functions and suspensions are called.
#[derive(Clone, Copy, Debug)]
struct Style {
    max_depth: usize,
    max_attrs: usize,
    max_items: usize,
    max_string: usize,
    /// `<CODE>`, `<LAMBDA>`, … instead of `«thunk»`, `«lambda @ …»`, ….
    classic: bool,
}

const IN_ERROR: Style =
    Style { max_depth: 10, max_attrs: 10, max_items: 10, max_string: 1024, classic: false };

const WHOLE: Style = Style {
    max_depth: usize::MAX,
    max_attrs: usize::MAX,
    max_items: usize::MAX,
    max_string: usize::MAX,
    classic: false,
};

const CLASSIC: Style = Style { classic: true, ..WHOLE };

/// A value as error messages show it: abbreviated.
pub fn in_error<'a>(ev: &Evaluator<'a>, value: Value<'a>) -> Vec<u8> {
    print(ev, value, IN_ERROR)
}

/// A value as `builtins.trace` shows it.
pub fn in_trace<'a>(ev: &Evaluator<'a>, value: Value<'a>) -> Vec<u8> {
    print(ev, value, WHOLE)
}

/// A value as `nix-instantiate --eval` shows it.
pub fn result<'a>(ev: &Evaluator<'a>, value: Value<'a>) -> Vec<u8> {
    print(ev, value, CLASSIC)
}

fn print<'a>(ev: &Evaluator<'a>, value: Value<'a>, style: Style) -> Vec<u8> {
    let mut printer =
        Printer { ev, style, out: Vec::new(), seen: HashSet::new(), attrs_printed: 0, items_printed: 0 };
    printer.value(value, 0);
    printer.out
}

/// The type of a value with its article, as error messages say it.
pub fn type_phrase(value: Value<'_>) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "a Boolean".into(),
        Value::Int(_) => "an integer".into(),
        Value::Float(_) => "a float".into(),
        Value::String(string) if string.context.is_some() => "a string with context".into(),
        Value::String(_) => "a string".into(),
        Value::Path(_) => "a path".into(),
        Value::List(_) => "a list".into(),
        Value::Attrs(_) => "a set".into(),
        Value::Closure(_) | Value::PartialClosure(_) => "a function".into(),
        Value::Builtin(builtin) => format!("the built-in function '{}'", builtin.name),
        Value::PartialBuiltin(partial) => {
            format!("the partially applied built-in function '{}'", partial.builtin.name)
        }
        Value::Thunk(slot) if matches!(slot.get(), Value::Suspended(_)) => type_phrase(slot.get()),
        Value::Suspended(suspension) if suspension.function().is_some() => "a function application".into(),
        Value::Suspended(_) | Value::Thunk(_) | Value::Failed(_) => "a thunk".into(),
        Value::Blackhole => "a black hole".into(),
    }
}

struct Printer<'e, 'a> {
    ev: &'e Evaluator<'a>,
    style: Style,
    out: Vec<u8>,
    /// Addresses of the sets and lists that were printed.
    seen: HashSet<usize>,
    attrs_printed: usize,
    items_printed: usize,
}

impl<'a> Printer<'_, 'a> {
    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn value(&mut self, value: Value<'a>, depth: usize) {
        if self.ev.check_stack().is_err() {
            return self.text("«too deep»");
        }
        match value {
            Value::Null => self.text("null"),
            Value::Bool(value) => self.text(if value { "true" } else { "false" }),
            Value::Int(number) => self.text(&number.to_string()),
            Value::Float(number) => self.text(&number::general(number)),
            Value::String(string) => self.string(string.bytes()),
            Value::Path(path) => self.out.extend_from_slice(path.bytes),
            Value::List(list) => self.list(list, depth),
            Value::Attrs(attrs) => self.attrs(attrs, depth),
            Value::Closure(_) | Value::PartialClosure(_) | Value::Builtin(_) | Value::PartialBuiltin(_) => {
                self.function(value);
            }
            Value::Thunk(slot) => match slot.get() {
                Value::Suspended(_) | Value::Thunk(_) => self.suspended(),
                value => self.value(value, depth),
            },
            Value::Suspended(_) => self.suspended(),
            Value::Blackhole => self.text("«potential infinite recursion»"),
            Value::Failed(_) => self.text("«failed»"),
        }
    }

    fn suspended(&mut self) {
        self.text(if self.style.classic { "<CODE>" } else { "«thunk»" });
    }

    fn function(&mut self, value: Value<'a>) {
        let text = match (value, self.style.classic) {
            (Value::Closure(_) | Value::PartialClosure(_), true) => "<LAMBDA>".to_owned(),
            (Value::Builtin(_), true) => "<PRIMOP>".to_owned(),
            (Value::PartialBuiltin(_), true) => "<PRIMOP-APP>".to_owned(),
            (Value::Builtin(builtin), false) => format!("«primop {}»", builtin.name),
            (Value::PartialBuiltin(partial), false) => {
                format!("«partially applied primop {}»", partial.builtin.name)
            }
            (Value::Closure(closure), false) => return self.lambda(closure, 0),
            (Value::PartialClosure(partial), false) => {
                return self.lambda(partial.closure, partial.args.len());
            }
            _ => String::new(),
        };
        self.text(&text);
    }

    fn lambda(&mut self, closure: &Closure<'a>, given: usize) {
        self.text("«lambda ");
        if let Some(name) = closure.lambda.name.get() {
            syntax::print::name(&mut self.out, self.ev.symbols.name(name));
            self.text(" ");
        }
        self.text("@ ");
        if let Some(param) = closure.lambda.params.get(given) {
            report::write_place(&mut self.out, &self.ev.sources, param.pos);
        }
        self.text("»");
    }

    fn string(&mut self, bytes: &[u8]) {
        let shown = &bytes[..bytes.len().min(self.style.max_string)];
        syntax::print::string(&mut self.out, shown);
        let hidden = bytes.len() - shown.len();
        if hidden > 0 {
            self.text(" ");
            self.elided(hidden, "byte", "bytes");
        }
    }

    fn elided(&mut self, count: usize, one: &str, many: &str) {
        let word = if count == 1 { one } else { many };
        self.text(&format!("«{count} {word} elided»"));
    }

    fn list(&mut self, list: &'a List<'a>, depth: usize) {
        let items = list.items();
        // The list that is printed as a whole does not count as seen: Nix tells lists apart by where the value is, and
        // that one is a copy.
        if !items.is_empty() && depth > 0 && !self.seen.insert((&raw const *list).addr()) {
            return self.text("«repeated»");
        }
        if depth >= self.style.max_depth && !items.is_empty() {
            return self.text("[ ... ]");
        }
        self.text("[ ");
        for (index, slot) in items.iter().enumerate() {
            if self.items_printed >= self.style.max_items {
                self.elided(items.len() - index, "item", "items");
                self.text(" ");
                break;
            }
            self.value(slot.get(), depth + 1);
            self.text(" ");
            self.items_printed += 1;
        }
        self.text("]");
    }

    fn attrs(&mut self, attrs: &'a Attrs<'a>, depth: usize) {
        let (shape, values) = attrs.flatten(self.ev.arena);
        if !values.is_empty() && !self.seen.insert(values.as_ptr().addr()) {
            return self.text("«repeated»");
        }
        if depth >= self.style.max_depth && !values.is_empty() {
            return self.text("{ ... }");
        }
        let mut order: Vec<u32> = shape.by_name(self.ev.arena, &self.ev.symbols).to_vec();
        if !self.style.classic && self.style.max_attrs < usize::MAX {
            // Of an abbreviated set, what it is comes first.
            order.sort_by_key(|index| {
                !matches!(self.ev.symbols.name(shape.symbols[*index as usize]), b"type" | b"_type")
            });
        }
        self.text("{ ");
        for (printed, index) in order.iter().enumerate() {
            if self.attrs_printed >= self.style.max_attrs {
                self.elided(order.len() - printed, "attribute", "attributes");
                self.text(" ");
                break;
            }
            syntax::print::name(&mut self.out, self.ev.symbols.name(shape.symbols[*index as usize]));
            self.text(" = ");
            self.value(values[*index as usize].get(), depth + 1);
            self.text("; ");
            self.attrs_printed += 1;
        }
        self.text("}");
    }
}

/// The text of an expression, as Nix shows it in the errors of assertions.
pub fn source(symbols: &Symbols<'_>, tree: ast::Node<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    syntax::print::expr(&mut out, tree, symbols);
    out
}
