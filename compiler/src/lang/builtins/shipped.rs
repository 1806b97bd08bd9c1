//! Files that come with the language: `<nix/fetchurl.nix>`.
//!
//! They lie in a tree of their own, whose paths are written `<nix/…>` and are no paths of the machine.

/// A derivation that downloads a file. Its lines are seen in traces and its places by programs, so which code is on which
/// line is part of the agreement with Nix.
const FETCHURL: &[u8] = include_bytes!("fetchurl.nix");

/// Whether a path is in the tree of shipped files.
pub(in crate::lang) fn is_shipped(path: &[u8]) -> bool {
    path.starts_with(b"<nix/")
}

/// The path of what `nix/NAME` means in a search path.
pub(in crate::lang) fn path(name: &[u8]) -> Vec<u8> {
    [b"<nix/", name, b">"].concat()
}

/// The bytes of a shipped file.
pub(in crate::lang) fn contents(path: &[u8]) -> Option<&'static [u8]> {
    (path == b"<nix/fetchurl.nix>").then_some(FETCHURL)
}

/// How a path reads as a string: as if the tree were the root.
pub(in crate::lang) fn as_text(path: &[u8]) -> Option<&[u8]> {
    path.strip_prefix(b"<nix")?.strip_suffix(b">")
}
