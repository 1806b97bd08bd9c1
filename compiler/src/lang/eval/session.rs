//! Programs one after the other under the names that earlier ones have bound: what a session at a prompt needs.

use std::collections::HashMap;

use super::Evaluator;
use crate::lang::error::Result;
use crate::lang::resolve;
use crate::lang::syntax::{Form, Origin, Symbol, ast};
use crate::lang::value::{Attrs, Value, share};

/// Names that a session has bound, in scope beside the globals and before them.
#[derive(Debug, Default)]
pub struct Names<'a> {
    names: Vec<Symbol>,
    values: Vec<Value<'a>>,
    index: HashMap<Symbol, usize>,
}

impl<'a> Names<'a> {
    /// Binds a name; what it meant before is seen no more, except by programs that were resolved then.
    pub fn bind(&mut self, name: Symbol, value: Value<'a>) {
        let next = self.names.len();
        let at = *self.index.entry(name).or_insert(next);
        if at == next {
            self.names.push(name);
            self.values.push(value);
        } else {
            self.values[at] = value;
        }
    }

    /// The names, oldest first.
    pub fn names(&self) -> &[Symbol] {
        &self.names
    }

    /// Forgets all names.
    pub fn clear(&mut self) {
        *self = Names::default();
    }
}

impl<'a> Evaluator<'a> {
    /// Parses bindings as they stand between the braces of a set; the last semicolon may be missing. The tree is that of
    /// the set.
    ///
    /// # Errors
    /// When the text is not well formed.
    pub fn parse_bindings(
        &mut self,
        origin: Origin<'a>,
        text: &'a [u8],
        base: &[u8],
    ) -> Result<ast::Node<'a>> {
        self.parse_as(Form::Bindings, (origin, text), base)
    }

    /// The value of an expression under names. After an error the evaluator is as it was before.
    ///
    /// # Errors
    /// When a variable is undefined, or evaluation fails.
    pub fn eval_under(&mut self, tree: ast::Node<'a>, names: &Names<'a>) -> Result<Value<'a>> {
        let program = resolve::resolve(self, tree, &names.names)?;
        self.recover(|ev| ev.run(&program, &names.values))
    }

    /// Runs `work` as a whole of its own: an error leaves nothing behind that later work could see.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn recover<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let depth = self.limits.depth;
        let result = work(self);
        self.limits.depth = depth;
        self.unwound.clear();
        result
    }

    /// Binds every attribute of a set; the names in the order in which they print.
    pub fn bind_attrs(&mut self, names: &mut Names<'a>, attrs: &'a Attrs<'a>) -> Vec<&'a [u8]> {
        let (shape, values) = attrs.flatten(self.arena);
        let order = shape.by_name(self.arena, &self.symbols);
        let mut bound = Vec::with_capacity(order.len());
        for index in order {
            let name = shape.symbols[*index as usize];
            names.bind(name, share(&values[*index as usize]));
            bound.push(self.symbols.name(name));
        }
        bound
    }

    /// The names that are known without being bound.
    pub fn global_names(&self) -> impl Iterator<Item = &'a [u8]> + '_ {
        self.globals.iter().map(|global| self.symbols.name(global.name))
    }

    /// Forgets what files contain, so that they are read again.
    pub fn forget_files(&mut self) {
        self.files.clear();
        self.memory.sources.clear();
    }
}
