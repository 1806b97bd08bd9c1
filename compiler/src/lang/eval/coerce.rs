//! Coercion to strings and paths.

use super::Evaluator;
use crate::lang::builtins::shipped;
use crate::lang::error::{Context as _, EvalError, Result};
use crate::lang::print;
use crate::lang::syntax::Pos;
use crate::lang::syntax::symbol::known;
use crate::lang::value::{Attrs, Context, List, NixString, Value, share};

/// What may become a string, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Coercion {
    /// Also numbers, Booleans, null and lists (`toString`).
    pub more: bool,
    /// Paths are copied to the store and become store paths.
    pub copy: bool,
    /// Paths that are not copied lose a slash at the end.
    pub canonical: bool,
}

/// A string in the making.
#[derive(Default, Debug)]
pub struct Text<'a> {
    /// The bytes so far.
    pub bytes: Vec<u8>,
    /// The context so far.
    pub context: Option<&'a Context<'a>>,
}

impl<'a> From<&NixString<'a>> for Text<'a> {
    fn from(string: &NixString<'a>) -> Self {
        Text { bytes: string.bytes().to_vec(), context: string.context }
    }
}

impl<'a> Evaluator<'a> {
    /// The string that a value is coerced to.
    ///
    /// # Errors
    /// When it cannot be, or evaluation fails.
    pub fn coerce_to_string(
        &mut self,
        value: Value<'a>,
        pos: Pos,
        context: &'static str,
        how: Coercion,
    ) -> Result<Text<'a>> {
        let mut text = Text::default();
        self.append_coerced(&mut text, value, pos, context, how)?;
        Ok(text)
    }

    /// Appends the string that a value is coerced to.
    ///
    /// # Errors
    /// As [`Evaluator::coerce_to_string`].
    pub fn append_coerced(
        &mut self,
        text: &mut Text<'a>,
        value: Value<'a>,
        pos: Pos,
        context: &'static str,
        how: Coercion,
    ) -> Result<()> {
        self.check_stack()?;
        self.enter(pos)?;
        self.append_entered(text, value, pos, context, how)?;
        self.leave();
        Ok(())
    }

    fn append_entered(
        &mut self,
        text: &mut Text<'a>,
        value: Value<'a>,
        pos: Pos,
        context: &'static str,
        how: Coercion,
    ) -> Result<()> {
        match self.force(value, pos)? {
            Value::String(string) => self.append_string(text, string)?,
            Value::Path(path) if how.copy => {
                let object = self.copied_to_store(path.bytes)?;
                text.context = Context::union(self.arena, text.context, object.context);
                text.bytes.extend_from_slice(&object.bytes);
            }
            Value::Path(path) => {
                text.bytes.extend_from_slice(shipped::as_text(path.bytes).unwrap_or(path.bytes));
            }
            Value::Attrs(attrs) => return self.append_attrs(text, attrs, pos, context, how),
            Value::Bool(true) if how.more => text.bytes.push(b'1'),
            Value::Bool(false) | Value::Null if how.more => {}
            Value::Int(number) if how.more => {
                text.bytes.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
            }
            Value::Float(number) if how.more => {
                text.bytes.extend_from_slice(crate::lang::number::fixed(number).as_bytes());
            }
            Value::List(list) if how.more => return self.append_list(text, list, pos, context, how),
            other => return Err(self.cannot_coerce(other, pos, context)),
        }
        Ok(())
    }

    /// Appends a string with its context.
    #[inline]
    pub(super) fn append_string(&self, text: &mut Text<'a>, string: &NixString<'a>) -> Result<()> {
        text.context = Context::union(self.arena, text.context, string.context);
        self.room_for(text.bytes.len().saturating_add(string.len()))?;
        text.bytes.extend_from_slice(string.bytes());
        Ok(())
    }

    #[cold]
    fn cannot_coerce(&self, value: Value<'a>, pos: Pos, context: &'static str) -> Box<EvalError> {
        let mut text = format!("cannot coerce {} to a string: ", print::type_phrase(value)).into_bytes();
        text.extend_from_slice(&print::in_error(self, value));
        EvalError::new(text).trace(pos, context.as_bytes())
    }

    fn append_attrs(
        &mut self,
        text: &mut Text<'a>,
        attrs: &'a Attrs<'a>,
        pos: Pos,
        context: &'static str,
        how: Coercion,
    ) -> Result<()> {
        if let Some(to_string) = attrs.get(known::TO_STRING) {
            let result = self.call(share(to_string), &[Value::Attrs(attrs)], pos)?;
            let context = "while evaluating the result of the `__toString` attribute";
            return self.append_coerced(text, result, pos, context, Coercion { canonical: true, ..how });
        }
        match attrs.get(known::OUT_PATH) {
            Some(path) => {
                let path = share(path);
                self.append_coerced(text, path, pos, context, how)
            }
            None => Err(self.cannot_coerce(Value::Attrs(attrs), pos, context)),
        }
    }

    fn append_list(
        &mut self,
        text: &mut Text<'a>,
        list: &'a List<'a>,
        pos: Pos,
        context: &'static str,
        how: Coercion,
    ) -> Result<()> {
        for (index, slot) in list.items().iter().enumerate() {
            let one = "while evaluating one element of the list";
            self.append_coerced(text, share(slot), pos, one, how).context(pos, context)?;
            let empty = matches!(slot.get(), Value::List(inner) if inner.is_empty());
            if index + 1 < list.len() && !empty {
                text.bytes.push(b' ');
            }
        }
        Ok(())
    }

    /// The absolute path that a value means.
    ///
    /// # Errors
    /// When it means none, or evaluation fails.
    pub fn coerce_to_path(&mut self, value: Value<'a>, pos: Pos, context: &'static str) -> Result<Text<'a>> {
        let value = self.force(value, pos).context(pos, context)?;
        if let Value::Path(path) = value {
            return Ok(Text { bytes: path.bytes.to_vec(), context: None });
        }
        if let Value::Attrs(attrs) = value
            && let Some(to_string) = attrs.get(known::TO_STRING)
        {
            let result = self.call(share(to_string), &[value], pos)?;
            return self.coerce_to_path(result, pos, context);
        }
        let how = Coercion { more: false, copy: false, canonical: true };
        let mut text = self.coerce_to_string(value, pos, context, how)?;
        if text.bytes.first() != Some(&b'/') {
            let problem =
                [b"string '".as_slice(), &text.bytes, b"' doesn't represent an absolute path"].concat();
            return Err(EvalError::new(problem)).context(pos, context);
        }
        text.bytes = super::strings::canonical(&text.bytes);
        Ok(text)
    }
}
