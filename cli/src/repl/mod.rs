//! The prompt of the build language.
//!
//! Owns: where lines come from and when they are whole; the session that answers them is in `session.rs`.
//! Never does: evaluation.

mod complete;
mod lines;
mod session;

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::Path;
use std::rc::Rc;

use buildc_compiler::lang::eval::Evaluator;
use buildc_compiler::lang::world::World;
use buildc_compiler::lang::written::Written;
use bumpalo::Bump;

use crate::commands::eval_flags::EvalFlags;
use crate::interrupt;
use crate::language::{Files, Sealed};
use lines::{Line, Lines};
use session::{Answer, Session};

/// What a session starts with.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'s> {
    /// Files whose attributes are in scope.
    pub files: &'s [String],
    /// What programs may see.
    pub flags: &'s EvalFlags,
    /// Relative paths are seen from here; absolute.
    pub directory: &'s [u8],
    /// Values are coloured.
    pub colors: bool,
    /// Directory of the store.
    pub root: &'s Path,
}

/// Answers lines until the input ends or says `:q`, on a thread with so many bytes of stack. What fails is said on standard error and ends nothing.
///
/// # Errors
/// When the terminal or a stream fails.
pub fn run(setup: &Setup<'_>, stack: usize) -> io::Result<()> {
    let arena = Bump::new();
    let options = setup.flags.options(stack);
    let files = Files::new(setup.root, &options.store_dir);
    let sealed = Sealed::new(&files, &options);
    let sealed: &dyn World = sealed.as_ref().map_or(&files, |sealed| sealed);
    let world = Written::new(sealed, &options.store_dir);
    let ev = Evaluator::new(&arena, &world, options);
    let session = Rc::new(RefCell::new(Session::new(ev, setup)));
    session.borrow_mut().start()?;
    let mut lines = Lines::open(&session)?;
    let mut text = Vec::new();
    loop {
        match lines.next(!text.is_empty())? {
            Line::Text(line) => text.extend_from_slice(&line),
            Line::Cancelled => {
                text.clear();
                continue;
            }
            Line::End => {
                // What was never finished is told as the error it is.
                session.borrow_mut().answer(&text, true)?;
                return Ok(());
            }
        }
        // Ctrl-C is about the answer during which it is pressed.
        interrupt::forget();
        match session.borrow_mut().answer(&text, false)? {
            Answer::Wait => text.push(b'\n'),
            Answer::Done => {
                lines.keep(&text);
                text.clear();
                if lines.is_terminal() {
                    io::stdout().lock().write_all(b"\n")?;
                }
            }
            Answer::Quit => return Ok(()),
        }
    }
}
