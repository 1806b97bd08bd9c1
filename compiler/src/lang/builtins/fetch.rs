//! Files from elsewhere: `fetchurl`, `fetchTarball`, `fetchClosure`.
//!
//! What is pinned by a hash and lies in the store is taken from there.

use buildc_digest::Digest;
use buildc_ir::source::Source;

use super::Builtin;
use super::bring::world_error;
use super::derivation_strict::path_error;
use crate::lang::error::{ErrorKind, EvalError, Result};
use crate::lang::eval::{Coercion, Evaluator};
use crate::lang::flake_ref::is_scheme;
use crate::lang::hash::{Format, Hash};
use crate::lang::store_path::{FileMethod, StorePath, check_name, fixed_output_path};
use crate::lang::syntax::Pos;
use crate::lang::syntax::symbol::{known, quoted_name};
use crate::lang::value::{Value, share};

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new(
        "fetchurl",
        &["arg"],
        fetchurl,
        "The store path of the file at the URL *arg*, or at its `url`, with the hash `sha256` and the name `name`.",
    ),
    Builtin::new(
        "fetchTarball",
        &["arg"],
        fetch_tarball,
        "The store path of what is in the archive at the URL *arg*, or at its `url`, with the hash `sha256` and the name `name`.",
    )
    .plain(),
];

/// Builtins that exist only with the experimental feature `fetch-closure`.
pub(super) const CLOSURE: &[Builtin] = &[Builtin::new(
    "fetchClosure",
    &["args"],
    fetch_closure,
    "The store path `fromPath`, fetched from the binary cache `fromStore`.",
)];

/// What is to be fetched.
struct Request {
    url: Vec<u8>,
    name: Vec<u8>,
    expected: Option<Hash>,
}

fn fetchurl<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let request = request(ev, args[0], "fetchurl", b"")?;
    if let Some(found) = pinned(ev, &request, FileMethod::Flat)? {
        return Ok(found);
    }
    let url = String::from_utf8_lossy(&request.url).into_owned();
    if !has_scheme(&url) {
        return Err(EvalError::new(format!("URL '{url}' doesn't have a scheme")));
    }
    let source = Source::File { sha256: request.locked(ev, &url)?, url };
    let kept = ev.kept(&source, &request.name, FileMethod::Flat, &mut |hash| request.check(hash))?;
    Ok(ev.store_path_value(&kept.path))
}

fn fetch_tarball<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let request = request(ev, args[0], "fetchTarball", b"source")?;
    if let Some(found) = pinned(ev, &request, FileMethod::Archive)? {
        return Ok(found);
    }
    let path = unpack(ev, &request)?;
    Ok(ev.store_path_value(&path))
}

/// Where what is in an archive lies.
fn unpack(ev: &mut Evaluator<'_>, request: &Request) -> Result<StorePath> {
    let url = String::from_utf8_lossy(&request.url).into_owned();
    if !has_scheme(&url) {
        return Err(EvalError::new(format!("'{url}' doesn't have a scheme")));
    }
    let source = Source::Archive { sha256: request.locked(ev, &url)?, url: url.clone() };
    let kept = ev.kept(&source, &request.name, FileMethod::Archive, &mut |hash| request.check(hash));
    let kept = kept.map_err(|error| match error.kind {
        ErrorKind::HashMismatch => error,
        _ => error.trace(Pos::NONE, format!("while fetching the input '{url}'").into_bytes()),
    })?;
    Ok(kept.path)
}

impl Evaluator<'_> {
    /// Where what is in the archive lies that a word of the command line names.
    ///
    /// # Errors
    /// When it cannot be fetched, or nothing may be fetched that no hash is known of.
    pub fn unpacked(&mut self, word: &str) -> Result<Vec<u8>> {
        let url = match word.strip_prefix("channel:") {
            Some(channel) => format!("https://channels.nixos.org/{channel}/nixexprs.tar.xz"),
            None => word.to_owned(),
        };
        if !self.may_be_unlocked() {
            let text = format!("cannot fetch '{url}' in pure evaluation mode (use '--impure' to override)");
            return Err(EvalError::new(text));
        }
        self.world.check_uri(&url).map_err(world_error)?;
        let request = Request { url: url.into_bytes(), name: b"source".to_vec(), expected: None };
        let path = unpack(self, &request)?;
        Ok(self.store_dir().print(&path))
    }
}

/// Whether a word that stands for a file is fetched first.
pub fn is_remote(word: &str) -> bool {
    const SCHEMES: [&str; 7] = ["http", "https", "file", "channel", "git", "s3", "ssh"];
    word.starts_with("channel:")
        || word.split_once("://").is_some_and(|(scheme, _)| SCHEMES.contains(&scheme))
}

fn has_scheme(url: &str) -> bool {
    url.split_once(':').is_some_and(|(scheme, _)| is_scheme(scheme))
}

impl Request {
    /// What the lock says of a file that the program gives no hash for.
    fn locked(&self, ev: &Evaluator<'_>, url: &str) -> Result<Option<Digest>> {
        if self.expected.is_some() { Ok(None) } else { ev.pinned_file(url) }
    }

    fn check(&self, hash: &Hash) -> Result<()> {
        let Some(expected) = self.expected.as_ref().filter(|expected| *expected != hash) else {
            return Ok(());
        };
        let url = String::from_utf8_lossy(&self.url);
        let (expected, found) =
            (expected.encode_prefixed(Format::Nix32), hash.encode_prefixed(Format::Nix32));
        let text = format!(
            "hash mismatch in file downloaded from '{url}':\n  specified: {expected}\n  got:       {found}"
        );
        Err(EvalError::of_kind(ErrorKind::HashMismatch, text))
    }
}

