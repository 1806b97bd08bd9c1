//! Lines: each step has a number, each line of its output carries it.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use buildc_executor::Event;
use buildc_ir::StepId;

use super::{Reasons, Renderer, printable, why};
use crate::output::Streams;
use crate::units;

/// An unfinished line longer than this is printed as it is.
const LINE_LIMIT_BYTES: usize = 16 << 10;

/// A step that has been mentioned.
#[derive(Debug)]
struct Seen {
    number: usize,
    started: Instant,
    partial: Vec<u8>,
}

/// The line renderer.
#[derive(Debug)]
pub struct Plain {
    steps: HashMap<StepId, Seen>,
    reasons: Reasons,
    color: bool,
}

impl Plain {
    /// A renderer that has seen nothing yet.
    pub fn new(streams: Streams, reasons: Reasons) -> Self {
        Self { steps: HashMap::new(), reasons, color: streams.color_err }
    }

    fn seen(&mut self, id: StepId) -> &mut Seen {
        let next = self.steps.len() + 1;
        self.steps.entry(id).or_insert_with(|| Seen {
            number: next,
            started: Instant::now(),
            partial: Vec::new(),
        })
    }

    fn paint(&self, code: u8, text: &str) -> String {
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn line(&mut self, id: StepId, text: &str) -> io::Result<()> {
        let number = self.seen(id).number;
        writeln!(io::stderr().lock(), "#{number} {text}")
    }

    /// Prints whole lines and keeps the rest for later.
    fn log(&mut self, id: StepId, bytes: &[u8]) -> io::Result<()> {
        let seen = self.seen(id);
        seen.partial.extend_from_slice(bytes);
        let end = match seen.partial.iter().rposition(|b| *b == b'\n') {
            Some(at) => at + 1,
            None if seen.partial.len() > LINE_LIMIT_BYTES => seen.partial.len(),
            None => return Ok(()),
        };
        let whole: Vec<u8> = seen.partial.drain(..end).collect();
        self.print(id, &whole)
    }

    fn print(&mut self, id: StepId, bytes: &[u8]) -> io::Result<()> {
        let seen = self.seen(id);
        let (number, time) = (seen.number, seen.started.elapsed().as_secs_f64());
        let mut out = String::new();
        for line in String::from_utf8_lossy(bytes).lines() {
            out.push_str(&format!("#{number} {time:.3} {}\n", printable(line)));
        }
        io::stderr().lock().write_all(out.as_bytes())
    }

    fn flush(&mut self, id: StepId) -> io::Result<()> {
        let rest = std::mem::take(&mut self.seen(id).partial);
        if rest.is_empty() { Ok(()) } else { self.print(id, &rest) }
    }
}

impl Renderer for Plain {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Started { id, label } => {
                self.seen(*id).started = Instant::now();
                let why = self.reasons.get(id).map_or_else(String::new, |why| format!(" ({why})"));
                self.line(*id, &format!("{label}{why}"))
            }
            Event::Log { id, bytes, .. } => self.log(*id, bytes),
            Event::Cached { id, label, why: reason, .. } => {
                self.line(*id, label)?;
                let text = format!("{}{}", self.paint(36, "CACHED"), why(*reason));
                self.line(*id, &text)
            }
            Event::Done { id, duration_ms, .. } => {
                self.flush(*id)?;
                let text = format!("DONE {}", units::duration(Duration::from_millis(*duration_ms)));
                let text = self.paint(32, &text);
                self.line(*id, &text)
            }
            Event::Failed { id, message, .. } => {
                self.flush(*id)?;
                let text = format!("{} {message}", self.paint(31, "FAILED"));
                self.line(*id, &text)
            }
            Event::Discarded { id, label, why } => {
                self.flush(*id)?;
                self.line(*id, label)?;
                self.line(*id, &format!("{} {why}: made again in its turn", self.paint(33, "DISCARDED")))
            }
            Event::Cancelled { id } => {
                self.flush(*id)?;
                self.line(*id, "CANCELLED")
            }
            Event::Pull { id, what, done_bytes, total_bytes: Some(total) } if done_bytes == total => {
                self.line(*id, &format!("fetched {what} {}", units::size(*total)))
            }
            Event::Warning { message, .. } => {
                writeln!(io::stderr().lock(), "{} {message}", self.paint(33, "warning:"))
            }
            Event::Begun { .. }
            | Event::Planned { .. }
            | Event::Pull { .. }
            | Event::Assembled { .. }
            | Event::Finished { .. } => Ok(()),
        }
    }
}
