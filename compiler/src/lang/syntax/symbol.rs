//! Names as numbers.
//!
//! Owns: the table of every name seen, in order of first appearance. That order is observable: attributes and formals
//! are kept sorted by it, and of two undefined variables the one under the smaller symbol is reported.
//! Never does: forget a name.

use std::fmt;
use std::num::NonZeroU32;

use bumpalo::Bump;
use hashbrown::HashTable;

use super::early_names::EARLY;

/// A name, interned in a [`Symbols`] table. Smaller means seen earlier, not lexicographically smaller.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(NonZeroU32);

impl Symbol {
    const fn at(index: usize) -> Self {
        // The table refuses to grow beyond u32, so the addition cannot wrap; a constant index never does.
        match NonZeroU32::new(index as u32 + 1) {
            Some(number) => Symbol(number),
            None => Symbol(NonZeroU32::MAX),
        }
    }

    /// Place in the table: 0 for the first name. Dense, so it can index a vector.
    pub const fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Symbol({})", self.index())
    }
}

/// Every name seen. Names are bytes: identifiers are ASCII, but quoted attribute names may be anything.
pub struct Symbols<'a> {
    arena: &'a Bump,
    names: Vec<&'a [u8]>,
    index: HashTable<Symbol>,
}

impl fmt::Debug for Symbols<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Symbols").field("len", &self.names.len()).finish_non_exhaustive()
    }
}

impl<'a> Symbols<'a> {
    /// A table that knows the names of [`known`] under their constants, then those of `early_names`, and no other.
    pub fn new(arena: &'a Bump) -> Self {
        let room = 2 * (known::NAMES.len() + EARLY.len());
        let mut table =
            Symbols { arena, names: Vec::with_capacity(room), index: HashTable::with_capacity(room) };
        for name in known::NAMES.iter().chain(EARLY) {
            table.intern(name.as_bytes());
        }
        table
    }

    /// The symbol of a name, made when the name is new.
    #[inline]
    pub fn intern(&mut self, name: &[u8]) -> Symbol {
        let hash = hash(name);
        if let Some(found) = self.index.find(hash, |symbol| self.names[symbol.index()] == name) {
            return *found;
        }
        self.insert(hash, name)
    }

    fn insert(&mut self, hash_of_name: u64, name: &[u8]) -> Symbol {
        let symbol = Symbol::at(self.names.len());
        self.names.push(self.arena.alloc_slice_copy(name));
        let names = &self.names;
        self.index.insert_unique(hash_of_name, symbol, |symbol| hash(names[symbol.index()]));
        symbol
    }

    /// The symbol of a name that was seen before.
    pub fn lookup(&self, name: &[u8]) -> Option<Symbol> {
        self.index.find(hash(name), |symbol| self.names[symbol.index()] == name).copied()
    }

