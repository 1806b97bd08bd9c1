//! Values as `nix repl` shows them.
//!
//! Owns: layout on several lines, colours, and the forcing of what is shown; what fails inside of a value is shown in its
//! place.
//! Never does: the forms of error messages and of `eval` (see [`super::print`]).

use std::collections::HashSet;

use super::error::{Context, ErrorKind, EvalError, Result};
use super::eval::{Coercion, Evaluator};
use super::number;
use super::report;
use super::syntax::Pos;
use super::syntax::print as syntax_print;
use super::value::{Attrs, List, Slot, Value};

/// How much is shown, and how.
#[derive(Clone, Copy, Debug)]
pub struct Show {
    /// Sets and lists nested deeper than this are shown as `{ ... }` and `[ ... ]`.
    pub max_depth: usize,
    /// With the escape sequences of terminals.
    pub colors: bool,
}

const RED: &str = "\x1b[31;1m";
const GREEN: &str = "\x1b[32;1m";
const BLUE: &str = "\x1b[34;1m";
const MAGENTA: &str = "\x1b[35;1m";
const CYAN: &str = "\x1b[36;1m";
const NORMAL: &str = "\x1b[0m";

/// Spaces by which what is inside of a set or list is indented.
const INDENT: usize = 2;

/// The text of a value, without a line end.
///
/// # Errors
/// When the value itself fails, or is nested too deeply, or the user interrupts.
pub fn value<'a>(ev: &mut Evaluator<'a>, value: Value<'a>, show: Show) -> Result<Vec<u8>> {
    let pos = ev.pos_of(value);
    let value = ev.force(value, pos)?;
    let mut shower = Shower { ev, show, out: Vec::new(), indent: 0, seen: HashSet::new() };
    shower.value(value, 0)?;
    Ok(shower.out)
}

struct Shower<'e, 'a> {
    ev: &'e mut Evaluator<'a>,
    show: Show,
    out: Vec<u8>,
    indent: usize,
    /// Addresses of the sets and lists that were shown.
    seen: HashSet<usize>,
}

impl<'a> Shower<'_, 'a> {
    fn text(&mut self, text: &[u8]) {
        self.out.extend_from_slice(text);
    }

    fn colored(&mut self, color: &str, text: &[u8]) {
        if self.show.colors {
            self.text(color.as_bytes());
        }
        self.text(text);
        if self.show.colors {
            self.text(NORMAL.as_bytes());
        }
    }

    /// What is in a slot of something that is shown.
    fn inside(&mut self, slot: &'a Slot<'a>, depth: usize) -> Result<()> {
        let pos = self.ev.pos_of(slot.get());
        let shown = match self.ev.recover(|ev| ev.force_slot(slot, pos)) {
            Ok(value) => self.value(value, depth),
            Err(error) => Err(error),
        };
        shown.or_else(
            |error| if error.kind == ErrorKind::Interrupted { Err(error) } else { self.failed(&error) },
        )
    }

    fn failed(&mut self, error: &EvalError) -> Result<()> {
        let text = ["«error: ".as_bytes(), &error.message, "»".as_bytes()].concat();
        self.colored(RED, &text);
        Ok(())
    }

    fn value(&mut self, value: Value<'a>, depth: usize) -> Result<()> {
        self.ev.check_stack()?;
        match value {
            Value::Null => self.colored(CYAN, b"null"),
            Value::Bool(value) => self.colored(CYAN, if value { b"true" } else { b"false" }),
            Value::Int(number) => self.colored(CYAN, number.to_string().as_bytes()),
            Value::Float(number) => self.colored(CYAN, number::general(number).as_bytes()),
            Value::String(string) => {
                let mut text = Vec::new();
                syntax_print::string(&mut text, string.bytes());
                self.colored(MAGENTA, &text);
            }
            Value::Path(path) => self.colored(GREEN, path.bytes),
            Value::List(list) => return self.list(list, depth),
            Value::Attrs(attrs) => return self.attrs(attrs, depth),
            other => {
                let text = super::print::in_trace(self.ev, other);
                self.colored(BLUE, &text);
            }
        }
        Ok(())
    }

    fn list(&mut self, list: &'a List<'a>, depth: usize) -> Result<()> {
        let items = list.items();
        if depth >= self.show.max_depth && !items.is_empty() {
            self.text(b"[ ... ]");
            return Ok(());
        }
        if !items.is_empty() && !self.seen.insert((&raw const *list).addr()) {
            self.colored(MAGENTA, "«repeated»".as_bytes());
            return Ok(());
        }
        self.text(b"[");
        self.indent += INDENT;
        let lines = self.wants_lines(items.iter(), depth)?;
        for item in items {
            self.space(lines);
            self.inside(item, depth + 1)?;
        }
        self.indent -= INDENT;
        self.space(lines);
        self.text(b"]");
        Ok(())
    }

    fn attrs(&mut self, attrs: &'a Attrs<'a>, depth: usize) -> Result<()> {
        let (shape, values) = attrs.flatten(self.ev.arena);
        if !values.is_empty() && !self.seen.insert(values.as_ptr().addr()) {
            self.colored(MAGENTA, "«repeated»".as_bytes());
            return Ok(());
        }
        if self.ev.is_derivation(attrs)? {
            return self.derivation(attrs);
        }
        if depth >= self.show.max_depth && !values.is_empty() {
            self.text(b"{ ... }");
            return Ok(());
        }
        self.text(b"{");
        self.indent += INDENT;
        let lines = self.wants_lines(values.iter(), depth)?;
        for index in shape.by_name(self.ev.arena, &self.ev.symbols) {
            self.space(lines);
            syntax_print::name(&mut self.out, self.ev.symbols.name(shape.symbols[*index as usize]));
            self.text(b" = ");
            self.inside(&values[*index as usize], depth + 1)?;
            self.text(b";");
        }
        self.indent -= INDENT;
        self.space(lines);
        self.text(b"}");
        Ok(())
    }

    fn derivation(&mut self, attrs: &'a Attrs<'a>) -> Result<()> {
        const CONTEXT: &str = "while evaluating the drvPath of a derivation";
        let mut text = "«derivation".as_bytes().to_vec();
        let name = self.ev.symbols.intern(b"drvPath");
        if let Some(found) = attrs.find(name) {
            let path = self.ev.force_slot(found.slot, found.pos).context(found.pos, CONTEXT)?;
            let how = Coercion { more: false, copy: false, canonical: true };
            text.push(b' ');
            text.extend_from_slice(&self.ev.coerce_to_string(path, found.pos, CONTEXT, how)?.bytes);
        }
        text.extend_from_slice("»".as_bytes());
        self.colored(GREEN, &text);
        Ok(())
    }

    /// True when each element goes on a line of its own: when there are several, or the only one is nested itself. When the
    /// only element of the value that is asked for fails, all of it does.
    fn wants_lines(
        &mut self,
        mut slots: impl ExactSizeIterator<Item = &'a Slot<'a>>,
        depth: usize,
    ) -> Result<bool> {
        let (count, first) = (slots.len(), slots.next());
        let Some(only) = first.filter(|_| count == 1) else { return Ok(count > 1) };
        let pos = self.ev.pos_of(only.get());
        match self.ev.recover(|ev| ev.force_slot(only, pos)) {
            Ok(value) => Ok(matches!(value, Value::List(_) | Value::Attrs(_))),
            Err(error) if depth == 0 => Err(error),
            Err(_) => Ok(false),
        }
    }

    fn space(&mut self, lines: bool) {
        if lines {
            self.text(b"\n");
            self.out.resize(self.out.len() + self.indent, b' ');
        } else {
            self.text(b" ");
        }
    }
}

