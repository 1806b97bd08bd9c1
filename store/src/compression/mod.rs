//! Compressed streams: recognising and reading them, and making gzip.
//!
//! Owns: magic numbers and decoders of gzip, zstd, xz and bzip2, and buildc's one compressor. Never does: tar.

mod gzip;

use std::io::{self, BufRead, BufReader, Read};

pub(crate) use gzip::{COMPRESSOR, Gzip};

const BUFFER_BYTES: usize = 128 * 1024;

/// How a stream is compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Compression {
    /// Not, or not in a way that is known.
    None,
    Gzip,
    Zstd,
    Xz,
    Bzip2,
}

impl Compression {
    /// Recognises a compression by its first bytes; six are enough.
    pub(crate) fn of(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            // A skippable frame, as zstd:chunked layers may begin with (RFC 8878 section 3.1.2).
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [b'B', b'Z', b'h', ..] => Self::Bzip2,
            _ => Self::None,
        }
    }
}

/// Reads a stream decompressed, whatever it is compressed with.
///
/// # Errors
/// When the stream cannot be read.
pub(crate) fn decompressed<'r>(input: impl Read + 'r) -> io::Result<Box<dyn Read + 'r>> {
    let mut input = BufReader::with_capacity(BUFFER_BYTES, input);
    let start = peek(&mut input)?;
    let input = io::Cursor::new(start.clone()).chain(input);
    Ok(match Compression::of(&start) {
        Compression::None => Box::new(input),
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
        Compression::Zstd => Box::new(zstd::Decoder::with_buffer(input)?),
        Compression::Xz => Box::new(lzma_rust2::XzReader::new(input, true)),
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(input)),
    })
}

/// Takes the first bytes off a stream, as many as recognising needs or there are.
fn peek(input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(6);
    input.by_ref().take(6).read_to_end(&mut start)?;
    Ok(start)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;

    fn piped(program: &str, input: &[u8]) -> Vec<u8> {
        let mut child = Command::new(program)
            .arg("-c")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{program}: {e}"));
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap().stdout
    }

    #[test]
    fn every_compression_is_recognised_and_read() {
        let bytes = b"the same bytes again and again; ".repeat(500);
        for program in ["gzip", "xz", "bzip2", "zstd", "cat"] {
            let packed = if program == "cat" { bytes.clone() } else { piped(program, &bytes) };
            // Two streams after one another are one, as the tools have it.
            let twice = if program == "cat" { packed.clone() } else { [packed.clone(), packed].concat() };
            let mut out = Vec::new();
            decompressed(twice.as_slice()).unwrap().read_to_end(&mut out).unwrap();
            let want = if program == "cat" { 1 } else { 2 };
            assert_eq!(out.len(), bytes.len() * want, "{program}");
        }
    }

    #[test]
    fn short_streams_are_plain() {
        for text in ["", "x", "BZ"] {
            let mut out = String::new();
            decompressed(text.as_bytes()).unwrap().read_to_string(&mut out).unwrap();
            assert_eq!(out, text);
        }
    }
}
