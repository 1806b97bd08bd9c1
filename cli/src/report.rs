//! Failures and warnings as miette reports: the file's lines with the place marked, then one help line.

use std::fmt;
use std::io::{self, Write};

use buildc_executor::build::BuildError;
use buildc_ir::{Diagnostic, Severity, SourceMap};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

use crate::failure::{Fact, Failure};
use crate::output::Streams;

/// One report in the form miette draws.
#[derive(Debug)]
struct Report {
    code: &'static str,
    message: String,
    severity: Severity,
    help: Option<String>,
    source: Option<NamedSource<String>>,
    labels: Vec<LabeledSpan>,
    cause: Option<Cause>,
}

/// A chain of causes, outermost first.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct Cause {
    text: String,
    source: Option<Box<Cause>>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Report {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_ref().map(|c| c as _)
    }
}

impl miette::Diagnostic for Report {
    fn code(&self) -> Option<Box<dyn fmt::Display + '_>> {
        Some(Box::new(self.code))
    }
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Warning => miette::Severity::Warning,
            Severity::Error => miette::Severity::Error,
        })
    }
    fn help(&self) -> Option<Box<dyn fmt::Display + '_>> {
        self.help.as_ref().map(|h| Box::new(h) as _)
    }
    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|s| s as _)
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}

impl Report {
    fn of_diagnostic(diagnostic: &Diagnostic, sources: &SourceMap) -> Self {
        let main = diagnostic.labels.first().and_then(|l| sources.get(l.span.file).map(|f| (l.span.file, f)));
        let labels = diagnostic.labels.iter().filter(|l| main.is_some_and(|(id, _)| id == l.span.file));
        let labels = labels.map(|l| {
            let (start, end) = main.map_or((0, 0), |(_, f)| clamp(&f.text, l.span.start, l.span.end));
            let text = (!l.text.is_empty()).then(|| l.text.clone());
            LabeledSpan::new(text, start, end - start)
        });
        Self {
            code: diagnostic.code,
            message: diagnostic.message.clone(),
            severity: diagnostic.severity,
            help: diagnostic.help.clone(),
            labels: labels.collect(),
            source: main.map(|(_, f)| NamedSource::new(&f.name, f.text.clone())),
            cause: None,
        }
    }

    fn of_fact(fact: &Fact) -> Self {
        let cause = fact.causes.iter().rev().fold(None, |inner: Option<Cause>, text| {
            Some(Cause { text: text.clone(), source: inner.map(Box::new) })
        });
        Self {
            code: fact.code,
            message: fact.message.clone(),
            severity: Severity::Error,
            help: fact.help.clone(),
            source: None,
            labels: Vec::new(),
            cause,
        }
    }
}

/// A byte range that surely lies inside `text`, on character boundaries, and marks at least one character.
fn clamp(text: &str, start: u32, end: u32) -> (usize, usize) {
    let mut start = (start as usize).min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = (end as usize).clamp(start, text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    // A range over several lines is drawn as a big bracket that hides more than it shows; the first line is enough.
    let line_end = text[start..end].find('\n').map_or(end, |at| start + at);
    (start, line_end.max(start))
}

fn handler(streams: Streams) -> GraphicalReportHandler {
    let theme = match (streams.unicode, streams.color_err) {
        (true, true) => GraphicalTheme::unicode(),
        (true, false) => GraphicalTheme::unicode_nocolor(),
        (false, true) => GraphicalTheme::ascii(),
        (false, false) => GraphicalTheme::none(),
    };
    // Lines for programs and logs stay whole, so that they can be searched.
    let width = terminal_size::terminal_size_of(io::stderr()).map(|(w, _)| usize::from(w.0).max(40));
    GraphicalReportHandler::new_themed(theme)
        .with_width(width.unwrap_or(400))
        .with_wrap_lines(width.is_some())
        .with_links(false)
        .with_context_lines(1)
}

fn draw(report: &Report, streams: Streams) -> String {
    let mut text = String::new();
    match handler(streams).render_report(&mut text, report) {
        Ok(()) => text,
        Err(fmt::Error) => format!("{}: {}\n", report.code, report.message),
    }
}

/// Shows warnings.
pub fn warn(warnings: &[Diagnostic], sources: &SourceMap, streams: Streams) {
    for warning in warnings {
        crate::output::say(diagnostic(warning, sources, streams).trim_end());
    }
}

/// The text of one diagnostic.
pub fn diagnostic(diagnostic: &Diagnostic, sources: &SourceMap, streams: Streams) -> String {
    draw(&Report::of_diagnostic(diagnostic, sources), streams)
}

/// Writes a failure to standard error.
pub fn failure(failure: &Failure, streams: Streams) {
    let mut text = String::new();
    match failure {
        Failure::Fact(fact) => text = draw(&Report::of_fact(fact), streams),
        Failure::Input(diagnostics, sources) => {
            for one in diagnostics {
                text.push_str(&diagnostic(one, sources, streams));
                text.push('\n');
            }
        }
        Failure::Build { error, sources, log } => {
            text = build_failure(error, sources, streams);
            if let Some(log) = log {
                text.push_str(&format!("  log: {}\n", log.display()));
            }
        }
        Failure::Said(_) => {}
        Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Failure::Output(_) => text = draw(&Report::of_fact(&output_fact(failure)), streams),
    }
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// A step that failed: its last lines, then the instruction with what happened.
fn build_failure(error: &BuildError, sources: &SourceMap, streams: Streams) -> String {
    let BuildError::Step { label, origins, code, message, help, tail, .. } = error else {
        let help = error.help();
        let Failure::Fact(fact) = Failure::told(error.code(), error, help) else { return String::new() };
        return draw(&Report::of_fact(&fact), streams);
    };
    let mut text = String::new();
    if !tail.is_empty() {
        text.push_str(&format!("\nLast lines of {label}:\n"));
        for line in tail {
            text.push_str(&format!("  {}\n", crate::render::printable(line)));
        }
        text.push('\n');
    }
    let mut found = Diagnostic::error(code, message.clone());
    found.help = help.clone();
    for span in origins.iter().take(1) {
        found = found.label(*span, "");
    }
    text.push_str(&diagnostic(&found, sources, streams));
    text
}

fn output_fact(failure: &Failure) -> Fact {
    let causes = std::error::Error::source(failure).map(|e| e.to_string()).into_iter().collect();
    let code = "environment::output";
    Fact { kind: crate::failure::Kind::Environment, code, message: failure.to_string(), causes, help: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_underlined_in_plain_ascii() {
        let mut sources = SourceMap::new();
        let file = sources.add("Dockerfile", "FROM scratch\nRNU make\n");
        let found = Diagnostic::error("dockerfile::unknown_instruction", "Unknown instruction `RNU`")
            .label(buildc_ir::Span::new(file, 13, 16), "not an instruction")
            .help("Did you mean `RUN`?");
        let plain = Streams { color_err: false, color_out: false, moving: false, unicode: false };
        let text = diagnostic(&found, &sources, plain);
        assert!(text.is_ascii(), "{text}");
        for part in ["Dockerfile:2:1", "RNU make", "^|^", "not an instruction", "help: Did you mean `RUN`?"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn ranges_never_leave_the_text() {
        for (start, end) in [(0, 99), (99, 100), (1, 2), (2, 1)] {
            let (s, e) = clamp("aä\nb", start, end);
            assert!("aä\nb".get(s..e).is_some());
        }
    }
}
