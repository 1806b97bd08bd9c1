//! Where things stand in the user's files: sources, spans, lines.

use serde::Serialize;

/// Names one source of a [`SourceMap`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub struct FileId(pub u32);

/// A byte range of one source.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub struct Span {
    /// The source that the range is in.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A span from byte offsets; offsets past 4 GiB saturate.
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { file, start: clamp(start), end: clamp(end) }
    }

    /// The smallest span that holds both; the file of `self` wins.
    pub fn to(self, other: Span) -> Span {
        Span { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// One source: its name as the user knows it and its text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceFile {
    /// Path or label shown to the user, for example `Dockerfile` or `<stdin>`.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// All sources of one compilation.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// An empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a source and names it.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(SourceFile { name: name.into(), text: text.into() });
        id
    }

    /// The source called `id`, if it is of this map.
    pub fn get(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize)
    }

    /// 1-based line and column (in characters) of a byte offset; the last position for offsets past the end.
    pub fn line_col(&self, id: FileId, offset: u32) -> (u32, u32) {
        let Some(file) = self.get(id) else { return (1, 1) };
        let mut end = (offset as usize).min(file.text.len());
        while !file.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &file.text[..end];
        let line = before.bytes().filter(|b| *b == b'\n').count();
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count());
        (u32::try_from(line).unwrap_or(u32::MAX - 1) + 1, u32::try_from(column).unwrap_or(u32::MAX - 1) + 1)
    }
}
