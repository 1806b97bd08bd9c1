use super::*;

fn reader() -> Reader {
    let mut features = Features::default();
    features.enable("flakes");
    Reader::new(features)
}

fn parse(text: &str) -> Result<Attributes, FlakeRefError> {
    reader().parse(text)
}

const REVISION: &str = "0123456789012345678901234567890123456789";

#[test]
fn references_come_back_from_their_attributes() {
    for text in [
        "flake:nixpkgs",
        "flake:nixpkgs/nixos-20.09?dir=a%20b",
        "github:a/b",
        "github:a/b/slashes?dir=sub&host=h.example",
        "path:/a?lastModified=1",
        "git+https://x/y?ref=a/b&submodules=1",
        "hg+file:///x",
        "https://x/y.tar.gz?dir=a",
    ] {
        let attributes = parse(text).expect(text);
        assert_eq!(reader().to_text(&attributes).as_deref(), Ok(text));
    }
}

#[test]
fn revisions_are_told_from_branches() {
    let attributes = parse(&format!("nixpkgs/stable/{REVISION}")).expect("a reference");
    assert_eq!(attributes["ref"], Attribute::Text("stable".into()));
    assert_eq!(attributes["rev"], Attribute::Text(REVISION.into()));
    let attributes = parse(&format!("github:a/b/{REVISION}")).expect("a reference");
    assert!(!attributes.contains_key("ref"));
}

#[test]
fn what_is_no_reference_is_refused() {
    for (text, error) in [
        ("", "flake reference '' is not an absolute path"),
        ("github:a", "flake reference 'github:a' is not an absolute path"),
        ("foo:bar", "input 'foo:bar' is unsupported"),
        ("/a#c", "unexpected fragment 'c' in flake reference '/a#c'"),
        ("path:/a?foo=bar", "path URL 'path:/a?foo=bar' has unsupported parameter 'foo'"),
    ] {
        assert_eq!(parse(text).expect_err(text).text, error);
    }
}

#[test]
fn what_names_the_same_tree_for_ever_is_locked() {
    const HASH: &str = "narHash=sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%3D";
    for (text, wanted) in [
        (format!("github:a/b/{REVISION}"), Ok(true)),
        (format!("github:a/b/c?{HASH}"), Ok(false)),
        (format!("git+https://x/y?rev={REVISION}"), Ok(true)),
        (format!("git+https://x/y?rev={}", "0".repeat(40)), Ok(false)),
        (format!("git+https://x/y?{HASH}"), Ok(false)),
        (format!("https://x/y?{HASH}"), Ok(true)),
        (format!("https://x/y?rev={REVISION}"), Ok(false)),
        (format!("path:/a?{HASH}"), Ok(true)),
        ("path:/a?narHash=".to_owned(), Ok(true)),
        (format!("path:/a?rev={REVISION}"), Ok(false)),
        (format!("nixpkgs/{REVISION}"), Ok(false)),
        ("path:/a?narHash=x".to_owned(), Err("hash 'x' is not SRI")),
        ("git+https://x/y?rev=z".to_owned(), Err("hash 'z' has wrong length for hash algorithm 'sha1'")),
    ] {
        let attributes = parse(&text).expect(&text);
        assert_eq!(
            is_locked(&attributes).map_err(|error| error.text),
            wanted.map_err(str::to_owned),
            "{text}"
        );
    }
}

#[test]
fn zeros_stand_behind_a_zone_as_in_nix() {
    let attributes = parse("http://[fe80::1%25eth0]/").expect("a reference");
    assert_eq!(attributes["url"], Attribute::Text("http://[fe80::1%25eth0%00%00]/".into()));
}
