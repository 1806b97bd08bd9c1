//! Files and texts that become store objects: `path`, `filterSource`, `toFile`, `storePath`, and interpolated paths.
//!
//! Nothing is written; evaluation needs to know only where things would be. The world is told what was added.

use super::context::shown;
use super::derivation_strict::path_error;
use super::paths::missing;
use super::{Builtin, shipped};
use crate::lang::error::{EvalError, Result};
use crate::lang::eval::{Evaluator, Text};
use crate::lang::hash::{Algorithm, Hash, Hasher};
use crate::lang::nar::{self, Node, Tree};
use crate::lang::store_path::{
    DERIVATION_ENDING, FileMethod, References, StorePath, fixed_output_path, text_path,
};
use crate::lang::syntax::Pos;
use crate::lang::syntax::symbol::{known, quoted_name};
use crate::lang::value::{Context, ContextElement, Value, share};
use crate::lang::world::{FileType, Object};

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new(
        "toFile",
        &["name", "contents"],
        to_file,
        "The store path of a file with the text *contents*, which may refer to other sources but to no derivations.",
    ),
    Builtin::new(
        "storePath",
        &["path"],
        store_path,
        "*path*, which is in the store, with a reference to the object it is in.",
    ),
    Builtin::new(
        "filterSource",
        &["filter", "path"],
        filter_source,
        "The store path of a copy of *path* with what *filter* (called with each path and its type) returns true for.",
    ),
    Builtin::new(
        "path",
        &["set"],
        path,
        "The store path of a copy of `path`. `name` names it; `filter` chooses as in `filterSource`; with `recursive` false \
         it is a plain file, hashed as such; `sha256` is the hash expected.",
    ),
];

fn to_file<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.toFile";
    let name = ev.plain_string_of(args[0], Pos::NONE, context)?;
    let context = "while evaluating the second argument passed to builtins.toFile";
    let contents = ev.string_of(args[1], Pos::NONE, context)?;
    let store = ev.store_dir();
    let mut referred = Vec::new();
    for element in contents.context.map_or(&[][..], |context| context.elements) {
        let ContextElement::Opaque(path) = element else {
            let parts = [
                b"files created by builtins.toFile may not reference derivations, but ",
                name,
                b" references ",
                &shown(element),
            ];
            return Err(EvalError::new(parts.concat()));
        };
        referred.push(store.parse(path).map_err(|error| path_error(&error))?);
    }
    let references = References::to(referred.iter());
    let hash = Hash::of(Algorithm::Sha256, contents.bytes());
    let path = text_path(&store, name, &hash, &references).map_err(|error| path_error(&error))?;
    ev.add_object(&path, Object::Text(contents.bytes()))?;
    Ok(ev.store_path_value(&path))
}

fn store_path<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    if !ev.options.impure {
        return Err(EvalError::new("'builtins.storePath' is not allowed in pure evaluation mode"));
    }
    let context = "while evaluating the first argument passed to 'builtins.storePath'";
    let mut path = ev.coerce_to_path(args[0], Pos::NONE, context)?;
    let store = ev.store_dir();
    // A link that is itself the store object stays.
    if store.parse(&path.bytes).is_err() {
        path.bytes = ev.without_links(&path.bytes, true)?;
    }
    let (object, _) = store.split(&path.bytes).map_err(|error| path_error(&error))?;
    let element = ContextElement::Opaque(ev.bytes(&store.print(&object)));
    path.context = Context::union(ev.arena, path.context, Context::new(ev.arena, vec![element]));
    Ok(ev.text_value(path))
}

fn filter_source<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context =
        "while evaluating the second argument (the path to filter) passed to 'builtins.filterSource'";
    let path = ev.coerce_to_path(args[1], Pos::NONE, context)?;
    let context = "while evaluating the first argument passed to builtins.filterSource";
    let filter = ev.function_of(args[0], Pos::NONE, context)?;
    let name = source_name(&path.bytes).to_vec();
    ev.add_path(Addition { path, name, filter: Some(filter), method: FileMethod::Archive, expected: None })
}

