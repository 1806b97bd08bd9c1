//! The text of an error as Nix prints it.
//!
//! Owns: order, abbreviation and layout of traces, code excerpts.
//! Never does: decide what is traced.

use unicode_width::UnicodeWidthChar;

use super::error::{EvalError, Trace};
use super::syntax::pos::Place;
use super::syntax::{Pos, Sources};

/// Without `--show-trace`, lines of the trace are printed until this much was printed; a line with a place counts twice.
const BRIEF: usize = 3;

/// Up to this many repeated lines are printed all the same.
const FEW: usize = 5;

/// The error as `nix-instantiate` writes it to standard error, with `error:` in front and without a last newline.
pub fn render(error: &EvalError, sources: &Sources<'_>, show_trace: bool) -> Vec<u8> {
    let mut report = Report { sources, out: Vec::new(), seen: Vec::new(), skipped: Vec::new(), count: 0 };
    report.traces(&error.traces, show_trace);
    report.out.extend_from_slice(&error.message);
    report.out.push(b'\n');
    report.place(error.pos);
    report.suggestions(&error.suggestions);
    finish(&report.out, b"error:")
}

/// A warning as Nix writes it, with `warning:` in front.
pub fn render_warning(warning: &EvalError, sources: &Sources<'_>) -> Vec<u8> {
    if warning.pos.is_none() {
        return [b"warning: ".as_slice(), &warning.message].concat();
    }
    let mut report = Report { sources, out: Vec::new(), seen: Vec::new(), skipped: Vec::new(), count: 0 };
    report.out.extend_from_slice(&warning.message);
    report.out.push(b'\n');
    report.place(warning.pos);
    finish(&report.out, b"warning:")
}

struct Report<'e, 'a> {
    sources: &'e Sources<'a>,
    out: Vec<u8>,
    seen: Vec<&'e Trace>,
    skipped: Vec<&'e Trace>,
    count: usize,
}

impl<'e> Report<'e, '_> {
    fn traces(&mut self, traces: &'e [Trace], show_trace: bool) {
        if traces.is_empty() {
            return;
        }
        let mut cut = false;
        for trace in traces.iter().rev().filter(|trace| !trace.text.is_empty()) {
            cut |= !show_trace && self.count > BRIEF;
            if cut && !trace.always {
                continue;
            }
            if self.seen.contains(&trace) {
                self.skipped.push(trace);
                continue;
            }
            self.seen.push(trace);
            self.flush_skipped();
            self.count += 1;
            self.line(trace);
        }
        self.flush_skipped();
        if cut {
            self.out.extend_from_slice(
                b"\n(stack trace truncated; use '--show-trace' to show the full, detailed trace)\n",
            );
        }
        self.out.extend_from_slice(b"\nerror: ");
    }

    fn flush_skipped(&mut self) {
        let skipped = std::mem::take(&mut self.skipped);
        if skipped.len() > FEW {
            self.out
                .extend_from_slice(format!("\n({} duplicate frames omitted)\n", skipped.len()).as_bytes());
            return;
        }
        for trace in skipped {
            self.line(trace);
        }
    }

    fn line(&mut self, trace: &Trace) {
        self.out.extend_from_slice("\n… ".as_bytes());
        self.out.extend_from_slice(&trace.text);
        self.out.push(b'\n');
        if self.place_with(trace.pos, b"  ") {
            self.count += 1;
        }
    }

    fn place(&mut self, pos: Pos) {
        self.place_with(pos, b"");
    }

    fn place_with(&mut self, pos: Pos, indent: &[u8]) -> bool {
        let Some(place) = self.sources.resolve(pos) else { return false };
        self.out.extend_from_slice(indent);
        self.out.extend_from_slice(b"at ");
        place.write(&mut self.out);
        self.out.push(b':');
        self.excerpt(&place);
        self.out.push(b'\n');
        true
    }

    fn excerpt(&mut self, place: &Place<'_>) {
        if place.text.is_empty() {
            return;
        }
        let mut numbered = |number: u32, line: &[u8]| {
            self.out.extend_from_slice(format!("\n{number:>6}| ").as_bytes());
            self.out.extend_from_slice(line);
        };
        if let Some(before) = line_before(place.text, place.line_start) {
            numbered(place.line - 1, before);
        }
        let (line, next) = line_at(place.text, place.line_start);
        numbered(place.line, line);
        self.out.extend_from_slice(b"\n      |");
        self.out.resize(self.out.len() + place.column as usize, b' ');
        self.out.push(b'^');
        if let Some(next) = next {
            let (line, _) = line_at(place.text, next);
            self.out.extend_from_slice(format!("\n{:>6}| ", place.line + 1).as_bytes());
            self.out.extend_from_slice(line);
        }
    }

    fn suggestions(&mut self, names: &[String]) {
        let Some((last, first)) = names.split_last() else { return };
        self.out.extend_from_slice(b"Did you mean ");
        if first.is_empty() {
            self.out.extend_from_slice(last.as_bytes());
        } else {
            self.out.extend_from_slice(format!("one of {} or {last}", first.join(", ")).as_bytes());
        }
        self.out.extend_from_slice(b"?\n");
    }
}

