//! JSON: `toJSON`, `fromJSON`.

use super::Builtin;
use crate::lang::error::{EvalError, Result};
use crate::lang::eval::{Coercion, Evaluator, Text};
use crate::lang::json::{self, ReadError, Sink, write};
use crate::lang::print;
use crate::lang::syntax::symbol::known;
use crate::lang::syntax::{Pos, Symbol};
use crate::lang::value::attrs::AttrsBuilder;
use crate::lang::value::{Attrs, Context, List, Value, share};

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new(
        "toJSON",
        &["value"],
        to_json,
        "*value* as JSON. Paths are copied to the store; a set with `__toString` or `outPath` becomes that string.",
    ).borrowing(&[0]),
    Builtin::new("fromJSON", &["json"], from_json, "The value that the JSON text *json* stands for.").borrowing(&[0]),
];

fn to_json<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let text = ev.json_text(args[0], true, true)?;
    Ok(ev.text_value(text))
}

/// JSON in the making.
struct Writer<'a> {
    text: Text<'a>,
    strict: bool,
    copy: bool,
    /// The first string that was not UTF-8, and where it begins; it is reported when everything is evaluated.
    problem: Option<(write::EncodeError, usize)>,
}

impl<'a> Writer<'a> {
    fn string(&mut self, bytes: &[u8]) {
        let start = self.text.bytes.len();
        let written = write::string(&mut self.text.bytes, bytes);
        if let (Err(error), None) = (written, &self.problem) {
            self.problem = Some((error, start));
        }
    }

    fn string_with(&mut self, ev: &Evaluator<'a>, bytes: &[u8], context: Option<&'a Context<'a>>) {
        self.string(bytes);
        self.text.context = Context::union(ev.arena, self.text.context, context);
    }

    fn word(&mut self, word: &[u8]) {
        self.text.bytes.extend_from_slice(word);
    }

    fn value(&mut self, ev: &mut Evaluator<'a>, value: Value<'a>, pos: Pos) -> Result<()> {
        ev.check_stack()?;
        ev.room_for(self.text.bytes.len())?;
        // Nesting counts as calls, as in Nix.
        ev.enter(pos)?;
        self.entered(ev, value, pos)?;
        ev.leave();
        Ok(())
    }

    fn entered(&mut self, ev: &mut Evaluator<'a>, value: Value<'a>, pos: Pos) -> Result<()> {
        let value = if self.strict { ev.force(value, pos)? } else { ev.peek(value) };
        match value {
            Value::Null => self.word(b"null"),
            Value::Bool(true) => self.word(b"true"),
            Value::Bool(false) => self.word(b"false"),
            Value::Int(number) => write::integer(&mut self.text.bytes, number),
            Value::Float(number) => write::float(&mut self.text.bytes, number),
            Value::String(string) => self.string_with(ev, string.bytes(), string.context),
            Value::Path(path) if self.copy => {
                let text = ev.copied_to_store(path.bytes)?;
                self.string_with(ev, &text.bytes, text.context);
            }
            Value::Path(path) => self.string(path.bytes),
            Value::List(list) => self.list(ev, list, pos)?,
            Value::Attrs(attrs) => self.attrs(ev, attrs, pos)?,
            other => {
                let text = format!("cannot convert {} to JSON", print::type_phrase(other));
                let own = ev.pos_of(other);
                return Err(EvalError::new(text).at(if own.is_none() { pos } else { own }));
            }
        }
        Ok(())
    }

    fn list(&mut self, ev: &mut Evaluator<'a>, list: &'a List<'a>, pos: Pos) -> Result<()> {
        self.word(b"[");
        for (index, slot) in list.items().iter().enumerate() {
            if index > 0 {
                self.word(b",");
            }
            self.value(ev, share(slot), pos).map_err(|error| {
                error.trace(pos, format!("while evaluating list element at index {index}").into_bytes())
            })?;
        }
        self.word(b"]");
        Ok(())
    }

    fn attrs(&mut self, ev: &mut Evaluator<'a>, attrs: &'a Attrs<'a>, pos: Pos) -> Result<()> {
        if let Some(to_string) = attrs.get(known::TO_STRING) {
            let result = ev.call(share(to_string), &[Value::Attrs(attrs)], pos)?;
            let context = "while evaluating the result of the `__toString` attribute";
            let how = Coercion { more: false, copy: false, canonical: true };
            let text = ev.coerce_to_string(result, pos, context, how)?;
            self.string_with(ev, &text.bytes, text.context);
            return Ok(());
        }
        if let Some(found) = attrs.find(known::OUT_PATH) {
            return self.value(ev, share(found.slot), found.pos);
        }
        let (shape, values) = attrs.flatten(ev.arena);
        self.word(b"{");
        for (count, index) in attrs.by_name(ev.arena, &ev.symbols).iter().enumerate() {
            if count > 0 {
                self.word(b",");
            }
            let index = *index as usize;
            let name = ev.symbols.name(shape.symbols[index]);
            let pos = shape.position(index);
            self.string(name);
            self.word(b":");
            self.value(ev, share(&values[index]), pos).map_err(|error| {
                let name = ev.symbols.shown(shape.symbols[index]);
                error.trace(pos, [b"while evaluating attribute '".as_slice(), &name, b"'"].concat())
            })?;
        }
        self.word(b"}");
        Ok(())
    }
}

