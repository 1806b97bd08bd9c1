//! Forcing a value with all that is in it.

use std::collections::HashSet;

use super::Evaluator;
use crate::lang::error::Result;
use crate::lang::syntax::Pos;
use crate::lang::value::{Slot, Value};

impl<'a> Evaluator<'a> {
    /// The value of `value`, with everything in it evaluated.
    ///
    /// # Errors
    /// Whatever evaluation raises; when it is nested too deeply.
    pub fn force_deep(&mut self, value: Value<'a>) -> Result<Value<'a>> {
        let pos = self.pos_of(value);
        self.enter(pos)?;
        let result = self.force(value, pos).and_then(|value| {
            self.force_inside(value, &mut HashSet::new())?;
            Ok(value)
        });
        self.leave();
        result
    }

    fn force_slot_deep(&mut self, slot: &'a Slot<'a>, seen: &mut HashSet<usize>) -> Result<()> {
        let pos = self.pos_of(slot.get());
        self.enter(pos)?;
        self.check_stack()?;
        let result = self.force_slot(slot, pos).and_then(|value| self.force_inside(value, seen));
        self.leave();
        result
    }

    fn force_inside(&mut self, value: Value<'a>, seen: &mut HashSet<usize>) -> Result<()> {
        match value {
            Value::Attrs(attrs) => {
                let (shape, values) = attrs.flatten(self.arena);
                if !seen.insert(values.as_ptr().addr()) {
                    return Ok(());
                }
                for (index, slot) in values.iter().enumerate() {
                    self.force_slot_deep(slot, seen).map_err(|error| {
                        let name = self.symbols.shown(shape.symbols[index]);
                        let text = [b"while evaluating the attribute '".as_slice(), &name, b"'"].concat();
                        error.trace(shape.position(index), text)
                    })?;
                }
            }
            Value::List(list) => {
                if !seen.insert(list.items().as_ptr().addr()) {
                    return Ok(());
                }
                for (index, slot) in list.items().iter().enumerate() {
                    self.force_slot_deep(slot, seen).map_err(|error| {
                        let text = format!("while evaluating list element at index {index}");
                        error.trace(Pos::NONE, text.into_bytes())
                    })?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The place of a value, as far as it has one: that of a function, or of the function that a suspended application
    /// will call.
    pub fn pos_of(&self, value: Value<'a>) -> Pos {
        match value {
            Value::Closure(closure) => closure.lambda.params.first().map_or(Pos::NONE, |param| param.pos),
            Value::PartialClosure(partial) => {
                partial.closure.lambda.params.get(partial.args.len()).map_or(Pos::NONE, |param| param.pos)
            }
            Value::Suspended(suspension) => match suspension.function() {
                Some(Value::Thunk(slot)) if slot.get().is_evaluated() => self.pos_of(slot.get()),
                Some(Value::Thunk(_)) | None => Pos::NONE,
                Some(function) => self.pos_of(function),
            },
            Value::Thunk(slot) if !matches!(slot.get(), Value::Thunk(_)) => self.pos_of(slot.get()),
            _ => Pos::NONE,
        }
    }
}
