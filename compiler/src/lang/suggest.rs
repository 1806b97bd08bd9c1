//! `Did you mean …?`: names close to one that does not exist.

/// At most this many names are offered.
const LIMIT: usize = 5;

/// Names that differ by more edits than this are not offered.
const MAX_DISTANCE: usize = 2;

/// The names closest to `wanted`, closest first, equally close ones in alphabetical order.
pub fn best_matches<'n>(names: impl Iterator<Item = &'n [u8]>, wanted: &[u8]) -> Vec<String> {
    let mut close: Vec<(usize, &[u8])> = names
        .filter(|name| name.len().abs_diff(wanted.len()) <= MAX_DISTANCE)
        .map(|name| (strsim::generic_levenshtein(&Bytes(wanted), &Bytes(name)), name))
        .filter(|(distance, _)| *distance <= MAX_DISTANCE)
        .collect();
    close.sort_unstable();
    close.dedup();
    close.truncate(LIMIT);
    close.iter().map(|(_, name)| String::from_utf8_lossy(name).into_owned()).collect()
}

/// Distances are counted in bytes.
struct Bytes<'b>(&'b [u8]);

impl<'b> IntoIterator for &Bytes<'b> {
    type Item = &'b u8;
    type IntoIter = std::slice::Iter<'b, u8>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closest_first_then_alphabetical() {
        let names = [b"xyz".as_slice(), b"abd", b"abc", b"abef", b"abcdef"];
        assert_eq!(best_matches(names.into_iter(), b"abe"), ["abc", "abd", "abef"]);
    }
}
