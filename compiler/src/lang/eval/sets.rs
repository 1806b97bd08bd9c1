//! Attribute sets: literals, selection, `?`, `//`.

use std::cell::Cell;

use super::Evaluator;
use crate::lang::error::{EvalError, Result};
use crate::lang::expr::{AttrName, AttrsExpr, Binary, Expr, HasAttr, Node, Recursive, RichAttrs, Select};
use crate::lang::suggest::best_matches;
use crate::lang::syntax::symbol::known;
use crate::lang::syntax::{Origin, Pos, Symbol};
use crate::lang::value::attrs::AttrsBuilder;
use crate::lang::value::{Attrs, Env, Slot, Suspension, Value, Work, share};
use crate::lang::{print, report};

impl<'a> Evaluator<'a> {
    /// `{ … }` whose names are all known.
    #[inline(never)]
    pub(super) fn eval_attrs(&mut self, attrs: &'a AttrsExpr<'a>, env: &'a Env<'a>) -> &'a Attrs<'a> {
        if attrs.values.is_empty() {
            return self.empty_attrs;
        }
        let items = attrs.values;
        let values = self
            .arena
            .alloc_slice_fill_with(items.len(), |index| Cell::new(self.escaping_item(&items[index], env)));
        Attrs::new(self.arena, attrs.shape, values)
    }

