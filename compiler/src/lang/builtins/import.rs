//! Other files: `import`, `scopedImport`, `findFile`.

use super::bring::world_error;
use super::fetch::is_remote;
use super::{Builtin, shipped};
use crate::lang::error::{ErrorKind, EvalError, Result};
use crate::lang::eval::{Coercion, Evaluator};
use crate::lang::syntax::Pos;
use crate::lang::value::{Value, share};

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new(
        "import",
        &["path"],
        import,
        "The value of the file at *path*; of a directory, its `default.nix`.",
    )
    .plain(),
    Builtin::new(
        "scopedImport",
        &["scope", "path"],
        scoped_import,
        "The value of the file at *path*, in which the attributes of *scope* are variables.",
    )
    .plain(),
    Builtin::new(
        "findFile",
        &["search-path", "lookup-path"],
        find_file,
        "Where `<lookup-path>` is: *search-path* is a list of `{ prefix; path; }`.",
    ),
];

fn import<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let path = ev.realised_text(args[0])?;
    ev.eval_file(&path)
}

fn scoped_import<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let path = ev.realised_text(args[1])?;
    let context = "while evaluating the first argument passed to builtins.scopedImport";
    let scope = ev.attrs_of(args[0], Pos::NONE, context)?;
    ev.eval_file_in_scope(&path, scope)
}

fn find_file<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.findFile";
    let list = ev.list_of(args[0], Pos::NONE, context)?;
    let (prefix_name, path_name) = (ev.symbols.intern(b"prefix"), ev.symbols.intern(b"path"));
    let mut entries = Vec::with_capacity(list.len());
    for slot in list.items() {
        let context = "while evaluating an element of the list passed to builtins.findFile";
        let entry = ev.attrs_of(share(slot), Pos::NONE, context)?;
        let mut prefix: &[u8] = b"";
        if let Some(found) = entry.find(prefix_name) {
            let context = "while evaluating the `prefix` attribute of an element of the list passed to builtins.findFile";
            prefix = ev.plain_string_of(share(found.slot), Pos::NONE, context)?;
        }
        let path = ev.required(entry, path_name, "in an element of the __nixPath")?;
        let context =
            "while evaluating the `path` attribute of an element of the list passed to builtins.findFile";
        let how = Coercion { more: false, copy: false, canonical: true };
        let path = ev.coerce_to_string(share(path.slot), Pos::NONE, context, how)?;
        entries.push((prefix, path.bytes));
    }
    let context = "while evaluating the second argument passed to builtins.findFile";
    let wanted = ev.plain_string_of(args[1], Pos::NONE, context)?;
    ev.find_file(&entries, wanted)
}

impl<'a> Evaluator<'a> {
    /// The path that `<wanted>` means under the search path of the options.
    ///
    /// # Errors
    /// When it is nowhere.
    pub fn look_up(&mut self, wanted: &[u8]) -> Result<Vec<u8>> {
        let entries = self.options.search_path.clone();
        let entries: Vec<(&[u8], Vec<u8>)> =
            entries.iter().map(|(prefix, path)| (&prefix[..], path.clone())).collect();
        match self.find_file(&entries, wanted)? {
            Value::Path(path) => Ok(path.bytes.to_vec()),
            _ => Ok(Vec::new()),
        }
    }

    /// Where `<wanted>` is.
    fn find_file(&mut self, entries: &[(&[u8], Vec<u8>)], wanted: &[u8]) -> Result<Value<'a>> {
        let entries = if self.options.sealed { &[] } else { entries };
        for (prefix, path) in entries {
            let Some(suffix) = suffix_below(prefix, wanted) else { continue };
            let Some(place) = self.search_place(path)? else { continue };
            let found = self.without_links(&[&place, b"/".as_slice(), suffix].concat(), true)?;
            if self.world.file_type(&found).map_err(world_error)?.is_some() {
                return Ok(self.path(&found));
            }
        }
        if let Some(name) = wanted.strip_prefix(b"nix/") {
            return Ok(self.path_literal(self.bytes(&shipped::path(name))));
        }
        if self.options.sealed {
            let text =
                [b"cannot look up '<", wanted, b">' in pure evaluation mode (use '--impure' to override)"];
            return Err(EvalError::of_kind(ErrorKind::Throw, text.concat()));
        }
        let text = [
            b"file '".as_slice(),
            wanted,
            b"' was not found in the Nix search path (add it using $NIX_PATH or -I)",
        ];
        Err(EvalError::of_kind(ErrorKind::Throw, text.concat()))
    }
}

impl Evaluator<'_> {
    /// Where an entry of the search path is, if it is anywhere; what it names is fetched. Each is looked for once.
    fn search_place(&mut self, entry: &[u8]) -> Result<Option<Vec<u8>>> {
        if let Some(known) = self.search_places.get(entry) {
            return Ok(known.clone());
        }
        let place = match std::str::from_utf8(entry).ok().filter(|word| is_remote(word)) {
            Some(word) => match self.unpacked(word) {
                Ok(place) => Some(place),
                Err(error) if !error.is_traced() => return Err(error),
                Err(_) => {
                    self.ignored(entry, "cannot be downloaded");
                    None
                }
            },
            None if entry.starts_with(b"/") => Some(entry.to_owned()),
            None => Some([&self.options.directory, b"/".as_slice(), entry].concat()),
        };
        let place = match place {
            Some(place) => self.existing(&place)?,
            None => None,
        };
        if place.is_none() {
            self.ignored(entry, "does not exist");
        }
        self.search_places.insert(entry.to_owned(), place.clone());
        Ok(place)
    }

    /// Where a path leads, if to something that may be seen.
    fn existing(&self, path: &[u8]) -> Result<Option<Vec<u8>>> {
        let reached = self.without_links(path, true)?;
        let is_there =
            self.world.may_see(&reached) && self.world.file_type(&reached).map_err(world_error)?.is_some();
        Ok(is_there.then_some(reached))
    }

    fn ignored(&self, entry: &[u8], why: &str) {
        let text =
            [b"warning: Nix search path entry '".as_slice(), entry, b"' ", why.as_bytes(), b", ignoring"];
        self.world.say(&text.concat());
    }
}

/// What of a path lies below a prefix; the empty prefix covers everything.
fn suffix_below<'p>(prefix: &[u8], path: &'p [u8]) -> Option<&'p [u8]> {
    if prefix.is_empty() {
        return Some(path);
    }
    match path.strip_prefix(prefix)? {
        b"" => Some(b""),
        rest => rest.strip_prefix(b"/"),
    }
}
