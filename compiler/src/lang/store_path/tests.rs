//! Texts of Nix's errors and paths that it gives.

use super::*;
use crate::lang::hash::{Algorithm, Hash};

const PATH: &str = "3g306v29ap8glzprqw4xpzrc9lh55dxw";

#[test]
fn paths_that_are_none() {
    let store = StoreDir::new(b"/tmp/store/");
    let table = [
        ("/tmp/store/a", "'a' is too short to be a valid store path"),
        (
            "/tmp/store/3g306v29ap8glzprqw4xpzrc9lh55dxw",
            "'3g306v29ap8glzprqw4xpzrc9lh55dxw' is too short to be a valid store path",
        ),
        (
            "/tmp/store/3g306v29ap8glzprqw4xpzrc9lh55dxw-",
            "path '3g306v29ap8glzprqw4xpzrc9lh55dxw-' is not a valid store path: name must not be empty",
        ),
        (
            "/tmp/store/3g306v29ap8elzprqw4xpzrc9lh55dxw-a",
            "store path '3g306v29ap8elzprqw4xpzrc9lh55dxw-a' contains illegal base-32 character 'e'",
        ),
        (
            "/tmp/store/3g306v29ap8glzprqw4xpzrc9lh55dxw-a b",
            "path '3g306v29ap8glzprqw4xpzrc9lh55dxw-a b' is not a valid store path: name 'a b' contains illegal character ' '",
        ),
        ("/tmp/store", "path '/tmp/store' is not in the Nix store"),
        ("/tmp", "path '/tmp' is not in the Nix store"),
        ("/tmp/storehouse/x", "path '/tmp/storehouse/x' is not in the Nix store"),
    ];
    for (path, message) in table {
        let error = store.split(path.as_bytes()).unwrap_err();
        assert_eq!(String::from_utf8_lossy(&error.message()), message, "{path}");
    }
    assert!(store.parse(format!("/tmp/store/{PATH}-a/b").as_bytes()).is_err());
}

#[test]
fn paths_and_what_is_below() {
    let store = StoreDir::new(b"/tmp/store");
    let text = format!("/tmp/store/{PATH}-a.drv/b/c");
    let (path, rest) = store.split(text.as_bytes()).unwrap();
    assert_eq!((path.hash_part(), path.name(), rest), (PATH.as_bytes(), &b"a.drv"[..], &b"/b/c"[..]));
    assert!(path.is_derivation());
    assert_eq!(store.parse(&store.print(&path)), Ok(path));
    // Nix does not look at what stands for the dash.
    assert!(StorePath::from_base_name(format!("{PATH}xa").as_bytes()).is_ok());
}

#[test]
fn names() {
    let table: [(&str, &str); 7] = [
        ("", "name must not be empty"),
        (".", "name '.' is not valid"),
        ("..", "name '..' is not valid"),
        (".-a", "name '.-a' is not valid: first dash-separated component must not be '.'"),
        ("..-a", "name '..-a' is not valid: first dash-separated component must not be '..'"),
        ("a b", "name 'a b' contains illegal character ' '"),
        ("a/b", "name 'a/b' contains illegal character '/'"),
    ];
    for (name, message) in table {
        assert_eq!(String::from_utf8_lossy(&check_name(name.as_bytes()).unwrap_err().message()), message);
    }
    for name in ["a", ".a", "...", "a+-._?=Z9", &"a".repeat(211)] {
        assert_eq!(check_name(name.as_bytes()), Ok(()), "{name}");
    }
    let long = check_name(&[b'a'; 212]).unwrap_err().message();
    assert!(long.ends_with(b"' must be no longer than 211 characters"));
}

#[test]
fn paths_of_contents() {
    let store = StoreDir::default();
    let text = |name: &[u8], text: &[u8], references: &References<'_>| {
        let hash = Hash::of(Algorithm::Sha256, text);
        String::from_utf8(store.print(&text_path(&store, name, &hash, references).unwrap())).unwrap()
    };
    assert_eq!(text(b"a", b"b", &References::default()), "/nix/store/g76zcpqc540lrc8i6g7xy6ip0npn2hnp-a");
    assert_eq!(output_placeholder(b"out"), b"/1rz4g4znpzjwh1xymhjpm42vipw92pr73vdgl6xs1hycac8kf2n9");
    assert_eq!(output_name(b"n", b"out"), b"n");
    assert_eq!(output_name(b"n", b"dev"), b"n-dev");
}
