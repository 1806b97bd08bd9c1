//! The syntax tree.
//!
//! Owns: the shape that Nix's own parser gives to a program, sugar removed as it removes it: `-`, `*`, `/`, `<` and
//! `<x>` are calls of `__sub`, `__mul`, `__div`, `__lessThan` and `__findFile`, pipes are calls, `let { }` selects
//! `body`, and attribute paths of bindings are merged into nested sets. So printing and error positions agree with it.
//! Never does: say which binding a variable means.

use std::cell::Cell;

use super::pos::Pos;
use super::symbol::Symbol;

/// A reference to an expression in the arena.
pub type Node<'a> = &'a Expr<'a>;

/// An expression.
#[derive(Clone, Copy, Debug)]
pub enum Expr<'a> {
    /// Never negative: `-1` is a call of `__sub`.
    Int(i64),
    /// Never negative, always finite.
    Float(f64),
    /// A string without interpolation, escapes replaced; of an indented string, stripped. Also a URI.
    String(&'a [u8]),
    /// A path without interpolation, made absolute and canonical; ends with `/` only as the first part of an
    /// interpolated path.
    Path(&'a [u8]),
    /// A variable. [`Pos::NONE`] when the grammar made it (`__sub` of an operator).
    Var(Pos, Symbol),
    /// `__curPos`.
    CurPos(Pos),
    /// The source of an `inherit (source) …` of the enclosing bindings: index into [`Bindings::inherit_from`], whose
    /// value is shared between the attributes that it gives. Only as base of the [`Expr::Select`] of an attribute of
    /// [`BindingKind::InheritedFrom`].
    InheritFrom(Pos, u32),
    /// `base.path`, `base.path or default`. The position is that of the whole.
    Select {
        /// Start of the base; [`Pos::NONE`] for `let { }`.
        pos: Pos,
        /// What is selected from.
        base: Node<'a>,
        /// Never empty.
        path: &'a [AttrName<'a>],
        /// After `or`.
        default: Option<Node<'a>>,
    },
    /// `base ? path`.
    HasAttr {
        /// What is asked.
        base: Node<'a>,
        /// Never empty.
        path: &'a [AttrName<'a>],
    },
    /// `{ … }`, `rec { … }`.
    Attrs {
        /// The opening brace or `rec`; of a nested set made by an attribute path, [`Pos::NONE`].
        pos: Pos,
        /// `rec`
        recursive: bool,
        /// Inside.
        bindings: &'a Bindings<'a>,
    },
    /// `[ … ]`.
    List(&'a [Node<'a>]),
    /// `x: …`, `{ … }: …`, `{ … } @ x: …`.
    Lambda(&'a Lambda<'a>),
    /// `function arg …`: all arguments that follow, also those outside of parentheses around the function. So the function
    /// is no call itself, with two exceptions: `(f x) or` calls `f x`, and a call of a call that has [`MAX_MERGED_ARGS`] arguments
    /// or more stands for one call with all of them.
    Call {
        /// Start of the function, or the operator that the call stands for.
        pos: Pos,
        /// What is called.
        function: Node<'a>,
        /// Never empty.
        args: &'a [Node<'a>],
    },
    /// `let … in …`. There are no dynamic attributes in the bindings.
    Let {
        /// Inside.
        bindings: &'a Bindings<'a>,
        /// After `in`.
        body: Node<'a>,
    },
    /// `with attrs; …`.
    With {
        /// The keyword.
        pos: Pos,
        /// Whose names become visible.
        attrs: Node<'a>,
        /// After `;`.
        body: Node<'a>,
    },
    /// `if … then … else …`.
    If {
        /// The keyword.
        pos: Pos,
        /// After `if`.
        condition: Node<'a>,
        /// After `then`.
        then: Node<'a>,
        /// After `else`.
        otherwise: Node<'a>,
    },
    /// `assert condition; …`.
    Assert {
        /// The keyword.
        pos: Pos,
        /// Must hold.
        condition: Node<'a>,
        /// After `;`.
        body: Node<'a>,
    },
    /// `! …`.
    Not(Node<'a>),
    /// An operator that is no call.
    Binary {
        /// The operator; [`Pos::NONE`] for `==` and `!=`.
        pos: Pos,
        /// Which one.
        op: BinaryOp,
        /// Left of it.
        left: Node<'a>,
        /// Right of it.
        right: Node<'a>,
    },
    /// `"…${…}…"`, `a + b`, `./a${b}`.
    ConcatStrings {
        /// What follows the opening quote, the opening quotes of an indented string, the operator `+`, or the start of the path.
        pos: Pos,
        /// The result is a string whatever the parts are: true of strings, false of `+` and of paths.
        force_string: bool,
        /// Each with its own place (of an interpolation: that of its `${`).
        parts: &'a [(Pos, Node<'a>)],
    },
}

/// From here on a call of a call is kept as two nodes, so that no input makes the parser copy arguments again and again.
pub const MAX_MERGED_ARGS: usize = 64;

/// Operators that have a node of their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BinaryOp {
    /// `==`
    Eq,
    /// `!=`
    NotEq,
    /// `&&`
    And,
    /// `||`
    Or,
    /// `->`
    Implies,
    /// `//`
    Update,
    /// `++`
    Concat,
}

