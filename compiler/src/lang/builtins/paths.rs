//! Paths as text and what is at them: `baseNameOf`, `dirOf`, `toPath`, `pathExists`, `readFile`, `readDir`,
//! `readFileType`.

use super::{Builtin, shipped};
use crate::lang::error::{EvalError, Result};
use crate::lang::eval::{Coercion, Evaluator};
use crate::lang::syntax::Pos;
use crate::lang::value::attrs::AttrsBuilder;
use crate::lang::value::{ContextElement, Value};
use crate::lang::world::FileType;

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new(
        "baseNameOf",
        &["path"],
        base_name_of,
        "What follows the last slash of *path*, a slash at the end aside.",
    ).borrowing(&[0])
    .plain(),
    Builtin::new(
        "dirOf",
        &["path"],
        dir_of,
        "What precedes the last slash of *path*; of a path value, a path value.",
    ).borrowing(&[0])
    .plain(),
    Builtin::new(
        "toPath",
        &["string"],
        to_path,
        "*string*, an absolute path, without `.`, `..` and doubled slashes. Better: `/. + string`.",
    ),
    Builtin::new("pathExists", &["path"], path_exists, "True when there is something at *path*.").borrowing(&[0]),
    Builtin::new("readFile", &["path"], read_file, "The contents of the file at *path*.").borrowing(&[0]),
    Builtin::new(
        "readDir",
        &["path"],
        read_dir,
        "What is in the directory at *path*: a set with the type of each entry, `regular`, `directory`, `symlink` or `unknown`.",
    ).borrowing(&[0]),
    Builtin::new(
        "readFileType",
        &["path"],
        read_file_type,
        "The type of what is at *path*, as `readDir` names it.",
    ),
];

/// How paths become strings without being copied.
const AS_WRITTEN: Coercion = Coercion { more: false, copy: false, canonical: false };

/// What the trace says of every path that is about to be read.
const REALISING: &str = "while realising the context of a path";

/// Symbolic links followed before a path is given up.
const MOST_LINKS: usize = 1024;

fn base_name_of<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.baseNameOf";
    let text = ev.coerced(args[0], context, AS_WRITTEN)?;
    Ok(ev.string_with(base_name(text.bytes()), text.context))
}

/// One slash at the end does not count; a second one does.
fn base_name(path: &[u8]) -> &[u8] {
    let path = match path {
        [rest @ .., b'/'] if !rest.is_empty() => rest,
        whole => whole,
    };
    let begin = path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    &path[begin..]
}

fn dir_of<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    if let Value::Path(path) = ev.force(args[0], Pos::NONE)? {
        return Ok(ev.path_literal(directory(path.bytes)));
    }
    let context = "while evaluating the first argument passed to 'builtins.dirOf'";
    let text = ev.coerced(args[0], context, AS_WRITTEN)?;
    Ok(ev.string_with(directory(text.bytes()), text.context))
}

fn directory(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|byte| *byte == b'/') {
        None => b".",
        Some(0) => b"/",
        Some(at) => &path[..at],
    }
}

fn to_path<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.toPath";
    let path = ev.coerce_to_path(args[0], Pos::NONE, context)?;
    Ok(ev.text_value(path))
}

fn path_exists<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let must_be_directory = match ev.force(args[0], Pos::NONE)? {
        Value::String(text) => text.bytes().ends_with(b"/") || text.bytes().ends_with(b"/."),
        _ => false,
    };
    let path = ev.realised_text(args[0])?;
    if shipped::is_shipped(&path) {
        return Ok(Value::Bool(shipped::contents(&path).is_some()));
    }
    if !ev.world.may_see(&path) {
        return Ok(Value::Bool(false));
    }
    let path = ev.realised_without_links(&path, must_be_directory)?;
    if !ev.world.may_see(&path) {
        // A link led out of what may be seen.
        return Ok(Value::Bool(false));
    }
    let found = ev.world.file_type(&path).map_err(|error| EvalError::new(error.0))?;
    Ok(Value::Bool(match found {
        Some(kind) => !must_be_directory || kind == FileType::Directory,
        None => false,
    }))
}

fn read_file<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let path = ev.realised_path(args[0])?;
    let contents = ev.file_contents(&path)?;
    if contents.contains(&0) {
        let parts = [b"the contents of the file '", &path[..], b"' cannot be represented as a Nix string"];
        return Err(EvalError::new(parts.concat()));
    }
    Ok(ev.string(ev.bytes(&contents)))
}

fn read_dir<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let path = ev.realised_path(args[0])?;
    if ev.world.file_type(&path).map_err(|error| EvalError::new(error.0))?.is_none() {
        return Err(missing(&path));
    }
    let entries = ev.world.read_dir(&path).map_err(|error| EvalError::new(error.0))?;
    let mut builder = AttrsBuilder::with_capacity(entries.len());
    for (name, kind) in entries {
        let value = ev.string(kind.name().as_bytes());
        builder.push(ev.symbols.intern(&name), Pos::NONE, value);
    }
    Ok(Value::Attrs(builder.finish(ev.arena)))
}

fn read_file_type<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let path = ev.realised_text(args[0])?;
    // As `lstat` of C++ Nix has it: no link on the way is followed.
    let is_link = |place: &[u8]| matches!(ev.world.file_type(place), Ok(Some(FileType::Symlink)));
    let mut above =
        path.iter().enumerate().skip(1).filter(|(_, byte)| **byte == b'/').map(|(end, _)| &path[..end]);
    if let Some(link) = above.find(|place| is_link(place)) {
        return Err(EvalError::new([b"path '", link, b"' is a symlink"].concat()));
    }
    match ev.world.file_type(&path).map_err(|error| EvalError::new(error.0))? {
        Some(kind) => Ok(ev.string(kind.name().as_bytes())),
        None => Err(missing(&path)),
    }
}

