//! The names that are known without being bound, and the set `builtins`.

use super::Evaluator;
use crate::lang::builtins::{self, Builtin, Visibility, shipped};
use crate::lang::error::Result;
use crate::lang::syntax::symbol::known;
use crate::lang::syntax::{Origin, Pos, Symbol};
use crate::lang::value::attrs::AttrsBuilder;
use crate::lang::value::{Attrs, NixString, PathValue, Value};

/// The version of Nix that programs see.
pub const NIX_VERSION: &str = "2.34.8";

/// The version of the language that programs see.
pub const LANG_VERSION: i64 = 6;

/// What stands in the set of a place until its line or column is wanted.
static NUMBER: Builtin = Builtin::new("number", &["number"], number, "Its argument.").untraced();

fn number<'a>(_: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    Ok(args[0])
}

/// A name that is known without being bound.
#[derive(Clone, Copy, Debug)]
pub struct Global<'a> {
    /// The name.
    pub name: Symbol,
    /// What it means.
    pub value: Value<'a>,
}

/// Makes the globals, sorted by name.
pub(super) fn make<'a>(ev: &mut Evaluator<'a>) -> Vec<Global<'a>> {
    let mut globals = Vec::new();
    let mut set = Vec::new();
    for builtin in builtins::all(ev.options.features) {
        let name = ev.symbols.intern(builtin.name.as_bytes());
        let value = Value::Builtin(builtin);
        let global = match builtin.visibility {
            Visibility::Plain => name,
            Visibility::Underscored => ev.symbols.intern(format!("__{}", builtin.name).as_bytes()),
        };
        globals.push(Global { name: global, value });
        set.push(Global { name, value });
    }
    for (name, visibility, value) in constants(ev) {
        let symbol = ev.symbols.intern(name.as_bytes());
        let global = match visibility {
            Visibility::Plain => symbol,
            Visibility::Underscored => ev.symbols.intern(format!("__{name}").as_bytes()),
        };
        globals.push(Global { name: global, value });
        set.push(Global { name: symbol, value });
    }
    let builtins = builtins_set(ev, &set);
    globals.push(Global { name: known::BUILTINS, value: builtins });
    globals.sort_by_key(|global| global.name);
    globals
}

/// The set of everything, which contains itself.
fn builtins_set<'a>(ev: &Evaluator<'a>, members: &[Global<'a>]) -> Value<'a> {
    let mut builder = AttrsBuilder::with_capacity(members.len() + 1);
    builder.push(known::BUILTINS, Pos::NONE, Value::Null);
    for member in members {
        builder.push(member.name, Pos::NONE, member.value);
    }
    let attrs: &'a Attrs<'a> = builder.finish(ev.arena);
    if let Some(itself) = attrs.get(known::BUILTINS) {
        itself.set(Value::Attrs(attrs));
    }
    Value::Attrs(attrs)
}

fn constants<'a>(ev: &mut Evaluator<'a>) -> Vec<(&'static str, Visibility, Value<'a>)> {
    let search_path = ev.search_path();
    let derivation = ev.deferred_call(Value::Builtin(builtins::DERIVATION_LOADER), &[Value::Null]);
    let derivation = ev.thunk(derivation);
    let text = |text: &[u8]| ev.string(ev.bytes(text));
    let mut all = vec![
        ("derivation", Visibility::Plain, derivation),
        ("true", Visibility::Plain, Value::Bool(true)),
        ("false", Visibility::Plain, Value::Bool(false)),
        ("null", Visibility::Plain, Value::Null),
        ("nixVersion", Visibility::Underscored, text(NIX_VERSION.as_bytes())),
        ("langVersion", Visibility::Underscored, Value::Int(LANG_VERSION)),
        ("storeDir", Visibility::Underscored, text(&ev.options.store_dir)),
        ("nixPath", Visibility::Underscored, search_path),
    ];
    if ev.options.impure {
        all.push(("currentSystem", Visibility::Underscored, text(&ev.options.system)));
        all.push(("currentTime", Visibility::Underscored, Value::Int(ev.world.now())));
    }
    all
}

impl<'a> Evaluator<'a> {
    /// What a name means that nothing binds.
    pub(in crate::lang) fn global(&self, name: Symbol) -> Option<Value<'a>> {
        let index = self.globals.binary_search_by_key(&name, |global| global.name).ok()?;
        Some(self.globals[index].value)
    }

    /// Makes `derivation` the function that it is, rather than one that is made when it is wanted: only whoever shows
    /// values without evaluating them can tell.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn load_derivation(&mut self) -> Result<()> {
        let name = self.symbols.intern(b"derivation");
        if let Some(derivation) = self.global(name) {
            self.force(derivation, Pos::NONE)?;
        }
        Ok(())
    }

    /// The value of `__nixPath`: the search path as a list of sets with `path` and `prefix`.
    fn search_path(&mut self) -> Value<'a> {
        let (path_name, prefix_name) = (self.symbols.intern(b"path"), self.symbols.intern(b"prefix"));
        let entries = std::mem::take(&mut self.options.search_path);
        let sets: Vec<Value<'a>> = entries
            .iter()
            .map(|(prefix, path)| {
                let mut builder = AttrsBuilder::with_capacity(2);
                builder.push(path_name, Pos::NONE, self.string(self.bytes(path)));
                builder.push(prefix_name, Pos::NONE, self.string(self.bytes(prefix)));
                Value::Attrs(builder.finish(self.arena))
            })
            .collect();
        self.options.search_path = entries;
        self.list(sets.into_iter())
    }

    /// The value of a path literal, whose text is canonical.
    pub(in crate::lang) fn path_literal(&self, bytes: &'a [u8]) -> Value<'a> {
        Value::Path(self.arena.alloc(PathValue { bytes }))
    }

    /// The value of `__curPos`: a set, or null where the source is no file.
    pub fn place_value(&mut self, pos: Pos) -> Value<'a> {
        let Some(place) = self.sources.resolve(pos) else { return Value::Null };
        let (Origin::File(path) | Origin::Internal(path)) = place.origin else { return Value::Null };
        let path = shipped::as_text(path).unwrap_or(path);
        let mut builder = AttrsBuilder::with_capacity(3);
        builder.push(known::FILE, Pos::NONE, Value::String(NixString::new(self.arena, path, None)));
        for (symbol, number) in [(known::LINE, place.line), (known::COLUMN, place.column)] {
            // Nix counts lines only when they are wanted; that shows where a set is printed as it is.
            let number = self.deferred_call(Value::Builtin(&NUMBER), &[Value::Int(i64::from(number))]);
            builder.push(symbol, Pos::NONE, number);
        }
        Value::Attrs(builder.finish(self.arena))
    }
}
