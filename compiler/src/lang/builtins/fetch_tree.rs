//! Trees from elsewhere: `fetchGit`, `fetchMercurial`, `fetchTree`.
//!
//! Owns: what their arguments mean. What is brought and kept is in [`super::bring`]. Mercurial is not spoken, and that is a
//! named error.

use super::Builtin;
use super::bring::world_error;
use super::flakes::reference_error;
use super::tree::text_of;
use crate::lang::error::{EvalError, Result};
use crate::lang::eval::{Coercion, Evaluator, Feature};
use crate::lang::flake_ref::{self, Attribute, Attributes, Reading, Url};
use crate::lang::print;
use crate::lang::syntax::Pos;
use crate::lang::syntax::symbol::{known, quoted_name};
use crate::lang::value::{Attrs, Value, share};

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new(
        "fetchGit",
        &["args"],
        fetch_git,
        "A tree of the Git repository at the URL *args*, or at its `url`.",
    )
    .plain(),
    Builtin::new(
        "fetchMercurial",
        &["args"],
        fetch_mercurial,
        "A tree of the Mercurial repository at the URL *args*, or at its `url`. Not fetched here.",
    )
    .plain(),
];

/// Builtins that exist only with the experimental feature `fetch-tree`.
pub(super) const TREE: &[Builtin] = &[Builtin::new(
    "fetchTree",
    &["input"],
    fetch_tree,
    "The tree that *input* means, a flake reference or its attributes.",
)
.plain()];

const AS_WRITTEN: Coercion = Coercion { more: false, copy: false, canonical: false };

#[cold]
fn unsupported(what: &str) -> Box<EvalError> {
    EvalError::new(format!("cannot fetch '{what}': trees of this kind are not supported"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn fetch_git<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let mut attributes = match ev.force(args[0], Pos::NONE)? {
        Value::Attrs(set) => {
            if set.get(ev.symbols.intern(b"type")).is_some() {
                return Err(EvalError::new("unexpected argument 'type'"));
            }
            given(ev, set, "fetchGit")?
        }
        other => {
            let context = "while evaluating the first argument passed to 'fetchGit'";
            let url = ev.coerce_to_string(other, Pos::NONE, context, AS_WRITTEN)?.bytes;
            Attributes::from([("url".to_owned(), Attribute::Text(git_url(ev, &text(&url))?))])
        }
    };
    attributes.insert("type".to_owned(), Attribute::Text("git".to_owned()));
    match attributes.get("submodules") {
        None | Some(Attribute::Switch(false)) => {
            attributes.entry("exportIgnore".to_owned()).or_insert(Attribute::Switch(true));
        }
        Some(Attribute::Switch(true)) => {}
        Some(_) => return Err(EvalError::new("input attribute 'submodules' is not a Boolean")),
    }
    let attributes = ev.references(|reader| reader.check(&attributes))?;
    check_lock(ev, &attributes, "fetchGit")?;
    let shown = ev.references(|reader| reader.show(&attributes))?;
    ev.world.check_uri(&shown).map_err(world_error)?;
    let name = text_of(&attributes, "name").unwrap_or("source").to_owned();
    let tree = ev.tree(&attributes, &shown, name.as_bytes())?;
    Ok(ev.tree_value(&tree, true))
}

fn git_url(ev: &Evaluator<'_>, written: &str) -> Result<String> {
    Ok(ev.references(|reader| reader.git_url(written))?.to_string())
}

/// Where evaluation is pure, insists that the tree is the same for ever.
fn check_lock(ev: &Evaluator<'_>, attributes: &Attributes, who: &str) -> Result<()> {
    if ev.may_be_unlocked() || flake_ref::is_locked(attributes).map_err(reference_error)? {
        return Ok(());
    }
    let has_hash = flake_ref::nar_hash(attributes).map_err(reference_error)?.is_some();
    let shown = ev.references(|reader| reader.show(attributes))?;
    if !has_hash {
        let text = format!("in pure evaluation mode, '{who}' doesn't fetch unlocked input '{shown}'");
        return Err(EvalError::new(text));
    }
    ev.warn(
        format!(
            "Input '{shown}' is unlocked (e.g. lacks a Git revision) but is checked by NAR hash. This is not reproducible and will break after garbage collection or when shared."
        )
        .as_bytes(),
    );
    Ok(())
}

fn fetch_tree<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let attributes = match ev.force(args[0], Pos::NONE)? {
        Value::Attrs(set) => {
            let attributes = tree_attributes(ev, set)?;
            ev.references(|reader| reader.check(&attributes))?
        }
        other => {
            let context = "while evaluating the first argument passed to 'fetchTree'";
            let url = ev.coerce_to_string(other, Pos::NONE, context, AS_WRITTEN)?.bytes;
            if !ev.options.features.has(Feature::Flakes) {
                let text =
                    "passing a string argument to 'fetchTree' requires the 'flakes' experimental feature";
                return Err(EvalError::new(text));
            }
            let url = text(&url);
            ev.references(|reader| reader.of_url(&mut Url::parse(&url, Reading::Strict)?))?
        }
    };
    check_lock(ev, &attributes, "fetchTree")?;
    let shown = ev.references(|reader| reader.show(&attributes))?;
    ev.world.check_uri(&shown).map_err(world_error)?;
    let tree = ev.tree(&attributes, &shown, b"source")?;
    Ok(ev.tree_value(&tree, false))
}

fn tree_attributes<'a>(ev: &mut Evaluator<'a>, set: &'a Attrs<'a>) -> Result<Attributes> {
    let name = ev.symbols.intern(b"type");
    let missing = || EvalError::new("argument 'type' is missing in call to 'fetchTree'");
    let found = set.find(name).ok_or_else(missing)?;
    let context = "while evaluating the `type` argument passed to 'fetchTree'";
    let scheme = text(ev.plain_string_of(share(found.slot), found.pos, context)?);
    let mut attributes = given(ev, set, "fetchTree")?;
    if scheme == "git" {
        attributes.entry("shallow".to_owned()).or_insert(Attribute::Switch(true));
    }
    if attributes.contains_key("name") {
        return Err(EvalError::new("argument 'name' isn’t supported in call to 'fetchTree'"));
    }
    attributes.insert("type".to_owned(), Attribute::Text(scheme));
    Ok(attributes)
}