    /// The bytes of a name.
    #[inline]
    pub fn name(&self, symbol: Symbol) -> &'a [u8] {
        self.names[symbol.index()]
    }

    /// A name as errors show it: quoted unless it is an identifier.
    pub fn shown(&self, symbol: Symbol) -> Vec<u8> {
        quoted_name(self.name(symbol))
    }

    /// Bytes held beside the arena, about.
    pub(super) fn held(&self) -> usize {
        self.names.capacity() * size_of::<&[u8]>() + self.index.capacity() * (size_of::<Symbol>() + 1)
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Never true: some names are known from the start.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// A name as errors show it: quoted unless it is an identifier.
pub fn quoted_name(name: &[u8]) -> Vec<u8> {
    let mut shown = Vec::new();
    super::print::name(&mut shown, name);
    shown
}

/// Multiply and rotate over words of eight bytes: names are short, and nobody gains by colliding them but the author
/// of the program himself.
fn hash(name: &[u8]) -> u64 {
    let mix = |hash: u64, word: u64| (hash.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut hash = 0x51_7c_c1_b7_27_22_0a_95 ^ name.len() as u64;
    if let Some(last) = name.last_chunk::<8>() {
        let (words, _) = name.as_chunks::<8>();
        hash = words.iter().fold(hash, |hash, word| mix(hash, u64::from_le_bytes(*word)));
        // The rest, with some bytes once more.
        hash = mix(hash, u64::from_le_bytes(*last));
    } else if let (Some(first), Some(last)) = (name.first_chunk::<4>(), name.last_chunk::<4>()) {
        hash = mix(hash, u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last)));
    } else {
        hash = mix(hash, name.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
    }
    hash ^ (hash >> 32)
}

/// Names that the language itself knows, interned by [`Symbols::new`] in this order.
pub mod known {
    use super::Symbol;

    macro_rules! known {
        ($($constant:ident $name:literal)*) => {
            #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
            enum Index { $($constant),* }
            $(
                #[doc = concat!("`", $name, "`")]
                pub const $constant: Symbol = Symbol::at(Index::$constant as usize);
            )*
            /// The names, in the order of their symbols.
            pub const NAMES: &[&str] = &[$($name),*];
        };
    }

    known! {
        WITH "<with>"
        OUT_PATH "outPath"
        DRV_PATH "drvPath"
        TYPE "type"
        META "meta"
        NAME "name"
        VALUE "value"
        SYSTEM "system"
        OVERRIDES "__overrides"
        OUTPUTS "outputs"
        OUTPUT_NAME "outputName"
        IGNORE_NULLS "__ignoreNulls"
        FILE "file"
        LINE "line"
        COLUMN "column"
        FUNCTOR "__functor"
        TO_STRING "__toString"
        RIGHT "right"
        WRONG "wrong"
        STRUCTURED_ATTRS "__structuredAttrs"
        JSON "__json"
        ALLOWED_REFERENCES "allowedReferences"
        ALLOWED_REQUISITES "allowedRequisites"
        DISALLOWED_REFERENCES "disallowedReferences"
        DISALLOWED_REQUISITES "disallowedRequisites"
        MAX_SIZE "maxSize"
        MAX_CLOSURE_SIZE "maxClosureSize"
        BUILDER "builder"
        ARGS "args"
        CONTENT_ADDRESSED "__contentAddressed"
        IMPURE "__impure"
        OUTPUT_HASH "outputHash"
        OUTPUT_HASH_ALGO "outputHashAlgo"
        OUTPUT_HASH_MODE "outputHashMode"
        RECURSE_FOR_DERIVATIONS "recurseForDerivations"
        DESCRIPTION "description"
        SELF "self"
        START_SET "startSet"
        OPERATOR "operator"
        KEY "key"
        PATH "path"
        PREFIX "prefix"
        OUTPUT_SPECIFIED "outputSpecified"
        SUB "__sub"
        LESS_THAN "__lessThan"
        MUL "__mul"
        DIV "__div"
        FIND_FILE "__findFile"
        NIX_PATH "__nixPath"
        BODY "body"
        OR "or"
        CUR_POS "__curPos"
        BUILTINS "builtins"
        TRUE "true"
        FALSE "false"
        NULL "null"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_symbol_and_constants_agree_with_the_table() {
        let arena = Bump::new();
        let mut symbols = Symbols::new(&arena);
        assert_eq!(symbols.intern(b"__sub"), known::SUB);
        assert_eq!(symbols.name(known::NULL), b"null");
        assert_eq!(symbols.len(), known::NAMES.len() + EARLY.len());
        let a = symbols.intern(b"a");
        let b = symbols.intern(b"\xff\0");
        assert!(a < b);
        assert_eq!(symbols.intern(b"a"), a);
        assert_eq!(symbols.lookup(b"\xff\0"), Some(b));
        assert_eq!(symbols.lookup(b"c"), None);
    }

    #[test]
    fn names_stay_apart_when_the_table_grows() {
        let arena = Bump::new();
        let mut symbols = Symbols::new(&arena);
        let made: Vec<_> = (0..5000).map(|n| symbols.intern(format!("name{n}").as_bytes())).collect();
        for (n, symbol) in made.iter().enumerate() {
            assert_eq!(symbols.name(*symbol), format!("name{n}").as_bytes());
            assert_eq!(symbols.lookup(format!("name{n}").as_bytes()), Some(*symbol));
        }
    }

    #[test]
    fn an_optional_symbol_is_as_small_as_a_symbol() {
        assert_eq!(size_of::<Option<Symbol>>(), 4);
    }
}
