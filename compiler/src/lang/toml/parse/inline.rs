//! Values in brackets and braces: arrays and inline tables.

use super::super::Stop;
use super::super::grammar::BLANKS;
use super::super::scan::Scan;
use super::super::value::{Content, Node, Origin, insert_value};
use super::Parser;

impl Parser<'_> {
    pub(super) fn array(&mut self) -> Result<Node, Stop> {
        self.check_depth()?;
        let (begin, before) = (self.at, self.problems.len());
        self.advance();
        self.spacer();
        let mut items = Vec::new();
        let mut comma = true;
        while !self.at_end() && self.current() != b']' {
            if !comma {
                let title = "toml::parse_array: expected value-separator `,` or closing `]`";
                return Err(self.problem(title, "here").into());
            }
            match self.value() {
                Ok(item) => {
                    items.push(item);
                    self.spacer();
                    comma = self.eat(&Scan::Byte(b','));
                    if let Err(problem) = self.comment_line() {
                        self.problems.push(problem);
                    }
                    if comma {
                        self.spacer();
                    }
                }
                Err(Stop::TooDeep) => return Err(Stop::TooDeep),
                Err(Stop::Problem(problem)) => {
                    self.problems.push(*problem);
                    let before = self.at;
                    self.skip_value()?;
                    // Going back would go round.
                    if self.at <= before {
                        break;
                    }
                }
            }
        }
        if self.current() != b']' {
            let title = "toml::parse_array: missing closing bracket `]`";
            return Err(self.problem(title, "expected `]`, reached EOF").into());
        }
        self.advance();
        match self.problems.last() {
            Some(last) if self.problems.len() != before => Err(last.clone().into()),
            _ => {
                let region = (begin, self.at);
                Ok(Node { content: Content::Array { items, by_headers: false }, region })
            }
        }
    }

    pub(super) fn inline_table(&mut self) -> Result<Node, Stop> {
        self.check_depth()?;
        let (begin, before) = (self.at, self.problems.len());
        self.advance();
        self.eat(&BLANKS);
        let mut node = Node::table(Origin::Inline, (begin, begin));
        let (mut is_empty, mut comma) = (true, false);
        while !self.at_end() {
            if self.current() == b'}' {
                if comma {
                    let title = "toml::parse_inline_table: trailing comma is not allowed in TOML-v1.0.0)";
                    return Err(self.problem(title, "here").into());
                }
                break;
            }
            if !comma && !is_empty {
                let title = "toml::parse_inline_table: expected value-separator `,` or closing `}`";
                return Err(self.problem(title, "here").into());
            }
            is_empty = false;
            match self.pair() {
                Ok((key, value)) => {
                    let Content::Table { members, .. } = &mut node.content else { break };
                    if let Err(problem) = insert_value(self.source, members, &key, value) {
                        self.problems.push(problem);
                        while !self.at_end() && !matches!(self.current(), b',' | b'\n' | b'}') {
                            self.advance();
                        }
                        comma = self.current() == b',';
                        continue;
                    }
                    self.eat(&BLANKS);
                    comma = self.eat(&Scan::Byte(b','));
                    self.eat(&BLANKS);
                }
                Err(Stop::TooDeep) => return Err(Stop::TooDeep),
                Err(Stop::Problem(problem)) => {
                    self.problems.push(*problem);
                    while !self.at_end() && !matches!(self.current(), b'}' | b'\n') {
                        self.advance();
                    }
                    break;
                }
            }
        }
        if self.current() != b'}' {
            let title = "toml::parse_inline_table: missing closing bracket `}`";
            return Err(self.problem(title, "expected `}`, reached line end").into());
        }
        self.advance();
        if self.problems.len() > before
            && let Some(last) = self.problems.pop()
        {
            return Err(last.into());
        }
        node.region = (begin, self.at);
        Ok(node)
    }
}
