//! Errors as toml11 lays them out: a title, marked lines, and hints.

use super::scan::{Scan, shown};

/// Bytes shown before and behind a marked place at most.
const MARGIN: usize = 30;

/// A place in a text, as a message shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// Name of the text.
    file: &'static str,
    lines: Vec<Vec<u8>>,
    first_line: usize,
    last_line: usize,
    /// Columns within the lines shown, from 1.
    first_column: usize,
    last_column: usize,
    length: usize,
}

/// The text that places are in.
#[derive(Clone, Copy)]
pub(super) struct Source<'t> {
    pub(super) file: &'static str,
    pub(super) text: &'t [u8],
    /// Where its lines end, in order: places are made for every error, of which there may be as many as lines.
    pub(super) line_ends: &'t [usize],
}

impl Source<'_> {
    fn line_of(self, at: usize) -> usize {
        self.line_ends.partition_point(|end| *end < at) + 1
    }

    /// The byte at `at`; at the end, the one before.
    pub(super) fn point(self, at: usize) -> Place {
        let at = at.min(self.text.len());
        if at < self.text.len() {
            let line = self.line_of(at);
            return self.place((at, at + 1), (line, line));
        }
        match at {
            0 => self.place((0, 0), (0, 0)),
            _ => self.place((at - 1, at), (self.line_of(at - 1), self.line_of(at))),
        }
    }

    /// What lies between two offsets.
    pub(super) fn region(self, (first, last): (usize, usize)) -> Place {
        self.place((first, last), (self.line_of(first), self.line_of(last)))
    }

    fn place(self, (first, last): (usize, usize), (first_line, last_line): (usize, usize)) -> Place {
        let length = last - first;
        let mut shown = if length == 0 {
            vec![(Vec::new(), 0)]
        } else if first_line == last_line {
            vec![self.excerpt(first, last - 1)]
        } else {
            self.excerpts(first, last - 1)
        };
        if shown.len() == 2 && first_line + 1 != last_line {
            shown.insert(1, (b"...".to_vec(), 0));
        }
        Place {
            file: self.file,
            first_line,
            last_line,
            first_column: shown[0].1 + 1,
            last_column: shown[shown.len() - 1].1 + 1,
            length,
            lines: shown.into_iter().map(|(line, _)| line).collect(),
        }
    }

    /// The line around the bytes from `begin` to `end`, cut where it is long, and where `begin` is in it.
    fn excerpt(self, begin: usize, end: usize) -> (Vec<u8>, usize) {
        let text = self.text;
        let low = begin.saturating_sub(MARGIN);
        let high = (end + MARGIN).min(text.len());
        let before = text[low..begin].iter().rposition(|b| *b == b'\n').map_or(low, |at| low + at + 1);
        let after = text[end..high].iter().position(|b| *b == b'\n').map_or(high, |at| end + at);
        let mut line = text[before..after].to_vec();
        let mut offset = begin - before;
        if before > 0 && text[before - 1] != b'\n' {
            line.splice(0..0, *b"... ");
            offset += 4;
        }
        if after < text.len() && text[after] != b'\n' {
            line.extend_from_slice(b" ...");
        }
        (line, offset)
    }

    /// The first and the last line of a region of several.
    fn excerpts(self, begin: usize, end: usize) -> Vec<(Vec<u8>, usize)> {
        let text = self.text;
        let high = if text.len() - begin > 60 { begin + 50 } else { text.len() };
        let low = if end > 60 { end - 50 } else { 0 };
        let first_end = text[begin..high].iter().position(|b| *b == b'\n').map_or(high, |at| begin + at);
        let last_begin = text[low..end].iter().position(|b| *b == b'\n').map_or(end, |at| low + at);
        vec![self.excerpt(begin, first_end), self.excerpt(last_begin, end)]
    }
}

/// One error.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Problem {
    title: String,
    places: Vec<(Place, String)>,
    hint: &'static str,
}

impl Problem {
    pub(super) fn new(title: &str, place: Place, message: &str) -> Problem {
        Problem { title: title.to_owned(), places: vec![(place, message.to_owned())], hint: "" }
    }

    /// `scan` did not match at `at`.
    pub(super) fn syntax(title: &str, scan: &Scan, source: Source, at: usize) -> Problem {
        let mut at = at;
        let expected = scan.expected(source.text, &mut at);
        Problem::new(title, source.point(at), &format!("expected {expected}"))
    }

    pub(super) fn and(mut self, place: Place, message: &str) -> Problem {
        self.places.push((place, message.to_owned()));
        self
    }

    pub(super) fn hint(mut self, hint: &'static str) -> Problem {
        self.hint = hint;
        self
    }

    /// Appends the text.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("[error] {}\n", self.title).as_bytes());
        let width = self.places.iter().map(|(place, _)| digits(place.last_line)).max().unwrap_or(0);
        let margin = " ".repeat(width + 1);
        let mut file = "";
        for (index, (place, message)) in self.places.iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(format!("{margin} | ...\n{margin} |\n").as_bytes());
            }
            if place.file != file {
                out.extend_from_slice(format!(" --> {}\n{margin} |\n", place.file).as_bytes());
            }
            file = place.file;
            place.write(out, width, message);
        }
        out.extend_from_slice(self.hint.as_bytes());
    }
}

impl Place {
    fn write(&self, out: &mut Vec<u8>, width: usize, message: &str) {
        let first = &self.lines[0];
        let rest_of_first = (first.len() + 1).saturating_sub(self.first_column);
        match &self.lines[..] {
            [only] => {
                let limit = if only.len() < self.first_column { 1 } else { rest_of_first };
                line(out, width, self.first_line, only);
                underline(out, width, self.first_column, limit.min(self.length), message);
            }
            [first, .., last] => {
                let is_long = self.lines.len() > 2;
                line(out, width, self.first_line, first);
                underline(out, width, self.first_column, rest_of_first, if is_long { "and" } else { "" });
                if is_long {
                    line(out, width, self.first_line + 1, &self.lines[1]);
                    underline(out, width, 1, self.lines[1].len(), "and");
                }
                line(out, width, self.last_line, last);
                underline(out, width, 1, self.last_column, message);
            }
            [] => {}
        }
    }
}

fn line(out: &mut Vec<u8>, width: usize, number: usize, text: &[u8]) {
    out.extend_from_slice(format!(" {number:>width$} | ").as_bytes());
    for byte in text {
        match byte {
            b' ' => out.push(b' '),
            byte => out.extend_from_slice(shown(*byte).as_bytes()),
        }
    }
    out.push(b'\n');
}

fn underline(out: &mut Vec<u8>, width: usize, column: usize, length: usize, message: &str) {
    let (margin, blanks) = (" ".repeat(width + 1), " ".repeat(column.saturating_sub(1)));
    out.extend_from_slice(format!("{margin} | {blanks}{}-- {message}\n", "^".repeat(length)).as_bytes());
}

/// Decimal digits of a number; none of zero.
fn digits(number: usize) -> usize {
    number.checked_ilog10().map_or(0, |log| log as usize + 1)
}
