//! Equality, and why two values are not equal.

use super::Evaluator;
use crate::lang::error::{ErrorKind, EvalError, Result};
use crate::lang::print;
use crate::lang::syntax::Pos;
use crate::lang::syntax::symbol::known;
use crate::lang::value::{Attrs, List, Slot, Value};

impl<'a> Evaluator<'a> {
    /// `left == right`. Functions are never equal here; inside of lists and sets those that are the same are.
    ///
    /// # Errors
    /// When evaluation fails or goes too deep.
    pub fn equal_operands(&mut self, left: Value<'a>, right: Value<'a>, pos: Pos) -> Result<bool> {
        self.enter(pos)?;
        let result = self.equal(left, right, pos);
        self.leave();
        result
    }

    /// The same, without a call for what is compared at once; the bound on nested calls holds for it, too.
    #[inline(always)]
    pub(super) fn equal_at_once(&mut self, left: Value<'a>, right: Value<'a>, pos: Pos) -> Result<bool> {
        if self.may_enter() {
            match (left, right) {
                (Value::Int(l), Value::Int(r)) => return Ok(l == r),
                (Value::Bool(l), Value::Bool(r)) => return Ok(l == r),
                (Value::String(l), Value::String(r)) => return Ok(l.bytes() == r.bytes()),
                (Value::List(l), Value::List(r)) if l.is_empty() || r.is_empty() => {
                    return Ok(l.len() == r.len());
                }
                (Value::Null, r) => return Ok(matches!(r, Value::Null)),
                (_, Value::Null) => return Ok(false),
                _ => {}
            }
        }
        self.equal_operands(left, right, pos)
    }

    /// Equality of two values that may be suspended, and may be one and the same.
    ///
    /// # Errors
    /// When evaluation fails or goes too deep.
    pub fn equal_shared(&mut self, left: Value<'a>, right: Value<'a>, pos: Pos) -> Result<bool> {
        self.enter(pos)?;
        let l = self.force(left, pos)?;
        let r = self.force(right, pos)?;
        let result = same(l, r) || self.equal(l, r, pos)?;
        self.leave();
        Ok(result)
    }

    /// Equality of two elements.
    ///
    /// # Errors
    /// When evaluation fails or goes too deep.
    pub fn equal_slots(&mut self, left: &'a Slot<'a>, right: &'a Slot<'a>, pos: Pos) -> Result<bool> {
        self.enter(pos)?;
        let l = self.force_slot(left, pos)?;
        let r = self.force_slot(right, pos)?;
        let result = std::ptr::eq(left, right) || same(l, r) || self.equal(l, r, pos)?;
        self.leave();
        Ok(result)
    }

