//! Compression of layers that leave the store, and recognising that of layers that come in.
//!
//! Owns: buildc's one compressor, and magic numbers. Never does: decompressing (the tar reader does) or tar.

mod gzip;

pub(crate) use gzip::{COMPRESSOR, Gzip};

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
