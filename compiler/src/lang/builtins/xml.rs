//! XML: `toXML`, and the document of a value that is written out as it is made.

use std::collections::HashSet;
use std::io::{self, Write};

use super::Builtin;
use crate::lang::error::{EvalError, Result};
use crate::lang::eval::{Evaluator, Text};
use crate::lang::expr::Formals;
use crate::lang::number;
use crate::lang::syntax::Pos;
use crate::lang::syntax::pos::Origin;
use crate::lang::syntax::symbol::known;
use crate::lang::value::{Attrs, Closure, Context, List, Value, share};
use crate::lang::xml::{Attribute, Document};

pub(super) const BUILTINS: &[Builtin] = &[Builtin::new(
    "toXML",
    &["value"],
    to_xml,
    "*value* as an XML document. Derivations show their paths and appear in full once; functions show their arguments.",
).borrowing(&[0])];

fn to_xml<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let mut writer = Writer::new(true, false, None);
    writer.value(ev, args[0], Pos::NONE)?;
    let Ok(bytes) = writer.document.finish() else { return Err(unwritten()) };
    let text = Text { bytes, context: writer.context };
    Ok(ev.text_value(text))
}

/// Ends an evaluation whose result nobody gets; the caller tells of the sink instead.
fn unwritten() -> Box<EvalError> {
    EvalError::new("the document cannot be written")
}

struct Writer<'a, 'w> {
    document: Document<'w>,
    context: Option<&'a Context<'a>>,
    strict: bool,
    locations: bool,
    /// Derivations shown in full, by their path.
    seen: HashSet<&'a [u8]>,
}

impl<'a> Evaluator<'a> {
    /// Writes a value as an XML document. With `strict` it is evaluated on the way; with `locations` attributes and functions
    /// say where they were written. When evaluation fails, which is the inner result, the document ends there, with all
    /// elements closed.
    ///
    /// A document may be far larger than its value, or without an end but for the depth of calls: only a piece of it is held.
    ///
    /// # Errors
    /// When `sink` takes no more.
    pub fn write_xml(
        &mut self,
        value: Value<'a>,
        strict: bool,
        locations: bool,
        sink: &mut dyn Write,
    ) -> io::Result<Result<()>> {
        let mut writer = Writer::new(strict, locations, Some(sink));
        let written = writer.value(self, value, Pos::NONE);
        writer.document.finish()?;
        Ok(written)
    }
}

impl<'a, 'w> Writer<'a, 'w> {
    fn new(strict: bool, locations: bool, sink: Option<&'w mut dyn Write>) -> Self {
        let mut document = Document::new(sink);
        document.open("expr", &[]);
        Writer { document, context: None, strict, locations, seen: HashSet::new() }
    }

    /// Refuses to go on without room: what is held has to fit twice, as it becomes a value in the end.
    fn check_room(&self, ev: &Evaluator<'a>) -> Result<()> {
        if self.document.has_failed() {
            return Err(unwritten());
        }
        ev.room_for(self.document.size().saturating_mul(2))
    }

    fn value(&mut self, ev: &mut Evaluator<'a>, value: Value<'a>, pos: Pos) -> Result<()> {
        ev.check_stack()?;
        self.check_room(ev)?;
        // Nesting counts as calls, as in Nix: it bounds a document that would have no end.
        ev.enter(pos)?;
        match self.look(ev, value, pos)? {
            Value::Null => self.document.empty("null", &[]),
            Value::Bool(true) => self.document.empty("bool", &[("value", b"true")]),
            Value::Bool(false) => self.document.empty("bool", &[("value", b"false")]),
            Value::Int(number) => {
                self.document.empty("int", &[("value", number.to_string().as_bytes())]);
            }
            Value::Float(value) => {
                self.document.empty("float", &[("value", number::general(value).as_bytes())]);
            }
            Value::String(string) => {
                self.context = Context::union(ev.arena, self.context, string.context);
                self.document.empty("string", &[("value", string.bytes())]);
            }
            Value::Path(path) => self.document.empty("path", &[("value", path.bytes)]),
            Value::List(list) => self.list(ev, list, pos)?,
            Value::Attrs(attrs) => self.set(ev, attrs)?,
            Value::Closure(closure) => self.function(ev, closure, 0),
            Value::PartialClosure(partial) => self.function(ev, partial.closure, partial.args.len()),
            _ => self.document.empty("unevaluated", &[]),
        }
        ev.leave();
        Ok(())
    }

