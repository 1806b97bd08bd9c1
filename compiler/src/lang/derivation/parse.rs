//! Reads `.drv` files.

use std::collections::{BTreeMap, BTreeSet};

use super::{Derivation, Inputs, Output};
use crate::lang::hash::{Algorithm, Hash, parse as parse_hash};
use crate::lang::store_path::{FileMethod, StoreDir, StorePath};

/// Levels of derivations that are outputs of derivations.
const DEPTH_LIMIT: usize = 64;

/// A text is no derivation; where, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("malformed derivation at byte {at}")]
pub struct ParseError {
    /// Offset of the first byte that does not fit.
    pub at: usize,
}

struct Parser<'t> {
    text: &'t [u8],
    at: usize,
}

impl Derivation {
    /// Reads the text of a `.drv` file. `name` is the derivation's, without `.drv`.
    ///
    /// # Errors
    /// [`ParseError`].
    pub fn parse(store: &StoreDir, name: &[u8], text: &[u8]) -> Result<Derivation, ParseError> {
        let mut parser = Parser { text, at: 0 };
        let is_dynamic = parser.skip(b"DrvWithVersion(");
        if is_dynamic {
            parser.expect(b"\"xp-dyn-drv\",")?;
        } else {
            parser.expect(b"Derive(")?;
        }
        let mut derivation = Derivation { name: name.to_vec(), ..Derivation::default() };
        parser.list(|p| {
            let (name, output) = p.output(store, &derivation.name)?;
            derivation.outputs.insert(name, output);
            Ok(())
        })?;
        parser.expect(b",")?;
        parser.list(|p| {
            p.expect(b"(")?;
            let path = p.path(store)?;
            p.expect(b",")?;
            let inputs = p.inputs(is_dynamic, DEPTH_LIMIT)?;
            p.expect(b")")?;
            derivation.input_derivations.insert(path, inputs);
            Ok(())
        })?;
        parser.expect(b",")?;
        parser.list(|p| {
            derivation.input_sources.insert(p.path(store)?);
            Ok(())
        })?;
        parser.expect(b",")?;
        derivation.system = parser.string()?;
        parser.expect(b",")?;
        derivation.builder = parser.string()?;
        parser.expect(b",")?;
        parser.list(|p| {
            derivation.args.push(p.string()?);
            Ok(())
        })?;
        parser.expect(b",")?;
        derivation.env = parser.env()?;
        derivation.structured_attrs = derivation.env.remove(&b"__json"[..]);
        parser.expect(b")")?;
        if parser.at != text.len() {
            return Err(parser.error());
        }
        Ok(derivation)
    }
}

impl Parser<'_> {
    fn error(&self) -> ParseError {
        ParseError { at: self.at }
    }

    fn skip(&mut self, what: &[u8]) -> bool {
        let found = self.text[self.at..].starts_with(what);
        if found {
            self.at += what.len();
        }
        found
    }

    fn expect(&mut self, what: &[u8]) -> Result<(), ParseError> {
        if self.skip(what) { Ok(()) } else { Err(self.error()) }
    }

    fn list(&mut self, mut each: impl FnMut(&mut Self) -> Result<(), ParseError>) -> Result<(), ParseError> {
        self.expect(b"[")?;
        if self.skip(b"]") {
            return Ok(());
        }
        loop {
            each(self)?;
            if self.skip(b"]") {
                return Ok(());
            }
            self.expect(b",")?;
        }
    }

    fn string(&mut self) -> Result<Vec<u8>, ParseError> {
        self.expect(b"\"")?;
        let mut content = Vec::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.iter().position(|b| matches!(b, b'"' | b'\\')).ok_or(self.error())?;
            content.extend_from_slice(&rest[..plain]);
            self.at += plain + 1;
            if rest[plain] == b'"' {
                return Ok(content);
            }
            let escaped = *self.text.get(self.at).ok_or(self.error())?;
            content.push(match escaped {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                other => other,
            });
            self.at += 1;
        }
    }

    fn path(&mut self, store: &StoreDir) -> Result<StorePath, ParseError> {
        let error = self.error();
        store.parse(&self.string()?).map_err(|_| error)
    }

    fn output(&mut self, store: &StoreDir, derivation: &[u8]) -> Result<(Vec<u8>, Output), ParseError> {
        self.expect(b"(")?;
        let name = self.string()?;
        self.expect(b",")?;
        let error = self.error();
        let path = self.string()?;
        self.expect(b",")?;
        let method = self.string()?;
        self.expect(b",")?;
        let hash = self.string()?;
        self.expect(b")")?;
        let place = (store, derivation, name.as_slice());
        output(place, &path, &method, &hash).map(|output| (name, output)).ok_or(error)
    }

    fn names(&mut self) -> Result<BTreeSet<Vec<u8>>, ParseError> {
        let mut names = BTreeSet::new();
        self.list(|p| {
            names.insert(p.string()?);
            Ok(())
        })?;
        Ok(names)
    }

    fn inputs(&mut self, is_dynamic: bool, depth: usize) -> Result<Inputs, ParseError> {
        if depth == 0 {
            return Err(self.error());
        }
        if !is_dynamic || !self.skip(b"(") {
            return Ok(Inputs { outputs: self.names()?, dynamic: BTreeMap::new() });
        }
        let outputs = self.names()?;
        self.expect(b",")?;
        let mut dynamic = BTreeMap::new();
        self.list(|p| {
            p.expect(b"(")?;
            let name = p.string()?;
            p.expect(b",")?;
            let below = p.inputs(true, depth - 1)?;
            p.expect(b")")?;
            dynamic.insert(name, below);
            Ok(())
        })?;
        self.expect(b")")?;
        Ok(Inputs { outputs, dynamic })
    }

    fn env(&mut self) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, ParseError> {
        let mut env = BTreeMap::new();
        self.list(|p| {
            p.expect(b"(")?;
            let name = p.string()?;
            p.expect(b",")?;
            let value = p.string()?;
            p.expect(b")")?;
            env.insert(name, value);
            Ok(())
        })?;
        Ok(env)
    }
}

/// The output at a place: a store, the name of a derivation, the name of an output.
fn output(place: (&StoreDir, &[u8], &[u8]), path: &[u8], method: &[u8], hash: &[u8]) -> Option<Output> {
    let (store, derivation, name) = place;
    if method.is_empty() {
        return match path {
            b"" => Some(Output::Deferred),
            _ => store.parse(path).ok().map(Output::InputAddressed),
        };
    }
    let (method, algorithm) = match method.iter().position(|b| *b == b':') {
        Some(at) => (&method[..at], &method[at + 1..]),
        None => (&b""[..], method),
    };
    let method = match method {
        b"" => FileMethod::Flat,
        b"r" => FileMethod::Archive,
        b"text" => FileMethod::Text,
        b"git" => FileMethod::Git,
        _ => return None,
    };
    let algorithm = Algorithm::parse(algorithm).ok()?;
    match hash {
        b"" => Some(Output::Floating(method, algorithm)),
        b"impure" => Some(Output::Impure(method, algorithm)),
        _ => Output::fixed(store, derivation, name, method, fixed_hash(hash, algorithm)?).ok(),
    }
}

fn fixed_hash(text: &[u8], algorithm: Algorithm) -> Option<Hash> {
    parse_hash(text, Some(algorithm)).ok()
}
