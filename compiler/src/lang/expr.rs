//! The program as it is evaluated: the syntax tree with every name resolved.
//!
//! Owns: the node types. A variable is a number of frames to go up and a slot; every expression that may have to be
//! suspended has a [`CodeId`]; what needs no suspension (constants, variables) is told apart here, once.
//! Never does: resolution (see [`super::resolve`]) and evaluation.

use std::cell::Cell;
use std::fmt;

use super::syntax::{Pos, Symbol, ast};
use super::value::{CodeId, Shape, Slot, Value};

/// A reference to an expression.
pub type Node<'a> = &'a Expr<'a>;

/// Where a variable lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Frames to go up.
    pub depth: u32,
    /// Index in the frame.
    pub slot: u32,
}

/// An expression.
#[derive(Clone, Copy)]
pub enum Expr<'a> {
    /// A literal or a global.
    Const(Value<'a>),
    /// A variable of the frame at hand.
    Local(u32, Pos),
    /// A variable of an outer frame.
    Outer(Place, Pos),
    /// A global that is evaluated when it is first wanted.
    Global(&'a Slot<'a>, Pos),
    /// A variable that only a `with` can give.
    Dynamic(&'a Dynamic<'a>),
    /// `base.path`, `base.path or default`.
    Select(&'a Select<'a>),
    /// `base ? path`.
    HasAttr(&'a HasAttr<'a>),
    /// `{ … }` whose names are all known.
    Attrs(&'a AttrsExpr<'a>),
    /// A set that is recursive, has computed names, or inherits from sources.
    RichAttrs(&'a RichAttrs<'a>),
    /// `[ … ]`.
    List(&'a [Item<'a>]),
    /// A function, and how many frames further out than the one at hand lies the innermost frame that it sees something of.
    Lambda(&'a Lambda<'a>, u32),
    /// A call.
    Call(&'a Call<'a>),
    /// `let … in …`.
    Let(&'a Let<'a>),
    /// `with …; …`.
    With(&'a With<'a>),
    /// `if … then … else …`.
    If(&'a If<'a>),
    /// `assert …; …`.
    Assert(&'a Assert<'a>),
    /// `! …`.
    Not(Node<'a>, Pos),
    /// `&&`, `||`, `->`.
    Logic(&'a Chain<'a>),
    /// `==` (true), `!=` (false).
    Equal(bool, &'a Binary<'a>),
    /// `//`.
    Update(&'a Binary<'a>),
    /// `++`.
    Concat(&'a Binary<'a>),
    /// `-`, `*`, `/`, `<` in all its forms, where they mean the builtins.
    Arith(Arith, &'a Binary<'a>),
    /// `left + right`.
    Add(&'a Add<'a>),
    /// `"…${…}…"`, `./a${…}`.
    Interpolation(&'a Interpolation<'a>),
}

/// What stands where a value will be needed later, if at all.
#[derive(Clone, Copy)]
pub enum Item<'a> {
    /// Known.
    Const(Value<'a>),
    /// A variable of the frame at hand: shared, not suspended.
    Local(u32),
    /// A variable of an outer frame: shared, not suspended.
    Outer(Place),
    /// Suspended.
    Lazy(CodeId),
    /// A function, suspended in the innermost frame that it sees something of, so many frames further out.
    Function(CodeId, &'a Lambda<'a>, u32),
    /// Arithmetic over variables and constants: computed at once when they are numbers, else suspended. Only as an
    /// argument of a call.
    Cheap(CodeId, Node<'a>),
}

/// A variable that only a `with` can give.
pub struct Dynamic<'a> {
    /// Its name.
    pub name: Symbol,
    /// Where it is.
    pub pos: Pos,
    /// The slots of the enclosing `with`s, innermost first; never empty.
    pub withs: &'a [DynamicScope],
    /// Where it was found last.
    pub hint: Cell<u32>,
}