    /// The value, forced if that is wanted.
    fn look(&self, ev: &mut Evaluator<'a>, value: Value<'a>, pos: Pos) -> Result<Value<'a>> {
        if self.strict { ev.force(value, pos) } else { Ok(ev.peek(value)) }
    }

    fn list(&mut self, ev: &mut Evaluator<'a>, list: &'a List<'a>, pos: Pos) -> Result<()> {
        self.document.open("list", &[]);
        for slot in list.items() {
            self.value(ev, share(slot), pos)?;
        }
        self.document.close();
        Ok(())
    }

    fn set(&mut self, ev: &mut Evaluator<'a>, attrs: &'a Attrs<'a>) -> Result<()> {
        if !ev.is_derivation(attrs)? {
            self.document.open("attrs", &[]);
            self.members(ev, attrs)?;
            self.document.close();
            return Ok(());
        }
        let mut paths: Vec<Attribute<'a>> = Vec::new();
        for (name, symbol) in [("drvPath", known::DRV_PATH), ("outPath", known::OUT_PATH)] {
            if let Some(found) = attrs.find(symbol)
                && let Value::String(path) = self.look(ev, share(found.slot), found.pos)?
            {
                paths.push((name, path.bytes()));
            }
        }
        self.document.open("derivation", &paths);
        match paths.first() {
            Some(("drvPath", path)) if !path.is_empty() && self.seen.insert(path) => {
                self.members(ev, attrs)?
            }
            _ => self.document.empty("repeated", &[]),
        }
        self.document.close();
        Ok(())
    }

    fn members(&mut self, ev: &mut Evaluator<'a>, attrs: &'a Attrs<'a>) -> Result<()> {
        let (shape, values) = attrs.flatten(ev.arena);
        for index in attrs.by_name(ev.arena, &ev.symbols) {
            let index = *index as usize;
            let pos = shape.position(index);
            self.open_located(ev, "attr", Some(ev.symbols.name(shape.symbols[index])), pos);
            self.value(ev, share(&values[index]), pos)?;
            self.document.close();
        }
        Ok(())
    }

    /// Begins an element with a name, if it has one, and a place.
    fn open_located(&mut self, ev: &Evaluator<'a>, element: &'static str, name: Option<&[u8]>, pos: Pos) {
        let place = if self.locations { ev.sources.resolve(pos) } else { None };
        let numbers = place.as_ref().map(|place| (place.line.to_string(), place.column.to_string()));
        let mut attributes: Vec<Attribute<'_>> = Vec::new();
        if let Some((line, column)) = &numbers {
            attributes.extend([("column", column.as_bytes()), ("line", line.as_bytes())]);
        }
        attributes.extend(name.map(|name| ("name", name)));
        if let Some(place) = &place
            && let Origin::File(path) | Origin::Internal(path) = place.origin
        {
            attributes.push(("path", path));
        }
        self.document.open(element, &attributes);
    }

    /// A function that was given some of its arguments, seen as what is left of it.
    fn function(&mut self, ev: &Evaluator<'a>, closure: &'a Closure<'a>, given: usize) {
        let lambda = closure.lambda;
        let Some(param) = lambda.params.get(given) else { return };
        self.open_located(ev, "function", None, param.pos);
        let name = param.name.map(|name| ev.symbols.name(name));
        match &lambda.formals {
            Some(formals) => self.pattern(ev, name, formals),
            None => self.document.empty("varpat", &[("name", name.unwrap_or_default())]),
        }
        self.document.close();
    }

    fn pattern(&mut self, ev: &Evaluator<'a>, whole: Option<&[u8]>, formals: &Formals<'a>) {
        let mut attributes: Vec<Attribute<'_>> = Vec::new();
        if formals.ellipsis {
            attributes.push(("ellipsis", b"1"));
        }
        attributes.extend(whole.map(|name| ("name", name)));
        self.document.open("attrspat", &attributes);
        let mut names: Vec<&[u8]> = formals.formals.iter().map(|f| ev.symbols.name(f.name)).collect();
        names.sort_unstable();
        for name in names {
            self.document.empty("attr", &[("name", name)]);
        }
        self.document.close();
    }
}
