//! How far out a function reaches: which is the innermost of the frames around it that it can see something in.
//!
//! A function keeps the frames that it was made in. One that mentions no variable of the innermost frames is made to
//! start further out, so these can be used again when their call returns.
//! Owns: the search for what a function mentions. Never does: decide what a name means; names that the function itself binds
//! are taken for those outside, which only keeps a frame that nobody needs.

use super::{ALL, Resolver};
use crate::lang::syntax::Symbol;
use crate::lang::syntax::ast::{AttrName, Bindings, Expr, Lambda, Node};

/// A function with more expressions than this is not searched: functions lie in each other, and every one is searched.
const LARGEST: u32 = 256;

impl<'a> Resolver<'_, 'a> {
    /// The innermost frame that a function mentions something of: an index into the frames around the place at hand.
    pub(super) fn reach(&self, lambda: &'a Lambda<'a>) -> usize {
        let innermost = self.scopes.innermost_frame();
        let mut search = Search { resolver: self, left: LARGEST, innermost, reach: 0 };
        search.lambda(lambda);
        if search.left == 0 { innermost } else { search.reach }
    }
}

struct Search<'s, 'r, 'a> {
    resolver: &'s Resolver<'r, 'a>,
    /// Expressions that may still be looked at.
    left: u32,
    innermost: usize,
    /// What was found so far.
    reach: usize,
}

impl<'a> Search<'_, '_, 'a> {
    /// True when nothing further out can be found any more.
    fn is_over(&self) -> bool {
        self.left == 0 || self.reach == self.innermost
    }

    fn mention(&mut self, name: Symbol) {
        let scopes = &self.resolver.scopes;
        let frame = match scopes.lookup(name, ALL) {
            Some(id) => scopes.frame_of(id),
            None if self.resolver.ev.global(name).is_some() => 0,
            None => scopes.innermost_with().unwrap_or(0),
        };
        self.reach = self.reach.max(frame);
    }

    fn lambda(&mut self, lambda: &'a Lambda<'a>) {
        let formals = lambda.formals.iter().flat_map(|pattern| pattern.formals);
        self.nodes(formals.filter_map(|formal| formal.default));
        self.node(lambda.body);
    }

    fn nodes(&mut self, nodes: impl Iterator<Item = Node<'a>>) {
        nodes.for_each(|node| self.node(node));
    }

    fn path(&mut self, path: &'a [AttrName<'a>]) {
        self.nodes(path.iter().filter_map(|name| match *name {
            AttrName::Static(_) => None,
            AttrName::Dynamic(node) => Some(node),
        }));
    }

    fn bindings(&mut self, bindings: &'a Bindings<'a>) {
        self.nodes(bindings.attrs.iter().map(|binding| binding.value));
        self.nodes(bindings.inherit_from.iter().copied());
        self.nodes(bindings.dynamic.iter().flat_map(|binding| [binding.name, binding.value]));
    }

    /// Recursion is bounded by the number of expressions looked at.
    fn node(&mut self, node: Node<'a>) {
        if self.is_over() {
            return;
        }
        self.left -= 1;
        match *node {
            Expr::Int(_) | Expr::Float(_) | Expr::String(_) | Expr::Path(_) => {}
            Expr::CurPos(_) | Expr::InheritFrom(..) => {}
            Expr::Var(_, name) => self.mention(name),
            Expr::Select { base, path, default, .. } => {
                self.nodes([base].into_iter().chain(default));
                self.path(path);
            }
            Expr::HasAttr { base, path } => {
                self.node(base);
                self.path(path);
            }
            Expr::Attrs { bindings, .. } => self.bindings(bindings),
            Expr::List(items) => self.nodes(items.iter().copied()),
            Expr::Lambda(lambda) => self.lambda(lambda),
            Expr::Call { function, args, .. } => {
                self.nodes([function].into_iter().chain(args.iter().copied()))
            }
            Expr::Let { bindings, body } => {
                self.bindings(bindings);
                self.node(body);
            }
            Expr::With { attrs: first, body: second, .. }
            | Expr::Assert { condition: first, body: second, .. }
            | Expr::Binary { left: first, right: second, .. } => self.nodes([first, second].into_iter()),
            Expr::If { condition, then, otherwise, .. } => {
                self.nodes([condition, then, otherwise].into_iter());
            }
            Expr::Not(inner) => self.node(inner),
            Expr::ConcatStrings { parts, .. } => self.nodes(parts.iter().map(|(_, part)| *part)),
        }
    }
}
