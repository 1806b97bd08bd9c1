//! The builtins: one file per family, each with a table of them.
//!
//! Owns: the registry. Never does: I/O but through [`World`](super::world::World).
//!
//! # How to add a builtin
//! 1. Write the function in the file of its family (or a new file, added to `FAMILIES`):
//!    ```ignore
//!    fn string_length<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
//!        let text = ev.string_of(args[0], Pos::NONE, "while evaluating the argument passed to builtins.stringLength")?;
//!        Ok(Value::Int(text.len() as i64))
//!    }
//!    ```
//!    `args` are exactly as many as the arity, and may be suspended: take them with `ev.force(value, pos)`, which
//!    gives weak head normal form, or with one of the typed accessors of `eval/typed.rs` (`int_of`, `bool_of`,
//!    `string_of`, `plain_string_of`, `list_of`, `attrs_of`, `function_of`, …), which also raise Nix's type error and add
//!    the trace line given. Nix passes no position to its builtins, so `pos` is nearly always `Pos::NONE`. Read an
//!    element of a list or set with `share(slot)` to pass it on unforced, and with `ev.force_slot(slot, pos)` for its
//!    value. Call a function value with `ev.call(function, &[arg], pos)`. Coercions to strings and paths are in
//!    `eval/coerce.rs`.
//! 2. Add it to the table of the file: name without `__`, names of the arguments, documentation in Markdown of your own
//!    words, and [`Visibility`] (which names are also global without `builtins.` is fixed by the language).
//!    Say what it does with its arguments, where that is simple: [`Builtin::forces`] and [`Builtin::then`] spare a slot for what
//!    is evaluated at once, [`Builtin::borrowing`] spares the frame of the call.
//! 3. Values are made by `ev.string(bytes)`, `ev.string_with(bytes, context)`, `ev.list(values)`, [`AttrsBuilder`].
//! 4. Errors are `EvalError::new(text).at(pos)`; the line `while calling the 'x' builtin` is added by the caller.
//!
//! [`AttrsBuilder`]: super::value::attrs::AttrsBuilder

use std::fmt;

use super::error::Result;
use super::eval::{Evaluator, Feature, Features};
use super::value::Value;

mod arithmetic;
mod attrs;
mod bring;
mod closure;
mod context;
mod control;
mod derivation;
mod derivation_attrs;
mod derivation_strict;
mod environment;
mod fetch;
mod fetch_tree;
mod flakes;
mod get_flake;
mod hashes;
mod import;
mod json;
mod lists;
pub(in crate::lang) mod memory;
mod paths;
mod regex;
mod search;
pub(in crate::lang) mod shipped;
mod sort;
mod sources;
mod strings;
mod toml;
mod tree;
mod types;
mod versions;
mod xml;

pub use fetch::is_remote;

/// Code of a builtin. It gets exactly as many arguments as its arity.
pub type Function = for<'a> fn(&mut Evaluator<'a>, &[Value<'a>]) -> Result<Value<'a>>;

/// Under which name a builtin is global.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Visibility {
    /// `name` itself is global, as `map` is.
    Plain,
    /// `__name` is global, as `__add` is.
    Underscored,
}

/// A builtin.
pub struct Builtin {
    /// Its name in `builtins`.
    pub name: &'static str,
    /// Names of its arguments, for documentation; as many as it takes.
    pub params: &'static [&'static str],
    /// What it does, in Markdown.
    pub doc: &'static str,
    /// Under which name it is global.
    pub visibility: Visibility,
    /// False for the few that leave no line `while calling the '…' builtin` in traces.
    pub traced: bool,
    /// True for the few that want to know where they are called ([`Evaluator::sites`]).
    pub sited: bool,
    /// The argument that it evaluates before it does anything else, if there is one: a caller may evaluate it beforehand.
    pub forced: Option<u8>,
    /// The argument that it evaluates after that one, if that one is a function.
    pub next: Option<u8>,
    /// Whether it does so within a call of its own, that of the coercion.
    pub coerces: bool,
    /// Whether it keeps a function as it was given, perhaps suspended: then nobody can tell its place.
    pub as_given: bool,
    /// The arguments that it does not keep, one bit each: see [`Builtin::borrowing`].
    borrowed: u8,
    /// Its code.
    pub run: Function,
}