fn path<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let attrs = ev.attrs_of(args[0], Pos::NONE, "while evaluating the argument passed to 'builtins.path'")?;
    let (mut path, mut name, mut filter) = (None, Vec::new(), None);
    let (mut method, mut expected) = (FileMethod::Archive, None);
    let mut context = None;
    for (symbol, found) in attrs.iter(ev.arena) {
        let (pos, value) = (found.pos, share(found.slot));
        match ev.symbols.name(symbol) {
            b"path" => {
                let what = "while evaluating the 'path' attribute passed to 'builtins.path'";
                let text = ev.coerce_to_path(value, pos, what)?;
                context = text.context;
                path = Some(text.bytes);
            }
            _ if symbol == known::NAME => {
                let what = "while evaluating the `name` attribute passed to builtins.path";
                name = ev.plain_string_of(value, pos, what)?.to_vec();
            }
            b"filter" => {
                let what = "while evaluating the `filter` parameter passed to builtins.path";
                filter = Some(ev.function_of(value, pos, what)?);
            }
            b"recursive" => {
                let what = "while evaluating the `recursive` attribute passed to builtins.path";
                let recursive = ev.bool_of(value, pos, what)?;
                method = if recursive { FileMethod::Archive } else { FileMethod::Flat };
            }
            b"sha256" => {
                let what = "while evaluating the `sha256` attribute passed to builtins.path";
                let text = ev.plain_string_of(value, pos, what)?;
                expected = Some(ev.sha256_or_empty(text)?);
            }
            other => {
                let parts =
                    [b"unsupported argument '".as_slice(), &quoted_name(other), b"' to 'builtins.path'"];
                return Err(EvalError::new(parts.concat()).at(pos));
            }
        }
    }
    let Some(path) = path else {
        let text = "missing required 'path' attribute in the first argument to 'builtins.path'";
        return Err(EvalError::new(text));
    };
    if name.is_empty() {
        name = source_name(&path).to_vec();
    }
    ev.add_path(Addition { path: Text { bytes: path, context }, name, filter, method, expected })
}

/// The name of a source: the last part of its path.
fn source_name(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) if at + 1 < path.len() => &path[at + 1..],
        _ => b"source",
    }
}

/// Something to be added to the store.
struct Addition<'a> {
    path: Text<'a>,
    name: Vec<u8>,
    filter: Option<Value<'a>>,
    method: FileMethod,
    expected: Option<Hash>,
}

/// The files of the world, with a function that chooses among them.
struct Files<'e, 'a> {
    ev: &'e mut Evaluator<'a>,
    filter: Option<Value<'a>>,
    /// Paths that it did not choose.
    left_out: Vec<Vec<u8>>,
}

impl Files<'_, '_> {
    fn kind(&self, path: &[u8]) -> Result<FileType> {
        if shipped::is_shipped(path) {
            return shipped::contents(path).map(|_| FileType::Regular).ok_or_else(|| missing(path));
        }
        match self.ev.world.file_type(path) {
            Ok(Some(kind)) => Ok(kind),
            Ok(None) => Err(missing(path)),
            Err(error) => Err(EvalError::new(error.0)),
        }
    }
}

impl Tree for Files<'_, '_> {
    type Error = Box<EvalError>;

    fn node(&mut self, path: &[u8]) -> Result<Node> {
        let world = self.ev.world;
        let node = match self.kind(path)? {
            FileType::Regular if shipped::is_shipped(path) => {
                Ok(Node::Regular { executable: false, contents: self.ev.file_contents(path)? })
            }
            FileType::Regular => world.is_executable(path).and_then(|executable| {
                world.read_file(path).map(|contents| Node::Regular { executable, contents })
            }),
            FileType::Directory => world
                .read_dir(path)
                .map(|entries| Node::Directory(entries.into_iter().map(|(name, _)| name).collect())),
            FileType::Symlink => world.read_link(path).map(Node::Symlink),
            FileType::Unknown => {
                return Err(EvalError::new([b"file '", path, b"' has an unsupported type"].concat()));
            }
        };
        node.map_err(|error| EvalError::new(error.0))
    }

    fn is_kept(&mut self, path: &[u8]) -> Result<bool> {
        let Some(filter) = self.filter else { return Ok(true) };
        let kind = self.kind(path)?;
        let args = [self.ev.string(self.ev.bytes(path)), self.ev.string(kind.name().as_bytes())];
        let kept = self.ev.call(filter, &args, Pos::NONE)?;
        let what = "while evaluating the return value of the path filter function";
        let is_kept = self.ev.bool_of(kept, Pos::NONE, what)?;
        if !is_kept {
            self.left_out.push(path.to_vec());
        }
        Ok(is_kept)
    }
}

