//! Derivations as text: the ATerm form of Nix's `.drv` files.

use std::collections::BTreeSet;
use std::ops::Bound;

use super::{Derivation, Inputs};
use crate::lang::hash::encode_hex;
use crate::lang::store_path::{StoreDir, StorePath};

/// Text under construction.
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    fn put(&mut self, text: &[u8]) {
        self.0.extend_from_slice(text);
    }

    /// A string with nothing to escape.
    fn plain(&mut self, text: &[u8]) {
        self.0.reserve(text.len() + 2);
        self.0.push(b'"');
        self.put(text);
        self.0.push(b'"');
    }

    fn string(&mut self, text: &[u8]) {
        // Without a way out early the search takes many bytes at a time; most strings have nothing to escape.
        let is_special = |b: &u8| matches!(b, b'"' | b'\\' | b'\n' | b'\r' | b'\t');
        if !text.iter().fold(false, |found, byte| found | is_special(byte)) {
            return self.plain(text);
        }
        self.put(b"\"");
        let mut rest = text;
        while let Some(at) = rest.iter().position(is_special) {
            self.put(&rest[..at]);
            self.put(match rest[at] {
                b'"' => b"\\\"",
                b'\\' => b"\\\\",
                b'\n' => b"\\n",
                b'\r' => b"\\r",
                _ => b"\\t",
            });
            rest = &rest[at + 1..];
        }
        self.put(rest);
        self.put(b"\"");
    }

    /// A bracketed list.
    fn list<T>(&mut self, items: impl IntoIterator<Item = T>, mut each: impl FnMut(&mut Self, T)) {
        self.put(b"[");
        for (at, item) in items.into_iter().enumerate() {
            if at > 0 {
                self.put(b",");
            }
            each(self, item);
        }
        self.put(b"]");
    }

    fn path(&mut self, store: &StoreDir, path: &StorePath) {
        self.put(b"\"");
        store.append(path, &mut self.0);
        self.put(b"\"");
    }

    fn names(&mut self, names: &BTreeSet<Vec<u8>>) {
        self.list(names, |w, name| w.plain(name));
    }

    fn inputs(&mut self, inputs: &Inputs, is_dynamic: bool) {
        if !is_dynamic || inputs.dynamic.is_empty() {
            return self.names(&inputs.outputs);
        }
        self.put(b"(");
        self.names(&inputs.outputs);
        self.put(b",");
        self.list(&inputs.dynamic, |w, (output, below)| {
            w.put(b"(");
            w.plain(output);
            w.put(b",");
            w.inputs(below, is_dynamic);
            w.put(b")");
        });
        self.put(b")");
    }
}

/// How the beginning of a derivation is written.
#[derive(Clone, Copy)]
pub(super) enum Form<'i> {
    /// Everything.
    Full,
    /// With its outputs' paths left out if `masked`, and its input derivations replaced by hashes, each with one output;
    /// sorted, without duplicates: for its hash.
    ForHash { masked: bool, inputs: &'i [(&'i [u8], &'i [u8])] },
}

/// A derivation as text. All that follows its input derivations is the same in the text that is hashed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Text {
    bytes: Vec<u8>,
    rest: usize,
}

impl Text {
    /// The `.drv` file.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What follows the input derivations.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.rest..]
    }
}

impl Derivation {
    /// The text of the `.drv` file.
    #[must_use]
    pub fn write(&self, store: &StoreDir) -> Text {
        let mut w = Writer(Vec::with_capacity(4096));
        self.write_start(&mut w, store, Form::Full);
        let rest = w.0.len();
        self.write_rest(&mut w, store, false);
        Text { bytes: w.0, rest }
    }

    /// All up to the input derivations.
    pub(super) fn write_start(&self, w: &mut Writer, store: &StoreDir, form: Form) {
        let masked = matches!(form, Form::ForHash { masked: true, .. });
        let is_dynamic = self.input_derivations.values().any(|inputs| !inputs.dynamic.is_empty());
        w.put(if is_dynamic { b"DrvWithVersion(\"xp-dyn-drv\"," } else { b"Derive(" });
        w.list(&self.outputs, |w, (name, output)| {
            w.put(b"(");
            w.plain(name);
            w.put(b",");
            match output.path() {
                Some(path) if !masked => w.path(store, path),
                _ => w.plain(b""),
            }
            w.put(b",");
            w.plain(output.method_and_algorithm().as_bytes());
            w.put(b",");
            w.plain(output.hash_word().as_bytes());
            w.put(b")");
        });
        w.put(b",");
        match form {
            Form::Full => w.list(&self.input_derivations, |w, (path, inputs)| {
                w.put(b"(");
                w.path(store, path);
                w.put(b",");
                w.inputs(inputs, is_dynamic);
                w.put(b")");
            }),
            Form::ForHash { inputs, .. } => w.list(inputs.chunk_by(|a, b| a.0 == b.0), |w, group| {
                w.put(b"(");
                w.plain(encode_hex(group[0].0).as_bytes());
                w.put(b",");
                w.list(group, |w, (_, output)| w.plain(output));
                w.put(b")");
            }),
        }
    }

    /// All that follows the input derivations.
    pub(super) fn write_rest(&self, w: &mut Writer, store: &StoreDir, masked: bool) {
        w.put(b",");
        // In the order of the paths, which is that of the names.
        w.list(&self.input_sources, |w, path| w.path(store, path));
        w.put(b",");
        w.plain(&self.system);
        w.put(b",");
        w.string(&self.builder);
        w.put(b",");
        w.list(&self.args, |w, arg| w.string(arg));
        w.put(b",");
        self.write_env(w, masked);
        w.put(b")");
    }

    /// The variables, in the order of their names.
    fn write_env(&self, w: &mut Writer, masked: bool) {
        const STRUCTURED: &[u8] = b"__json";
        // Where the structured attributes stand in the order of the names; they replace a variable of that name.
        let before = (Bound::Unbounded, Bound::Excluded(STRUCTURED));
        let after = (Bound::Excluded(STRUCTURED), Bound::Unbounded);
        let json = match &self.structured_attrs {
            Some(json) => Some((STRUCTURED, json.as_slice())),
            None => self.env.get_key_value(STRUCTURED).map(variable),
        };
        let first = self.env.range::<[u8], _>(before).map(variable);
        let last = self.env.range::<[u8], _>(after).map(variable);
        w.list(first.chain(json).chain(last), |w, (name, value)| {
            w.put(b"(");
            w.string(name);
            w.put(b",");
            w.string(if masked && self.outputs.contains_key(name) { b"" } else { value });
            w.put(b")");
        });
    }
}

fn variable<'v>((name, value): (&'v Vec<u8>, &'v Vec<u8>)) -> (&'v [u8], &'v [u8]) {
    (name, value)
}
