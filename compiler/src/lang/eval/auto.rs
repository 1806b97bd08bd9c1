//! What the command line does with values: calling functions by name of their arguments, and selecting by a path.

use super::Evaluator;
use crate::lang::error::{EvalError, Result};
use crate::lang::print;
use crate::lang::suggest::best_matches;
use crate::lang::syntax::Pos;
use crate::lang::syntax::symbol::known;
use crate::lang::value::attrs::AttrsBuilder;
use crate::lang::value::{Attrs, Value, share};

/// What is said below the first line when a function lacks an argument.
const HOW_TO_CALL: &str = "Nix attempted to evaluate a function as a top level expression; in
this case it must have its arguments supplied either by default
values, or passed explicitly with '--arg' or '--argstr'. See
https://nix.dev/manual/nix/stable/language/syntax.html#functions.";

impl<'a> Evaluator<'a> {
    /// Calls a function whose argument is a set pattern with those of `given` that it names; every other value stays
    /// what it is.
    ///
    /// # Errors
    /// When an argument without a default is not given, or evaluation fails.
    pub fn auto_call(&mut self, value: Value<'a>, given: &'a Attrs<'a>) -> Result<Value<'a>> {
        let pos = self.pos_of(value);
        let value = self.force(value, pos)?;
        if let Value::Attrs(attrs) = value
            && let Some(functor) = attrs.get(known::FUNCTOR)
        {
            let called = self.call(share(functor), &[value], pos)?;
            return self.auto_call(called, given);
        }
        let Value::Closure(closure) = value else { return Ok(value) };
        let Some(formals) = closure.lambda.formals else { return Ok(value) };
        if formals.ellipsis {
            return self.call(value, &[Value::Attrs(given)], pos);
        }
        let mut args = AttrsBuilder::with_capacity(formals.formals.len());
        for formal in formals.formals {
            match given.get(formal.name) {
                Some(slot) => args.push(formal.name, Pos::NONE, share(slot)),
                None if formal.default.is_some() => {}
                None => {
                    let name = self.symbols.name(formal.name);
                    let text = [
                        b"cannot evaluate a function that has an argument without a value ('".as_slice(),
                        name,
                        b"')\n",
                        HOW_TO_CALL.as_bytes(),
                    ];
                    return Err(EvalError::new(text.concat()).at(formal.pos));
                }
            }
        }
        let args = args.finish(self.arena);
        self.call(value, &[Value::Attrs(args)], pos)
    }

    /// What a selection path such as `a.b.0` leads to; functions on the way are called ([`Evaluator::auto_call`]).
    ///
    /// # Errors
    /// When it leads nowhere, or evaluation fails.
    pub fn select_along(&mut self, path: &[u8], value: Value<'a>, given: &'a Attrs<'a>) -> Result<Value<'a>> {
        let mut value = value;
        for name in tokens(path)? {
            let found = self.auto_call(value, given)?;
            let index = std::str::from_utf8(&name).ok().and_then(|text| text.parse::<usize>().ok());
            value = match (index, found) {
                (Some(index), Value::List(list)) => {
                    let item = list.items().get(index).ok_or_else(|| {
                        let text = format!("list index {index} in selection path '");
                        EvalError::new([text.as_bytes(), path, b"' is out of range"].concat())
                    })?;
                    share(item)
                }
                (Some(_), other) => return Err(should_be(path, "a list", other)),
                (None, Value::Attrs(attrs)) => self.select_one(path, &name, attrs)?,
                (None, other) => return Err(should_be(path, "a set", other)),
            };
        }
        Ok(value)
    }

    fn select_one(&mut self, path: &[u8], name: &[u8], attrs: &'a Attrs<'a>) -> Result<Value<'a>> {
        if name.is_empty() {
            let text = [b"empty attribute name in selection path '".as_slice(), path, b"'"];
            return Err(EvalError::new(text.concat()));
        }
        if let Some(slot) = self.symbols.lookup(name).and_then(|symbol| attrs.get(symbol)) {
            return Ok(share(slot));
        }
        let text = [b"attribute '".as_slice(), name, b"' in selection path '", path, b"' not found"];
        let mut error = EvalError::new(text.concat());
        let (shape, _) = attrs.flatten(self.arena);
        error.suggestions = best_matches(shape.symbols.iter().map(|symbol| self.symbols.name(*symbol)), name);
        Err(error)
    }
}

fn should_be(path: &[u8], what: &str, found: Value<'_>) -> Box<EvalError> {
    let phrase = format!("' should be {what} but is {}", print::type_phrase(found));
    let text = [b"the expression selected by the selection path '".as_slice(), path, phrase.as_bytes()];
    EvalError::new(text.concat())
}

/// The names of a path: separated by dots, quotes keep dots.
fn tokens(path: &[u8]) -> Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    let mut name = Vec::new();
    let mut rest = path.iter().copied();
    while let Some(byte) = rest.next() {
        match byte {
            b'.' => names.push(std::mem::take(&mut name)),
            b'"' => loop {
                match rest.next() {
                    Some(b'"') => break,
                    Some(byte) => name.push(byte),
                    None => {
                        let text = [b"missing closing quote in selection path '".as_slice(), path, b"'"];
                        return Err(EvalError::new(text.concat()));
                    }
                }
            },
            byte => name.push(byte),
        }
    }
    if !name.is_empty() {
        names.push(name);
    }
    Ok(names)
}
