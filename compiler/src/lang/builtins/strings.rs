//! Strings: `toString`, `stringLength`, `substring`, `concatStringsSep`, `replaceStrings`.

use super::Builtin;
use crate::lang::error::{EvalError, Result};
use crate::lang::eval::{Coercion, Evaluator, Text};
use crate::lang::syntax::Pos;
use crate::lang::value::{Context, List, NixString, Value, share};

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new(
        "toString",
        &["value"],
        to_string,
        "*value* as a string. Paths are not copied to the store, true is `1`, false and null are empty, the elements of \
         lists are joined by spaces, and a set must have `__toString` or `outPath`.",
    ).borrowing(&[0]).coerces(0)
    .plain(),
    Builtin::new("stringLength", &["string"], string_length, "The number of bytes of *string*.").borrowing(&[0]),
    Builtin::new(
        "substring",
        &["start", "length", "string"],
        substring,
        "The part of *string* from byte *start* on, at most *length* bytes of it, or all when *length* is negative.",
    ).borrowing(&[0, 1, 2]).forces(0),
    Builtin::new(
        "concatStringsSep",
        &["separator", "list"],
        concat_strings_sep,
        "The strings of *list* joined, with *separator* between them.",
    ).borrowing(&[0, 1]).forces(0),
    Builtin::new(
        "replaceStrings",
        &["from", "to", "string"],
        replace_strings,
        "*string* with every occurrence of a string of *from* replaced by the one at the same place in *to*. Where several \
         occur the first of the list counts; replacements are not looked at again; an empty string occurs everywhere.",
    ).borrowing(&[0, 1, 2]).forces(0),
];

/// How builtins turn their arguments into strings unless they say otherwise.
pub(super) const PLAIN: Coercion = Coercion { more: false, copy: true, canonical: true };

fn to_string<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    ev.enter(Pos::NONE)?;
    let value = ev.force(args[0], Pos::NONE)?;
    ev.leave();
    if let Value::String(_) = value {
        return Ok(value);
    }
    let how = Coercion { more: true, copy: false, canonical: true };
    let context = "while evaluating the first argument passed to builtins.toString";
    let text = ev.coerce_to_string(value, Pos::NONE, context, how)?;
    Ok(ev.text_value(text))
}

fn string_length<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the argument passed to builtins.stringLength";
    let string = ev.coerced(args[0], context, PLAIN)?;
    Ok(Value::Int(string.bytes().len() as i64))
}

fn substring<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument (the start offset) passed to builtins.substring";
    let start = ev.int_of(args[0], Pos::NONE, context)?;
    let Ok(start) = usize::try_from(start) else {
        return Err(EvalError::new("negative start position in 'substring'"));
    };
    let context = "while evaluating the second argument (the substring length) passed to builtins.substring";
    let length = ev.int_of(args[1], Pos::NONE, context)?;
    let context = "while evaluating the third argument (the string) passed to builtins.substring";
    let string = ev.coerced(args[2], context, PLAIN)?;
    let rest = string.bytes().get(start..).unwrap_or_default();
    // A negative length is idiom for the rest.
    let length = usize::try_from(length).map_or(rest.len(), |length| length.min(rest.len()));
    if length == string.bytes().len() {
        return Ok(Value::String(string));
    }
    Ok(ev.string_with(&rest[..length], string.context))
}

fn concat_strings_sep<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context =
        "while evaluating the first argument (the separator string) passed to builtins.concatStringsSep";
    let separator = ev.string_of(args[0], Pos::NONE, context)?;
    let context = "while evaluating the second argument (the list of strings to concat) passed to builtins.concatStringsSep";
    let list = ev.list_of(args[1], Pos::NONE, context)?;
    let mut text = Text { bytes: Vec::new(), context: separator.context };
    for (index, slot) in list.items().iter().enumerate() {
        if index > 0 {
            text.bytes.extend_from_slice(separator.bytes());
        }
        let context = "while evaluating one element of the list of strings to concat passed to builtins.concatStringsSep";
        ev.append_coerced(&mut text, share(slot), Pos::NONE, context, PLAIN)?;
    }
    Ok(ev.text_value(text))
}

