use super::*;

const REVISION: &str = "0123456789012345678901234567890123456789";

#[test]
fn references_come_back_from_their_attributes() {
    for text in [
        "flake:nixpkgs",
        "flake:nixpkgs/nixos-20.09?dir=a%20b",
        "github:a/b",
        "github:a/b/with/slashes?dir=sub&host=h.example",
        "path:/a?lastModified=1",
        "git+https://x/y?ref=a/b&submodules=1",
        "hg+file:///x",
        "https://x/y.tar.gz?dir=a",
    ] {
        let attributes = parse(text).expect(text);
        assert_eq!(to_text(&attributes).as_deref(), Ok(text));
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
