//! Maps and sets of steps. An id is a hash already, so its first bytes are taken as they are instead of being hashed again.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use crate::step::StepId;

/// A map from steps.
pub type StepMap<V> = HashMap<StepId, V, BuildHasherDefault<IdHasher>>;

/// A set of steps.
pub type StepSet = HashSet<StepId, BuildHasherDefault<IdHasher>>;

/// Takes the first eight bytes of an id as its hash. Only for ids: of anything else it would see too little.
#[derive(Clone, Copy, Default, Debug)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    /// The length, which all ids share.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, BuildHasherDefault};

    use buildc_digest::Key;

    use super::*;

    #[test]
    fn the_hash_of_an_id_is_its_first_bytes() {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&0x0102_0304_0506_0708_u64.to_le_bytes());
        let hash = BuildHasherDefault::<IdHasher>::default().hash_one(StepId(Key::from_bytes(bytes)));
        assert_eq!(hash, 0x0102_0304_0506_0708);
    }

    #[test]
    fn ids_that_begin_alike_are_told_apart() {
        let id = |last| {
            let mut bytes = [7; 32];
            bytes[31] = last;
            StepId(Key::from_bytes(bytes))
        };
        let map: StepMap<u8> = (0..=255).map(|last| (id(last), last)).collect();
        assert_eq!(map.len(), 256);
        assert!((0..=255).all(|last| map.get(&id(last)) == Some(&last)));
    }
}