/// The replacements, evaluated when they are first used.
struct Replacements<'a> {
    from: Vec<&'a [u8]>,
    to: &'a List<'a>,
    known: Vec<Option<&'a NixString<'a>>>,
    /// Candidates by their first byte, in order; those that are empty are in all.
    by_first: Vec<Vec<u32>>,
    /// Candidates at the end of the string.
    empty: Vec<u32>,
}

impl<'a> Replacements<'a> {
    fn new(from: Vec<&'a [u8]>, to: &'a List<'a>) -> Self {
        let mut by_first = vec![Vec::new(); 256];
        let mut empty = Vec::new();
        for (index, pattern) in (0..).zip(&from) {
            match pattern.first() {
                Some(byte) => by_first[usize::from(*byte)].push(index),
                None => {
                    by_first.iter_mut().for_each(|candidates| candidates.push(index));
                    empty.push(index);
                }
            }
        }
        Replacements { known: vec![None; from.len()], from, to, by_first, empty }
    }

    /// The first that occurs at the beginning of `rest`.
    fn at(&self, rest: &[u8]) -> Option<usize> {
        let candidates = rest.first().map_or(&self.empty, |byte| &self.by_first[usize::from(*byte)]);
        candidates.iter().map(|index| *index as usize).find(|index| rest.starts_with(self.from[*index]))
    }

    fn get(&mut self, ev: &mut Evaluator<'a>, index: usize) -> Result<(&'a NixString<'a>, bool)> {
        if let Some(string) = self.known[index] {
            return Ok((string, false));
        }
        let context = "while evaluating one of the replacement strings passed to builtins.replaceStrings";
        let string = ev.string_of(share(&self.to.items()[index]), Pos::NONE, context)?;
        self.known[index] = Some(string);
        Ok((string, true))
    }
}

fn replace_strings<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.replaceStrings";
    let from = ev.list_of(args[0], Pos::NONE, context)?;
    let context = "while evaluating the second argument passed to builtins.replaceStrings";
    let to = ev.list_of(args[1], Pos::NONE, context)?;
    if from.len() != to.len() {
        let text = "'from' and 'to' arguments passed to builtins.replaceStrings have different lengths";
        return Err(EvalError::new(text));
    }
    let mut patterns = Vec::with_capacity(from.len());
    for slot in from.items() {
        let context = "while evaluating one of the strings to replace passed to builtins.replaceStrings";
        patterns.push(ev.string_of(share(slot), Pos::NONE, context)?.bytes());
    }
    let context = "while evaluating the third argument passed to builtins.replaceStrings";
    let string = ev.string_of(args[2], Pos::NONE, context)?;
    let mut replacements = Replacements::new(patterns, to);
    let mut text = Text { bytes: Vec::with_capacity(string.bytes().len()), context: string.context };
    let (mut at, mut changed) = (0, false);
    while at <= string.bytes().len() {
        let rest = &string.bytes()[at..];
        let skipped = match replacements.at(rest) {
            Some(index) => {
                changed = true;
                let (replacement, is_new) = replacements.get(ev, index)?;
                if is_new {
                    text.context = Context::union(ev.arena, text.context, replacement.context);
                }
                ev.room_for(text.bytes.len().saturating_add(replacement.len()))?;
                text.bytes.extend_from_slice(replacement.bytes());
                replacements.from[index].len()
            }
            None => 0,
        };
        if skipped == 0 {
            text.bytes.extend(rest.first());
        }
        at += skipped.max(1);
    }
    Ok(if changed { ev.text_value(text) } else { Value::String(string) })
}

impl<'a> Evaluator<'a> {
    /// The string that a value is coerced to; a string is not copied.
    pub(super) fn coerced(
        &mut self,
        value: Value<'a>,
        context: &'static str,
        how: Coercion,
    ) -> Result<&'a NixString<'a>> {
        // A coercion is a call, and what it is given is evaluated in it.
        self.enter(Pos::NONE)?;
        let value = self.force(value, Pos::NONE)?;
        self.leave();
        match value {
            Value::String(string) => Ok(string),
            other => {
                let text = self.coerce_to_string(other, Pos::NONE, context, how)?;
                Ok(NixString::new(self.arena, self.bytes(&text.bytes), text.context))
            }
        }
    }

    /// The value of a finished text.
    pub(super) fn text_value(&self, text: Text<'a>) -> Value<'a> {
        match text.context {
            None => self.string(self.bytes(&text.bytes)),
            context => self.string_with(self.bytes(&text.bytes), context),
        }
    }
}
