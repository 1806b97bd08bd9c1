//! Working trees of git that programs fetch, with and without their submodules: whose changes count, and whose files come. What is
//! expected is what C++ Nix 2.34.8 says of the same trees.

#![allow(clippy::print_stderr)]

#[path = "fixture/mod.rs"]
mod fixture;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use fixture::{buildc, run};
use serde_json::{Value, json};

const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

fn git(repository: &Path, words: &[&str]) -> String {
    let mut command = Command::new("git");
    command.arg("-C").arg(repository).args(["-c", "user.name=a", "-c", "user.email=a@b"]);
    run(command.args(["-c", "protocol.file.allow=always"]).args(words)).expect("git").trim().to_owned()
}

fn write(dir: &Path, name: &str) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
    fs::write(path, format!("{name}\n")).expect("a file");
}

/// A repository in `dir/name` of a file of that name, with submodules.
fn repository(dir: &Path, name: &str, submodules: &[&str]) {
    let repository = dir.join(name);
    write(&repository, name);
    git(&repository, &["init", "-q", "-b", "main"]);
    for submodule in submodules {
        let from = dir.join(submodule).display().to_string();
        git(&repository, &["submodule", "--quiet", "add", &from, submodule]);
    }
    git(&repository, &["submodule", "--quiet", "update", "--init", "--recursive"]);
    git(&repository, &["add", "-A"]);
    git(&repository, &["commit", "-qm", name]);
}

/// `dir/top` with the submodule `mid`, which has the submodule `deep`.
fn nested(dir: &Path) {
    repository(dir, "deep", &[]);
    repository(dir, "mid", &["deep"]);
    repository(dir, "top", &["mid"]);
}

/// The value of an expression of the directory `d`, and the directories below it that are said to be dirty.
fn fetched(dir: &Path, expression: &str) -> Result<(Value, Vec<String>), String> {
    let words = ["eval", "--impure", "--strict", "--json", "--extra-experimental-features", "fetch-tree"];
    let mut command = buildc(&dir.join("store"));
    command.args(words).args(["-E", &format!("let d = \"{}\"; in {expression}", dir.display())]);
    let output = command.output().expect("buildc");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(said);
    }
    let dirty = |line: &str| {
        let path = line.strip_prefix("warning: Git tree '")?.strip_suffix("' is dirty")?;
        Some(Path::new(path).strip_prefix(dir).ok()?.display().to_string())
    };
    let value = serde_json::from_slice(&output.stdout).expect("JSON");
    Ok((value, said.lines().filter_map(dirty).collect()))
}

/// Which trees are dirty once `dir/top` is fetched with other arguments.
fn dirty(dir: &Path, with: &str) -> Vec<String> {
    let expression = format!("fetchGit ({{ url = \"${{d}}/top\"; }} // {{ {with} }})");
    let expression =
        format!("let t = {expression}; in {{ inherit (t) rev revCount; dirtyRev = t.dirtyRev or null; }}");
    let (found, dirty) = fetched(dir, &expression).expect("a tree");
    let head = git(&dir.join("top"), &["rev-parse", "HEAD"]);
    let count = if with.contains("shallow") { 0 } else { 1 };
    let expected = if dirty.is_empty() {
        json!({ "rev": head, "revCount": count, "dirtyRev": null })
    } else {
        json!({ "rev": NO_COMMIT, "revCount": 0, "dirtyRev": format!("{head}-dirty") })
    };
    assert_eq!(found, expected, "{with}: {dirty:?}");
    dirty
}

/// The names in `dir/top` as it is fetched with its submodules, and of what is in a directory of it.
fn names(dir: &Path, below: &str) -> Value {
    let tree = r#"fetchGit { url = "${d}/top"; submodules = true; }"#;
    let expression = format!("builtins.attrNames (builtins.readDir (({tree}).outPath + \"/{below}\"))");
    fetched(dir, &expression).expect("names").0
}

#[test]
fn changes_of_submodules_count_where_their_files_are_wanted() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    nested(dir);
    let mid = dir.join("top/mid");
    let without = |what: &str| {
        for with in ["", "submodules = false;", "shallow = true;"] {
            assert!(dirty(dir, with).is_empty(), "{what}: {with}");
        }
    };
    let all = "submodules = true;";
    let none: [&str; 0] = [];
    write(&mid, "deep/new");
    assert_eq!(dirty(dir, all), none, "a file that git does not know");
    git(&mid.join("deep"), &["add", "new"]);
    assert_eq!(dirty(dir, all), ["top/mid/deep", "top/mid", "top"], "staged, two deep");
    assert_eq!(dirty(dir, "submodules = true; shallow = true;"), ["top/mid/deep", "top/mid", "top"]);
    without("staged, two deep");
    git(&mid.join("deep"), &["commit", "-qm", "new"]);
    assert_eq!(dirty(dir, all), none, "another commit than the parent has");
    without("another commit");
    git(&mid, &["add", "deep"]);
    assert_eq!(dirty(dir, all), none, "the parent has it staged");
    assert_eq!(names(dir, "mid/deep"), json!(["deep", "new"]), "the submodule's own working tree");
    fs::write(mid.join("mid"), "changed\n").expect("a file");
    assert_eq!(dirty(dir, all), ["top/mid", "top"], "only the one between");
    without("only the one between");
    fs::write(dir.join("top/top"), "changed\n").expect("a file");
    assert_eq!(dirty(dir, all), ["top/mid", "top"], "both");
    assert_eq!(dirty(dir, ""), ["top"]);
}

