//! Bindings: `let`, `{ … }`, `rec { … }`.

use super::{ALL, Resolver};
use crate::lang::error::Result;
use crate::lang::expr::{AttrsExpr, DynamicAttr, Expr, Item, Lambda, Let, Recursive, RichAttrs, SlotInit};
use crate::lang::scope::BindingId;
use crate::lang::syntax::ast::{self, BindingKind, Bindings};
use crate::lang::syntax::symbol::known;
use crate::lang::value::Shape;

/// A scope of at most this many names that is surely evaluated lives in the frame of its function.
const SHARE_SURE: usize = 24;

/// The same for a scope inside of a suspended expression.
const SHARE_SUSPENDED: usize = 2;

/// Frames are not filled beyond this by scopes that could have their own.
const FRAME_LIMIT: u32 = 48;

impl<'a> Resolver<'_, 'a> {
    /// True when a scope gets a frame of its own.
    fn wants_frame(&self, names: usize) -> bool {
        let limit = if self.suspended { SHARE_SUSPENDED } else { SHARE_SURE };
        names > limit || self.scopes.frame_fill() + names as u32 > FRAME_LIMIT
    }

    pub(super) fn let_in(&mut self, bindings: &'a Bindings<'a>, body: ast::Node<'a>) -> Result<Expr<'a>> {
        let own = self.wants_frame(bindings.attrs.len() + bindings.inherit_from.len());
        if own {
            self.scopes.push_frame();
        }
        let depth = self.scopes.depth();
        let result = self.let_inside(bindings, body, depth);
        self.scopes.unbind(depth);
        let frame = own.then(|| self.scopes.pop_frame());
        let (slots, body) = result?;
        Ok(Expr::Let(self.alloc(Let { slots, frame, body })))
    }

    fn let_inside(
        &mut self,
        bindings: &'a Bindings<'a>,
        body: ast::Node<'a>,
        depth: BindingId,
    ) -> Result<(&'a [SlotInit<'a>], &'a Expr<'a>)> {
        for binding in bindings.attrs {
            self.scopes.bind(binding.name);
        }
        let mut inits = self.sources(bindings, depth)?;
        let sources = inits.clone();
        let mut items = Vec::with_capacity(bindings.attrs.len());
        for (index, binding) in bindings.attrs.iter().enumerate() {
            items.push(self.binding(binding, &sources, depth, depth + index)?);
        }
        let body = self.node(body)?;
        for (index, item) in items.into_iter().enumerate() {
            if let Some(slot) = self.scopes.slot_of(depth + index) {
                inits.push(SlotInit { slot, item });
            }
        }
        Ok((self.ev.arena.alloc_slice_copy(&inits), body))
    }

    /// The sources of `inherit (…)`: each has a slot, because what is inherited from it shares it. They are started before
    /// the bindings from `unset` on.
    fn sources(&mut self, bindings: &'a Bindings<'a>, unset: BindingId) -> Result<Vec<SlotInit<'a>>> {
        let mut inits = Vec::with_capacity(bindings.inherit_from.len());
        for source in bindings.inherit_from {
            let item = self.early_item(source, unset)?;
            inits.push(SlotInit { slot: self.scopes.take_slot(), item });
        }
        Ok(inits)
    }

    /// The value of a binding. What it inherits comes from the bindings below `outer`; those from `unset` on are started
    /// later than it.
    fn binding(
        &mut self,
        binding: &'a ast::Binding<'a>,
        sources: &[SlotInit<'a>],
        outer: BindingId,
        unset: BindingId,
    ) -> Result<Item<'a>> {
        match (binding.kind, binding.value) {
            (BindingKind::Inherited, ast::Expr::Var(pos, name)) => self.variable_item(*pos, *name, outer),
            (
                BindingKind::InheritedFrom,
                &ast::Expr::Select { pos, base: &ast::Expr::InheritFrom(base_pos, index), path, default },
            ) => {
                let slot = sources.get(index as usize).map_or(0, |source| source.slot);
                let base = self.alloc(Expr::Local(slot, base_pos));
                let expr = self.select(pos, base, path, default)?;
                Ok(self.lazy(expr))
            }
            (_, value) => self.early_item(value, unset),
        }
    }

    pub(super) fn attrs(&mut self, recursive: bool, bindings: &'a Bindings<'a>) -> Result<Expr<'a>> {
        let shape = self.shape(bindings);
        if !recursive && bindings.inherit_from.is_empty() && bindings.dynamic.is_empty() {
            let mut values = Vec::with_capacity(bindings.attrs.len());
            for binding in bindings.attrs {
                values.push(self.binding(binding, &[], ALL, ALL)?);
            }
            let values = self.ev.arena.alloc_slice_copy(&values);
            return Ok(Expr::Attrs(self.alloc(AttrsExpr { shape, values })));
        }
        let names = if recursive { bindings.attrs.len() } else { 0 };
        let own = self.wants_frame(names + bindings.inherit_from.len());
        if own {
            self.scopes.push_frame();
        }
        let depth = self.scopes.depth();
        let result = self.attrs_inside(recursive, bindings, shape);
        self.scopes.unbind(depth);
        let frame = own.then(|| self.scopes.pop_frame());
        Ok(Expr::RichAttrs(self.alloc(RichAttrs { frame, ..result? })))
    }

    fn shape(&self, bindings: &'a Bindings<'a>) -> &'a Shape<'a> {
        let arena = self.ev.arena;
        let symbols = arena.alloc_slice_fill_iter(bindings.attrs.iter().map(|binding| binding.name));
        let positions = arena.alloc_slice_fill_iter(bindings.attrs.iter().map(|binding| binding.pos));
        Shape::new(arena, symbols, positions)
    }

    fn attrs_inside(
        &mut self,
        recursive: bool,
        bindings: &'a Bindings<'a>,
        shape: &'a Shape<'a>,
    ) -> Result<RichAttrs<'a>> {
        let depth = self.scopes.depth();
        if recursive {
            for binding in bindings.attrs {
                self.scopes.bind(binding.name);
            }
        }
        let overrides = shape.symbols.iter().position(|name| recursive && *name == known::OVERRIDES);
        let sources = self.sources(bindings, depth)?;
        let mut values = Vec::with_capacity(bindings.attrs.len());
        for (index, binding) in bindings.attrs.iter().enumerate() {
            values.push(match (overrides, binding.kind) {
                // What may be overridden is suspended, whatever it is.
                (Some(_), BindingKind::Plain) => self.suspended_item(binding.value)?,
                _ => self.binding(binding, &sources, depth, depth + index)?,
            });
        }
        let mut dynamic = Vec::with_capacity(bindings.dynamic.len());
        for attr in bindings.dynamic {
            let name = self.node(attr.name)?;
            let value = self.item(attr.value)?;
            dynamic.push(DynamicAttr { pos: attr.pos, name, value, lambda: self.lambda_of(value) });
        }
        let recursive = recursive.then(|| {
            let variables = (0..bindings.attrs.len())
                .filter_map(|index| Some((index as u32, self.scopes.slot_of(depth + index)?)))
                .collect::<Vec<_>>();
            let overrides = overrides.map(|index| index as u32);
            Recursive { variables: self.ev.arena.alloc_slice_copy(&variables), overrides }
        });
        let recursive: Option<&'a Recursive<'a>> = recursive.map(|recursive| self.alloc(recursive));
        Ok(RichAttrs {
            shape,
            values: self.ev.arena.alloc_slice_copy(&values),
            recursive,
            sources: self.ev.arena.alloc_slice_copy(&sources),
            dynamic: self.ev.arena.alloc_slice_fill_iter(dynamic),
            frame: None,
        })
    }

    /// The function that a suspended expression is.
    fn lambda_of(&self, item: Item<'a>) -> Option<&'a Lambda<'a>> {
        match item {
            Item::Function(_, lambda, _) => Some(lambda),
            _ => None,
        }
    }
}