/// One step of an attribute path.
#[derive(Clone, Copy, Debug)]
pub enum AttrName<'a> {
    /// `a`, `"a"`
    Static(Symbol),
    /// `${a}`, `"${a}"`
    Dynamic(Node<'a>),
}

/// What stands between the braces of a set, or between `let` and `in`.
#[derive(Clone, Copy, Debug)]
pub struct Bindings<'a> {
    /// Sorted by symbol; no symbol twice.
    pub attrs: &'a [Binding<'a>],
    /// The sources of `inherit (source) …`, in order of appearance.
    pub inherit_from: &'a [Node<'a>],
    /// Attributes whose name is computed, in order of appearance.
    pub dynamic: &'a [DynamicBinding<'a>],
}

/// An attribute whose name is known.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// Its name.
    pub name: Symbol,
    /// Start of its attribute path, or its name in an `inherit`.
    pub pos: Pos,
    /// How it is written.
    pub kind: BindingKind,
    /// Its value. Of an inherited one [`Expr::Var`], which means a variable *outside* the bindings; of one inherited from a
    /// source, [`Expr::Select`] of one name from [`Expr::InheritFrom`].
    pub value: Node<'a>,
}

/// How an attribute is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BindingKind {
    /// `a = …;`
    Plain,
    /// `inherit a;`
    Inherited,
    /// `inherit (…) a;`
    InheritedFrom,
}

/// An attribute whose name is computed.
#[derive(Clone, Copy, Debug)]
pub struct DynamicBinding<'a> {
    /// Start of its attribute path.
    pub pos: Pos,
    /// Evaluates to the name, or to null: then there is no such attribute.
    pub name: Node<'a>,
    /// Its value.
    pub value: Node<'a>,
}

/// A function.
#[derive(Debug)]
pub struct Lambda<'a> {
    /// Start of its argument.
    pub pos: Pos,
    /// The name it was bound to, for messages; a function that is the body of a named one shares the name.
    pub name: Cell<Option<Symbol>>,
    /// `x` of `x: …` and `{ … } @ x: …`.
    pub arg: Option<Symbol>,
    /// `{ … }`
    pub formals: Option<Formals<'a>>,
    /// After the colon.
    pub body: Node<'a>,
    /// Where its documentation comment is (`/** … */`, delimiters included), if it has one.
    pub doc: Cell<Option<Doc>>,
}

/// Where a documentation comment is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Doc {
    /// Its first byte.
    pub start: Pos,
    /// Its size in bytes.
    pub length: u32,
}

/// The formal arguments of a function that takes a set.
#[derive(Clone, Copy, Debug)]
pub struct Formals<'a> {
    /// Sorted by symbol; no symbol twice.
    pub formals: &'a [Formal<'a>],
    /// `...`: other attributes are accepted.
    pub ellipsis: bool,
}

/// One formal argument.
#[derive(Clone, Copy, Debug)]
pub struct Formal<'a> {
    /// Where it is.
    pub pos: Pos,
    /// Its name.
    pub name: Symbol,
    /// After `?`.
    pub default: Option<Node<'a>>,
}

impl Expr<'_> {
    /// The place that Nix reports for an expression; literals have none, and nor has a `let`.
    pub fn pos(&self) -> Pos {
        let mut expr = self;
        while let Expr::HasAttr { base: inner, .. } | Expr::Not(inner) = expr {
            expr = inner;
        }
        match *expr {
            Expr::Int(_) | Expr::Float(_) | Expr::String(_) | Expr::Path(_) | Expr::Let { .. } => Pos::NONE,
            Expr::Var(pos, _) | Expr::CurPos(pos) | Expr::InheritFrom(pos, _) => pos,
            Expr::Select { pos, .. }
            | Expr::Attrs { pos, .. }
            | Expr::Call { pos, .. }
            | Expr::With { pos, .. }
            | Expr::If { pos, .. }
            | Expr::Assert { pos, .. }
            | Expr::Binary { pos, .. }
            | Expr::ConcatStrings { pos, .. } => pos,
            Expr::Lambda(lambda) => lambda.pos,
            Expr::HasAttr { .. } | Expr::Not(_) => Pos::NONE,
            Expr::List(items) => items.first().map_or(Pos::NONE, |item| item.pos()),
        }
    }

    /// Names a function after what it is bound to, and the functions it returns at once.
    pub(super) fn set_name(&self, name: Symbol) {
        let mut expr = self;
        while let Expr::Lambda(lambda) = expr {
            lambda.name.set(Some(name));
            expr = lambda.body;
        }
    }

    /// Documents a function and the functions it returns at once, as far as they have no comment of their own.
    pub(super) fn document(&self, doc: Doc) {
        let mut expr = self;
        while let Expr::Lambda(lambda) = expr
            && lambda.doc.get().is_none()
        {
            lambda.doc.set(Some(doc));
            expr = lambda.body;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_small() {
        assert!(size_of::<Expr<'_>>() <= 40, "{}", size_of::<Expr<'_>>());
        assert_eq!(size_of::<Binding<'_>>(), 24);
    }
}