/// A place in one line: source, line and column.
pub fn write_place(out: &mut Vec<u8>, sources: &Sources<'_>, pos: Pos) {
    let Some(place) = sources.resolve(pos) else {
        return out.extend_from_slice("«none»:0".as_bytes());
    };
    place.write(out);
}

/// The line that starts at `start`, and the start of the next one.
fn line_at(text: &[u8], start: usize) -> (&[u8], Option<usize>) {
    let rest = &text[start..];
    match rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
        None => (rest, None),
        Some(end) => {
            let crlf = rest[end..].starts_with(b"\r\n");
            let next = start + end + 1 + usize::from(crlf);
            (&rest[..end], Some(next))
        }
    }
}

fn line_before(text: &[u8], start: usize) -> Option<&[u8]> {
    let before = &text[..start];
    let before = [b"\r\n".as_slice(), b"\n", b"\r"].iter().find_map(|end| before.strip_suffix(*end))?;
    let begin = before.iter().rposition(|byte| matches!(byte, b'\n' | b'\r')).map_or(0, |at| at + 1);
    Some(&before[begin..])
}

/// Puts `prefix` in front of the first line and as many spaces before the others, and makes terminal-safe what is left.
pub fn finish(text: &[u8], prefix: &[u8]) -> Vec<u8> {
    let end =
        text.iter().rposition(|byte| !matches!(byte, b'\n' | b' ' | b'\t' | b'\r')).map_or(0, |at| at + 1);
    let mut out = prefix.to_vec();
    for (index, line) in text[..end].split(|byte| *byte == b'\n').enumerate() {
        if index > 0 {
            out.push(b'\n');
        }
        let used = line.iter().rposition(|byte| !matches!(byte, b' ' | b'\t' | b'\r')).map_or(0, |at| at + 1);
        let line = &line[..used];
        if line.is_empty() {
            continue;
        }
        let indent = if index == 0 { 1 } else { prefix.len() + 1 };
        out.resize(out.len() + indent, b' ');
        out.extend_from_slice(line);
    }
    printable(&out)
}

/// Drops escape sequences, carriage returns and bells; a tab becomes spaces up to the next multiple of eight columns, which
/// are counted, as Nix does, from the start of the whole text.
pub fn printable(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut width = 0usize;
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            0x1b => rest = skip_escape(tail),
            b'\r' | 0x07 => {}
            b'\t' => loop {
                out.push(b' ');
                width += 1;
                if width.is_multiple_of(8) {
                    break;
                }
            },
            b' '..=b'~' => {
                out.push(byte);
                width += 1;
            }
            ..b' ' | 0x7f => out.push(byte),
            0x80.. => {
                let (bytes, columns) = wide(byte, tail);
                out.push(byte);
                let (more, after) = tail.split_at(bytes - 1);
                out.extend_from_slice(more);
                width += columns;
                rest = after;
            }
        }
    }
    out
}

/// How many bytes and columns the character has that starts with `first`; of what is not UTF-8, each byte is a column.
fn wide(first: u8, tail: &[u8]) -> (usize, usize) {
    let length = match first {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        _ => return (1, 1),
    };
    let found = 1 + tail.iter().take(length - 1).take_while(|byte| matches!(byte, 0x80..=0xbf)).count();
    let bytes: Vec<u8> = std::iter::once(first).chain(tail.iter().take(found - 1).copied()).collect();
    let character = std::str::from_utf8(&bytes).ok().and_then(|text| text.chars().next());
    match character {
        Some(character) => (found, character.width().unwrap_or(0)),
        None => (found, found),
    }
}

/// What follows the escape sequence whose first byte (ESC) stood before `text`.
fn skip_escape(text: &[u8]) -> &[u8] {
    let mut rest = match text.split_first() {
        Some((b'[', rest)) => rest,
        // A command of the operating system ends with BEL or ESC \, which are dropped in their turn.
        Some((b']', rest)) => {
            let end = rest.iter().position(|byte| matches!(byte, 0x07 | 0x1b)).unwrap_or(rest.len());
            return &rest[end..];
        }
        Some((0x40..=0x5f, rest)) => return rest,
        _ => return text,
    };
    while let Some((0x30..=0x3f, tail)) = rest.split_first() {
        rest = tail;
    }
    while let Some((0x20..=0x2f, tail)) = rest.split_first() {
        rest = tail;
    }
    match rest.split_first() {
        Some((0x40..=0x7e, tail)) => tail,
        _ => rest,
    }
}
