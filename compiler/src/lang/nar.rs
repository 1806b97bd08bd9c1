//! Nix archives: a tree of files as one stream of bytes, the same for equal trees.
//!
//! Format: "Nix Archive (NAR)" in Nix's manual. Files come in through [`Tree`]; only one is in memory at a time.

/// What is at a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Node {
    /// A file.
    Regular {
        /// Whether its owner may execute it.
        executable: bool,
        /// Its bytes.
        contents: Vec<u8>,
    },
    /// A directory with the names in it, in any order.
    Directory(Vec<Vec<u8>>),
    /// A symbolic link with its target.
    Symlink(Vec<u8>),
}

/// Where the files of an archive come from.
pub trait Tree {
    /// Why a file cannot be had.
    type Error;

    /// What is at `path`.
    ///
    /// # Errors
    /// When it cannot be read or is of another type.
    fn node(&mut self, path: &[u8]) -> Result<Node, Self::Error>;

    /// Whether what is at `path`, below the root of the archive, goes in.
    ///
    /// # Errors
    /// When it cannot be told.
    fn is_kept(&mut self, path: &[u8]) -> Result<bool, Self::Error>;
}

/// A directory that is being written: its path, and its remaining names, last first.
struct Open {
    path: Vec<u8>,
    names: Vec<Vec<u8>>,
}

/// Passes the archive of what is at `root` to `sink`, piece by piece.
///
/// # Errors
/// Those of the tree.
pub fn write<T: Tree>(tree: &mut T, root: &[u8], sink: &mut dyn FnMut(&[u8])) -> Result<(), T::Error> {
    words(sink, &[b"nix-archive-1"]);
    let mut open: Vec<Open> = Vec::new();
    begin(tree, root.to_vec(), sink, &mut open)?;
    while let Some(directory) = open.last_mut() {
        let Some(name) = directory.names.pop() else {
            open.pop();
            words(sink, &[b")"]);
            if !open.is_empty() {
                words(sink, &[b")"]);
            }
            continue;
        };
        let path = join(&directory.path, &name);
        if !tree.is_kept(&path)? {
            continue;
        }
        words(sink, &[b"entry", b"(", b"name", &name, b"node"]);
        let depth = open.len();
        begin(tree, path, sink, &mut open)?;
        if open.len() == depth {
            words(sink, &[b")"]);
        }
    }
    Ok(())
}

/// Writes a node that has nothing below it, or opens a directory.
fn begin<T: Tree>(
    tree: &mut T,
    path: Vec<u8>,
    sink: &mut dyn FnMut(&[u8]),
    open: &mut Vec<Open>,
) -> Result<(), T::Error> {
    match tree.node(&path)? {
        Node::Regular { executable, contents } => {
            words(sink, &[b"(", b"type", b"regular"]);
            if executable {
                words(sink, &[b"executable", b""]);
            }
            words(sink, &[b"contents", &contents, b")"]);
        }
        Node::Symlink(target) => words(sink, &[b"(", b"type", b"symlink", b"target", &target, b")"]),
        Node::Directory(mut names) => {
            words(sink, &[b"(", b"type", b"directory"]);
            names.sort_unstable_by(|a, b| b.cmp(a));
            open.push(Open { path, names });
        }
    }
    Ok(())
}

fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    let separator: &[u8] = if directory.ends_with(b"/") { b"" } else { b"/" };
    [directory, separator, name].concat()
}

/// Strings with their length before them and zeros behind them up to a multiple of eight.
fn words(sink: &mut dyn FnMut(&[u8]), words: &[&[u8]]) {
    for word in words {
        sink(&(word.len() as u64).to_le_bytes());
        sink(word);
        let rest = word.len() % 8;
        if rest > 0 {
            sink(&[0; 8][rest..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::lang::hash::{Algorithm, Format, Hasher};

    /// A tree in memory: nodes by path, without the ignored name.
    struct Files(BTreeMap<&'static str, Node>);

    impl Tree for Files {
        type Error = String;

        fn node(&mut self, path: &[u8]) -> Result<Node, String> {
            let path = String::from_utf8_lossy(path);
            self.0.get(&*path).cloned().ok_or_else(|| format!("no {path}"))
        }

        fn is_kept(&mut self, path: &[u8]) -> Result<bool, String> {
            Ok(!path.ends_with(b"ignored"))
        }
    }

    fn hash(tree: &mut Files, root: &str) -> Result<String, String> {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        write(tree, root.as_bytes(), &mut |piece| hasher.update(piece))?;
        Ok(hasher.finish().encode(Format::Nix32))
    }

    fn file(contents: &str, executable: bool) -> Node {
        Node::Regular { executable, contents: contents.into() }
    }

    fn files() -> Files {
        let names = |list: &[&str]| Node::Directory(list.iter().map(|n| n.as_bytes().to_vec()).collect());
        Files(BTreeMap::from([
            ("/r", names(&["b", "a", "ignored", "empty", "link", "run"])),
            ("/r/a", names(&["deep"])),
            ("/r/a/deep", names(&["file"])),
            ("/r/a/deep/file", file("12345678", false)),
            ("/r/b", file("hello\n", false)),
            ("/r/empty", names(&[])),
            ("/r/link", Node::Symlink(b"a/deep".to_vec())),
            ("/r/run", file("#!/bin/sh\n", true)),
        ]))
    }

    #[test]
    fn bytes_of_one_file() {
        let mut bytes = Vec::new();
        write(&mut files(), b"/r/b", &mut |piece| bytes.extend_from_slice(piece)).unwrap();
        let expected = b"\x0d\0\0\0\0\0\0\0nix-archive-1\0\0\0\x01\0\0\0\0\0\0\0(\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0type\0\0\0\0\
            \x07\0\0\0\0\0\0\0regular\0\x08\0\0\0\0\0\0\0contents\x06\0\0\0\0\0\0\0hello\n\0\0\x01\0\0\0\0\0\0\0)\0\0\0\0\0\0\0";
        assert_eq!(bytes, expected);
    }

    /// The hash is Nix's for the same tree.
    #[test]
    fn hash_of_a_tree() {
        assert_eq!(hash(&mut files(), "/r").unwrap(), "01i2cxk22i795sk90rh53cpkch9nkjg9yikwzayhpv8gf6425m61");
    }

    #[test]
    fn errors_pass_through() {
        let mut files = files();
        files.0.remove("/r/a/deep/file");
        assert_eq!(hash(&mut files, "/r"), Err("no /r/a/deep/file".to_owned()));
    }
}