#[cold]
pub(super) fn missing(path: &[u8]) -> Box<EvalError> {
    EvalError::new([b"path '", path, b"' does not exist"].concat())
}

#[cold]
fn realising(error: Box<EvalError>, path: &[u8]) -> Box<EvalError> {
    error.trace(Pos::NONE, [b"while realising the context of path '", path, b"'"].concat())
}

impl<'a> Evaluator<'a> {
    /// The path that a value means, about to be read: what it refers to must be in the store.
    ///
    /// # Errors
    /// When it means none, or what it refers to is not there.
    pub(super) fn realised_text(&mut self, value: Value<'a>) -> Result<Vec<u8>> {
        let path = self.coerce_to_path(value, Pos::NONE, REALISING)?;
        for element in path.context.map_or(&[][..], |context| context.elements) {
            self.check_present(element).map_err(|error| realising(error, &path.bytes))?;
        }
        Ok(path.bytes)
    }

    /// The same with all symbolic links followed.
    ///
    /// # Errors
    /// As [`Evaluator::realised_text`], and when links go round.
    pub(in crate::lang) fn realised_path(&mut self, value: Value<'a>) -> Result<Vec<u8>> {
        let path = self.realised_text(value)?;
        if shipped::is_shipped(&path) {
            return Ok(path);
        }
        self.realised_without_links(&path, true)
    }

    /// [`Evaluator::without_links`] of a path that is about to be read.
    fn realised_without_links(&self, path: &[u8], full: bool) -> Result<Vec<u8>> {
        self.without_links(path, full).map_err(|error| realising(error, path))
    }

    /// Evaluation reads what is in the store, and builds nothing.
    pub(super) fn check_present(&self, element: &ContextElement<'a>) -> Result<()> {
        let (path, output) = match *element {
            ContextElement::Opaque(path) | ContextElement::Deep(path) => (path, None),
            ContextElement::Built { derivation, output } => (derivation, Some(output)),
        };
        if !self.world.has_object(path).map_err(|error| EvalError::new(error.0))? {
            return Err(EvalError::new([b"path '", base_name(path), b"' is not valid"].concat()));
        }
        match output {
            None => Ok(()),
            Some(output) => {
                let parts = [
                    b"cannot build '",
                    path,
                    b"^",
                    output,
                    b"' during evaluation because the option 'allow-import-from-derivation' is disabled",
                ];
                Err(EvalError::new(parts.concat()))
            }
        }
    }

    /// A path with its symbolic links followed; without `full`, not one that the path itself is.
    ///
    /// # Errors
    /// When links go round.
    pub(in crate::lang) fn without_links(&self, path: &[u8], full: bool) -> Result<Vec<u8>> {
        let parts = |path: &[u8]| -> Vec<Vec<u8>> {
            path.split(|b| *b == b'/').filter(|part| !part.is_empty()).rev().map(<[u8]>::to_vec).collect()
        };
        let mut resolved: Vec<u8> = Vec::new();
        let mut pending = parts(path);
        let mut links = 0;
        while let Some(part) = pending.pop() {
            match &part[..] {
                b"." => continue,
                b".." => {
                    resolved.truncate(resolved.iter().rposition(|b| *b == b'/').unwrap_or(0));
                    continue;
                }
                _ => {}
            }
            let parent = resolved.len();
            resolved.push(b'/');
            resolved.extend_from_slice(&part);
            if (!full && pending.is_empty())
                || !matches!(self.world.file_type(&resolved), Ok(Some(FileType::Symlink)))
            {
                continue;
            }
            links += 1;
            if links > MOST_LINKS {
                let parts = [b"infinite symlink recursion in path '", path, b"'"];
                return Err(EvalError::new(parts.concat()));
            }
            let target = self.world.read_link(&resolved).map_err(|error| EvalError::new(error.0))?;
            resolved.truncate(if target.first() == Some(&b'/') { 0 } else { parent });
            pending.extend(parts(&target));
        }
        if resolved.is_empty() {
            resolved.push(b'/');
        }
        Ok(resolved)
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub(in crate::lang) fn file_contents(&self, path: &[u8]) -> Result<Vec<u8>> {
        if shipped::is_shipped(path) {
            let missing = || EvalError::new([b"file '", path, b"' does not exist"].concat());
            return shipped::contents(path).map(<[u8]>::to_vec).ok_or_else(missing);
        }
        match self.world.file_type(path) {
            Ok(None) => Err(missing(path)),
            Err(error) => Err(EvalError::new(error.0)),
            Ok(Some(_)) => self.read_file(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_directories() {
        for (path, name) in
            [("/a/b/", "b"), ("/a/b//", ""), ("", ""), ("/", ""), ("a", "a"), ("/a/b", "b"), ("//", "")]
        {
            assert_eq!(base_name(path.as_bytes()), name.as_bytes(), "{path}");
        }
        for (path, parent) in
            [("/a/b/", "/a/b"), ("a", "."), ("/a", "/"), ("/", "/"), ("", "."), ("a/b", "a")]
        {
            assert_eq!(directory(path.as_bytes()), parent.as_bytes(), "{path}");
        }
    }
}
