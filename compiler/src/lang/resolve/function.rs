//! Functions: their frame, their arguments, and the variables of a set pattern.

use std::cell::Cell;

use super::Resolver;
use crate::lang::error::Result;
use crate::lang::expr::{Formal, Formals, Lambda, Param};
use crate::lang::syntax::ast;

impl<'a> Resolver<'_, 'a> {
    /// A function, and how many frames further out lies the one that it starts in.
    pub(super) fn lambda(&mut self, tree: &'a ast::Lambda<'a>) -> Result<(&'a Lambda<'a>, u32)> {
        let depth = self.scopes.depth();
        let before = std::mem::replace(&mut self.suspended, false);
        let reach = self.reach(tree);
        let hops = self.scopes.hops_to(reach);
        self.scopes.push_frame_within(reach);
        let lambda = self.lambda_inside(tree);
        let frame = self.scopes.pop_frame();
        self.suspended = before;
        self.scopes.unbind(depth);
        let lambda = lambda?;
        lambda.frame.set(frame);
        Ok((lambda, hops))
    }

    fn lambda_inside(&mut self, tree: &'a ast::Lambda<'a>) -> Result<&'a Lambda<'a>> {
        let mut params = vec![Param { pos: tree.pos, name: tree.arg }];
        let mut body = tree.body;
        let mut formals = None;
        let slot = self.scopes.take_slot();
        if let Some(name) = tree.arg {
            self.scopes.bind_at(name, Some(slot));
        }
        match &tree.formals {
            Some(pattern) => formals = Some(self.formals(pattern)?),
            None => {
                while let ast::Expr::Lambda(ast::Lambda {
                    arg: Some(name),
                    formals: None,
                    pos,
                    body: inner,
                    ..
                }) = *body
                {
                    params.push(Param { pos: *pos, name: Some(*name) });
                    let slot = self.scopes.take_slot();
                    self.scopes.bind_at(*name, Some(slot));
                    body = inner;
                }
            }
        }
        let body = self.node(body)?;
        Ok(self.alloc(Lambda {
            params: self.ev.arena.alloc_slice_copy(&params),
            formals,
            name: tree.name.clone(),
            frame: Cell::new(0),
            body: Cell::new(body),
            doc: tree.doc.get(),
        }))
    }

    fn formals(&mut self, pattern: &'a ast::Formals<'a>) -> Result<Formals<'a>> {
        let first = self.scopes.depth();
        for formal in pattern.formals {
            let slot = self.scopes.take_slot();
            self.scopes.bind_at(formal.name, Some(slot));
        }
        let formals = pattern
            .formals
            .iter()
            .enumerate()
            .map(|(index, formal)| {
                let default = formal.default.map(|tree| self.early_item(tree, first + index)).transpose()?;
                Ok(Formal { pos: formal.pos, name: formal.name, default })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Formals { formals: self.ev.arena.alloc_slice_copy(&formals), ellipsis: pattern.ellipsis })
    }
}
