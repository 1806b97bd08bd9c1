//! Compression of layers that leave the store, and recognising that of layers that come in.
//!
//! Owns: the compressors, and magic numbers. Never does: decompressing (the tar reader does) or tar.

mod gzip;

use std::io::{self, Write};

pub(crate) use gzip::{GZIP_LEVEL, gzip_name};

use crate::export::Algorithm;
use gzip::Gzip;

/// Recorded with each layer that was compressed by zstd at a level. Change it whenever the bytes change.
pub(crate) fn zstd_name(level: u32) -> String {
    format!("zstd-1.5/{level}/threads/1")
}

/// Compresses what is written to it.
pub(crate) enum Compressor<W: Write> {
    Gzip(Gzip<W>),
    Zstd(Box<zstd::Encoder<'static, W>>),
    None(W),
}

impl<W: Write> Compressor<W> {
    pub(crate) fn new(algorithm: Algorithm, level: u32, out: W) -> io::Result<Self> {
        Ok(match algorithm {
            Algorithm::Gzip => Self::Gzip(Gzip::new(out, level)?),
            Algorithm::Zstd => {
                let mut encoder = zstd::Encoder::new(out, i32::try_from(level).unwrap_or(0))?;
                // The bytes are the same for any number of workers but none.
                let workers = std::thread::available_parallelism().map_or(1, usize::from);
                encoder.multithread(u32::try_from(workers).unwrap_or(1))?;
                encoder.include_checksum(true)?;
                Self::Zstd(Box::new(encoder))
            }
            Algorithm::Uncompressed => Self::None(out),
        })
    }

    /// Ends the stream and gives back the inner writer.
    pub(crate) fn finish(self) -> io::Result<W> {
        match self {
            Self::Gzip(gzip) => gzip.finish(),
            Self::Zstd(encoder) => encoder.finish(),
            Self::None(out) => Ok(out),
        }
    }
}

impl<W: Write> Write for Compressor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(gzip) => gzip.write(bytes),
            Self::Zstd(encoder) => encoder.write(bytes),
            Self::None(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Gzip(gzip) => gzip.flush(),
            Self::Zstd(encoder) => encoder.flush(),
            Self::None(out) => out.flush(),
        }
    }
}

/// How a stream is compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Compression {
    /// Not, or in a way that no media type names.
    Other,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Compression {
    /// Recognises a compression by its first bytes; four are enough.
    pub(crate) fn of(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            // A skippable frame, as zstd:chunked layers may begin with (RFC 8878 section 3.1.2).
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::Other,
        }
    }
}