    /// A set that is recursive, has computed names, or inherits from sources.
    #[inline(never)]
    pub(super) fn eval_rich_attrs(
        &mut self,
        attrs: &'a RichAttrs<'a>,
        env: &'a Env<'a>,
    ) -> Result<Value<'a>> {
        let env = match attrs.frame {
            None => env,
            Some(size) => self.frames.make(Some(env.escape()), size as usize),
        };
        env.escape();
        self.fill(attrs.sources, env);
        // The values of a recursive set may be variables of the same set, so the slots of those must exist before: they
        // are made to point to the values, which start as nothing.
        let values: &'a [Slot<'a>] =
            self.arena.alloc_slice_fill_with(attrs.values.len(), |_| Cell::new(Value::Blackhole));
        if let Some(recursive) = attrs.recursive {
            for (index, slot) in recursive.variables {
                env.slots[*slot as usize].set(Value::Thunk(&values[*index as usize]));
            }
        }
        for (slot, item) in values.iter().zip(attrs.values) {
            slot.set(self.item(item, env));
        }
        let mut set = Attrs::new(self.arena, attrs.shape, values);
        if let Some(Recursive { overrides: Some(index), variables, .. }) = attrs.recursive {
            set = self.override_attrs(attrs, set, &values[*index as usize], variables, env)?;
        }
        if !attrs.dynamic.is_empty() {
            set = self.add_dynamic(attrs, set, env)?;
        }
        Ok(Value::Attrs(set))
    }

    /// `__overrides`: its attributes replace those of the set, also as variables.
    fn override_attrs(
        &mut self,
        attrs: &'a RichAttrs<'a>,
        set: &'a Attrs<'a>,
        overrides: &'a Slot<'a>,
        variables: &[(u32, u32)],
        env: &'a Env<'a>,
    ) -> Result<&'a Attrs<'a>> {
        let overrides = self.force_slot(overrides, Pos::NONE)?;
        let overrides =
            self.attrs_of(overrides, Pos::NONE, "while evaluating the `__overrides` attribute")?;
        for (index, slot) in variables {
            let name = attrs.shape.symbols[*index as usize];
            if let Some(value) = overrides.get(name) {
                env.slots[*slot as usize].set(share(value));
            }
        }
        Ok(Attrs::update(self.arena, set, overrides))
    }

    fn add_dynamic(
        &mut self,
        attrs: &'a RichAttrs<'a>,
        set: &'a Attrs<'a>,
        env: &'a Env<'a>,
    ) -> Result<&'a Attrs<'a>> {
        let (shape, values) = set.flatten(self.arena);
        let mut builder = AttrsBuilder::with_capacity(values.len() + attrs.dynamic.len());
        for (index, symbol) in shape.symbols.iter().enumerate() {
            builder.push(*symbol, shape.position(index), share(&values[index]));
        }
        let mut added: Vec<(Symbol, Pos)> = Vec::new();
        for attr in attrs.dynamic {
            let name = self.eval(attr.name, env)?;
            if let Value::Null = name {
                continue;
            }
            let name =
                self.plain_string_of(name, attr.pos, "while evaluating the name of a dynamic attribute")?;
            let name = self.symbols.intern(name);
            let before = set.find(name).map(|found| found.pos);
            let before =
                before.or_else(|| added.iter().find(|(other, _)| *other == name).map(|found| found.1));
            if let Some(before) = before {
                return Err(self.defined_twice(name, before, attr.pos));
            }
            if let Some(lambda) = attr.lambda {
                lambda.name.set(Some(name));
            }
            added.push((name, attr.pos));
            let value = self.item(&attr.value, env);
            builder.push(name, attr.pos, value);
        }
        Ok(builder.finish(self.arena))
    }

    #[cold]
    fn defined_twice(&self, name: Symbol, before: Pos, pos: Pos) -> Box<EvalError> {
        let mut text =
            [b"dynamic attribute '".as_slice(), &self.symbols.shown(name), b"' already defined at "].concat();
        report::write_place(&mut text, &self.sources, before);
        EvalError::new(text).at(pos)
    }

    /// `base.path`, `base.path or default`.
    #[inline]
    pub(super) fn eval_select(&mut self, select: &'a Select<'a>, env: &'a Env<'a>) -> Result<Value<'a>> {
        let base = self.operand(select.base, env)?;
        let mut value = base;
        for (index, name) in select.path.iter().enumerate() {
            let (Value::Attrs(attrs), AttrName::Static(name, hint)) = (value, name) else {
                return self.select_path(select, base, env);
            };
            let Some(slot) = attrs.get_hinted(*name, hint) else {
                return match select.default {
                    // What fails in it then fails in no attribute.
                    Some(default) if index == 0 => self.operand(default, env),
                    _ => self.select_path(select, base, env),
                };
            };
            value = slot.get();
            if !value.is_evaluated() {
                if index + 1 == select.path.len() {
                    return self.select_suspended(select, *name, attrs, slot, env);
                }
                return self.select_path(select, base, env);
            }
        }
        Ok(value)
    }

    /// The end of a path at an attribute that was not needed yet.
    #[inline(never)]
    fn select_suspended(
        &mut self,
        select: &'a Select<'a>,
        name: Symbol,
        attrs: &'a Attrs<'a>,
        slot: &'a Slot<'a>,
        env: &'a Env<'a>,
    ) -> Result<Value<'a>> {
        let place = |pos: Pos| if pos.is_none() { select.pos } else { pos };
        let pos_of = || attrs.find(name).map_or(Pos::NONE, |found| found.pos);
        // An expression does not look at the place that wants it.
        let pos = match slot.get() {
            Value::Suspended(Suspension { work: Work::Expression, .. }) => Pos::NONE,
            _ => place(pos_of()),
        };
        let mut result = self.force_slot(slot, pos);
        if let Err(error) = &mut result {
            self.while_selecting(error, select, env, pos_of());
        }
        result
    }

    /// The general case; it begins anew at the base, for what was evaluated up to here costs little now.
    #[inline(never)]
    fn select_path(
        &mut self,
        select: &'a Select<'a>,
        base: Value<'a>,
        env: &'a Env<'a>,
    ) -> Result<Value<'a>> {
        let mut last = Pos::NONE;
        let mut result = match (self.walk(select, base, env, &mut last), select.default) {
            (Ok(Some(value)), _) => Ok(value),
            // The default belongs to the selection: when it fails, the attribute found last is named.
            (Ok(None), Some(default)) => self.operand(default, env),
            (Ok(None), None) => Ok(Value::Null),
            (Err(error), _) => Err(error),
        };
        if let Err(error) = &mut result {
            self.while_selecting(error, select, env, last);
        }
        result
    }

    /// Follows a path; `None` when it ends early and there is a default. `last` is the position of the attribute found
    /// last.
    #[inline]
    fn walk(
        &mut self,
        select: &'a Select<'a>,
        base: Value<'a>,
        env: &'a Env<'a>,
        last: &mut Pos,
    ) -> Result<Option<Value<'a>>> {
        let mut value = base;
        for (index, name) in select.path.iter().enumerate() {
            let (found, name) = match (value, name) {
                (Value::Attrs(attrs), AttrName::Static(name, hint)) => {
                    (attrs.find_hinted(*name, hint), *name)
                }
                _ => {
                    let name = self.attr_name(name, env)?;
                    let attrs = match value {
                        Value::Attrs(attrs) => attrs,
                        _ if select.default.is_some() => return Ok(None),
                        other => self.attrs_of(other, select.pos, "while selecting an attribute")?,
                    };
                    (attrs.find(name), name)
                }
            };
            let Some(found) = found else {
                return match (select.default, value) {
                    (None, Value::Attrs(attrs)) => Err(self.missing_attribute(attrs, name, select.pos)),
                    _ => Ok(None),
                };
            };
            *last = found.pos;
            let is_last = index + 1 == select.path.len();
            let pos = if is_last && !found.pos.is_none() { found.pos } else { select.pos };
            value = self.force_slot(found.slot, pos)?;
        }
        Ok(Some(value))
    }

    fn attr_name(&mut self, name: &'a AttrName<'a>, env: &'a Env<'a>) -> Result<Symbol> {
        match *name {
            AttrName::Static(name, _) => Ok(name),
            AttrName::Dynamic(expr, source) => self.dynamic_name(expr, source.pos(), env),
        }
    }

    fn dynamic_name(&mut self, expr: Node<'a>, pos: Pos, env: &'a Env<'a>) -> Result<Symbol> {
        let value = self.eval(expr, env)?;
        let name = self.plain_string_of(value, pos, "while evaluating an attribute name")?;
        Ok(self.symbols.intern(name))
    }

    /// `attribute '…' missing`, with suggestions.
    #[cold]
    pub fn missing_attribute(&self, attrs: &Attrs<'a>, name: Symbol, pos: Pos) -> Box<EvalError> {
        let text = [b"attribute '".as_slice(), &self.symbols.shown(name), b"' missing"].concat();
        let mut error = EvalError::new(text).at(pos);
        let (shape, _) = attrs.flatten(self.arena);
        let names = shape.symbols.iter().map(|name| self.symbols.name(*name));
        error.suggestions = best_matches(names, self.symbols.name(name));
        error
    }

    #[cold]
    fn while_selecting(
        &mut self,
        error: &mut EvalError,
        select: &'a Select<'a>,
        env: &'a Env<'a>,
        last: Pos,
    ) {
        // What `derivation` selects inside itself is of no interest.
        if last.is_none() || matches!(self.sources.origin(last), Some(Origin::Internal(_))) {
            return;
        }
        let mut text = b"while evaluating the attribute '".to_vec();
        for (index, name) in select.path.iter().enumerate() {
            if index > 0 {
                text.push(b'.');
            }
            match (self.attr_name(name, env), name) {
                (Ok(name), _) => text.extend_from_slice(&self.symbols.shown(name)),
                (Err(_), AttrName::Dynamic(_, source)) => {
                    let source = print::source(&self.symbols, source);
                    text.extend_from_slice(&[b"\"${".as_slice(), &source, b"}\""].concat());
                }
                (Err(_), AttrName::Static(..)) => {}
            }
        }
        text.push(b'\'');
        error.add_trace(last, text);
    }

    /// `base ? path`.
    #[inline(never)]
    pub(super) fn eval_has_attr(&mut self, has: &'a HasAttr<'a>, env: &'a Env<'a>) -> Result<bool> {
        let mut value = self.operand(has.base, env)?;
        for (index, name) in has.path.iter().enumerate() {
            let name_symbol = self.attr_name(name, env)?;
            let Value::Attrs(attrs) = value else { return Ok(false) };
            let slot = match name {
                AttrName::Static(_, hint) => attrs.get_hinted(name_symbol, hint),
                AttrName::Dynamic(..) => attrs.get(name_symbol),
            };
            let Some(slot) = slot else { return Ok(false) };
            if index + 1 < has.path.len() {
                value = self.force_slot(slot, has.pos)?;
            }
        }
        Ok(true)
    }

    /// `left // right`; Nix evaluates the right side first.
    #[inline(never)]
    pub(super) fn eval_update(&mut self, operands: &'a Binary<'a>, env: &'a Env<'a>) -> Result<Value<'a>> {
        let right = self.eval_set(
            operands.right,
            env,
            operands.right_pos,
            "in the right operand of the update (//) operator",
        )?;
        let left = self.eval_set(
            operands.left,
            env,
            operands.left_pos,
            "in the left operand of the update (//) operator",
        )?;
        Ok(Value::Attrs(Attrs::update(self.arena, left, right)))
    }

    fn eval_set(
        &mut self,
        expr: Node<'a>,
        env: &'a Env<'a>,
        pos: Pos,
        context: &'static str,
    ) -> Result<&'a Attrs<'a>> {
        let result = match *expr {
            // Nix lays a chain of sets over each other at once, so that only the innermost operator is at fault.
            Expr::Update(operands) => {
                self.check_stack()?;
                Ok(self.eval_update(operands, env)?)
            }
            _ => self.operand(expr, env),
        };
        match result {
            Ok(Value::Attrs(attrs)) => Ok(attrs),
            Ok(other) => Err(self.type_error("a set", other).trace(pos, context.as_bytes())),
            Err(error) => Err(error.trace(pos, context.as_bytes())),
        }
    }

    /// True for a set whose `type` is `"derivation"`.
    ///
    /// # Errors
    /// When evaluating `type` fails.
    pub fn is_derivation(&mut self, attrs: &Attrs<'a>) -> Result<bool> {
        let Some(kind) = attrs.get(known::TYPE) else { return Ok(false) };
        match self.force_slot(kind, Pos::NONE)? {
            Value::String(kind) => Ok(kind.bytes() == b"derivation"),
            _ => Ok(false),
        }
    }
}
