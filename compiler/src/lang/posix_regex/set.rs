//! Sets of bytes.

/// A set of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct ByteSet([u64; 4]);

impl ByteSet {
    /// Every byte but NUL, which `.` does not match.
    pub(super) fn any() -> ByteSet {
        let mut set = ByteSet([u64::MAX; 4]);
        set.0[0] &= !1;
        set
    }

    /// The set of one byte.
    pub(super) fn of(byte: u8) -> ByteSet {
        let mut set = ByteSet::default();
        set.insert(byte);
        set
    }

    pub(super) fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    pub(super) fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }

    pub(super) fn union(&mut self, other: &ByteSet) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine |= theirs;
        }
    }

    pub(super) fn negate(&mut self) {
        for word in &mut self.0 {
            *word = !*word;
        }
    }

    pub(super) fn is_disjoint(&self, other: &ByteSet) -> bool {
        self.0.iter().zip(other.0).all(|(mine, theirs)| mine & theirs == 0)
    }
}