impl<'a> Evaluator<'a> {
    /// A store path as a string that refers to it.
    pub(super) fn store_path_value(&self, path: &StorePath) -> Value<'a> {
        let full = self.bytes(&self.store_dir().print(path));
        self.string_with(full, Context::new(self.arena, vec![ContextElement::Opaque(full)]))
    }

    fn add_path(&mut self, addition: Addition<'a>) -> Result<Value<'a>> {
        let shown = addition.path.bytes.clone();
        self.addition_path(addition)
            .map_err(|error| error.trace(Pos::NONE, [b"while adding path '", &shown[..], b"'"].concat()))
    }

    fn addition_path(&mut self, addition: Addition<'a>) -> Result<Value<'a>> {
        let Addition { path, name, filter, method, expected } = addition;
        let store = self.store_dir();
        if store.contains(&path.bytes) {
            for element in path.context.map_or(&[][..], |context| context.elements) {
                self.check_present(element)?;
            }
        }
        let place =
            |hash: &Hash| fixed_output_path(&store, &name, method, hash).map_err(|error| path_error(&error));
        let expected = expected.map(|hash| place(&hash)).transpose()?;
        if let Some(expected) = &expected
            && matches!(self.world.file_type(&store.print(expected)), Ok(Some(_)))
        {
            return Ok(self.store_path_value(expected));
        }
        let source = self.without_links(&path.bytes, true)?;
        let (hash, left_out) = self.hash_chosen(&source, filter, method)?;
        let found = place(&hash)?;
        if expected.is_some_and(|expected| expected != found) {
            let parts =
                [b"store path mismatch in (possibly filtered) path added from '", &path.bytes[..], b"'"];
            return Err(EvalError::new(parts.concat()));
        }
        self.add_copy(&found, &source, &left_out, method)?;
        Ok(self.store_path_value(&found))
    }

    /// Tells the world of a copy.
    fn add_copy(
        &self,
        object: &StorePath,
        original: &[u8],
        left_out: &[Vec<u8>],
        method: FileMethod,
    ) -> Result<()> {
        if shipped::is_shipped(original) {
            return self.add_object(object, Object::Text(&self.file_contents(original)?));
        }
        self.add_object(object, Object::Copy { original, left_out, is_plain: method == FileMethod::Flat })
    }

    /// Tells the world of an object, where there is room for it.
    pub(super) fn add_object(&self, path: &StorePath, object: Object<'_>) -> Result<()> {
        self.room_for(self.world.add(&self.store_dir().print(path), object))
    }

    /// The hash by which a file or tree is addressed.
    pub(super) fn hash_source(&mut self, path: &[u8], method: FileMethod) -> Result<Hash> {
        Ok(self.hash_chosen(path, None, method)?.0)
    }

    /// The hash of what a filter chooses, and the paths that it leaves out.
    fn hash_chosen(
        &mut self,
        path: &[u8],
        filter: Option<Value<'a>>,
        method: FileMethod,
    ) -> Result<(Hash, Vec<Vec<u8>>)> {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        let mut files = Files { ev: self, filter, left_out: Vec::new() };
        if method == FileMethod::Flat {
            hasher.update(&files.ev.file_contents(path)?);
        } else {
            nar::write(&mut files, path, &mut |piece| hasher.update(piece))?;
        }
        let left_out = files.left_out;
        Ok((hasher.finish(), left_out))
    }

    /// The store path that a path has once it is copied there, as interpolation does.
    ///
    /// # Errors
    /// When there is nothing, or it cannot be read.
    pub(in crate::lang) fn copied_to_store(&mut self, path: &[u8]) -> Result<Text<'a>> {
        if path.ends_with(DERIVATION_ENDING) {
            return Err(EvalError::new("file names are not allowed to end in '.drv'"));
        }
        let object = match self.memory.sources.get(path) {
            Some(object) => object.clone(),
            None => {
                let (source, name) = match shipped::as_text(path) {
                    Some(name) => (path.to_vec(), name),
                    None => (self.without_links(path, false)?, path),
                };
                let hash = self.hash_source(&source, FileMethod::Archive)?;
                let store = self.store_dir();
                let object = fixed_output_path(&store, source_name(name), FileMethod::Archive, &hash)
                    .map_err(|error| path_error(&error))?;
                self.add_copy(&object, &source, &[], FileMethod::Archive)?;
                self.memory.sources.insert(path.to_vec(), object.clone());
                object
            }
        };
        let full = self.bytes(&self.store_dir().print(&object));
        let context = Context::new(self.arena, vec![ContextElement::Opaque(full)]);
        Ok(Text { bytes: full.to_vec(), context })
    }
}
