//! Progress of builds: events to a moving display, to lines, or to JSON. All of it goes to standard error.

mod json;
mod plain;
mod summary;
mod transfer;
mod tty;

use std::collections::HashMap;
use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

use buildc_executor::Event;
use buildc_ir::StepId;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use crate::commands::build::Progress;
use crate::output::Streams;

pub use summary::summary;
pub use transfer::Transfer;

/// How many events may wait for the renderer; a full channel slows the build down instead of filling memory.
const PENDING_EVENTS: usize = 1024;
/// Time between two frames of a moving display.
const FRAME: Duration = Duration::from_millis(100);

/// Why steps run, in words.
pub type Reasons = HashMap<StepId, String>;

/// Something that shows events.
trait Renderer: Send {
    /// Shows one event.
    ///
    /// # Errors
    /// When standard error cannot be written; nothing more is shown then.
    fn event(&mut self, event: &Event) -> io::Result<()>;
    /// Draws what moves with time.
    fn tick(&mut self) {}
    /// Clears what is not to stay.
    fn finish(&mut self) {}
}

/// A thread that shows what it is sent.
#[derive(Debug)]
pub struct Display {
    thread: JoinHandle<()>,
}

impl Display {
    /// Starts the display; it ends when all senders are gone. `reasons` say why steps run.
    pub fn start(progress: Progress, streams: Streams, reasons: Reasons) -> (Self, Sender<Event>) {
        let (sender, receiver) = crossbeam_channel::bounded(PENDING_EVENTS);
        let renderer: Option<Box<dyn Renderer>> = match progress {
            Progress::Quiet => None,
            Progress::Json => Some(Box::new(json::Json)),
            Progress::Tty | Progress::Auto if streams.moving => {
                Some(Box::new(tty::Tty::new(streams, reasons)))
            }
            Progress::Tty | Progress::Auto | Progress::Plain => {
                Some(Box::new(plain::Plain::new(streams, reasons)))
            }
        };
        (Self { thread: std::thread::spawn(move || show(renderer, &receiver)) }, sender)
    }

    /// Waits until everything is shown.
    pub fn finish(self) {
        // A renderer that panicked has said so; the build's own result still stands.
        let _ = self.thread.join();
    }
}

fn show(mut renderer: Option<Box<dyn Renderer>>, events: &Receiver<Event>) {
    loop {
        match events.recv_timeout(FRAME) {
            Ok(event) => {
                if let Some(Err(_)) = renderer.as_mut().map(|r| r.event(&event)) {
                    renderer = None;
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                if let Some(renderer) = &mut renderer {
                    renderer.tick();
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    if let Some(renderer) = &mut renderer {
        renderer.finish();
    }
}

/// Text of a log without what would move the cursor or change colours: escape sequences and control characters.
pub fn printable(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    // What a progress bar overwrote is not worth keeping.
    let line = line.trim_end_matches('\r');
    let line = line.rsplit('\r').next().unwrap_or(line);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.next() {
                Some('[') => while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
                Some(']') => while chars.next().is_some_and(|c| c != '\u{7}' && c != '\u{1b}') {},
                _ => {}
            },
            '\t' => out.push('\t'),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Why a cached step was found, where that is worth a word.
fn why(why: buildc_executor::event::Why) -> &'static str {
    use buildc_executor::event::Why;
    match why {
        Why::Definition => "",
        Why::Content => " (what it depends on ran again and came out the same)",
        Why::Trace => " (it reads nothing of what changed)",
        Why::OtherBuild => " (another build made it meanwhile)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines_cannot_move_the_cursor() {
        assert_eq!(printable("\u{1b}[31mred\u{1b}[0m\u{7}"), "red");
        assert_eq!(printable("10%\r20%\r"), "20%");
        assert_eq!(printable("a\tb\u{1b}]0;title\u{7}c"), "a\tbc");
        assert_eq!(printable("\u{1b}["), "");
    }
}