/// The attributes of a set beside `type`.
fn given<'a>(ev: &mut Evaluator<'a>, set: &'a Attrs<'a>, who: &str) -> Result<Attributes> {
    let mut attributes = Attributes::new();
    for (symbol, found) in set.iter(ev.arena) {
        let pos = found.pos;
        let name = text(ev.symbols.name(symbol));
        if name == "type" {
            continue;
        }
        let attribute = match ev.force_slot(found.slot, pos)? {
            value @ (Value::Path(_) | Value::String(_)) => {
                let written = text(&ev.coerce_to_string(value, pos, "", AS_WRITTEN)?.bytes);
                // What is wrong with the URL is told before what is wrong with later attributes.
                let is_git_url = who == "fetchGit" && name == "url";
                Attribute::Text(if is_git_url { git_url(ev, &written)? } else { written })
            }
            Value::Bool(on) => Attribute::Switch(on),
            Value::Int(number) => Attribute::Number(u64::try_from(number).map_err(|_| {
                EvalError::new(format!("negative value given for '{who}' argument '{name}': {number}"))
            })?),
            other => {
                let phrase = print::type_phrase(other);
                let text = format!(
                    "argument '{name}' to '{who}' is {phrase} while a string, Boolean or integer is expected"
                );
                return Err(EvalError::new(text));
            }
        };
        attributes.insert(name, attribute);
    }
    Ok(attributes)
}

fn fetch_mercurial<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.fetchMercurial";
    let mut url = None;
    match ev.force(args[0], Pos::NONE)? {
        Value::Attrs(set) => {
            for (symbol, found) in set.iter(ev.arena) {
                let (pos, value) = (found.pos, share(found.slot));
                match ev.symbols.name(symbol) {
                    b"url" => {
                        let what = "while evaluating the `url` attribute passed to builtins.fetchMercurial";
                        url = Some(ev.coerce_to_string(value, pos, what, AS_WRITTEN)?.bytes);
                    }
                    b"rev" => {
                        let what = "while evaluating the `rev` attribute passed to builtins.fetchMercurial";
                        ev.plain_string_of(value, pos, what)?;
                    }
                    _ if symbol == known::NAME => {
                        let what = "while evaluating the `name` attribute passed to builtins.fetchMercurial";
                        ev.plain_string_of(value, pos, what)?;
                    }
                    other => {
                        let parts = [
                            b"unsupported argument '".as_slice(),
                            &quoted_name(other),
                            b"' to 'fetchMercurial'",
                        ];
                        return Err(EvalError::new(parts.concat()).at(pos));
                    }
                }
            }
        }
        other => url = Some(ev.coerce_to_string(other, Pos::NONE, context, AS_WRITTEN)?.bytes),
    }
    let url = text(&url.ok_or_else(|| EvalError::new("'url' argument required"))?);
    Err(unsupported(&url))
}
