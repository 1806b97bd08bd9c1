//! What the Tab key offers: names in scope, attributes of sets, commands, files.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use rustyline::Context;
use rustyline::completion::{Completer, FilenameCompleter};

use super::session::Session;

/// What ends a word that is completed.
const BETWEEN_WORDS: [char; 11] = [' ', '\n', '\r', '\t', '(', ')', '{', '}', '[', ']', ','];

/// Completion for the line editor.
pub struct Helper<'s, 'a> {
    session: Rc<RefCell<Session<'s, 'a>>>,
    files: FilenameCompleter,
}

impl fmt::Debug for Helper<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Helper")
    }
}

impl<'s, 'a> Helper<'s, 'a> {
    /// Completion in a session.
    pub fn new(session: Rc<RefCell<Session<'s, 'a>>>) -> Self {
        Helper { session, files: FilenameCompleter::new() }
    }
}

impl Completer for Helper<'_, '_> {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let before = line.get(..at).unwrap_or(line);
        let start = before.rfind(BETWEEN_WORDS).map_or(0, |index| index + 1);
        let word = &before[start..];
        if word.contains('/') || before.starts_with(":l ") || before.starts_with(":load ") {
            let (start, found) = self.files.complete_path(line, at)?;
            return Ok((start, found.into_iter().map(|pair| pair.replacement).collect()));
        }
        Ok((start, self.session.try_borrow_mut().map_or(Vec::new(), |mut session| session.completions(word))))
    }
}

impl rustyline::hint::Hinter for Helper<'_, '_> {
    type Hint = String;
}

impl rustyline::highlight::Highlighter for Helper<'_, '_> {}
impl rustyline::validate::Validator for Helper<'_, '_> {}
impl rustyline::Helper for Helper<'_, '_> {}