/// What `:doc` says of a function: how it is called or where it is, and its documentation; `None` when there is nothing to say.
pub fn documentation<'a>(ev: &Evaluator<'a>, value: Value<'a>) -> Option<Vec<u8>> {
    let lambda = match value {
        Value::Builtin(builtin) => {
            let synopsis = format!("Synopsis: builtins.{} {}\n\n", builtin.name, builtin.params.join(" "));
            return Some([synopsis.as_bytes(), builtin.doc.as_bytes(), b"\n"].concat());
        }
        Value::Closure(closure) => closure.lambda,
        Value::PartialClosure(partial) => partial.closure.lambda,
        _ => return None,
    };
    let mut text = b"Function ".to_vec();
    if let Some(name) = lambda.name.get() {
        text.extend_from_slice(ev.symbols.name(name));
        text.extend_from_slice("\n… ".as_bytes());
    }
    text.extend_from_slice(b"defined at ");
    report::write_place(&mut text, &ev.sources, lambda.params.first().map_or(Pos::NONE, |param| param.pos));
    text.push(b'\n');
    if let Some(comment) = lambda.doc.and_then(|doc| ev.sources.text(doc.start, doc.length)) {
        text.push(b'\n');
        text.extend_from_slice(&comment_text(comment));
    }
    Some(text)
}

/// The text of a comment `/** … */`: without the delimiters, and without the indentation that all its lines share.
fn comment_text(comment: &[u8]) -> Vec<u8> {
    let inner = comment.strip_prefix(b"/**").unwrap_or(comment);
    let inner = inner.strip_suffix(b"*/").unwrap_or(inner);
    let lines: Vec<&[u8]> = inner.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end).collect();
    let indentation = |line: &&[u8]| line.len() - line.trim_ascii_start().len();
    let shared = lines.iter().skip(1).filter(|line| !line.is_empty()).map(indentation).min().unwrap_or(0);
    let mut out = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let line = if number == 0 { line.trim_ascii_start() } else { line.get(shared..).unwrap_or(&[]) };
        if !out.is_empty() || !line.is_empty() {
            out.extend_from_slice(line);
            out.push(b'\n');
        }
    }
    out.truncate(out.trim_ascii_end().len());
    out.push(b'\n');
    out
}
