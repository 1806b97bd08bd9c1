//! Hashes: `hashString`, `hashFile`, `convertHash`.

use super::Builtin;
use crate::lang::error::{ErrorKind, EvalError, Result};
use crate::lang::eval::{Evaluator, Feature};
use crate::lang::hash::{self, Algorithm, DEPRECATED_FORMAT, Format, Hash, HashError};
use crate::lang::syntax::Pos;
use crate::lang::value::{Value, share};

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new(
        "hashString",
        &["algorithm", "string"],
        hash_string,
        "The hash of *string* in hexadecimal. *algorithm* is `md5`, `sha1`, `sha256`, `sha512` or `blake3`.",
    )
    .forces(0),
    Builtin::new(
        "hashFile",
        &["algorithm", "path"],
        hash_file,
        "The hash of the contents of the file at *path*, as `hashString` gives it.",
    ),
    Builtin::new(
        "convertHash",
        &["set"],
        convert_hash,
        "The hash `hash` of *set* in the format `toHashFormat`: `base16`, `nix32`, `base64` or `sri`. `hashAlgo` names the \
         algorithm where the hash does not.",
    ),
];

/// The error of evaluation for an error of hashes.
#[cold]
pub(super) fn hash_error(error: &HashError) -> Box<EvalError> {
    let kind = if error.is_usage() { ErrorKind::Usage } else { ErrorKind::Other };
    EvalError::of_kind(kind, error.to_string())
}

impl Evaluator<'_> {
    /// The sha256 that something is to have; nothing at all means zeros, with a warning.
    ///
    /// # Errors
    /// When the text is no hash of this kind.
    pub(super) fn sha256_or_empty(&mut self, text: &[u8]) -> Result<Hash> {
        let parsed = hash::parse_or_empty(text, Some(Algorithm::Sha256));
        let (hash, warning) = parsed.map_err(|error| hash_error(&error))?;
        warning.iter().for_each(|warning| self.warn(warning.as_bytes()));
        Ok(hash)
    }
}

fn hash_string<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.hashString";
    let algorithm = ev.plain_string_of(args[0], Pos::NONE, context)?;
    let algorithm = Algorithm::parse(algorithm).map_err(|error| hash_error(&error))?;
    let context = "while evaluating the second argument passed to builtins.hashString";
    let string = ev.string_of(args[1], Pos::NONE, context)?;
    ev.require_algorithm(algorithm)?;
    Ok(ev.string(ev.bytes(Hash::of(algorithm, string.bytes()).encode(Format::Base16).as_bytes())))
}

fn hash_file<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.hashFile";
    let algorithm = ev.plain_string_of(args[0], Pos::NONE, context)?;
    let algorithm = Algorithm::parse(algorithm).map_err(|error| hash_error(&error))?;
    let path = ev.realised_path(args[1])?;
    let contents = ev.file_contents(&path)?;
    ev.require_algorithm(algorithm)?;
    Ok(ev.string(ev.bytes(Hash::of(algorithm, &contents).encode(Format::Base16).as_bytes())))
}

fn convert_hash<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the first argument passed to builtins.convertHash";
    let set = ev.attrs_of(args[0], Pos::NONE, context)?;
    let name = ev.symbols.intern(b"hash");
    let found = ev.required(set, name, "while locating the attribute 'hash'")?;
    let text = ev.plain_string_of(share(found.slot), Pos::NONE, "while evaluating the attribute 'hash'")?;
    let name = ev.symbols.intern(b"hashAlgo");
    let mut algorithm = None;
    if let Some(slot) = set.get(name) {
        let name = ev.plain_string_of(share(slot), Pos::NONE, "while evaluating the attribute 'hashAlgo'")?;
        algorithm = Some(Algorithm::parse(name).map_err(|error| hash_error(&error))?);
    }
    let name = ev.symbols.intern(b"toHashFormat");
    let found = ev.required(set, name, "while locating the attribute 'toHashFormat'")?;
    let context = "while evaluating the attribute 'toHashFormat'";
    let format_name = ev.plain_string_of(share(found.slot), Pos::NONE, context)?;
    let format = Format::parse(format_name).map_err(|error| hash_error(&error))?;
    if Format::is_deprecated(format_name) {
        ev.warn(DEPRECATED_FORMAT.as_bytes());
    }
    let hash = hash::parse(text, algorithm).map_err(|error| hash_error(&error))?;
    ev.require_algorithm(hash.algorithm())?;
    Ok(ev.string(ev.bytes(hash.encode(format).as_bytes())))
}

impl Evaluator<'_> {
    /// BLAKE3 is experimental in Nix.
    pub(super) fn require_algorithm(&self, algorithm: Algorithm) -> Result<()> {
        match algorithm {
            Algorithm::Blake3 => self.require(Feature::Blake3Hashes, ""),
            _ => Ok(()),
        }
    }

    /// Says a warning.
    pub(super) fn warn(&self, text: &[u8]) {
        self.world.say(&[b"warning: ", text].concat());
    }
}
