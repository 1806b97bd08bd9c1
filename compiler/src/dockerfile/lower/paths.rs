//! Paths as Go's `path.Clean` makes them: no `.`, no `..`, no doubled slash, never above the root.

/// Cleans an absolute or relative path against the root: always starts with `/`, no trailing slash but the root's.
pub fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Joins a path to a directory, unless it is absolute, and cleans it.
pub fn join(dir: &str, path: &str) -> String {
    if path.starts_with('/') { clean(path) } else { clean(&format!("{dir}/{path}")) }
}

/// A path inside a tree without the leading slash; empty for the root.
pub fn relative(path: &str) -> String {
    clean(path).trim_start_matches('/').to_owned()
}

/// True when a destination as written names a directory: trailing slash, `.`, or empty. What `..` leads to need not be one.
pub fn names_directory(written: &str) -> bool {
    matches!(written, "" | ".") || written.ends_with('/') || written.ends_with("/.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_never_leave_the_root() {
        assert_eq!(clean("../../a//b/./c/.."), "/a/b");
        assert_eq!(clean(""), "/");
        assert_eq!(join("/w", "x/../y/"), "/w/y");
        assert_eq!(join("/w", "/z"), "/z");
        assert_eq!(relative("/../x/"), "x");
        assert!(names_directory("a/") && names_directory(".") && !names_directory("a"));
    }
}
