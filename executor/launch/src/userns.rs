//! User namespaces: whether we are in one.

use std::fs;

/// Whether this process is in a user namespace other than the host's first.
pub(crate) fn is_inside() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    map.split_ascii_whitespace().ne(["0", "0", "4294967295"])
}
