//! Absolute paths in canonical form.
//!
//! Owns: the textual rules; `..` takes away what stands before it, whether or not that is a symbolic link.
//! Never does: look at a file system.

/// Joins `path` to the absolute directory `base`, unless it is absolute itself, and drops empty parts, `.` and `..`.
pub fn absolute(base: &[u8], path: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(base.len() + 1 + path.len());
    if !path.starts_with(b"/") {
        push_parts(&mut out, base);
    }
    push_parts(&mut out, path);
    if out.is_empty() {
        out.push(b'/');
    }
    out
}

fn push_parts(out: &mut Vec<u8>, path: &[u8]) {
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => out.truncate(out.iter().rposition(|byte| *byte == b'/').unwrap_or(0)),
            part => {
                out.push(b'/');
                out.extend_from_slice(part);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::absolute;

    #[test]
    fn parts_are_joined_and_dots_dropped() {
        let cases: [(&str, &str, &str); 8] = [
            ("/a/b", "c", "/a/b/c"),
            ("/a/b", "./c/", "/a/b/c"),
            ("/a/b", "../../../c", "/c"),
            ("/a/b", "..", "/a"),
            ("/a/b", "../..", "/"),
            ("/a", "/x//y/./z", "/x/y/z"),
            ("/", "x", "/x"),
            ("/a", "/", "/"),
        ];
        for (base, path, expected) in cases {
            assert_eq!(absolute(base.as_bytes(), path.as_bytes()), expected.as_bytes(), "{base} {path}");
        }
    }
}
