//! The files of a random build context.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;

/// Names of files.
pub const NAMES: [&str; 5] = ["a", "b", "dir/c", "dir/d", "dir/sub/e"];
/// Ignore files.
const RULES: [&str; 5] = ["", "dir/d", "*\n!a\n!dir\n!archive.tar", "**/c", "dir/sub\nb"];
/// Where links lead.
const LINKS: [&str; 3] = ["b", "dir/c", "nowhere"];

/// What stands under a name.
#[derive(Clone, Debug)]
pub enum Node {
    Script { value: u8, mode: u32 },
    Empty,
    Link { to: usize },
    Directory,
}

/// All files, the rules of the ignore file and what is in the archive.
#[derive(Clone, Debug)]
pub struct Files {
    pub nodes: BTreeMap<usize, Node>,
    pub rules: usize,
    pub archive: u8,
}

/// A change of the files.
#[derive(Clone, Debug)]
pub enum Change {
    Node { name: usize, node: Node },
    Mode { name: usize },
    Gone { name: usize },
    Rules { rules: usize },
    Archive { value: u8 },
}

fn node() -> impl Strategy<Value = Node> {
    prop_oneof![
        6 => (0..3_u8, prop_oneof![Just(0o644_u32), Just(0o755), Just(0o600)])
            .prop_map(|(value, mode)| Node::Script { value, mode }),
        2 => Just(Node::Empty),
        1 => (0..LINKS.len()).prop_map(|to| Node::Link { to }),
        1 => Just(Node::Directory),
    ]
}

/// Any files.
pub fn any() -> impl Strategy<Value = Files> {
    (prop::collection::vec(node(), NAMES.len()), 0..RULES.len() * 2, 0..2_u8).prop_map(
        |(nodes, rules, archive)| Files {
            nodes: nodes.into_iter().enumerate().collect(),
            // No rules are the usual case.
            rules: if rules < RULES.len() { rules } else { 0 },
            archive,
        },
    )
}

/// Any change.
pub fn change() -> impl Strategy<Value = Change> {
    let name = 0..NAMES.len();
    prop_oneof![
        6 => (name.clone(), node()).prop_map(|(name, node)| Change::Node { name, node }),
        2 => name.clone().prop_map(|name| Change::Mode { name }),
        1 => name.prop_map(|name| Change::Gone { name }),
        1 => (0..RULES.len()).prop_map(|rules| Change::Rules { rules }),
        1 => (0..3_u8).prop_map(|value| Change::Archive { value }),
    ]
}

impl Files {
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Node { name, node } => drop(self.nodes.insert(*name, node.clone())),
            Change::Gone { name } => drop(self.nodes.remove(name)),
            Change::Rules { rules } => self.rules = *rules,
            Change::Archive { value } => self.archive = *value,
            Change::Mode { name } => {
                if let Some(Node::Script { mode, .. }) = self.nodes.get_mut(name) {
                    *mode ^= 0o111;
                }
            }
        }
    }

    /// Whether the ignore file hides a path of the context, or what it is in.
    pub fn ignores(&self, path: &Path) -> bool {
        let path = path.to_string_lossy();
        let top = path.split('/').next().unwrap_or_default();
        let by_rules = match RULES[self.rules] {
            "" => false,
            "dir/d" => path == "dir/d",
            "**/c" => path.ends_with("/c"),
            "dir/sub\nb" => top == "b" || path == "dir/sub" || path.starts_with("dir/sub/"),
            _ => !["a", "dir", "archive.tar"].contains(&top),
        };
        by_rules || ["Dockerfile", ".dockerignore"].contains(&top)
    }

    /// Writes them into an empty directory.
    pub fn write(&self, dir: &Path) {
        fs::create_dir_all(dir.join("dir/sub")).expect("a directory");
        for (name, node) in &self.nodes {
            let path = dir.join(NAMES[*name]);
            match node {
                Node::Script { value, mode } => {
                    fs::write(&path, format!("#!/bin/sh\necho content {value}\n")).expect("written");
                    fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).expect("a mode");
                }
                Node::Empty => fs::write(&path, "").expect("written"),
                Node::Link { to } => symlink(LINKS[*to], &path).expect("a link"),
                Node::Directory => fs::create_dir(&path).expect("a directory"),
            }
        }
        let rules = format!("{}\nDockerfile\n.dockerignore\n", RULES[self.rules]);
        fs::write(dir.join(".dockerignore"), rules).expect("written");
        let script = "umask 022; mkdir t; echo $0 >t/c; echo same >t/a; ln -s c t/l; \
                      tar -C t --sort=name --mtime=@500000000 --owner=0 --group=0 -cf archive.tar .; rm -r t";
        let mut shell = Command::new("sh");
        let made = shell.args(["-ec", script]).arg(self.archive.to_string()).current_dir(dir).status();
        assert!(made.expect("a shell").success());
    }
}