#[test]
fn submodules_are_what_the_file_lists_in_the_order_of_names() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    nested(dir);
    let top = dir.join("top");
    let from = dir.join("deep").display().to_string();
    git(&top, &["submodule", "--quiet", "add", "--name", "a", &from, "odd %20 path"]);
    git(&top, &["commit", "-qm", "two"]);
    write(&top, "odd %20 path/deep");
    write(&top, "mid/mid");
    fs::write(top.join("mid/mid"), "changed\n").expect("a file");
    fs::write(top.join("odd %20 path/deep"), "changed\n").expect("a file");
    let tree = r#"(fetchGit { url = "${d}/top"; submodules = true; }).submodules"#;
    let found = fetched(dir, tree).expect("a tree");
    let expected = ["top/odd %20 path", "top/mid", "top"].map(str::to_owned);
    assert_eq!(found, (json!(true), expected.to_vec()));
    git(&top, &["rm", "-q", "--cached", "mid"]);
    assert_eq!(names(dir, ""), json!([".gitmodules", "mid", "odd %20 path", "top"]), "no entry is needed");
    git(&top, &["reset", "-q"]);
    git(&top, &["clone", "-q", &from, "mid/inner"]);
    git(&top, &["config", "-f", ".gitmodules", "submodule.x.path", "mid/inner"]);
    assert_eq!(
        names(dir, "mid"),
        json!([".gitmodules", "deep", "mid"]),
        "the one around it does not know it"
    );
    git(&top, &["config", "-f", ".gitmodules", "--remove-section", "submodule.x"]);
    git(&top, &["config", "-f", ".gitmodules", "--remove-section", "submodule.mid"]);
    assert_eq!(names(dir, ""), json!([".gitmodules", "odd %20 path", "top"]), "an entry is not enough");
}

#[test]
fn a_submodule_that_is_not_there_is_an_error() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    nested(dir);
    let tree = r#"(fetchGit { url = "${d}/top"; submodules = true; }).rev"#;
    let refused = |expected: &str| {
        let said = fetched(dir, tree).expect_err(expected);
        assert!(said.contains(&expected.replace('@', &dir.display().to_string())), "{said}");
    };
    git(&dir.join("top"), &["submodule", "--quiet", "deinit", "-f", "mid"]);
    refused("Failed to fetch git repository 'file://@/top/mid'");
    assert!(dirty(dir, "").is_empty());
    fs::remove_dir(dir.join("top/mid")).expect("removed");
    refused("Git repository \"@/top/mid\" does not exist.");
    assert!(dirty(dir, "").is_empty());
    // Nix follows it, and never ends.
    symlink(".", dir.join("top/mid")).expect("a link");
    assert_eq!(dirty(dir, "submodules = true;"), ["top"], "a link is a change, and is not followed");
    fs::remove_file(dir.join("top/mid")).expect("removed");
    write(dir, "top/mid");
    assert_eq!(dirty(dir, ""), ["top"], "a file in its place");
}

#[test]
fn links_lead_to_no_files_and_no_submodules() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    repository(dir, "deep", &[]);
    repository(dir, "top", &[]);
    let top = dir.join("top");
    write(&top, "below/file");
    let from = dir.join("deep").display().to_string();
    git(&top, &["submodule", "--quiet", "add", &from, "p/q"]);
    git(&top, &["add", "-A"]);
    git(&top, &["commit", "-qm", "two"]);
    write(dir, "outside/file");
    fs::remove_dir_all(top.join("below")).expect("removed");
    symlink("../outside", top.join("below")).expect("a link");
    assert_eq!(names(dir, ""), json!([".gitmodules", "p", "top"]), "what is behind the link is gone for git");
    fs::rename(top.join("p"), dir.join("outside/p")).expect("moved");
    symlink("../outside/p", top.join("p")).expect("a link");
    let said =
        fetched(dir, r#"(fetchGit { url = "${d}/top"; submodules = true; }).rev"#).expect_err("a link");
    assert!(said.contains("/top/p' is a symlink"), "{said}");
}

#[test]
fn trees_without_a_commit_and_sparse_ones_are_told_from_commits() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    let top = dir.join("top");
    fs::create_dir(&top).expect("a directory");
    git(&top, &["init", "-q"]);
    let tree = |expression: &str| {
        let url = r#"{ type = "git"; url = "file://${d}/top"; shallow = false; }"#;
        fetched(dir, &format!("let t = fetchTree {url}; in {expression}")).expect("a tree")
    };
    assert_eq!(tree("[ t.rev t.revCount t.lastModified ]"), (json!([NO_COMMIT, 0, 0]), vec![]));
    write(&top, "a");
    write(&top, "b/c");
    git(&top, &["add", "-A"]);
    let attributes = "[ (t ? rev) (t ? dirtyRev) t.lastModified ]";
    assert_eq!(tree(attributes), (json!([false, false, 0]), vec!["top".to_owned()]));
    git(&top, &["commit", "-qm", "one"]);
    assert!(dirty(dir, "").is_empty());
    git(&top, &["sparse-checkout", "set", "--cone", "nothing"]);
    assert_eq!(dirty(dir, ""), ["top"], "not all files of the commit are there");
}

#[test]
fn a_directory_of_a_repository_is_none() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    repository(dir, "top", &[]);
    write(dir, "top/below/file");
    for arguments in [r#""${d}/top/below""#, r#"{ url = "${d}/top/below"; ref = "main"; }"#] {
        let said = fetched(dir, &format!("(fetchGit {arguments}).rev")).expect_err("no repository");
        let expected = format!("Failed to fetch git repository 'file://{}/top/below'", dir.display());
        assert!(said.contains(&expected), "{said}");
    }
    let both = r#"(fetchGit { url = "${d}/top"; submodules = true; exportIgnore = true; }).rev"#;
    let said = fetched(dir, both).expect_err("Nix has no answer");
    assert!(said.contains("exportIgnore and submodules are not supported together yet"), "{said}");
}
