//! The log file: one JSON object `{"log","stream","time"}` per line, Docker's json-file format.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::record::now;

/// Longer lines are split; the parts but the last have no newline.
pub(super) const LINE_BYTES: usize = 16 << 10;
/// The log is rotated here when the container says nothing else.
const MAX_BYTES: u64 = 64 << 20;

/// Which stream a line came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stream {
    /// Standard output, or a pty.
    Stdout,
    /// Standard error.
    Stderr,
}

/// One line of the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Line<'a> {
    pub(super) log: std::borrow::Cow<'a, str>,
    pub(super) stream: Stream,
    pub(super) time: std::borrow::Cow<'a, str>,
}

/// The older part of a rotated log.
pub(super) fn rotated(path: &Path) -> PathBuf {
    path.with_extension("1")
}

/// Appends to a log, which begins to exist with its first line.
#[derive(Debug)]
pub(super) struct LogWriter {
    path: PathBuf,
    file: Option<File>,
    bytes: u64,
    max_bytes: u64,
}

impl LogWriter {
    pub(super) fn new(path: PathBuf, max_bytes: Option<u64>) -> Self {
        Self { path, file: None, bytes: 0, max_bytes: max_bytes.unwrap_or(MAX_BYTES) }
    }

    /// Writes one line, or one part of a long line.
    pub(super) fn write(&mut self, stream: Stream, text: &[u8]) -> io::Result<()> {
        let line = Line { log: String::from_utf8_lossy(text), stream, time: now().into() };
        let mut bytes = serde_json::to_vec(&line)?;
        bytes.push(b'\n');
        let length = bytes.len() as u64;
        if self.bytes > 0 && self.bytes + length > self.max_bytes {
            self.file = None;
            fs::rename(&self.path, rotated(&self.path))?;
        }
        self.open()?.write_all(&bytes)?;
        self.bytes += length;
        Ok(())
    }

    fn open(&mut self) -> io::Result<&mut File> {
        if self.file.is_none() {
            let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path)?;
            self.bytes = file.metadata()?.len();
            self.file = Some(file);
        }
        self.file.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// Cuts a stream of bytes into lines and parts of long lines.
#[derive(Debug, Default)]
pub(super) struct Lines(Vec<u8>);

impl Lines {
    /// Takes bytes and gives every line that is complete with them.
    pub(super) fn push(&mut self, mut bytes: &[u8], mut give: impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            let room = LINE_BYTES.saturating_sub(self.0.len()).max(1);
            let end = bytes.iter().take(room).position(|b| *b == b'\n').map(|at| at + 1);
            let (taken, rest) = bytes.split_at(end.unwrap_or_else(|| room.min(bytes.len())));
            self.0.extend_from_slice(taken);
            bytes = rest;
            if end.is_some() || self.0.len() >= LINE_BYTES {
                give(&self.0);
                self.0.clear();
            }
        }
    }

    /// Gives what is left at the end of the stream.
    pub(super) fn finish(&mut self, give: impl FnOnce(&[u8])) {
        if !self.0.is_empty() {
            give(&self.0);
            self.0.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_and_long_ones_split() {
        let (mut lines, mut got) = (Lines::default(), Vec::new());
        for bytes in [b"a\nb".as_slice(), b"c\n\n", b"rest"] {
            lines.push(bytes, |line| got.push(line.to_vec()));
        }
        lines.finish(|line| got.push(line.to_vec()));
        let want = [b"a\n".as_slice(), b"bc\n", b"\n", b"rest"];
        assert_eq!(got, want);
        got.clear();
        lines.push(&vec![b'x'; LINE_BYTES + 3], |line| got.push(line.to_vec()));
        lines.push(b"\n", |line| got.push(line.to_vec()));
        assert_eq!(got.iter().map(Vec::len).collect::<Vec<_>>(), [LINE_BYTES, 4]);
    }

    #[test]
    fn a_log_is_bounded_and_keeps_its_older_half() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("log");
        let mut log = LogWriter::new(path.clone(), Some(1000));
        for number in 0..100 {
            log.write(Stream::Stdout, format!("line {number}\n").as_bytes()).expect("a line");
        }
        for part in [path.clone(), rotated(&path)] {
            let bytes = fs::metadata(part).expect("it exists").len();
            assert!(bytes > 0 && bytes <= 1000, "{bytes}");
        }
        let text = fs::read_to_string(path).expect("a log");
        let last: Line<'_> = serde_json::from_str(text.lines().last().expect("a line")).expect("JSON");
        assert_eq!((last.log.as_ref(), last.stream), ("line 99\n", Stream::Stdout));
    }
}
