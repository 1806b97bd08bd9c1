//! How reading goes on behind an error, so that later errors are found as well.

use super::TooDeep;
use super::grammar::{ARRAY_HEADER, BLANKS, NEWLINE, TABLE_HEADER};
use super::number::Kind;
use super::parse::Parser;

impl Parser<'_> {
    fn skip_comments(&mut self) {
        while !self.at_end() {
            self.at = BLANKS.scan(self.source.text, self.at).unwrap_or(self.at);
            if self.current() == b'#' {
                while !self.at_end() && self.current() != b'\n' {
                    self.at += 1;
                }
                self.advance();
            } else if let Some(end) = NEWLINE.scan(self.source.text, self.at) {
                self.at = end;
            } else {
                return;
            }
        }
    }

    fn skip_string(&mut self) {
        for quotes in [b"\"\"\"", b"'''"] {
            if self.source.text[self.at..].starts_with(quotes) {
                let rest = &self.source.text[self.at + 3..];
                let end = rest.windows(3).position(|three| three == quotes);
                self.at = end.map_or(self.source.text.len(), |end| self.at + 3 + end + 3);
                return;
            }
        }
        let quote = self.current();
        while !self.at_end() {
            self.advance();
            if self.current() == quote || self.current() == b'\n' {
                self.advance();
                return;
            }
        }
    }

    fn is_header(&self) -> bool {
        TABLE_HEADER.scan(self.source.text, self.at).is_some()
            || ARRAY_HEADER.scan(self.source.text, self.at).is_some()
    }

    fn skip_array(&mut self) -> Result<(), TooDeep> {
        self.check_depth()?;
        self.advance();
        while !self.at_end() {
            match self.current() {
                b'"' | b'\'' => self.skip_string(),
                b'#' => self.skip_comments(),
                b'{' => self.skip_table()?,
                b'[' if self.is_header() => break,
                b'[' => self.skip_array()?,
                b'=' => {
                    // No pair can be in an array: the bracket is missing, and this line is the next key.
                    let before = &self.source.text[..self.at];
                    self.at = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
                    break;
                }
                b']' => break,
                _ => self.advance(),
            }
        }
        Ok(())
    }

    fn skip_table(&mut self) -> Result<(), TooDeep> {
        self.check_depth()?;
        self.advance();
        while !self.at_end() {
            match self.current() {
                b'\n' | b'}' => break,
                b'"' | b'\'' => self.skip_string(),
                b'#' => {
                    self.skip_comments();
                    break;
                }
                b'[' if self.is_header() => break,
                b'[' => self.skip_array()?,
                b'{' => self.skip_table()?,
                _ => self.advance(),
            }
        }
        Ok(())
    }

    pub(super) fn skip_value(&mut self) -> Result<(), TooDeep> {
        match self.guess() {
            Ok(Kind::String) => self.skip_string(),
            Ok(Kind::Array) => self.skip_array()?,
            Ok(Kind::Table) => self.skip_table()?,
            _ => {
                while !self.at_end() && !matches!(self.current(), b'\n' | b',' | b']' | b'}') {
                    self.advance();
                }
            }
        }
        Ok(())
    }

    pub(super) fn skip_pair(&mut self) -> Result<(), TooDeep> {
        while !self.at_end() {
            match self.current() {
                b'=' => return self.skip_value(),
                b'\n' => return Ok(()),
                _ => self.advance(),
            }
        }
        Ok(())
    }

    pub(super) fn skip_to_table(&mut self) {
        while !self.at_end() {
            if self.current() == b'\n' {
                self.advance();
                let line = self.at;
                self.at = BLANKS.scan(self.source.text, self.at).unwrap_or(self.at);
                if self.is_header() {
                    self.at = line;
                    return;
                }
            }
            self.advance();
        }
    }

    /// Goes over comments at the beginning that are not well formed.
    pub(super) fn skip_comment_block(&mut self) {
        self.skip_comments();
    }
}
