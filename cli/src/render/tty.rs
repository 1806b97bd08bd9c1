//! The moving display: what is finished scrolls up, what runs stays below with its time and its last line of output.

use std::collections::HashMap;
use std::io;
use std::time::{Duration, Instant};

use buildc_executor::Event;
use buildc_ir::StepId;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::{Reasons, Renderer, printable, why};
use crate::output::Streams;
use crate::units;

/// Running steps that are shown; more are only counted.
const SHOWN: usize = 8;
/// The last line of a step's output that is kept, in bytes.
const TAIL_BYTES: usize = 4096;

/// A step that runs.
#[derive(Debug)]
struct Running {
    label: String,
    started: Instant,
    bar: Option<ProgressBar>,
    tail: Vec<u8>,
    fetched: HashMap<String, (u64, Option<u64>)>,
}

/// The renderer.
#[derive(Debug)]
pub struct Tty {
    all: MultiProgress,
    head: ProgressBar,
    begun: Instant,
    running: HashMap<StepId, Running>,
    total: usize,
    finished: usize,
    cached: usize,
    streams: Streams,
    reasons: Reasons,
}

impl Tty {
    /// An empty display.
    pub fn new(streams: Streams, reasons: Reasons) -> Self {
        let all = MultiProgress::new();
        let head = all.add(ProgressBar::new_spinner().with_style(style("{wide_msg}")));
        Self {
            all,
            head,
            begun: Instant::now(),
            running: HashMap::new(),
            total: 0,
            finished: 0,
            cached: 0,
            streams,
            reasons,
        }
    }

    fn paint(&self, code: u8, text: &str) -> String {
        if self.streams.color_err { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// Prints a line that stays, above what moves.
    fn stay(&self, text: &str) -> io::Result<()> {
        self.all.println(text)
    }

    fn mark(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.streams.unicode { unicode } else { ascii }
    }

    fn start(&mut self, id: StepId, label: &str) {
        let shown = self.running.values().filter(|r| r.bar.is_some()).count() < SHOWN;
        let bar = shown.then(|| self.all.add(ProgressBar::new_spinner().with_style(style("{msg}"))));
        let step = Running {
            label: label.to_owned(),
            started: Instant::now(),
            bar,
            tail: Vec::new(),
            fetched: HashMap::new(),
        };
        self.running.insert(id, step);
        self.tick();
    }

    /// Takes a step off the display.
    fn end(&mut self, id: StepId) -> Option<Running> {
        let step = self.running.remove(&id)?;
        if let Some(bar) = &step.bar {
            bar.finish_and_clear();
            self.all.remove(bar);
        }
        Some(step)
    }

    fn log(&mut self, id: StepId, bytes: &[u8]) {
        if let Some(step) = self.running.get_mut(&id) {
            step.tail.extend_from_slice(bytes);
            let excess = step.tail.len().saturating_sub(TAIL_BYTES);
            step.tail.drain(..excess);
        }
    }
}

impl Running {
    /// What it does now: its last line of output, or how much was fetched.
    fn now(&self) -> String {
        if !self.fetched.is_empty() {
            let done: u64 = self.fetched.values().map(|(done, _)| done).sum();
            let total: Option<u64> = self.fetched.values().map(|(_, total)| *total).sum();
            let of = total.map_or_else(String::new, |t| format!(" of {}", units::size(t)));
            return format!("fetching {}{of}", units::size(done));
        }
        let text = String::from_utf8_lossy(&self.tail);
        text.lines().rev().map(printable).find(|l| !l.trim().is_empty()).unwrap_or_default()
    }
}

impl Renderer for Tty {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Planned { steps } => self.total = steps.len(),
            Event::Started { id, label } => self.start(*id, label),
            Event::Log { id, bytes, .. } => self.log(*id, bytes),
            Event::Pull { id, what, done_bytes, total_bytes } => {
                if let Some(step) = self.running.get_mut(id) {
                    step.fetched.insert(what.clone(), (*done_bytes, *total_bytes));
                }
            }
            Event::Cached { id, label, why: reason, .. } => {
                self.end(*id);
                self.finished += 1;
                self.cached += 1;
                let line = format!("{} {label}{}", self.paint(36, "CACHED"), why(*reason));
                self.stay(&line)?;
            }
            Event::Done { id, duration_ms, .. } => {
                self.finished += 1;
                if let Some(step) = self.end(*id) {
                    let why = self.reasons.get(id).map_or_else(String::new, |why| format!(" ({why})"));
                    let time = units::duration(Duration::from_millis(*duration_ms)) + &why;
                    let mark = self.paint(32, self.mark("✔", "ok"));
                    self.stay(&format!("{mark} {} {}", step.label, self.paint(2, &time)))?;
                }
            }
            Event::Failed { id, label, .. } => {
                self.end(*id);
                let mark = self.paint(31, self.mark("✘", "FAILED"));
                self.stay(&format!("{mark} {label}"))?;
            }
            Event::Discarded { id, label, why } => {
                self.end(*id);
                let mark = self.paint(33, self.mark("↺", "again"));
                self.stay(&format!("{mark} {label} {}", self.paint(2, why)))?;
            }
            Event::Cancelled { id } => {
                self.end(*id);
            }
            Event::Warning { message, .. } => {
                self.stay(&format!("{} {message}", self.paint(33, "warning:")))?
            }
            Event::Begun { .. } | Event::Assembled { .. } | Event::Finished { .. } => {}
        }
        Ok(())
    }

    fn tick(&mut self) {
        let time = units::duration(self.begun.elapsed());
        let hidden = self.running.values().filter(|r| r.bar.is_none()).count();
        let more = if hidden > 0 { format!(", {hidden} more running") } else { String::new() };
        let counts = format!("{}/{} steps, {} cached{more}", self.finished, self.total, self.cached);
        self.head.set_message(format!("{} {time}  {counts}", self.paint(1, "Building")));
        self.head.tick();
        let columns = terminal_size::terminal_size_of(io::stderr()).map_or(80, |(w, _)| usize::from(w.0));
        let arrow = self.mark("→", "->");
        for step in self.running.values() {
            if let Some(bar) = &step.bar {
                let time = units::duration(step.started.elapsed());
                let first = crate::table::cut(
                    &format!(" {arrow} {time:>6} {}", step.label),
                    columns.saturating_sub(1),
                );
                let now = crate::table::cut(&format!("          {}", step.now()), columns.saturating_sub(1));
                bar.set_message(format!("{first}\n{}", self.paint(2, &now)));
                bar.tick();
            }
        }
    }

    fn finish(&mut self) {
        let _ = self.all.clear();
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        // Also on a panic: nothing half-drawn stays on the terminal.
        let _ = self.all.clear();
    }
}

/// A style that cannot fail: a template that indicatif refuses gives its default.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
