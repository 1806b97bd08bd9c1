//! Versions and package names: `compareVersions`, `splitVersion`, `parseDrvName`.

use std::cmp::Ordering;

use super::Builtin;
use crate::lang::error::Result;
use crate::lang::eval::Evaluator;
use crate::lang::syntax::Pos;
use crate::lang::syntax::symbol::known;
use crate::lang::value::Value;
use crate::lang::value::attrs::AttrsBuilder;
use crate::lang::version;

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new(
        "compareVersions",
        &["first", "second"],
        compare_versions,
        "-1 when the version *first* is older than *second*, 0 when they are alike, 1 when it is newer.",
    )
    .borrowing(&[0, 1]),
    Builtin::new(
        "splitVersion",
        &["version"],
        split_version,
        "The components by which versions are compared.",
    )
    .borrowing(&[0]),
    Builtin::new(
        "parseDrvName",
        &["name"],
        parse_drv_name,
        "`{ name; version; }`: *name* cut at the first dash that no letter follows.",
    )
    .borrowing(&[0]),
];

fn compare_versions<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.compareVersions";
    let first = ev.plain_string_of(args[0], Pos::NONE, context)?;
    let context = "while evaluating the second argument passed to builtins.compareVersions";
    let second = ev.plain_string_of(args[1], Pos::NONE, context)?;
    Ok(Value::Int(match version::compare(first, second) {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }))
}

fn split_version<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.splitVersion";
    let version = ev.plain_string_of(args[0], Pos::NONE, context)?;
    let components: Vec<_> = version::components(version).collect();
    Ok(ev.list(components.into_iter().map(|component| ev.string(component))))
}

fn parse_drv_name<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.parseDrvName";
    let full = ev.plain_string_of(args[0], Pos::NONE, context)?;
    let (name, version) = version::split_name(full);
    let mut builder = AttrsBuilder::with_capacity(2);
    builder.push(known::NAME, Pos::NONE, ev.string(name));
    builder.push(ev.symbols.intern(b"version"), Pos::NONE, ev.string(version));
    Ok(Value::Attrs(builder.finish(ev.arena)))
}
