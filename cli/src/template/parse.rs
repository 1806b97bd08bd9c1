//! Tokens to a tree.

use super::lex::Token;
use super::{DEPTH_LIMIT, TemplateError};

/// A node of a template.
#[derive(Debug)]
pub enum Node {
    /// Printed as it is.
    Text(String),
    /// `{{pipeline}}`
    Print(Pipe),
    /// `{{$x := pipeline}}`
    Set(String, Pipe),
    /// `{{if}}`; the second list is `else`.
    If(Pipe, Vec<Node>, Vec<Node>),
    /// `{{with}}`
    With(Pipe, Vec<Node>, Vec<Node>),
    /// `{{range}}` with the variables for index and element.
    Range(Vec<String>, Pipe, Vec<Node>, Vec<Node>),
}

/// Commands, each given the value of the one before as its last argument.
#[derive(Debug)]
pub struct Pipe(pub Vec<Vec<Operand>>);

impl Pipe {
    /// The last field name in the pipe's first command that has one.
    pub fn last_field(&self) -> Option<&str> {
        self.0.iter().flatten().find_map(|operand| match operand {
            Operand::Field(names) => names.last().map(String::as_str),
            _ => None,
        })
    }
}

/// One word of a command.
#[derive(Debug)]
pub enum Operand {
    /// `.A.B`
    Field(Vec<String>),
    /// `$x.A`
    Variable(String, Vec<String>),
    /// A string, number, `true`, `false` or `nil`.
    Literal(serde_json::Value),
    /// A function.
    Function(String),
    /// `(pipeline).A`
    Group(Pipe, Vec<String>),
}

/// Why a list of nodes ended.
enum Stop {
    Eof,
    End,
    Else,
    ElseIf,
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    depth: usize,
}

/// Parses the tokens of a whole template.
pub fn parse(tokens: Vec<Token>) -> Result<Vec<Node>, TemplateError> {
    let mut parser = Parser { tokens: tokens.into_iter().peekable(), depth: 0 };
    match parser.nodes()? {
        (nodes, Stop::Eof) => Ok(nodes),
        (_, Stop::End) => Err(unexpected("end")),
        _ => Err(unexpected("else")),
    }
}

fn unexpected(found: &str) -> TemplateError {
    TemplateError::Unexpected { found: found.to_owned() }
}

impl Parser {
    fn nodes(&mut self) -> Result<(Vec<Node>, Stop), TemplateError> {
        self.depth += 1;
        if self.depth > DEPTH_LIMIT {
            return Err(TemplateError::TooDeep);
        }
        let mut nodes = Vec::new();
        let end = loop {
            match self.tokens.next() {
                None => break Stop::Eof,
                Some(Token::Text(text)) => nodes.push(Node::Text(text)),
                Some(_) => match self.keyword() {
                    Some("end") => {
                        self.close()?;
                        break Stop::End;
                    }
                    Some("else") if self.next_is_if() => break Stop::ElseIf,
                    Some("else") => {
                        self.close()?;
                        break Stop::Else;
                    }
                    Some("if") => nodes.push(self.if_node()?),
                    Some("with") => {
                        let pipe = self.pipe_to_close()?;
                        let (body, otherwise) = self.blocks()?;
                        nodes.push(Node::With(pipe, body, otherwise));
                    }
                    Some("range") => nodes.push(self.range_node()?),
                    _ => nodes.push(self.print_node()?),
                },
            }
        };
        self.depth -= 1;
        Ok((nodes, end))
    }

