//! Tokens → tree.
//!
//! Owns: the grammar, by recursive descent with one token of lookahead. Where the reference parser (LALR, with default
//! reductions) detects an error is observable, as is what it says it expected; so lookahead is read no earlier than it
//! reads it, and every expectation below is that of the state it would be in.
//! Never does: scope.

use bumpalo::Bump;

use super::ast::{AttrName, Doc, Expr, Formal, Node};
use super::bindings::BindingSets;
use super::error::{Result, SyntaxError, Warning};
use super::escape::Part;
use super::lexer::Lexer;
use super::pos::{Pos, Sources};
use super::settings::Settings;
use super::symbol::{Symbol, Symbols};
use super::token::Token;

mod attrs;
mod formals;
mod function;
mod literals;
mod operand;
mod operators;

/// Tokens between two looks at memory.
const PERIOD: u32 = 256;

/// A tree with what belongs to it.
#[derive(Debug)]
pub struct Parsed<'a> {
    /// The tree.
    pub expr: Node<'a>,
    /// Documentation comments, each with the place of what it documents, sorted by place.
    pub docs: Vec<(Pos, Doc)>,
}

/// What a parse reads and writes besides the source.
pub(super) struct Tables<'p, 'a> {
    pub arena: &'a Bump,
    pub symbols: &'p mut Symbols<'a>,
    pub sources: &'p Sources<'a>,
    pub settings: &'p Settings<'p>,
    pub warnings: &'p mut Vec<Warning>,
}

pub(super) fn parse<'a>(tables: Tables<'_, 'a>, text: &'a [u8], base: Pos) -> Result<Parsed<'a>> {
    let mut parser = parser(tables, text, base);
    let expr = parser.expr()?;
    parser.expect(Token::End, &["end of file"])?;
    Ok(parser.finish(expr))
}

/// Parses bindings whose last semicolon may be missing.
pub(super) fn parse_bindings<'a>(tables: Tables<'_, 'a>, text: &'a [u8], base: Pos) -> Result<Parsed<'a>> {
    let ended = text.trim_ascii_end().ends_with(b";");
    let text = if ended { text } else { tables.arena.alloc_slice_copy(&[text, b"\n;"].concat()) };
    let mut parser = parser(tables, text, base);
    let expr = parser.bare_bindings(base)?;
    parser.expect(Token::End, &[])?;
    Ok(parser.finish(expr))
}

fn parser<'p, 'a>(tables: Tables<'p, 'a>, text: &'a [u8], base: Pos) -> Parser<'p, 'a> {
    let lexer = Lexer::new(tables.arena, text, base, tables.settings.pipe_operators);
    let sets = BindingSets::new(tables.settings.stack);
    Parser {
        lexer,
        lookahead: None,
        fuel: PERIOD,
        tables,
        sets,
        docs_of_values: Vec::new(),
        nodes: Vec::new(),
        names: Vec::new(),
        concatenated: Vec::new(),
        indented: Vec::new(),
        formals: Vec::new(),
        inherited: Vec::new(),
    }
}

/// An expression with the place where its text starts, which its node need not know.
#[derive(Clone, Copy)]
struct Operand<'a> {
    start: Pos,
    node: Node<'a>,
}

