//! The types that programs are grown from, and their notation in the table of productions.

use std::collections::BTreeMap;

use super::rng::Rng;

/// What an expression is meant to evaluate to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    Int,
    Float,
    Bool,
    Str,
    Null,
    Path,
    List(Box<Type>),
    Set(BTreeMap<String, Type>),
    /// A set of unknown names whose values are all of one type.
    Map(Box<Type>),
    Function(Box<Type>, Box<Type>),
    /// Only in the table: stands for any type, the same one within a production.
    Variable(char),
}

/// What the variables of a production stand for.
pub type Bindings = BTreeMap<char, Type>;

const NAMES: [&str; 12] = ["a", "b", "c", "x", "y", "name", "value", "foo", "bar'", "a-b", "q r", "_1"];

impl Type {
    /// Reads the notation: `int`, `[a]`, `{a}` (a map), `a:b` (a function), `(…)`.
    ///
    /// Returns `None` for text that is no type.
    pub fn parse(text: &str) -> Option<Self> {
        let (found, rest) = Self::parse_function(text)?;
        rest.is_empty().then_some(found)
    }

    fn parse_function(text: &str) -> Option<(Self, &str)> {
        let (left, rest) = Self::parse_atom(text)?;
        let Some(rest) = rest.strip_prefix(':') else { return Some((left, rest)) };
        let (right, rest) = Self::parse_function(rest)?;
        Some((Self::Function(Box::new(left), Box::new(right)), rest))
    }

    fn parse_atom(text: &str) -> Option<(Self, &str)> {
        for (open, close) in [("[", "]"), ("{", "}"), ("(", ")")] {
            if let Some(rest) = text.strip_prefix(open) {
                let (inner, rest) = Self::parse_function(rest)?;
                let rest = rest.strip_prefix(close)?;
                let found = match open {
                    "[" => Self::List(Box::new(inner)),
                    "{" => Self::Map(Box::new(inner)),
                    _ => inner,
                };
                return Some((found, rest));
            }
        }
        let end = text.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        let found = match word {
            "int" => Self::Int,
            "float" => Self::Float,
            "bool" => Self::Bool,
            "str" => Self::Str,
            "null" => Self::Null,
            "path" => Self::Path,
            _ => Self::Variable(word.chars().next().filter(|_| word.len() == 1)?),
        };
        Some((found, rest))
    }

    /// A random type without variables; `size` bounds its depth.
    pub fn random(rng: &mut Rng, size: usize) -> Self {
        let kinds = if size == 0 { 6 } else { 10 };
        match rng.below(kinds) {
            0 | 1 => Self::Int,
            2 => Self::Str,
            3 => Self::Bool,
            4 if rng.once_in(3) => Self::Path,
            4 => Self::Float,
            5 if rng.once_in(3) => Self::Null,
            5 => Self::Str,
            6 | 7 => Self::List(Box::new(Self::random(rng, size - 1))),
            8 => {
                let count = rng.below(4);
                Self::Set((0..count).map(|_| (Self::name(rng), Self::random(rng, size - 1))).collect())
            }
            _ => {
                let argument = Self::random(rng, size - 1);
                Self::Function(Box::new(argument), Box::new(Self::random(rng, size - 1)))
            }
        }
    }

    /// A random attribute name.
    pub fn name(rng: &mut Rng) -> String {
        rng.word(&NAMES).to_owned()
    }

    /// Whether this type of the table can be `wanted`; binds variables.
    pub fn matches(&self, wanted: &Self, bindings: &mut Bindings) -> bool {
        match (self, wanted) {
            (Self::Variable(v), _) => bindings.entry(*v).or_insert_with(|| wanted.clone()) == wanted,
            (Self::List(a), Self::List(b)) | (Self::Map(a), Self::Map(b)) => a.matches(b, bindings),
            (Self::Function(a, b), Self::Function(c, d)) => a.matches(c, bindings) && b.matches(d, bindings),
            _ => self == wanted,
        }
    }

    /// The type with its variables replaced; those without a meaning get one.
    pub fn resolved(&self, bindings: &mut Bindings, rng: &mut Rng) -> Self {
        match self {
            Self::Variable(v) => {
                if let Some(found) = bindings.get(v) {
                    return found.clone();
                }
                let found = Self::random(rng, 1);
                bindings.insert(*v, found.clone());
                found
            }
            Self::List(a) => Self::List(Box::new(a.resolved(bindings, rng))),
            Self::Map(a) => Self::Map(Box::new(a.resolved(bindings, rng))),
            Self::Function(a, b) => {
                let argument = a.resolved(bindings, rng);
                Self::Function(Box::new(argument), Box::new(b.resolved(bindings, rng)))
            }
            other => other.clone(),
        }
    }
}