impl<'a> Evaluator<'a> {
    /// A value as JSON. With `strict` it is evaluated on the way; with `copy` paths are copied to the store.
    ///
    /// # Errors
    /// When something in it has no form in JSON, or evaluation fails.
    pub fn json_text(&mut self, value: Value<'a>, strict: bool, copy: bool) -> Result<Text<'a>> {
        let (text, whole) = self.json_begun(value, strict, copy)?;
        whole.map(|()| text)
    }

    /// The same as far as it goes: what comes before a string that is not UTF-8, and the error of that.
    ///
    /// # Errors
    /// When something in it has no form in JSON, or evaluation fails.
    pub fn json_begun(
        &mut self,
        value: Value<'a>,
        strict: bool,
        copy: bool,
    ) -> Result<(Text<'a>, Result<()>)> {
        let mut writer = Writer { text: Text::default(), strict, copy, problem: None };
        writer.value(self, value, Pos::NONE)?;
        let mut text = writer.text;
        let Some((error, start)) = writer.problem else { return Ok((text, Ok(()))) };
        text.bytes.truncate(start);
        text.bytes.push(b'"');
        Ok((text, Err(EvalError::new(format!("JSON serialization error: {error}")))))
    }

    /// The value that a JSON text stands for.
    pub(super) fn read_json(
        &mut self,
        text: &[u8],
    ) -> std::result::Result<Value<'a>, ReadError<std::convert::Infallible>> {
        let mut builder = Builder { ev: self, open: Vec::new(), result: Value::Null };
        json::read(text, &mut builder)?;
        Ok(builder.result)
    }

    /// A value as it is, not forced.
    pub(super) fn peek(&self, value: Value<'a>) -> Value<'a> {
        let mut value = value;
        while let Value::Thunk(slot) = value {
            value = slot.get();
        }
        value
    }
}

pub(super) fn from_json<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.fromJSON";
    let text = ev.plain_string_of(args[0], Pos::NONE, context)?;
    match ev.read_json(text) {
        Ok(value) => Ok(value),
        Err(ReadError::Syntax(message)) => {
            Err(EvalError::new(message).trace(Pos::NONE, b"while decoding a JSON string".as_slice()))
        }
        Err(ReadError::Value(message)) => Err(EvalError::new(message)),
        Err(ReadError::Sink(never)) => match never {},
    }
}

/// Building values cannot fail.
type Infallible<T> = std::result::Result<T, std::convert::Infallible>;

/// A list or set that is not complete.
enum Open<'a> {
    List(Vec<Value<'a>>),
    Set(Vec<(Symbol, Value<'a>)>, Symbol),
}

/// Makes values of what is read.
struct Builder<'e, 'a> {
    ev: &'e mut Evaluator<'a>,
    open: Vec<Open<'a>>,
    result: Value<'a>,
}

impl<'a> Builder<'_, 'a> {
    #[inline]
    fn add(&mut self, value: Value<'a>) {
        match self.open.last_mut() {
            None => self.result = value,
            Some(Open::List(items)) => items.push(value),
            Some(Open::Set(members, name)) => members.push((*name, value)),
        }
    }
}

impl Sink for Builder<'_, '_> {
    type Error = std::convert::Infallible;

    fn null(&mut self) -> Infallible<()> {
        self.add(Value::Null);
        Ok(())
    }

    fn boolean(&mut self, value: bool) -> Infallible<()> {
        self.add(Value::Bool(value));
        Ok(())
    }

    fn integer(&mut self, value: i64) -> Infallible<()> {
        self.add(Value::Int(value));
        Ok(())
    }

    fn float(&mut self, value: f64) -> Infallible<()> {
        self.add(Value::Float(value));
        Ok(())
    }

    fn string(&mut self, value: &[u8]) -> Infallible<()> {
        self.add(self.ev.string(self.ev.bytes(value)));
        Ok(())
    }

    fn begin_array(&mut self) -> Infallible<()> {
        self.open.push(Open::List(Vec::new()));
        Ok(())
    }

    fn end_array(&mut self) -> Infallible<()> {
        if let Some(Open::List(items)) = self.open.pop() {
            self.add(self.ev.list(items.into_iter()));
        }
        Ok(())
    }

    fn begin_object(&mut self) -> Infallible<()> {
        self.open.push(Open::Set(Vec::new(), known::NAME));
        Ok(())
    }

    fn key(&mut self, name: &[u8]) -> Infallible<()> {
        let symbol = self.ev.symbols.intern(name);
        if let Some(Open::Set(_, current)) = self.open.last_mut() {
            *current = symbol;
        }
        Ok(())
    }

    fn end_object(&mut self) -> Infallible<()> {
        if let Some(Open::Set(members, _)) = self.open.pop() {
            self.add(set_of(self.ev, members));
        }
        Ok(())
    }
}

/// A set of members in the order they were read; of equal names the last counts.
fn set_of<'a>(ev: &Evaluator<'a>, mut members: Vec<(Symbol, Value<'a>)>) -> Value<'a> {
    if members.is_empty() {
        return ev.no_attrs();
    }
    if !members.is_sorted_by(|a, b| a.0 < b.0) {
        members.reverse();
    }
    let mut builder = AttrsBuilder::with_capacity(members.len());
    for (name, value) in members {
        builder.push(name, Pos::NONE, value);
    }
    Value::Attrs(builder.finish(ev.arena))
}