struct Parser<'p, 'a> {
    lexer: Lexer<'a>,
    lookahead: Option<(Token<'a>, Pos)>,
    /// Tokens until memory is looked at again.
    fuel: u32,
    tables: Tables<'p, 'a>,
    sets: BindingSets<'a>,
    docs_of_values: Vec<(Pos, Doc)>,
    // Stacks of things whose slice in the arena is made when all of them are known.
    nodes: Vec<Node<'a>>,
    names: Vec<AttrName<'a>>,
    concatenated: Vec<(Pos, Node<'a>)>,
    indented: Vec<(Pos, Part<'a>)>,
    formals: Vec<Formal<'a>>,
    inherited: Vec<(Symbol, Pos)>,
}

impl<'a> Parser<'_, 'a> {
    fn finish(mut self, expr: Node<'a>) -> Parsed<'a> {
        let mut docs = self.lexer.into_docs();
        docs.append(&mut self.docs_of_values);
        docs.sort_by_key(|(pos, _)| *pos);
        docs.dedup_by_key(|(pos, _)| *pos);
        Parsed { expr, docs }
    }

    /// The next token, without taking it.
    #[inline]
    fn peek(&mut self) -> Result<Token<'a>> {
        if let Some((token, _)) = self.lookahead {
            return Ok(token);
        }
        let token = self.lexer.next()?;
        self.lookahead = Some((token, self.lexer.token_pos(&token)));
        match self.fuel.checked_sub(1) {
            Some(fuel) => self.fuel = fuel,
            None => self.check_memory()?,
        }
        Ok(token)
    }

    /// The place of the next token.
    #[inline]
    fn peek_pos(&mut self) -> Result<Pos> {
        let token = self.peek()?;
        Ok(self.lookahead.map_or_else(|| self.lexer.token_pos(&token), |(_, pos)| pos))
    }

    /// Takes the token that was peeked at.
    #[inline]
    fn advance(&mut self) {
        self.lookahead = None;
    }

    /// Takes the next token if it is this one.
    fn accept(&mut self, token: Token<'_>) -> Result<bool> {
        let found = self.peek()? == token;
        if found {
            self.advance();
        }
        Ok(found)
    }

    /// Takes the next token, which must be this one, and returns its place.
    fn expect(&mut self, token: Token<'_>, expected: &[&str]) -> Result<Pos> {
        let pos = self.peek_pos()?;
        if self.peek()? != token {
            return Err(self.unexpected(expected));
        }
        self.advance();
        Ok(pos)
    }

    /// Takes an identifier and returns its name.
    fn expect_identifier(&mut self) -> Result<&'a [u8]> {
        match self.peek()? {
            Token::Identifier(name) => {
                self.advance();
                Ok(name)
            }
            _ => Err(self.unexpected(&["identifier"])),
        }
    }

    /// The error about the token that was peeked at. Nothing is said to be expected where that would be more than four things.
    #[cold]
    fn unexpected(&self, expected: &[&str]) -> Box<SyntaxError> {
        let (token, pos) = self.lookahead.unwrap_or((Token::End, Pos::NONE));
        let mut message = format!("syntax error, unexpected {}", token.describe());
        for (index, name) in expected.iter().enumerate() {
            message.push_str(if index == 0 { ", expecting " } else { " or " });
            message.push_str(name);
        }
        SyntaxError::new(pos, message)
    }

    /// Refuses to recurse any deeper when the stack is used up.
    #[inline]
    fn check_depth(&self) -> Result<()> {
        if self.tables.settings.stack.is_exhausted() { Err(too_deep()) } else { Ok(()) }
    }

    /// Refuses to go on when more memory is held than allowed.
    #[cold]
    #[inline(never)]
    fn check_memory(&mut self) -> Result<()> {
        self.fuel = PERIOD;
        let stacks = held(&self.nodes)
            + held(&self.names)
            + held(&self.concatenated)
            + held(&self.indented)
            + held(&self.formals)
            + held(&self.inherited)
            + held(&self.docs_of_values);
        let beside = stacks + self.sets.held() + self.lexer.held() + self.tables.symbols.held();
        let all = self.tables.arena.allocated_bytes().saturating_add(beside);
        if all > self.tables.settings.max_memory { Err(SyntaxError::out_of_memory()) } else { Ok(()) }
    }

    #[inline]
    fn alloc(&self, expr: Expr<'a>) -> Node<'a> {
        self.tables.arena.alloc(expr)
    }

    /// Moves what lies on a stack from `base` on into the arena.
    fn slice<T: Copy>(arena: &'a Bump, stack: &mut Vec<T>, base: usize) -> &'a [T] {
        let slice = arena.alloc_slice_copy(&stack[base..]);
        stack.truncate(base);
        slice
    }

    fn doc_before(&self, pos: Pos) -> Option<Doc> {
        if self.lexer.has_no_docs() { None } else { self.lexer.doc_before(pos) }
    }
}

/// Bytes that a vector holds.
fn held<T>(items: &Vec<T>) -> usize {
    items.capacity() * size_of::<T>()
}

/// The error of input that is nested too deeply.
#[cold]
pub(super) fn too_deep() -> Box<SyntaxError> {
    SyntaxError::new(Pos::NONE, "stack overflow (possible infinite recursion)")
}
