//! Vectors of the algorithms' standards and of Nix, and round trips.

use proptest::prelude::*;

use super::*;

const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[test]
fn hashes_of_abc() {
    let table = [
        (Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
        (Algorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (Algorithm::Sha256, ABC),
        (
            Algorithm::Sha512,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
        (Algorithm::Blake3, "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"),
    ];
    for (algorithm, expected) in table {
        assert_eq!(Hash::of(algorithm, b"abc").encode(Format::Base16), expected, "{algorithm}");
        let mut hasher = Hasher::new(algorithm);
        hasher.update(b"a");
        hasher.update(b"bc");
        assert_eq!(hasher.finish(), Hash::of(algorithm, b"abc"));
    }
}

#[test]
fn formats_of_one_hash() {
    let hash = Hash::of(Algorithm::Sha256, b"abc");
    assert_eq!(hash.encode(Format::Nix32), "1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s");
    assert_eq!(hash.encode(Format::Base64), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    assert_eq!(hash.encode(Format::Sri), "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    assert_eq!(hash.encode_prefixed(Format::Base16), format!("sha256:{ABC}"));
}

#[test]
fn errors_of_nix() {
    let table: [(&str, Option<Algorithm>, &str); 11] = [
        ("xx", Some(Algorithm::Sha256), "hash 'xx' has wrong length for hash algorithm 'sha256'"),
        ("sha256-xx", None, "invalid SRI hash 'xx', length 1 != expected length 32"),
        ("sha256-#", None, "invalid SRI hash '#', length 0 != expected length 32"),
        ("xx", None, "hash 'xx' does not include a type, nor is the type otherwise known from context"),
        ("sha256-xx", Some(Algorithm::Md5), "hash 'sha256-xx' should have type 'md5'"),
        ("sha256:", None, "hash '' has wrong length for hash algorithm 'sha256'"),
        ("sha256-", None, "invalid SRI hash '', length 0 != expected length 32"),
        (
            "foo:x",
            None,
            "unknown hash algorithm 'foo', expect 'blake3', 'md5', 'sha1', 'sha256', or 'sha512'",
        ),
        (
            "sha256:zb8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s",
            None,
            "invalid nix32 hash 'zb8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s', length 33 != expected length 32",
        ),
        (
            "md5:zz0150983cd24fb0d6963f7d28e17f72",
            None,
            "invalid base16 hash 'zz0150983cd24fb0d6963f7d28e17f72', length 0 != expected length 16",
        ),
        (
            "sha256-ungWv48Bz+pBQUDe=a4i",
            None,
            "invalid SRI hash 'ungWv48Bz+pBQUDe=a4i', length 12 != expected length 32",
        ),
    ];
    for (text, expected, message) in table {
        assert_eq!(parse(text.as_bytes(), expected).unwrap_err().to_string(), message);
    }
    assert_eq!(
        Format::parse(b"foo").unwrap_err().to_string(),
        "unknown hash format 'foo', expect 'base16', 'base32', 'base64', or 'sri'"
    );
}

#[test]
fn lenient_base64() {
    let hash = Hash::of(Algorithm::Sha256, b"abc");
    for text in [
        "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0",
        "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0==",
        "sha256-ungWv48Bz+pBQUDeXa4iI7AD\nYaOWF3qctBD/YfIAFa0=",
    ] {
        assert_eq!(parse(text.as_bytes(), None), Ok(hash), "{text}");
    }
}

#[test]
fn the_empty_hash() {
    let (hash, warning) = parse_or_empty(b"", Some(Algorithm::Md5)).unwrap();
    assert_eq!(hash.as_bytes(), [0; 16]);
    assert_eq!(warning.unwrap(), "found empty hash, assuming 'md5-AAAAAAAAAAAAAAAAAAAAAA=='");
    assert_eq!(parse_or_empty(b"", None), Err(HashError::Empty));
}

proptest! {
    #[test]
    fn every_format_reads_back(data: Vec<u8>, algorithm in proptest::sample::select(Algorithm::ALL.to_vec())) {
        let hash = Hash::of(algorithm, &data);
        for format in [Format::Base16, Format::Nix32, Format::Base64, Format::Sri] {
            prop_assert_eq!(parse(hash.encode_prefixed(format).as_bytes(), None), Ok(hash));
            prop_assert_eq!(parse(hash.encode(format).as_bytes(), Some(algorithm)), Ok(hash));
        }
    }

    #[test]
    fn base_32_reads_back(bytes: Vec<u8>) {
        prop_assert_eq!(decode_nix32(encode_nix32(&bytes).as_bytes()).unwrap(), bytes);
    }

    #[test]
    fn no_text_panics(text: Vec<u8>) {
        let _ = parse(&text, None);
        let _ = parse(&text, Some(Algorithm::Sha1));
    }
}
