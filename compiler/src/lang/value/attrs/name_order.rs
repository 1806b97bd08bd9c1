//! The order of names by their bytes.
//!
//! Owns: the sort. The names of a large set lie all over memory and often begin alike, so what is compared first is a word
//! of each, from where they differ on, that lies beside its index.
//! Never does: know sets.

use crate::lang::syntax::{Symbol, Symbols};

/// Fewer names are compared as they are.
const FEW: usize = 16;

/// Sorts indices into `names` by the names' bytes; `order` holds each index once.
pub(super) fn sort_by_name(order: &mut [u32], names: &[Symbol], symbols: &Symbols<'_>) {
    let name = |index: u32| symbols.name(names[index as usize]);
    if order.len() < FEW {
        order.sort_unstable_by_key(|index| name(*index));
        return;
    }
    let common = order.iter().skip(1).fold(name(order[0]), |common, index| {
        let alike = common.iter().zip(name(*index)).take_while(|(a, b)| a == b).count();
        &common[..alike]
    });
    let mut keyed: Vec<(u64, u32)> =
        order.iter().map(|index| (word(&name(*index)[common.len()..]), *index)).collect();
    // Names that are equal but for what is behind the word, or for zeros in it, are compared as they are.
    keyed.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| name(a.1).cmp(name(b.1))));
    for (index, (_, sorted)) in order.iter_mut().zip(keyed) {
        *index = sorted;
    }
}

/// The first eight bytes, zeros behind a shorter text, as a number of the same order.
fn word(bytes: &[u8]) -> u64 {
    match bytes.first_chunk::<8>() {
        Some(word) => u64::from_be_bytes(*word),
        None => bytes.iter().enumerate().fold(0, |word, (at, byte)| word | u64::from(*byte) << (56 - 8 * at)),
    }
}

#[cfg(test)]
mod tests {
    use bumpalo::Bump;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn names_are_in_the_order_of_their_bytes(
            start in "[a-c]{0,3}",
            ends in prop::collection::btree_set(prop::collection::vec(0u8..3, 0..12), 0..60),
            turn in 0usize..60,
        ) {
            let arena = Bump::new();
            let mut symbols = Symbols::new(&arena);
            let mut texts: Vec<Vec<u8>> = ends.iter().map(|end| [start.as_bytes(), end].concat()).collect();
            let places = texts.len().max(1);
            texts.rotate_left(turn % places);
            let names: Vec<Symbol> = texts.iter().map(|text| symbols.intern(text)).collect();
            let mut order: Vec<u32> = (0..names.len() as u32).collect();
            sort_by_name(&mut order, &names, &symbols);
            let sorted: Vec<&[u8]> = order.iter().map(|index| symbols.name(names[*index as usize])).collect();
            texts.sort();
            prop_assert_eq!(sorted, texts);
        }
    }
}