    /// Takes a keyword if one is next.
    fn keyword(&mut self) -> Option<&'static str> {
        let Some(Token::Word(word)) = self.tokens.peek() else { return None };
        let found = ["end", "else", "if", "with", "range"].into_iter().find(|k| k == word)?;
        self.tokens.next();
        Some(found)
    }

    fn next_is_if(&mut self) -> bool {
        self.tokens.next_if(|t| *t == Token::Word("if".to_owned())).is_some()
    }

    fn if_node(&mut self) -> Result<Node, TemplateError> {
        let pipe = self.pipe_to_close()?;
        let (body, otherwise) = self.blocks()?;
        Ok(Node::If(pipe, body, otherwise))
    }

    /// The body and the `else` part of a block.
    fn blocks(&mut self) -> Result<(Vec<Node>, Vec<Node>), TemplateError> {
        match self.nodes()? {
            (body, Stop::End) => Ok((body, Vec::new())),
            (body, Stop::ElseIf) => {
                self.depth += 1;
                let nested = self.if_node()?;
                self.depth -= 1;
                Ok((body, vec![nested]))
            }
            (body, Stop::Else) => match self.nodes()? {
                (otherwise, Stop::End) => Ok((body, otherwise)),
                (_, Stop::Eof) => Err(TemplateError::NoEnd),
                _ => Err(unexpected("else")),
            },
            (_, Stop::Eof) => Err(TemplateError::NoEnd),
        }
    }

    fn range_node(&mut self) -> Result<Node, TemplateError> {
        let mut names = Vec::new();
        let mut first = None;
        while let Some(Token::Variable(..)) = self.tokens.peek() {
            let Some(Token::Variable(name, fields)) = self.tokens.next() else { break };
            match self.tokens.peek() {
                Some(Token::Comma | Token::Assign) if fields.is_empty() && names.len() < 2 => {
                    names.push(name);
                    if self.tokens.next() == Some(Token::Assign) {
                        break;
                    }
                }
                _ => {
                    first = Some(Operand::Variable(name, fields));
                    break;
                }
            }
        }
        let pipe = self.pipe(first)?;
        self.close()?;
        let (body, otherwise) = self.blocks()?;
        Ok(Node::Range(names, pipe, body, otherwise))
    }

    fn print_node(&mut self) -> Result<Node, TemplateError> {
        let mut first = None;
        if let Some(Token::Variable(..)) = self.tokens.peek()
            && let Some(Token::Variable(name, fields)) = self.tokens.next()
        {
            if fields.is_empty() && self.tokens.next_if_eq(&Token::Assign).is_some() {
                return Ok(Node::Set(name, self.pipe_to_close()?));
            }
            first = Some(Operand::Variable(name, fields));
        }
        let pipe = self.pipe(first)?;
        self.close()?;
        Ok(Node::Print(pipe))
    }

    fn pipe_to_close(&mut self) -> Result<Pipe, TemplateError> {
        let pipe = self.pipe(None)?;
        self.close()?;
        Ok(pipe)
    }

    fn close(&mut self) -> Result<(), TemplateError> {
        match self.tokens.next() {
            Some(Token::Close) => Ok(()),
            Some(other) => Err(unexpected(&name(&other))),
            None => Err(TemplateError::NoEnd),
        }
    }

    fn pipe(&mut self, first: Option<Operand>) -> Result<Pipe, TemplateError> {
        let mut commands = Vec::new();
        let mut command: Vec<Operand> = first.into_iter().collect();
        loop {
            match self.tokens.peek() {
                None | Some(Token::Close | Token::Right(_)) => break,
                Some(Token::Pipe) => {
                    self.tokens.next();
                    if command.is_empty() {
                        return Err(unexpected("|"));
                    }
                    commands.push(std::mem::take(&mut command));
                }
                Some(_) => command.push(self.operand()?),
            }
        }
        if command.is_empty() {
            return Err(unexpected("}}"));
        }
        commands.push(command);
        Ok(Pipe(commands))
    }

    fn operand(&mut self) -> Result<Operand, TemplateError> {
        Ok(match self.tokens.next() {
            Some(Token::Field(names)) => Operand::Field(names),
            Some(Token::Variable(name, names)) => Operand::Variable(name, names),
            Some(Token::Quoted(text)) => Operand::Literal(text.into()),
            Some(Token::Number(n)) if n.fract() == 0.0 && n.abs() < 9e15 => {
                Operand::Literal((n as i64).into())
            }
            Some(Token::Number(n)) => Operand::Literal(n.into()),
            Some(Token::Word(word)) => match word.as_str() {
                "true" => Operand::Literal(true.into()),
                "false" => Operand::Literal(false.into()),
                "nil" => Operand::Literal(serde_json::Value::Null),
                _ => Operand::Function(word),
            },
            Some(Token::Left) => {
                self.depth += 1;
                if self.depth > DEPTH_LIMIT {
                    return Err(TemplateError::TooDeep);
                }
                let pipe = self.pipe(None)?;
                self.depth -= 1;
                match self.tokens.next() {
                    Some(Token::Right(fields)) => Operand::Group(pipe, fields),
                    _ => return Err(unexpected("(")),
                }
            }
            other => return Err(unexpected(&other.map_or_else(String::new, |t| name(&t)))),
        })
    }
}

/// How a token looks.
fn name(token: &Token) -> String {
    match token {
        Token::Text(text) | Token::Quoted(text) | Token::Word(text) => text.clone(),
        Token::Open => "{{".to_owned(),
        Token::Close => "}}".to_owned(),
        Token::Field(names) => format!(".{}", names.join(".")),
        Token::Variable(name, _) => format!("${name}"),
        Token::Number(n) => n.to_string(),
        Token::Pipe => "|".to_owned(),
        Token::Left => "(".to_owned(),
        Token::Right(_) => ")".to_owned(),
        Token::Assign => ":=".to_owned(),
        Token::Comma => ",".to_owned(),
    }
}
