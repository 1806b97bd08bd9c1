//! Regular expressions: `match` and `split`.

use super::Builtin;
use crate::lang::error::{EvalError, Result};
use crate::lang::eval::Evaluator;
use crate::lang::posix_regex::{Group, RegexError};
use crate::lang::syntax::Pos;
use crate::lang::value::Value;

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new(
        "match",
        &["regex", "string"],
        match_whole,
        "The groups of the POSIX extended regular expression *regex* when it matches all of *string*, else null. A group that \
         took no part is null.",
    ).borrowing(&[0, 1]).forces(0),
    Builtin::new(
        "split",
        &["regex", "string"],
        split,
        "*string* cut at the matches of the POSIX extended regular expression *regex*: what lies between them as strings, and \
         in the place of each match the list of its groups.",
    ).borrowing(&[0, 1]).forces(0),
];

#[cold]
fn regex_error(error: RegexError, pattern: &[u8]) -> Box<EvalError> {
    EvalError::new(error.message(pattern))
}

fn match_whole<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.match";
    let pattern = ev.plain_string_of(args[0], Pos::NONE, context)?;
    ev.memory.regexes.get(pattern).map_err(|error| regex_error(error, pattern))?;
    let context = "while evaluating the second argument passed to builtins.match";
    let text = ev.string_of(args[1], Pos::NONE, context)?.bytes();
    let regex = ev.memory.regexes.get(pattern).map_err(|error| regex_error(error, pattern))?;
    let Some(groups) = regex.match_whole(text) else { return Ok(Value::Null) };
    Ok(ev.groups_value(text, &groups))
}

fn split<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.split";
    let pattern = ev.plain_string_of(args[0], Pos::NONE, context)?;
    ev.memory.regexes.get(pattern).map_err(|error| regex_error(error, pattern))?;
    let context = "while evaluating the second argument passed to builtins.split";
    let string = ev.string_of(args[1], Pos::NONE, context)?;
    let regex = ev.memory.regexes.get(pattern).map_err(|error| regex_error(error, pattern))?;
    let group_count = regex.group_count();
    let mut ends = Vec::new();
    let mut groups: Vec<Group> = Vec::new();
    let found = regex.for_each_match(string.bytes(), |range, of_match| {
        ends.push(range);
        groups.extend_from_slice(of_match);
    });
    found.map_err(|error| regex_error(error, pattern))?;
    if ends.is_empty() {
        return Ok(ev.list([Value::String(string)].into_iter()));
    }
    let mut items = Vec::with_capacity(2 * ends.len() + 1);
    let mut end = 0;
    for (index, range) in ends.into_iter().enumerate() {
        items.push(ev.string(&string.bytes()[end..range.start]));
        items.push(ev.groups_value(string.bytes(), &groups[index * group_count..][..group_count]));
        end = range.end;
    }
    items.push(ev.string(&string.bytes()[end..]));
    Ok(ev.list(items.into_iter()))
}

impl<'a> Evaluator<'a> {
    fn groups_value(&self, text: &'a [u8], groups: &[Group]) -> Value<'a> {
        self.list(groups.iter().map(|group| match group {
            Some(range) => self.string(&text[range.clone()]),
            None => Value::Null,
        }))
    }
}
