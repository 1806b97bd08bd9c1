//! Where lines come from: a terminal with editing, history and completion, or any other stream as it is.

use std::cell::RefCell;
use std::fmt;
use std::fs;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::rc::Rc;

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor};

use super::complete::Helper;
use super::session::Session;

const PROMPT: &str = "buildc> ";
const MORE: &str = "      > ";
/// Lines that the history file keeps.
const HISTORY: usize = 10_000;

/// What reading a line gave.
#[derive(Debug)]
pub enum Line {
    /// A line without its end.
    Text(Vec<u8>),
    /// Ctrl-C: what was typed so far is not meant.
    Cancelled,
    /// There is no more.
    End,
}

/// A source of lines.
pub enum Lines<'s, 'a> {
    /// A person.
    Terminal { editor: Box<Editor<Helper<'s, 'a>, FileHistory>>, history: Option<PathBuf> },
    /// A file or a pipe.
    Stream(io::StdinLock<'static>),
}

impl fmt::Debug for Lines<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_terminal() { "Lines::Terminal" } else { "Lines::Stream" })
    }
}

impl<'s, 'a> Lines<'s, 'a> {
    /// Standard input.
    ///
    /// # Errors
    /// When the terminal cannot be set up.
    pub fn open(session: &Rc<RefCell<Session<'s, 'a>>>) -> io::Result<Self> {
        if !io::stdin().is_terminal() {
            return Ok(Lines::Stream(io::stdin().lock()));
        }
        let config = Config::builder().completion_type(CompletionType::List);
        let config = config.max_history_size(HISTORY).map_err(failed)?.build();
        let mut editor = Box::new(Editor::with_config(config).map_err(failed)?);
        editor.set_helper(Some(Helper::new(session.clone())));
        let history = history_file();
        if let Some(path) = &history {
            // There is none the first time.
            let _ = editor.load_history(path);
        }
        writeln!(io::stderr().lock(), "buildc {}\nType :? for help.", env!("CARGO_PKG_VERSION"))?;
        Ok(Lines::Terminal { editor, history })
    }

    /// True when a person types.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Lines::Terminal { .. })
    }

    /// The next line; `more` when it goes on what came before.
    ///
    /// # Errors
    /// When reading fails.
    pub fn next(&mut self, more: bool) -> io::Result<Line> {
        match self {
            Lines::Terminal { editor, .. } => match editor.readline(if more { MORE } else { PROMPT }) {
                Ok(line) => Ok(Line::Text(line.into_bytes())),
                Err(ReadlineError::Interrupted) => Ok(Line::Cancelled),
                Err(ReadlineError::Eof) => Ok(Line::End),
                Err(error) => Err(failed(error)),
            },
            Lines::Stream(stream) => {
                let mut line = Vec::new();
                if stream.read_until(b'\n', &mut line)? == 0 {
                    return Ok(Line::End);
                }
                line.pop_if(|byte| *byte == b'\n');
                Ok(Line::Text(line))
            }
        }
    }

    /// Keeps what was typed in the history, also for later sessions.
    pub fn keep(&mut self, text: &[u8]) {
        let Lines::Terminal { editor, history } = self else { return };
        let added = editor.add_history_entry(String::from_utf8_lossy(text).trim_end());
        if let (Ok(true), Some(path)) = (added, history) {
            // A history that cannot be kept is no reason to stop.
            let _ = editor.append_history(path);
        }
    }
}

fn failed(error: ReadlineError) -> io::Error {
    match error {
        ReadlineError::Io(error) => error,
        other => io::Error::other(other.to_string()),
    }
}

/// `repl-history` in the user's state directory, which is made when it is missing.
fn history_file() -> Option<PathBuf> {
    let given = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let state = given.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/state")))?;
    let directory = state.join("buildc");
    fs::create_dir_all(&directory).ok()?;
    Some(directory.join("repl-history"))
}
