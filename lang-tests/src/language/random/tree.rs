//! A program as a tree of text, which can be made smaller.

use std::fmt::{self, Display};

use super::types::Type;

/// An expression: its text, with the expressions inside it.
#[derive(Clone, Debug)]
pub struct Tree {
    pub(super) type_: Type,
    pub(super) pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
pub(super) enum Piece {
    Text(String),
    /// With parentheses where it needs them.
    Child(Tree),
    /// Never with parentheses: precedence decides what it becomes.
    Bare(Tree),
}

impl Tree {
    pub(super) fn text(type_: &Type, text: impl Into<String>) -> Self {
        Self { type_: type_.clone(), pieces: vec![Piece::Text(text.into())] }
    }

    pub(super) fn new(type_: &Type) -> Self {
        Self { type_: type_.clone(), pieces: Vec::new() }
    }

    pub(super) fn push(&mut self, text: impl Into<String>) -> &mut Self {
        self.pieces.push(Piece::Text(text.into()));
        self
    }

    pub(super) fn child(&mut self, child: Self) -> &mut Self {
        self.pieces.push(Piece::Child(child));
        self
    }

    pub(super) fn bare_child(&mut self, child: Self) -> &mut Self {
        self.pieces.push(Piece::Bare(child));
        self
    }

    /// Makes the program as small as it can be while `interesting` stays true, asking at most `patience` times.
    pub fn shrink(mut self, mut patience: usize, mut interesting: impl FnMut(&Self) -> bool) -> Self {
        loop {
            let mut smaller = None;
            for candidate in self.candidates() {
                if patience == 0 {
                    return self;
                }
                patience -= 1;
                if interesting(&candidate) {
                    smaller = Some(candidate);
                    break;
                }
            }
            match smaller {
                Some(found) => self = found,
                None => return self,
            }
        }
    }

    /// Programs that are one step smaller, the smallest first.
    fn candidates(&self) -> Vec<Self> {
        let mut found = Vec::new();
        for piece in &self.pieces {
            if let Piece::Child(child) | Piece::Bare(child) = piece {
                found.push(child.clone());
            }
        }
        if self.pieces.iter().any(|p| !matches!(p, Piece::Text(_))) {
            found.extend(
                ["1", "\"s\"", "[ ]", "{ }", "true", "x: x"].map(|text| Self::text(&self.type_, text)),
            );
        }
        for (index, piece) in self.pieces.iter().enumerate() {
            let (Piece::Child(child) | Piece::Bare(child)) = piece else { continue };
            for candidate in child.candidates() {
                let mut copy = self.clone();
                if let Some(place) = copy.pieces.get_mut(index) {
                    *place = Piece::Child(candidate);
                }
                found.push(copy);
            }
        }
        found.sort_by_cached_key(|candidate| candidate.to_string().len());
        found
    }

    /// Whether this stands without parentheses as an argument.
    fn is_atom(&self) -> bool {
        let text = self.bare();
        let simple = |c: char| c.is_ascii_alphanumeric() || "._'-".contains(c);
        let word = text.chars().all(simple) && !text.starts_with('-') && !text.starts_with('.');
        let brackets = |first: &str, last: &str| {
            let set = first.starts_with('{') || first.starts_with("rec {");
            first.starts_with('[') && last.ends_with(']')
                || set && last.ends_with('}')
                || first.starts_with('"') && last.ends_with('"')
        };
        let closed = match self.pieces.as_slice() {
            [Piece::Text(one)] => brackets(one, one) || one.starts_with("./"),
            [Piece::Text(first), .., Piece::Text(last)] => brackets(first, last),
            _ => false,
        };
        word || closed
    }

    fn bare(&self) -> String {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Bare(child) => child.bare(),
                Piece::Child(child) if child.is_atom() => child.bare(),
                Piece::Child(child) => format!("({})", child.bare()),
            })
            .collect()
    }
}

impl Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.bare())
    }
}