/// One `with` around a variable.
#[derive(Clone, Copy, Debug)]
pub struct DynamicScope {
    /// Where its set is.
    pub place: Place,
    /// The keyword.
    pub pos: Pos,
}

/// `base.path`, `base.path or default`.
pub struct Select<'a> {
    /// Start of the base.
    pub pos: Pos,
    /// What is selected from.
    pub base: Node<'a>,
    /// Never empty.
    pub path: &'a [AttrName<'a>],
    /// After `or`.
    pub default: Option<Node<'a>>,
}

/// `base ? path`.
pub struct HasAttr<'a> {
    /// Place of the base.
    pub pos: Pos,
    /// What is asked.
    pub base: Node<'a>,
    /// Never empty.
    pub path: &'a [AttrName<'a>],
}

/// One step of an attribute path.
pub enum AttrName<'a> {
    /// Known, with the index at which it was found last.
    Static(Symbol, Cell<u32>),
    /// Computed, with the expression as it was written.
    Dynamic(Node<'a>, ast::Node<'a>),
}

/// `{ … }` whose names are all known.
pub struct AttrsExpr<'a> {
    /// Names and positions.
    pub shape: &'a Shape<'a>,
    /// Values, as many.
    pub values: &'a [Item<'a>],
}

/// A set that is recursive, has computed names, or inherits from sources.
pub struct RichAttrs<'a> {
    /// Names whose value is written down.
    pub shape: &'a Shape<'a>,
    /// Their values.
    pub values: &'a [Item<'a>],
    /// What `rec` adds.
    pub recursive: Option<&'a Recursive<'a>>,
    /// The sources of `inherit (…)`, with their slots.
    pub sources: &'a [SlotInit<'a>],
    /// Attributes with computed names.
    pub dynamic: &'a [DynamicAttr<'a>],
    /// Size of the frame made for the set, when its variables do not live in the frame at hand.
    pub frame: Option<u32>,
}

/// What makes a set recursive.
pub struct Recursive<'a> {
    /// Attributes that are used as variables: index into the values, and slot.
    pub variables: &'a [(u32, u32)],
    /// Index of `__overrides` among the values.
    pub overrides: Option<u32>,
}

/// A slot and what it starts with.
#[derive(Clone, Copy)]
pub struct SlotInit<'a> {
    /// Index in the frame.
    pub slot: u32,
    /// What it starts with.
    pub item: Item<'a>,
}

/// An attribute whose name is computed.
pub struct DynamicAttr<'a> {
    /// Start of its attribute path.
    pub pos: Pos,
    /// Evaluates to a string, or to null.
    pub name: Node<'a>,
    /// Its value.
    pub value: Item<'a>,
    /// The function that the value is, if it is one: it takes the name of the attribute.
    pub lambda: Option<&'a Lambda<'a>>,
}

/// A function; `x: y: …` is one function of two arguments.
pub struct Lambda<'a> {
    /// Names and places of the arguments, outermost first; never empty.
    pub params: &'a [Param],
    /// The formal arguments, if the (only) argument is a set pattern.
    pub formals: Option<Formals<'a>>,
    /// The name it was bound to.
    pub name: Cell<Option<Symbol>>,
    /// Slots of its frame.
    pub frame: Cell<u32>,
    /// After the last colon.
    pub body: Cell<Node<'a>>,
    /// Documentation comment: start and length, if there is one.
    pub doc: Option<super::syntax::ast::Doc>,
}

/// One argument of a function.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Start of it.
    pub pos: Pos,
    /// `x` of `x: …` and of `{ … } @ x: …`.
    pub name: Option<Symbol>,
}

/// The formal arguments of a function that takes a set. The set itself is in slot 0, the arguments follow.
#[derive(Clone, Copy)]
pub struct Formals<'a> {
    /// Sorted by symbol.
    pub formals: &'a [Formal<'a>],
    /// `...`
    pub ellipsis: bool,
}

