//! The tar form of layers: writing buildc's one deterministic form, reading everybody's.
//!
//! Owns: headers, PAX records, whiteout names, bounds on what is read. Never does: touching the file system.

mod decompress;
mod hash_sink;
mod header;
mod pax;
mod read;
mod sparse;
mod write;

pub(crate) use decompress::decompressed;
pub(crate) use hash_sink::HashSink;
pub use hash_sink::TarDigest;
pub use read::{Content, TarItem, TarReader, leave_hole};
pub use write::{TarHasher, TarWriter};

/// Prefix of a whiteout's file name (OCI image spec, `layer.md#whiteouts`).
pub(crate) const WHITEOUT_PREFIX: &[u8] = b".wh.";
/// Name of the file that makes its directory opaque.
pub(crate) const OPAQUE_MARKER: &[u8] = b".wh..wh..opq";
/// Prefix of aufs' own bookkeeping, which is skipped.
pub(crate) const AUFS_PREFIX: &[u8] = b".wh..wh.";
/// tar's unit.
pub(crate) const BLOCK: usize = 512;
/// PAX keyword prefix of an extended attribute.
pub(crate) const PAX_XATTR: &[u8] = b"SCHILY.xattr.";

/// Bytes of padding after `size` bytes of content.
pub(crate) fn padding(size: u64) -> usize {
    ((BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64) as usize
}
