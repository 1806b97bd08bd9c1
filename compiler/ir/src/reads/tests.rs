use buildc_digest::InternalHasher;
use proptest::prelude::*;

use super::{Aspect, Fingerprint, ReadSet};

fn fingerprint(text: &str) -> Fingerprint {
    let mut hasher = InternalHasher::new();
    hasher.update(text.as_bytes());
    Fingerprint::of(&hasher)
}

#[test]
fn the_bytes_are_those_of_the_specification() {
    let mut set = ReadSet::default();
    set.saw(b"etc/passwd", Aspect::Attributes, Fingerprint([1; 16]));
    set.saw(b"etc/passwd", Aspect::Content, Fingerprint([2; 16]));
    set.absent(b"etc/pam.d");
    let mut expected = vec![2, 0, 0, 9];
    expected.extend_from_slice(b"etc/pam.d\x00\x06\x04sswd\x03");
    expected.extend_from_slice(&[1; 16]);
    expected.extend_from_slice(&[2; 16]);
    assert_eq!(set.encode(), expected);
}

#[test]
fn what_was_there_is_not_absent_and_the_first_look_counts() {
    let mut set = ReadSet::default();
    set.saw(b"a", Aspect::Listing, Fingerprint([1; 16]));
    set.absent(b"a");
    set.saw(b"a", Aspect::Listing, Fingerprint([2; 16]));
    let reads = set.get(b"a").unwrap();
    assert_eq!(reads.get(Aspect::Listing), Some(Fingerprint([1; 16])));
    assert!(!reads.is_absent() && reads.get(Aspect::Content).is_none());
}

fn sets() -> impl Strategy<Value = ReadSet> {
    let name = prop::collection::vec(prop::sample::select(vec![b'a', b'b', b'/', b'-', 0xff]), 0..300);
    let path = (name, prop::collection::vec(prop::option::of("[a-z]"), 4));
    let account = prop::option::of("[a-z]{1,8}");
    (prop::collection::vec(path, 0..12), account).prop_map(|(paths, account)| {
        let mut set = ReadSet { account: account.map(|a| fingerprint(&a)), ..ReadSet::default() };
        for (path, seen) in paths {
            set.absent(&path);
            for (aspect, seen) in Aspect::ALL.into_iter().zip(seen) {
                if let Some(seen) = seen {
                    set.saw(&path, aspect, fingerprint(&seen));
                }
            }
        }
        set
    })
}

proptest! {
    #[test]
    fn a_set_comes_back_from_its_bytes(set in sets(), cut in any::<prop::sample::Index>()) {
        let bytes = set.encode();
        prop_assert_eq!(ReadSet::decode(&bytes), Ok(set.clone()));
        // What is cut off is no other set that would say more.
        if let Ok(part) = ReadSet::decode(&bytes[..cut.index(bytes.len())]) {
            prop_assert!(part.len() < set.len() || part == set);
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = ReadSet::decode(&bytes);
        let mut versioned = vec![2, 0];
        versioned.extend(bytes);
        let _ = ReadSet::decode(&versioned);
    }
}
