//! Joining: `"…${…}…"`, paths with interpolation, and `+` of what is no number.

use super::Evaluator;
use super::arith::{NumberOp, cannot_add};
use super::coerce::{Coercion, Text};
use crate::lang::error::{EvalError, Result};
use crate::lang::expr::{Add, Interpolation};
use crate::lang::syntax::Pos;
use crate::lang::value::{Env, NixString, PathValue, Value};

const SEGMENT: &str = "while evaluating a path segment";

/// Room for strings in the making is kept up to this size, in bytes.
const KEPT: usize = 64 << 10;

/// What the first part makes of the whole.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Path,
    Int(i64),
    Float,
}

impl<'a> Evaluator<'a> {
    /// `left + right` where `left` is no number.
    #[inline(never)]
    pub(super) fn add_texts(
        &mut self,
        left: Value<'a>,
        add: &'a Add<'a>,
        env: &'a Env<'a>,
    ) -> Result<Value<'a>> {
        if let Value::String(l) = left {
            if !self.may_enter() {
                // A coercion is a call, also where there is nothing to do.
                self.enter(add.left_pos)?;
            }
            let right = self.eval(add.right, env)?;
            if let Value::String(r) = right {
                return self.joined(l, r);
            }
            let how = Coercion { more: false, copy: true, canonical: true };
            let right = self.coerce_to_string(right, add.right_pos, SEGMENT, how)?;
            let right = NixString::new(self.arena, self.bytes(&right.bytes), right.context);
            return self.joined(l, right);
        }
        let mut text = Text::default();
        let is_path = matches!(left, Value::Path(_));
        // Only behind a string a path is what lies there; behind a set it is its name.
        let first = Coercion { more: false, copy: false, canonical: false };
        self.append_coerced(&mut text, left, add.left_pos, SEGMENT, first)?;
        let right = self.eval(add.right, env)?;
        let rest = Coercion { more: false, copy: false, canonical: true };
        self.append_coerced(&mut text, right, add.right_pos, SEGMENT, rest)?;
        if is_path { self.path_of(text, add.pos) } else { Ok(self.text(text)) }
    }

    fn joined(&self, left: &'a NixString<'a>, right: &'a NixString<'a>) -> Result<Value<'a>> {
        Ok(match (left.len(), right.len()) {
            (_, 0) if right.context.is_none() => Value::String(left),
            (0, _) if left.context.is_none() => Value::String(right),
            (l, r) => {
                self.room_for(l.saturating_add(r))?;
                Value::String(NixString::join(self.arena, left, right))
            }
        })
    }

    /// A string or path with interpolation; `a + b + …`.
    #[inline(never)]
    pub(super) fn eval_interpolation(
        &mut self,
        whole: &'a Interpolation<'a>,
        env: &'a Env<'a>,
    ) -> Result<Value<'a>> {
        let mut kind = Kind::Text;
        let mut text = Text { bytes: std::mem::take(&mut self.scratch), context: None };
        let mut float = 0.0;
        let mut copy = true;
        for (index, (pos, part)) in whole.parts.iter().enumerate() {
            let value = self.operand(part, env)?;
            if let (Kind::Text, Value::String(string), true) = (kind, value, self.may_enter()) {
                self.append_string(&mut text, string)?;
                continue;
            }
            let first = index == 0 && !whole.force_string;
            if first {
                copy = matches!(value, Value::String(_));
                kind = match value {
                    Value::Int(_) => Kind::Int(0),
                    Value::Float(_) => Kind::Float,
                    Value::Path(_) => Kind::Path,
                    _ => Kind::Text,
                };
            }
            match (kind, value) {
                (Kind::Int(sum), Value::Int(n)) => {
                    let next = sum.checked_add(n).ok_or_else(|| NumberOp::Add.overflow(sum, n).at(*pos))?;
                    kind = Kind::Int(next);
                }
                (Kind::Int(sum), Value::Float(n)) => {
                    float = sum as f64 + n;
                    kind = Kind::Float;
                }
                (Kind::Float, Value::Int(n)) => float += n as f64,
                (Kind::Float, Value::Float(n)) => float += n,
                (Kind::Int(_), other) => return Err(cannot_add(other, "an integer", *pos)),
                (Kind::Float, other) => return Err(cannot_add(other, "a float", *pos)),
                (Kind::Text | Kind::Path, value) => {
                    let how = Coercion { more: false, copy, canonical: !first };
                    self.append_coerced(&mut text, value, *pos, SEGMENT, how)?;
                }
            }
        }
        match kind {
            Kind::Int(sum) => Ok(Value::Int(sum)),
            Kind::Float => Ok(Value::Float(float)),
            Kind::Path => self.path_of(text, whole.pos),
            Kind::Text => {
                let mut bytes = text.bytes;
                let value = self.string_with(self.bytes(&bytes), text.context);
                if bytes.capacity() <= KEPT {
                    bytes.clear();
                    self.scratch = bytes;
                }
                Ok(value)
            }
        }
    }

    fn text(&self, text: Text<'a>) -> Value<'a> {
        let context = text.context;
        self.string_with(self.bytes(&text.bytes), context)
    }

    fn path_of(&self, text: Text<'a>, pos: Pos) -> Result<Value<'a>> {
        if text.context.is_some() {
            let problem = "a string that refers to a store path cannot be appended to a path";
            return Err(EvalError::new(problem).at(pos));
        }
        Ok(self.path(&text.bytes))
    }

    /// A path value; `.`, `..` and doubled slashes are taken out of `bytes`.
    pub fn path(&self, bytes: &[u8]) -> Value<'a> {
        let bytes = self.bytes(&canonical(bytes));
        Value::Path(self.arena.alloc(PathValue { bytes }))
    }
}

/// An absolute path without `.`, `..` and doubled slashes, by text alone.
pub fn canonical(path: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(path.len());
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => out.truncate(out.iter().rposition(|byte| *byte == b'/').unwrap_or(0)),
            name => {
                out.push(b'/');
                out.extend_from_slice(name);
            }
        }
    }
    if out.is_empty() {
        out.push(b'/');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lose_dots_and_double_slashes() {
        for (given, wanted) in
            [("/", "/"), ("//a//b/", "/a/b"), ("/a/./b/../c", "/a/c"), ("/..", "/"), ("/a/..", "/")]
        {
            assert_eq!(canonical(given.as_bytes()), wanted.as_bytes(), "{given}");
        }
    }
}