/// What the argument of a fetcher asks for.
fn request<'a>(ev: &mut Evaluator<'a>, arg: Value<'a>, who: &str, name: &[u8]) -> Result<Request> {
    let arg = ev.force(arg, Pos::NONE)?;
    let (mut url, mut expected, mut given) = (None, None, None);
    if let Value::Attrs(attrs) = arg {
        for (symbol, found) in attrs.iter(ev.arena) {
            let (pos, value) = (found.pos, share(found.slot));
            match ev.symbols.name(symbol) {
                b"url" => {
                    let what = "while evaluating the url we should fetch";
                    url = Some(ev.plain_string_of(value, pos, what)?.to_vec());
                }
                b"sha256" => {
                    let what = "while evaluating the sha256 of the content we should fetch";
                    let text = ev.plain_string_of(value, pos, what)?;
                    expected = Some(ev.sha256_or_empty(text)?);
                }
                _ if symbol == known::NAME => {
                    let what = "while evaluating the name of the content we should fetch";
                    given = Some(ev.plain_string_of(value, pos, what)?.to_vec());
                }
                other => {
                    let parts = [
                        b"unsupported argument '".as_slice(),
                        &quoted_name(other),
                        b"' to '",
                        who.as_bytes(),
                        b"'",
                    ];
                    return Err(EvalError::new(parts.concat()));
                }
            }
        }
    } else {
        let what = "while evaluating the url we should fetch";
        url = Some(ev.plain_string_of(arg, Pos::NONE, what)?.to_vec());
    }
    let url = url.ok_or_else(|| EvalError::new("'url' argument required"))?;
    let uri = String::from_utf8_lossy(&url);
    if has_scheme(&uri) {
        ev.world.check_uri(&uri).map_err(world_error)?;
    }
    let named = given.is_some();
    let mut name = given.unwrap_or_else(|| name.to_vec());
    if name.is_empty() {
        name = last_part(&url).to_vec();
    }
    if let Err(error) = check_name(&name) {
        let remedy = match arg {
            _ if named => {
                format!(
                    "Please change the value for the 'name' attribute passed to '{who}', so that it can create a valid store path."
                )
            }
            Value::Attrs(_) => {
                format!(
                    "Please add a valid 'name' attribute to the argument for '{who}', so that it can create a valid store path."
                )
            }
            _ => {
                format!(
                    "Please pass an attribute set with 'url' and 'name' attributes to '{who}',  so that it can create a valid store path."
                )
            }
        };
        let parts: [&[u8]; 6] = [
            b"invalid store path name when fetching URL '",
            &url,
            b"': ",
            &error.message(),
            b". ",
            remedy.as_bytes(),
        ];
        return Err(EvalError::new(parts.concat()));
    }
    if !ev.may_be_unlocked() && expected.is_none() {
        let text = format!("in pure evaluation mode, '{who}' requires a 'sha256' argument");
        return Err(EvalError::new(text));
    }
    Ok(Request { url, name, expected })
}

/// What a request is pinned to, if that lies in the store.
fn pinned<'a>(ev: &Evaluator<'a>, request: &Request, method: FileMethod) -> Result<Option<Value<'a>>> {
    let Some(expected) = &request.expected else { return Ok(None) };
    let store = ev.store_dir();
    let path =
        fixed_output_path(&store, &request.name, method, expected).map_err(|error| path_error(&error))?;
    let found = matches!(ev.world.file_type(&store.print(&path)), Ok(Some(_)));
    Ok(found.then(|| ev.store_path_value(&path)))
}

/// What follows the last slash, one at the end aside.
fn last_part(url: &[u8]) -> &[u8] {
    let url = url.strip_suffix(b"/").unwrap_or(url);
    let begin = url.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    &url[begin..]
}

fn fetch_closure<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the argument passed to builtins.fetchClosure";
    let attrs = ev.attrs_of(args[0], Pos::NONE, context)?;
    let mut path = None;
    for (symbol, found) in attrs.iter(ev.arena) {
        let (pos, value) = (found.pos, share(found.slot));
        match ev.symbols.name(symbol) {
            b"fromPath" | b"toPath" => {
                let how = Coercion { more: false, copy: true, canonical: true };
                let what = "while evaluating the attribute 'fromPath' passed to builtins.fetchClosure";
                path = Some(ev.coerce_to_string(value, pos, what, how)?.bytes);
            }
            b"fromStore" => {
                let what = "while evaluating the attribute 'fromStore' passed to builtins.fetchClosure";
                ev.plain_string_of(value, pos, what)?;
            }
            b"inputAddressed" => {
                let what = "while evaluating the attribute 'inputAddressed' passed to builtins.fetchClosure";
                ev.bool_of(value, pos, what)?;
            }
            other => {
                let parts = [
                    b"attribute '".as_slice(),
                    &quoted_name(other),
                    b"' isn't supported in call to 'fetchClosure'",
                ];
                return Err(EvalError::new(parts.concat()));
            }
        }
    }
    let missing = || EvalError::new("attribute 'fromPath' is missing in call to 'fetchClosure'");
    let path = path.ok_or_else(missing)?;
    let object = ev.store_dir().parse(&path).map_err(|error| path_error(&error))?;
    match ev.world.file_type(&path) {
        Ok(Some(_)) => Ok(ev.store_path_value(&object)),
        _ => {
            let parts =
                [b"cannot fetch '", &path[..], b"': closures that are not in the store are not supported"];
            Err(EvalError::new(parts.concat()))
        }
    }
}