    #[inline]
    fn equal(&mut self, left: Value<'a>, right: Value<'a>, pos: Pos) -> Result<bool> {
        match (left, right) {
            (Value::Int(l), Value::Int(r)) => Ok(l == r),
            (Value::Float(l), Value::Float(r)) => Ok(l == r),
            (Value::Int(l), Value::Float(r)) => Ok(l as f64 == r),
            (Value::Float(l), Value::Int(r)) => Ok(l == r as f64),
            (Value::Bool(l), Value::Bool(r)) => Ok(l == r),
            (Value::Null, Value::Null) => Ok(true),
            (Value::String(l), Value::String(r)) => Ok(l.bytes() == r.bytes()),
            (Value::Path(l), Value::Path(r)) => Ok(l.bytes == r.bytes),
            (Value::List(l), Value::List(r)) => {
                if l.len() != r.len() {
                    return Ok(false);
                }
                for (l, r) in l.items().iter().zip(r.items()) {
                    if !self.equal_slots(l, r, pos)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (Value::Attrs(l), Value::Attrs(r)) => self.equal_attrs(l, r, pos),
            _ => Ok(false),
        }
    }

    /// The `outPath`s of two derivations; `None` unless both are derivations that have one.
    fn out_paths(
        &mut self,
        left: &'a Attrs<'a>,
        right: &'a Attrs<'a>,
    ) -> Result<Option<(&'a Slot<'a>, &'a Slot<'a>)>> {
        if !self.is_derivation(left)? || !self.is_derivation(right)? {
            return Ok(None);
        }
        Ok(left.get(known::OUT_PATH).zip(right.get(known::OUT_PATH)))
    }

    fn equal_attrs(&mut self, left: &'a Attrs<'a>, right: &'a Attrs<'a>, pos: Pos) -> Result<bool> {
        if let Some((l, r)) = self.out_paths(left, right)? {
            return self.equal_slots(l, r, pos);
        }
        let (left_shape, left_values) = left.flatten(self.arena);
        let (right_shape, right_values) = right.flatten(self.arena);
        if left_values.len() != right_values.len() {
            return Ok(false);
        }
        for index in 0..left_values.len() {
            if left_shape.symbols[index] != right_shape.symbols[index]
                || !self.equal_slots(&left_values[index], &right_values[index], pos)?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The error of an assertion that two values are equal, when they are not.
    ///
    /// # Errors
    /// That error; or those of evaluation.
    pub(super) fn explain_unequal(&mut self, left: Value<'a>, right: Value<'a>, pos: Pos) -> Result<()> {
        self.enter(pos)?;
        let result = self.explain(left, right, pos);
        self.leave();
        result
    }

    fn explain_slots(&mut self, left: &'a Slot<'a>, right: &'a Slot<'a>, pos: Pos) -> Result<()> {
        self.enter(pos)?;
        let l = self.force_slot(left, pos)?;
        let r = self.force_slot(right, pos)?;
        let same = std::ptr::eq(left, right) || same(l, r);
        let result = if same { Ok(()) } else { self.explain(l, r, pos) };
        self.leave();
        result
    }

    fn explain(&mut self, left: Value<'a>, right: Value<'a>, pos: Pos) -> Result<()> {
        let (between, after) = match (left, right) {
            (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
                if self.equal(left, right, pos)? {
                    return Ok(());
                }
                return Err(self.unequal_values(left, "with", right));
            }
            (l, r) if l.type_name() != r.type_name() => return Err(self.unequal_values(left, "of", right)),
            (Value::Bool(l), Value::Bool(r)) if l != r => {
                ("boolean", format!("{l}' is not equal to boolean '{r}'"))
            }
            (Value::String(l), Value::String(r)) if l.bytes() != r.bytes() => {
                return Err(self.unequal("string", left, right));
            }
            (Value::Path(l), Value::Path(r)) if l.bytes != r.bytes => {
                return Err(self.unequal("path", left, right));
            }
            (Value::List(l), Value::List(r)) => return self.explain_lists(l, r, pos),
            (Value::Attrs(l), Value::Attrs(r)) => return self.explain_attrs(l, r, pos),
            (l, _) if l.is_function() => {
                let text =
                    "distinct functions and immediate comparisons of identical functions compare as unequal";
                return Err(EvalError::of_kind(ErrorKind::Assert, text));
            }
            _ => return Ok(()),
        };
        Err(EvalError::of_kind(ErrorKind::Assert, format!("{between} '{after}")))
    }

    #[cold]
    fn unequal(&self, kind: &str, left: Value<'a>, right: Value<'a>) -> Box<EvalError> {
        let (l, r) = (print::in_error(self, left), print::in_error(self, right));
        let kind = kind.as_bytes();
        let text = [kind, b" '", &l, b"' is not equal to ", kind, b" '", &r, b"'"].concat();
        EvalError::of_kind(ErrorKind::Assert, text)
    }

    #[cold]
    fn unequal_values(&self, left: Value<'a>, word: &str, right: Value<'a>) -> Box<EvalError> {
        let (l, r) = (print::in_error(self, left), print::in_error(self, right));
        let mut text = format!("{} {word} value '", print::type_phrase(left)).into_bytes();
        text.extend_from_slice(&l);
        text.extend_from_slice(
            format!("' is not equal to {} {word} value '", print::type_phrase(right)).as_bytes(),
        );
        text.extend_from_slice(&r);
        text.push(b'\'');
        EvalError::of_kind(ErrorKind::Assert, text)
    }

    fn explain_lists(&mut self, left: &'a List<'a>, right: &'a List<'a>, pos: Pos) -> Result<()> {
        if left.len() != right.len() {
            let (l, r) =
                (print::in_error(self, Value::List(left)), print::in_error(self, Value::List(right)));
            let mut text = format!(
                "list of size '{}' is not equal to list of size '{}', left hand side is '",
                left.len(),
                right.len()
            )
            .into_bytes();
            text.extend_from_slice(&[&l, b"', right hand side is '".as_slice(), &r, b"'"].concat());
            return Err(EvalError::of_kind(ErrorKind::Assert, text));
        }
        for (index, (l, r)) in left.items().iter().zip(right.items()).enumerate() {
            self.explain_slots(l, r, pos).map_err(|error| {
                error.trace(Pos::NONE, format!("while comparing list element {index}").into_bytes())
            })?;
        }
        Ok(())
    }

    fn explain_attrs(&mut self, left: &'a Attrs<'a>, right: &'a Attrs<'a>, pos: Pos) -> Result<()> {
        if let Some((l, r)) = self.out_paths(left, right)? {
            return self.explain_slots(l, r, pos).map_err(|error| {
                error.trace(Pos::NONE, b"while comparing a derivation by its 'outPath' attribute".as_slice())
            });
        }
        let (left_shape, left_values) = left.flatten(self.arena);
        let (right_shape, right_values) = right.flatten(self.arena);
        let shown =
            |ev: &Self| (print::in_error(ev, Value::Attrs(left)), print::in_error(ev, Value::Attrs(right)));
        if left_values.len() != right_values.len() {
            let (l, r) = shown(self);
            let text = [
                b"attribute names of attribute set '".as_slice(),
                &l,
                b"' differs from attribute set '",
                &r,
                b"'",
            ];
            return Err(EvalError::of_kind(ErrorKind::Assert, text.concat()));
        }
        for index in 0..left_values.len() {
            let name = self.symbols.shown(left_shape.symbols[index]);
            if left_shape.symbols[index] != right_shape.symbols[index] {
                let (l, r) = shown(self);
                let text = [
                    b"attribute name '".as_slice(),
                    &name,
                    b"' is contained in '",
                    &l,
                    b"', but not in '",
                    &r,
                    b"'",
                ];
                return Err(EvalError::of_kind(ErrorKind::Assert, text.concat()));
            }
            self.explain_slots(&left_values[index], &right_values[index], pos).map_err(|error| {
                error
                    .trace(right_shape.position(index), b"where right hand side is".as_slice())
                    .trace(left_shape.position(index), b"where left hand side is".as_slice())
                    .trace(Pos::NONE, [b"while comparing attribute '".as_slice(), &name, b"'"].concat())
            })?;
        }
        Ok(())
    }
}

/// True for two values that are one and the same: functions are equal only then.
fn same<'a>(left: Value<'a>, right: Value<'a>) -> bool {
    match (left, right) {
        (Value::Closure(l), Value::Closure(r)) => std::ptr::eq(l, r),
        (Value::PartialClosure(l), Value::PartialClosure(r)) => std::ptr::eq(l, r),
        (Value::Builtin(l), Value::Builtin(r)) => std::ptr::eq(l, r),
        (Value::PartialBuiltin(l), Value::PartialBuiltin(r)) => std::ptr::eq(l, r),
        (Value::Attrs(l), Value::Attrs(r)) => std::ptr::eq(l, r),
        (Value::List(l), Value::List(r)) => std::ptr::eq(l, r),
        _ => false,
    }
}
