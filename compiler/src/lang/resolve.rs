//! From the syntax tree to the program that is evaluated.
//!
//! Owns: the walk, in the order in which Nix looks names up, so that of several undefined variables the same one is
//! reported; the decision what is suspended; which operators are arithmetic.
//! Never does: evaluate.

use std::cell::Cell;

use super::error::Result;
use super::eval::Evaluator;
use super::eval::undefined;
use super::expr::{
    Add, Arith, Assert, AttrName, Binary, Call, Chain, Dynamic, Expr, HasAttr, If, Interpolation, Item,
    Logic, Node, Place, Select, With,
};
use super::scope::{BindingId, Scopes};
use super::syntax::ast::{self, BinaryOp};
use super::syntax::symbol::known;
use super::syntax::{Pos, Symbol};
use super::value::{CodeId, Value};

mod bindings;
mod function;
mod reach;

/// Everything in scope is seen.
const ALL: BindingId = usize::MAX;

/// A chain of `&&` or `||` does not grow beyond this: it is copied whenever it grows.
const LONGEST_CHAIN: usize = 16;

/// A program ready to be evaluated, with the size of the frame it wants.
#[derive(Debug)]
pub struct Program<'a> {
    /// The expression.
    pub body: Node<'a>,
    /// Slots of its frame; the first ones hold the names it was resolved with.
    pub frame: u32,
}

/// Resolves a whole source. `names` are in scope beside the globals, and live in the first slots of the frame.
///
/// # Errors
/// When a variable is undefined, or the tree is too deep.
pub fn resolve<'a>(ev: &mut Evaluator<'a>, tree: ast::Node<'a>, names: &[Symbol]) -> Result<Program<'a>> {
    let mut resolver = Resolver { ev, scopes: Scopes::default(), suspended: false };
    resolver.scopes.push_frame();
    for name in names {
        let slot = resolver.scopes.take_slot();
        resolver.scopes.bind_at(*name, Some(slot));
    }
    let body = resolver.node(tree)?;
    Ok(Program { body, frame: resolver.scopes.pop_frame() })
}

struct Resolver<'r, 'a> {
    ev: &'r mut Evaluator<'a>,
    scopes: Scopes,
    /// Inside of an expression that is suspended, and so perhaps never evaluated.
    suspended: bool,
}

/// What a variable turns out to be.
enum Variable<'a> {
    At(Place),
    Global(Value<'a>),
    Dynamic(&'a Dynamic<'a>),
}