impl Builtin {
    /// A builtin that is global as `__name`.
    pub const fn new(
        name: &'static str,
        params: &'static [&'static str],
        run: Function,
        doc: &'static str,
    ) -> Self {
        let visibility = Visibility::Underscored;
        Builtin {
            name,
            params,
            doc,
            visibility,
            traced: true,
            sited: false,
            forced: None,
            next: None,
            coerces: false,
            as_given: false,
            borrowed: 0,
            run,
        }
    }

    /// The same, global as `name`.
    #[must_use]
    pub const fn plain(mut self) -> Self {
        self.visibility = Visibility::Plain;
        self
    }

    /// The same without its line in traces.
    #[must_use]
    pub const fn untraced(mut self) -> Self {
        self.traced = false;
        self
    }

    /// The same, told where it is called.
    #[must_use]
    pub const fn sited(mut self) -> Self {
        self.sited = true;
        self
    }

    /// The same, which evaluates the argument at this index first of all.
    #[must_use]
    pub const fn forces(mut self, index: u8) -> Self {
        self.forced = Some(index);
        self
    }

    /// The same, which evaluates this argument after the first one that it evaluates, if that is a function.
    #[must_use]
    pub const fn then(mut self, index: u8) -> Self {
        self.next = Some(index);
        self
    }

    /// The same, which coerces the argument at this index first of all.
    #[must_use]
    pub const fn coerces(mut self, index: u8) -> Self {
        (self.forced, self.coerces) = (Some(index), true);
        self
    }

    /// The same, which keeps a function as it was given.
    #[must_use]
    pub const fn as_given(mut self) -> Self {
        self.as_given = true;
        self
    }

    /// The same, which evaluates or calls the arguments at these indices and does not keep them: nothing that it makes, nor
    /// any argument of a function that it calls, is one of them *as it was given*, perhaps suspended. What they evaluate
    /// to may be kept.
    #[must_use]
    pub const fn borrowing(mut self, indices: &[u8]) -> Self {
        let mut at = 0;
        while at < indices.len() {
            self.borrowed |= 1 << indices[at];
            at += 1;
        }
        self
    }

    /// True of an argument that it does not keep.
    #[inline(always)]
    pub const fn borrows(&self, index: u8) -> bool {
        self.borrowed & (1 << index) != 0
    }

    /// Number of arguments.
    #[inline(always)]
    pub const fn arity(&self) -> usize {
        self.params.len()
    }
}

impl fmt::Debug for Builtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Builtin({})", self.name)
    }
}

/// The tables.
const FAMILIES: &[&[Builtin]] = &[
    arithmetic::BUILTINS,
    attrs::BUILTINS,
    closure::BUILTINS,
    context::BUILTINS,
    control::BUILTINS,
    derivation::BUILTINS,
    derivation_strict::BUILTINS,
    environment::BUILTINS,
    fetch::BUILTINS,
    fetch_tree::BUILTINS,
    flakes::BUILTINS,
    get_flake::BUILTINS,
    hashes::BUILTINS,
    import::BUILTINS,
    json::BUILTINS,
    lists::BUILTINS,
    paths::BUILTINS,
    regex::BUILTINS,
    search::BUILTINS,
    sort::BUILTINS,
    sources::BUILTINS,
    strings::BUILTINS,
    toml::BUILTINS,
    types::BUILTINS,
    versions::BUILTINS,
    xml::BUILTINS,
];

/// Builtins that exist only with an experimental feature.
const EXPERIMENTAL: &[(Feature, &[Builtin])] = &[
    (Feature::DynamicDerivations, derivation::DYNAMIC),
    (Feature::FetchClosure, fetch::CLOSURE),
    (Feature::FetchTree, fetch_tree::TREE),
];

/// Stands for `derivation` until it is wanted: the one builtin that is a function of the language.
pub(in crate::lang) const DERIVATION_LOADER: &Builtin = &derivation::LOADER;

/// All builtins that are functions, given the experimental features that are on.
pub fn all(features: Features) -> impl Iterator<Item = &'static Builtin> {
    let experimental = EXPERIMENTAL.iter().filter(move |(feature, _)| features.has(*feature));
    FAMILIES.iter().copied().chain(experimental.map(|(_, family)| *family)).flatten()
}
