//! Where things are.
//!
//! Owns: the sources read so far, laid end to end in one space of offsets, so that a place is a single number; lines
//! and columns are counted only when somebody prints one.
//! Never does: read a source.

use std::cell::OnceCell;

/// A place in some source; [`Pos::NONE`] is no place. Resolved by [`Sources`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Pos(u32);

impl Pos {
    /// No place: of what has no source, such as builtins.
    pub const NONE: Pos = Pos(0);

    /// True for [`Pos::NONE`].
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// The place that many bytes further on in the same source. Of no place: no place.
    #[must_use]
    pub const fn offset(self, bytes: u32) -> Pos {
        if self.is_none() { self } else { Pos(self.0.saturating_add(bytes)) }
    }
}

impl Pos {
    /// How many bytes it is beyond an earlier place of the same source.
    pub(super) fn since(self, earlier: Pos) -> usize {
        self.0.saturating_sub(earlier.0) as usize
    }
}

/// What a source is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin<'a> {
    /// Text from the command line or the repl: `«string»`.
    String,
    /// Standard input: `«stdin»`.
    Stdin,
    /// A file, by its absolute path.
    File(&'a [u8]),
    /// A file that is part of the language, by its path among those: `«nix-internal»/…`.
    Internal(&'a [u8]),
}

/// One source in the space of offsets.
#[derive(Debug)]
struct Source<'a> {
    start: u32,
    origin: Origin<'a>,
    text: &'a [u8],
    lines: OnceCell<Vec<u32>>,
}

/// A place as people read it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place<'a> {
    /// The source.
    pub origin: Origin<'a>,
    /// From 1.
    pub line: u32,
    /// From 1, in bytes.
    pub column: u32,
    /// The source, as far as lines are looked for in it.
    pub text: &'a [u8],
    /// Offset of the first byte of the line in `text`.
    pub line_start: usize,
}

impl Place<'_> {
    /// Appends `FILE:LINE:COLUMN`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let (prefix, path): (&str, &[u8]) = match self.origin {
            Origin::String => ("«string»", b""),
            Origin::Stdin => ("«stdin»", b""),
            Origin::File(path) => ("", path),
            Origin::Internal(path) => ("«nix-internal»", path),
        };
        out.extend_from_slice(prefix.as_bytes());
        out.extend_from_slice(path);
        out.extend_from_slice(format!(":{}:{}", self.line, self.column).as_bytes());
    }
}

/// The space of offsets is full: 4 GiB of source text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("more than 4 GiB of source text")]
pub struct SourcesFull;

/// All sources read so far.
#[derive(Debug, Default)]
pub struct Sources<'a> {
    sources: Vec<Source<'a>>,
    end: u32,
}

impl<'a> Sources<'a> {
    /// No source yet.
    pub fn new() -> Self {
        Sources::default()
    }

    /// Adds a source and returns the place of its first byte.
    ///
    /// # Errors
    /// When there is no room for its offsets.
    pub fn add(&mut self, origin: Origin<'a>, text: &'a [u8]) -> Result<Pos, SourcesFull> {
        let start = self.end.checked_add(1).ok_or(SourcesFull)?;
        // The end of the text is a place too: errors point at it.
        let length = u32::try_from(text.len()).map_err(|_| SourcesFull)?;
        self.end = start.checked_add(length).ok_or(SourcesFull)?;
        let text = match origin {
            // Lines are looked for in a file as it is, but in other texts only up to a null byte.
            Origin::File(_) | Origin::Internal(_) => text,
            Origin::String | Origin::Stdin => {
                &text[..text.iter().position(|byte| *byte == 0).unwrap_or(text.len())]
            }
        };
        self.sources.push(Source { start, origin, text, lines: OnceCell::new() });
        Ok(Pos(start))
    }

    fn source(&self, pos: Pos) -> Option<&Source<'a>> {
        let after = self.sources.partition_point(|source| source.start <= pos.0);
        self.sources.get(after.checked_sub(1)?)
    }

    /// The text from a place on, so many bytes of it; `None` for no place.
    pub fn text(&self, pos: Pos, length: u32) -> Option<&'a [u8]> {
        let source = self.source(pos)?;
        let start = (pos.0 - source.start) as usize;
        source.text.get(start..start + length as usize)
    }

    /// The source a place is in.
    pub fn origin(&self, pos: Pos) -> Option<Origin<'a>> {
        self.source(pos).map(|source| source.origin)
    }

    /// Line and column of a place; `None` for no place.
    pub fn resolve(&self, pos: Pos) -> Option<Place<'a>> {
        let source = self.source(pos)?;
        let offset = pos.0 - source.start;
        let lines = source.lines.get_or_init(|| line_starts(source.text));
        let line = lines.partition_point(|start| *start <= offset);
        let line_start = lines[line - 1];
        Some(Place {
            origin: source.origin,
            line: line as u32,
            column: offset - line_start + 1,
            text: source.text,
            line_start: line_start as usize,
        })
    }
}

/// Offsets of the first bytes of lines. Lines end with `\n`, `\r\n` or `\r`.
fn line_starts(text: &[u8]) -> Vec<u32> {
    let mut starts = vec![0];
    for (offset, byte) in text.iter().enumerate() {
        let ends = *byte == b'\n' || (*byte == b'\r' && text.get(offset + 1) != Some(&b'\n'));
        if ends {
            starts.push(offset as u32 + 1);
        }
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(sources: &Sources<'_>, pos: Pos) -> (u32, u32) {
        sources.resolve(pos).map(|place| (place.line, place.column)).unwrap()
    }

    #[test]
    fn offsets_become_lines_and_columns_in_their_own_source() {
        let mut sources = Sources::new();
        let first = sources.add(Origin::String, b"a\r\nb\rc\nd").unwrap();
        let second = sources.add(Origin::File(b"/x.nix"), b"").unwrap();
        assert_eq!(place(&sources, first), (1, 1));
        assert_eq!(place(&sources, first.offset(3)), (2, 1));
        assert_eq!(place(&sources, first.offset(5)), (3, 1));
        assert_eq!(place(&sources, first.offset(7)), (4, 1));
        assert_eq!(place(&sources, first.offset(8)), (4, 2));
        assert_eq!(sources.origin(first.offset(8)), Some(Origin::String));
        assert_eq!(place(&sources, second), (1, 1));
        assert_eq!(sources.origin(second), Some(Origin::File(b"/x.nix")));
        assert_eq!(sources.resolve(Pos::NONE), None);
    }
}