impl<'a> Resolver<'_, 'a> {
    fn alloc<T>(&self, value: T) -> &'a T {
        self.ev.arena.alloc(value)
    }

    fn node(&mut self, tree: ast::Node<'a>) -> Result<Node<'a>> {
        let expr = self.expr(tree)?;
        Ok(self.alloc(expr))
    }

    fn expr(&mut self, tree: ast::Node<'a>) -> Result<Expr<'a>> {
        self.ev.check_stack()?;
        self.ev.room_for(0)?;
        Ok(match *tree {
            ast::Expr::Int(number) => Expr::Const(Value::Int(number)),
            ast::Expr::Float(number) => Expr::Const(Value::Float(number)),
            ast::Expr::String(bytes) => Expr::Const(self.ev.string(bytes)),
            ast::Expr::Path(bytes) => Expr::Const(self.ev.path_literal(bytes)),
            ast::Expr::Var(pos, name) => self.variable_expr(pos, name)?,
            ast::Expr::CurPos(pos) => Expr::Const(self.ev.place_value(pos)),
            // Stands only where `bindings.rs` takes it apart.
            ast::Expr::InheritFrom(..) => Expr::Const(Value::Null),
            ast::Expr::Select { pos, base, path, default } => {
                let base = self.node(base)?;
                self.select(pos, base, path, default)?
            }
            ast::Expr::HasAttr { base, path } => {
                let tree = base;
                let base = self.node(tree)?;
                // A long chain of them has one place; to look for it each time would take the square of its length.
                let pos = if let Expr::HasAttr(inner) = base { inner.pos } else { tree.pos() };
                let path = self.path(path)?;
                Expr::HasAttr(self.alloc(HasAttr { pos, base, path }))
            }
            ast::Expr::Attrs { recursive, bindings, .. } => self.attrs(recursive, bindings)?,
            ast::Expr::List(&[]) => Expr::Const(self.ev.list(std::iter::empty())),
            ast::Expr::List(items) => Expr::List(self.items(items)?),
            ast::Expr::Lambda(lambda) => {
                let (lambda, hops) = self.lambda(lambda)?;
                Expr::Lambda(lambda, hops)
            }
            ast::Expr::Call { pos, function, args } => self.call(pos, function, args)?,
            ast::Expr::Let { bindings, body } => self.let_in(bindings, body)?,
            ast::Expr::With { pos, attrs, body } => self.with(pos, attrs, body)?,
            ast::Expr::If { pos, condition, then, otherwise } => {
                let condition = self.node(condition)?;
                let mark = self.scopes.mark();
                let then = self.node(then)?;
                let end = self.scopes.mark();
                self.scopes.reuse(mark);
                let otherwise = self.node(otherwise)?;
                self.scopes.keep_below(end);
                Expr::If(self.alloc(If { pos, condition, then, otherwise }))
            }
            ast::Expr::Assert { pos, condition: source, body } => {
                let condition = self.node(source)?;
                let body = self.node(body)?;
                Expr::Assert(self.alloc(Assert { pos, condition, source, body }))
            }
            ast::Expr::Not(inner) => {
                let node = self.node(inner)?;
                Expr::Not(node, if let Expr::Not(_, pos) = *node { pos } else { inner.pos() })
            }
            ast::Expr::Binary { pos, op, left, right } => self.binary(pos, op, left, right)?,
            ast::Expr::ConcatStrings { pos, force_string, parts } => {
                self.concat_strings(pos, force_string, parts)?
            }
        })
    }

    fn variable(&mut self, pos: Pos, name: Symbol, below: BindingId) -> Result<Variable<'a>> {
        if let Some(id) = self.scopes.lookup(name, below) {
            return Ok(Variable::At(self.scopes.use_binding(id)));
        }
        if let Some(value) = self.ev.global(name) {
            return Ok(Variable::Global(value));
        }
        let withs = self.scopes.withs();
        if withs.len() == 0 {
            return Err(undefined(&self.ev.symbols.shown(name), pos));
        }
        let withs = self.ev.arena.alloc_slice_fill_iter(withs);
        Ok(Variable::Dynamic(self.alloc(Dynamic { name, pos, withs, hint: Cell::new(0) })))
    }

    fn variable_expr(&mut self, pos: Pos, name: Symbol) -> Result<Expr<'a>> {
        Ok(match self.variable(pos, name, ALL)? {
            Variable::At(place) => place_expr(place, pos),
            Variable::Global(Value::Thunk(slot)) => Expr::Global(slot, pos),
            Variable::Global(value) => Expr::Const(value),
            Variable::Dynamic(dynamic) => Expr::Dynamic(dynamic),
        })
    }

    /// The same where bindings from `unset` on have nothing in their slots yet, so that their variables cannot be shared.
    fn early_item(&mut self, tree: ast::Node<'a>, unset: BindingId) -> Result<Item<'a>> {
        match *tree {
            ast::Expr::Var(_, name) if self.scopes.lookup(name, ALL).is_some_and(|id| id >= unset) => {
                self.suspended_item(tree)
            }
            _ => self.item(tree),
        }
    }

    /// What stands for an expression whose value may never be needed.
    fn item(&mut self, tree: ast::Node<'a>) -> Result<Item<'a>> {
        match *tree {
            ast::Expr::Var(pos, name) => self.variable_item(pos, name, ALL),
            ast::Expr::Int(_) | ast::Expr::Float(_) | ast::Expr::String(_) | ast::Expr::Path(_) => {
                match self.expr(tree)? {
                    Expr::Const(value) => Ok(Item::Const(value)),
                    other => Ok(self.lazy(other)),
                }
            }
            ast::Expr::List(&[]) => match self.ev.list(std::iter::empty()) {
                value @ Value::List(_) => Ok(Item::Const(value)),
                _ => self.suspended_item(tree),
            },
            ast::Expr::Lambda(lambda) => {
                let (lambda, hops) = self.lambda(lambda)?;
                let node = self.alloc(Expr::Lambda(lambda, 0));
                Ok(Item::Function(self.code(node), lambda, hops))
            }
            _ => self.suspended_item(tree),
        }
    }

    fn suspended_item(&mut self, tree: ast::Node<'a>) -> Result<Item<'a>> {
        let before = std::mem::replace(&mut self.suspended, true);
        let expr = self.expr(tree);
        self.suspended = before;
        Ok(self.lazy(expr?))
    }

    fn variable_item(&mut self, pos: Pos, name: Symbol, below: BindingId) -> Result<Item<'a>> {
        Ok(match self.variable(pos, name, below)? {
            Variable::At(Place { depth: 0, slot }) => Item::Local(slot),
            Variable::At(place) => Item::Outer(place),
            // Of the globals `derivation` alone is made when it is wanted; Nix has it from the start.
            Variable::Global(value) => Item::Const(self.ev.force(value, Pos::NONE)?),
            Variable::Dynamic(dynamic) => self.lazy(Expr::Dynamic(dynamic)),
        })
    }

    fn lazy(&mut self, expr: Expr<'a>) -> Item<'a> {
        let node = self.alloc(expr);
        Item::Lazy(self.code(node))
    }

    fn code(&mut self, node: Node<'a>) -> CodeId {
        self.ev.register(node)
    }

    fn items(&mut self, trees: &'a [ast::Node<'a>]) -> Result<&'a [Item<'a>]> {
        let items = trees.iter().map(|tree| self.item(tree)).collect::<Result<Vec<_>>>()?;
        Ok(self.ev.arena.alloc_slice_copy(&items))
    }

    /// Like [`Self::item`] for an argument of a call, where arithmetic may be computed ahead.
    fn argument(&mut self, tree: ast::Node<'a>) -> Result<Item<'a>> {
        let item = self.item(tree)?;
        if let Item::Lazy(code) = item {
            let node = self.ev.codes[code.0 as usize];
            if is_cheap(node, 0) {
                return Ok(Item::Cheap(code, node));
            }
        }
        Ok(item)
    }

    fn select(
        &mut self,
        pos: Pos,
        base: Node<'a>,
        path: &'a [ast::AttrName<'a>],
        default: Option<ast::Node<'a>>,
    ) -> Result<Expr<'a>> {
        let default = default.map(|tree| self.node(tree)).transpose()?;
        let path = self.path(path)?;
        Ok(Expr::Select(self.alloc(Select { pos, base, path, default })))
    }

    fn path(&mut self, path: &'a [ast::AttrName<'a>]) -> Result<&'a [AttrName<'a>]> {
        let names = path
            .iter()
            .map(|name| {
                Ok(match *name {
                    ast::AttrName::Static(symbol) => AttrName::Static(symbol, Cell::new(0)),
                    ast::AttrName::Dynamic(tree) => AttrName::Dynamic(self.node(tree)?, tree),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(self.ev.arena.alloc_slice_fill_iter(names))
    }

    fn call(&mut self, pos: Pos, function: ast::Node<'a>, args: &'a [ast::Node<'a>]) -> Result<Expr<'a>> {
        if let (ast::Expr::Var(_, name), [left, right]) = (*function, args)
            && let Some(op) = self.operator(name)
        {
            let operands = self.operands(pos, left, right)?;
            return Ok(Expr::Arith(op, operands));
        }
        let function = self.node(function)?;
        let args = args.iter().map(|arg| self.argument(arg)).collect::<Result<Vec<_>>>()?;
        let args = self.ev.arena.alloc_slice_copy(&args);
        Ok(Expr::Call(self.alloc(Call { pos, function, args })))
    }

    /// The operator that a name means unless something in scope has taken the name.
    fn operator(&mut self, name: Symbol) -> Option<Arith> {
        let op = match name {
            known::SUB => Arith::Sub,
            known::MUL => Arith::Mul,
            known::DIV => Arith::Div,
            known::LESS_THAN => Arith::Less,
            _ => return None,
        };
        if self.scopes.lookup(name, ALL).is_some() { None } else { Some(op) }
    }

    fn operands(&mut self, pos: Pos, left: ast::Node<'a>, right: ast::Node<'a>) -> Result<&'a Binary<'a>> {
        let (left_pos, right_pos) = (left.pos(), right.pos());
        let (left, right) = (self.node(left)?, self.node(right)?);
        Ok(self.alloc(Binary { pos, left, right, left_pos, right_pos }))
    }

    fn binary(
        &mut self,
        pos: Pos,
        op: BinaryOp,
        left: ast::Node<'a>,
        right: ast::Node<'a>,
    ) -> Result<Expr<'a>> {
        let operands = self.operands(pos, left, right)?;
        Ok(match op {
            BinaryOp::Eq => Expr::Equal(true, operands),
            BinaryOp::NotEq => Expr::Equal(false, operands),
            BinaryOp::And => self.chain(Logic::And, operands),
            BinaryOp::Or => self.chain(Logic::Or, operands),
            BinaryOp::Implies => self.chain(Logic::Implies, operands),
            BinaryOp::Update => Expr::Update(operands),
            BinaryOp::Concat => Expr::Concat(operands),
        })
    }

    /// `left op right`; a left operand of the same operator is made longer instead.
    fn chain(&self, op: Logic, operands: &'a Binary<'a>) -> Expr<'a> {
        let (mut nodes, mut places) = (vec![operands.left], Vec::new());
        if let Expr::Logic(left) = *operands.left
            && left.op == op
            && op != Logic::Implies
            && left.operands.len() < LONGEST_CHAIN
        {
            nodes = left.operands.to_vec();
            places = left.places.to_vec();
        }
        nodes.push(operands.right);
        places.push(operands.pos);
        let arena = self.ev.arena;
        let (operands, places) = (arena.alloc_slice_copy(&nodes), arena.alloc_slice_copy(&places));
        Expr::Logic(self.alloc(Chain { op, operands, places }))
    }

    fn concat_strings(
        &mut self,
        pos: Pos,
        force_string: bool,
        parts: &'a [(Pos, ast::Node<'a>)],
    ) -> Result<Expr<'a>> {
        let nodes =
            parts.iter().map(|(pos, part)| Ok((*pos, self.node(part)?))).collect::<Result<Vec<_>>>()?;
        if let ([(left_pos, left), (right_pos, right)], false) = (nodes.as_slice(), force_string) {
            let add = Add { pos, left_pos: *left_pos, left, right_pos: *right_pos, right };
            return Ok(Expr::Add(self.alloc(add)));
        }
        let parts = self.ev.arena.alloc_slice_copy(&nodes);
        Ok(Expr::Interpolation(self.alloc(Interpolation { pos, force_string, parts })))
    }

    fn with(&mut self, pos: Pos, attrs: ast::Node<'a>, body: ast::Node<'a>) -> Result<Expr<'a>> {
        let attrs = self.item(attrs)?;
        let slot = self.scopes.take_slot();
        self.scopes.push_with(slot, pos);
        let body = self.node(body);
        self.scopes.pop_with();
        Ok(Expr::With(self.alloc(With { slot, attrs, body: body? })))
    }
}

fn place_expr<'a>(place: Place, pos: Pos) -> Expr<'a> {
    match place.depth {
        0 => Expr::Local(place.slot, pos),
        _ => Expr::Outer(place, pos),
    }
}

/// True for a few arithmetic operators over variables and numbers.
fn is_cheap(node: Node<'_>, depth: u32) -> bool {
    match *node {
        Expr::Const(Value::Int(_) | Value::Float(_)) | Expr::Local(..) | Expr::Outer(..) => depth > 0,
        Expr::Arith(_, operands) if depth < 3 => {
            is_cheap(operands.left, depth + 1) && is_cheap(operands.right, depth + 1)
        }
        Expr::Add(add) if depth < 3 => is_cheap(add.left, depth + 1) && is_cheap(add.right, depth + 1),
        _ => false,
    }
}