/// One formal argument.
#[derive(Clone, Copy)]
pub struct Formal<'a> {
    /// Where it is.
    pub pos: Pos,
    /// Its name.
    pub name: Symbol,
    /// After `?`.
    pub default: Option<Item<'a>>,
}

/// A call with all its arguments.
pub struct Call<'a> {
    /// Start of the function, or the operator that the call stands for.
    pub pos: Pos,
    /// What is called.
    pub function: Node<'a>,
    /// Never empty.
    pub args: &'a [Item<'a>],
}

/// `let … in …`.
pub struct Let<'a> {
    /// The bindings that are used.
    pub slots: &'a [SlotInit<'a>],
    /// Size of the frame made for it, when its variables do not live in the frame at hand.
    pub frame: Option<u32>,
    /// After `in`.
    pub body: Node<'a>,
}

/// `with …; …`.
pub struct With<'a> {
    /// Slot of the set.
    pub slot: u32,
    /// Whose names become visible.
    pub attrs: Item<'a>,
    /// After `;`.
    pub body: Node<'a>,
}

/// `if … then … else …`.
pub struct If<'a> {
    /// The keyword.
    pub pos: Pos,
    /// After `if`.
    pub condition: Node<'a>,
    /// After `then`.
    pub then: Node<'a>,
    /// After `else`.
    pub otherwise: Node<'a>,
}

/// `assert …; …`.
pub struct Assert<'a> {
    /// The keyword.
    pub pos: Pos,
    /// Must hold.
    pub condition: Node<'a>,
    /// The text of the condition, as errors show it.
    pub source: super::syntax::ast::Node<'a>,
    /// After `;`.
    pub body: Node<'a>,
}

/// Operators on Booleans.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Logic {
    /// `&&`
    And,
    /// `||`
    Or,
    /// `->`
    Implies,
}

/// Operands of one operator on Booleans: `a && b && c` is one chain of three, `->` always has two.
pub struct Chain<'a> {
    /// The operator.
    pub op: Logic,
    /// At least two.
    pub operands: &'a [Node<'a>],
    /// The operators between them, one fewer.
    pub places: &'a [Pos],
}

/// Operators that are calls of builtins in Nix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arith {
    /// `left - right`
    Sub,
    /// `left * right`
    Mul,
    /// `left / right`
    Div,
    /// `left < right`; also written `right > left`, and under [`Expr::Not`] `>=` and `<=`.
    Less,
}

/// Two operands.
pub struct Binary<'a> {
    /// The operator.
    pub pos: Pos,
    /// Left of it.
    pub left: Node<'a>,
    /// Right of it.
    pub right: Node<'a>,
    /// Place that Nix gives to the left operand.
    pub left_pos: Pos,
    /// Place that Nix gives to the right operand.
    pub right_pos: Pos,
}

/// `left + right`.
pub struct Add<'a> {
    /// The operator.
    pub pos: Pos,
    /// Place of the left operand.
    pub left_pos: Pos,
    /// Left operand.
    pub left: Node<'a>,
    /// Place of the right operand.
    pub right_pos: Pos,
    /// Right operand.
    pub right: Node<'a>,
}

/// `"…${…}…"`, `./a${…}`, and `a + b + c`.
pub struct Interpolation<'a> {
    /// The whole.
    pub pos: Pos,
    /// The result is a string whatever the parts are.
    pub force_string: bool,
    /// Each with its place.
    pub parts: &'a [(Pos, Node<'a>)],
}

macro_rules! opaque_debug {
    ($($type:ident)*) => {$(
        impl fmt::Debug for $type<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($type))
            }
        }
    )*};
}

opaque_debug! {
    Expr Item Dynamic Select HasAttr AttrName AttrsExpr RichAttrs Recursive SlotInit DynamicAttr Lambda Formals Formal Call Let
    With If Assert Binary Chain Add Interpolation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_small() {
        assert!(size_of::<Expr<'_>>() <= 24);
        assert!(size_of::<Item<'_>>() <= 24);
    }
}
