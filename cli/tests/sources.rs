//! Sources that programs fetch: archives, files, repositories and flakes, by themselves and from build files, where the lock
//! pins them. The expected names are those that C++ Nix gives for the same files.
#![allow(clippy::print_stderr)]

#[path = "fixture/mod.rs"]
mod fixture;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering;

use fixture::{buildc, run, serve};
use serde_json::Value;

/// The name of the package's tree, and its hash.
const PACKAGE: &str = "/nix/store/91x1rhxbhvy6s4na9wlas2im9vy65y6n-source";
const PACKAGE_HASH: &str = "sha256-w5gPoLcg6RlRkShS19FjWit8mgxA+CUDZcGw5ts7ivI=";

/// A small package in `dir/pkg`, and the same as an archive.
fn package(dir: &Path) {
    let package = dir.join("pkg");
    fs::create_dir_all(package.join("sub/empty")).expect("a directory");
    fs::write(package.join("default.nix"), "{ x = 1; }\n").expect("a file");
    fs::write(package.join("run.sh"), "#!/bin/sh\n").expect("a file");
    fs::set_permissions(package.join("run.sh"), fs::Permissions::from_mode(0o755)).expect("a mode");
    symlink("default.nix", package.join("link")).expect("a link");
    run(Command::new("tar").args(["-C"]).arg(dir).args(["-czf"]).arg(dir.join("pkg.tgz")).arg("pkg"))
        .expect("GNU tar");
}

fn git(repository: &Path, words: &[&str]) -> String {
    let mut command = Command::new("git");
    command.arg("-C").arg(repository).args(["-c", "user.name=a", "-c", "user.email=a@b"]).args(words);
    for name in ["GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"] {
        command.env(name, "2024-02-29T12:09:15Z");
    }
    run(&mut command).expect("git")
}

/// A repository in `dir/repo` of the package, with one file that is not exported, tagged `v1`, and a commit after that.
fn repository(dir: &Path) -> String {
    let repository = dir.join("repo");
    package(dir);
    run(Command::new("cp").args(["-a"]).arg(dir.join("pkg")).arg(&repository)).expect("a copy");
    git(&repository, &["init", "-q", "-b", "main"]);
    fs::write(repository.join(".gitattributes"), "hidden export-ignore\n").expect("a file");
    fs::write(repository.join("hidden"), "h\n").expect("a file");
    git(&repository, &["add", "-A"]);
    git(&repository, &["commit", "-qm", "one"]);
    git(&repository, &["tag", "v1"]);
    fs::write(repository.join("two"), "2\n").expect("a file");
    git(&repository, &["add", "-A"]);
    git(&repository, &["commit", "-qm", "two"]);
    format!("file://{}", repository.display())
}

/// The value of an expression in which `@` stands for the directory, as JSON.
fn value(dir: &Path, expression: &str) -> Result<Value, String> {
    let expression = expression.replace('@', &dir.display().to_string());
    let words = ["eval", "--impure", "--strict", "--json", "--extra-experimental-features"];
    let mut command = buildc(&dir.join("store"));
    command.args(words).arg("fetch-tree flakes").args(["-E", &expression]);
    run(&mut command).map(|text| serde_json::from_str(&text).expect("JSON"))
}

#[test]
fn archives_and_files_have_the_names_of_nix_and_can_be_read() {
    let dir = tempfile::tempdir().expect("a directory");
    package(dir.path());
    let value = |expression: &str| value(dir.path(), expression).expect("a value");
    assert_eq!(value(r#"fetchTarball "file://@/pkg.tgz""#), PACKAGE);
    assert_eq!(value(r#"(import (fetchTarball "file://@/pkg.tgz")).x"#), 1);
    assert_eq!(value(r#"(import (fetchTarball "file://@/pkg.tgz" + "/link")).x"#), 1);
    assert_eq!(value(r#"builtins.readFile (builtins.fetchurl "file://@/pkg/run.sh")"#), "#!/bin/sh\n");
    let tree = value(
        r#"let tree = builtins.fetchTree { type = "path"; path = "@/pkg"; }; in [ tree.outPath tree.narHash ]"#,
    );
    assert_eq!(tree, serde_json::json!([PACKAGE, PACKAGE_HASH]));
}

#[test]
fn files_have_the_modes_that_their_name_stands_for() {
    let dir = tempfile::tempdir().expect("a directory");
    package(dir.path());
    let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode() & 0o7777;
    let set = |name: &str, mode| {
        let path = dir.path().join("pkg").join(name);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    };
    set("run.sh", 0o4711);
    set("default.nix", 0o600);
    run(Command::new("tar")
        .arg("-C")
        .arg(dir.path())
        .args(["-cf", "odd.tar", "pkg"])
        .current_dir(dir.path()))
    .expect("an archive");
    let found = value(dir.path(), r#"fetchTarball "file://@/odd.tar""#).expect("a tree");
    assert_eq!(found, PACKAGE, "modes are no part of a name");
    let kept = dir.path().join("store/sources").join(Path::new(PACKAGE).file_name().expect("a name"));
    assert_eq!(mode(&kept.join("run.sh")), 0o755);
    assert_eq!(mode(&kept.join("default.nix")), 0o644);
    assert_eq!(mode(&kept), 0o755);
    run(Command::new("mkfifo").arg(dir.path().join("pkg/pipe"))).expect("a pipe");
    run(Command::new("tar").args(["-cf", "pipe.tar", "pkg"]).current_dir(dir.path())).expect("an archive");
    let said = value(dir.path(), r#"fetchTarball "file://@/pipe.tar""#).expect_err("no file");
    assert!(said.contains("pipe' in tarball has unsupported file type 4096"), "{said}");
}

#[test]
fn a_link_that_leads_out_of_a_source_leads_nowhere_where_nothing_else_is_seen() {
    let dir = tempfile::tempdir().expect("a directory");
    let tree = dir.path().join("tree");
    fs::create_dir(&tree).expect("a directory");
    symlink("/etc", tree.join("etc")).expect("a link");
    let hash = value(dir.path(), r#"(builtins.fetchTree { type = "path"; path = "@/tree"; }).narHash"#);
    run(Command::new("tar").args(["-cf", "tree.tar", "tree"]).current_dir(dir.path())).expect("an archive");
    let sealed = |before: &str, after: &str| {
        let url = format!("file://{}/tree.tar", dir.path().display());
        let hash = hash.as_ref().expect("a hash");
        let text = format!(r#"{before} (fetchTarball {{ url = "{url}"; sha256 = {hash}; }} + "{after}")"#);
        run(buildc(&dir.path().join("store")).args(["eval", "--pure-eval", "-E", &text]))
    };
    assert_eq!(sealed("builtins.pathExists", "/etc").as_deref(), Ok("true\n"), "the link itself");
    assert_eq!(sealed("builtins.pathExists", "/etc/passwd").as_deref(), Ok("false\n"));
    let said = sealed("builtins.readFile", "/etc/passwd").expect_err("it is outside");
    assert!(said.contains("access to absolute path '/etc/passwd' is forbidden"), "{said}");
}

#[test]
fn what_is_pinned_is_fetched_once_until_it_is_pruned() {
    let dir = tempfile::tempdir().expect("a directory");
    package(dir.path());
    let pinned =
        format!(r#"(import (fetchTarball {{ url = "file://@/pkg.tgz"; sha256 = "{PACKAGE_HASH}"; }})).x"#);
    let wrong = pinned.replace("w5gP", "w5gQ");
    let said = value(dir.path(), &wrong).expect_err("another hash");
    assert!(said.contains("hash mismatch in file downloaded from"), "{said}");
    assert_eq!(value(dir.path(), &pinned).expect("fetched"), 1);
    fs::remove_file(dir.path().join("pkg.tgz")).expect("removed");
    assert_eq!(value(dir.path(), &pinned).expect("kept"), 1);
    let left = || fs::read_dir(dir.path().join("store/sources")).expect("sources").count();
    assert_eq!(left(), 2, "the tree and the lock; what was refused is gone");
    run(buildc(&dir.path().join("store")).arg("prune")).expect("pruned");
    let said = value(dir.path(), &pinned).expect_err("nothing is kept");
    assert!(said.contains("does not exist"), "{said}");
}

#[test]
fn repositories_are_read_at_commits_tags_and_as_they_lie_there() {
    let dir = tempfile::tempdir().expect("a directory");
    repository(dir.path());
    let value = |expression: &str| value(dir.path(), expression);
    let names = |expression: &str| {
        let expression = format!("builtins.attrNames (builtins.readDir ({expression}).outPath)");
        let names = value(&expression).expect("names");
        names
            .as_array()
            .expect("a list")
            .iter()
            .map(|name| name.as_str().unwrap_or("").to_owned())
            .collect::<Vec<_>>()
    };
    let package = [".gitattributes", "default.nix", "link", "run.sh"];
    assert_eq!(names(r#"fetchGit { url = "file://@/repo"; ref = "v1"; }"#), package);
    assert_eq!(names("fetchGit @/repo"), [&package[..], &["two"]].concat());
    let tree = r#"builtins.fetchTree { type = "git"; url = "file://@/repo"; ref = "v1"; }"#;
    assert_eq!(names(tree), [".gitattributes", "default.nix", "hidden", "link", "run.sh"]);
    let at_tag = value(
        r#"{ inherit (fetchGit { url = "file://@/repo"; ref = "v1"; }) rev revCount lastModifiedDate narHash; }"#,
    );
    let at_tag = at_tag.expect("a tree");
    assert_eq!(at_tag["revCount"], 1);
    assert_eq!(at_tag["lastModifiedDate"], "20240229120915");
    assert_eq!(at_tag["narHash"], "sha256-XSq/NtHDiFHvyhs3jMmQENZUwWVdkuR1H8UwaYeh46U=");
    assert_eq!(at_tag["rev"], git(&dir.path().join("repo"), &["rev-parse", "v1"]).trim());
    fs::write(dir.path().join("repo/two"), "changed\n").expect("a file");
    fs::write(dir.path().join("repo/unknown"), "to git\n").expect("a file");
    let dirty = r#"let tree = fetchGit @/repo; in [ (tree ? dirtyRev) (builtins.readFile "${tree}/two") (builtins.pathExists "${tree}/unknown") ]"#;
    assert_eq!(value(dirty).expect("a tree"), serde_json::json!([true, "changed\n", false]));
    let said = value(r#"fetchGit { url = "file://@/repo"; ref = "v2"; }"#).expect_err("no such ref");
    assert!(said.contains("revspec 'v2' not found"), "{said}");
}

#[test]
fn a_tree_of_git_writes_nothing_outside() {
    let dir = tempfile::tempdir().expect("a directory");
    let repository = dir.path().join("repo");
    fs::create_dir(&repository).expect("a directory");
    git(&repository, &["init", "-q"]);
    fs::write(dir.path().join("blob"), "out").expect("a file");
    let blob = git(&repository, &["hash-object", "-w", "../blob"]);
    fs::write(dir.path().join("target"), dir.path().join("outside").as_os_str().as_encoded_bytes())
        .expect("a file");
    let link = git(&repository, &["hash-object", "-w", "../target"]);
    let made = |listing: String| {
        fs::write(dir.path().join("listing"), listing).expect("a file");
        let input = fs::File::open(dir.path().join("listing")).expect("a file");
        let mut command = Command::new("git");
        run(command.arg("-C").arg(&repository).args(["mktree"]).stdin(input))
            .expect("a tree")
            .trim()
            .to_owned()
    };
    let inner = made(format!("100644 blob {}\tfile\n", blob.trim()));
    let tree = made(format!("120000 blob {}\ta\n040000 tree {inner}\ta\n", link.trim()));
    let commit = git(&repository, &["commit-tree", "-m", "bad", &tree]);
    fs::create_dir(dir.path().join("outside")).expect("a directory");
    let expression = format!(
        r#"(builtins.fetchTree {{ type = "git"; url = "file://@/repo"; rev = "{}"; }}).outPath"#,
        commit.trim()
    );
    value(dir.path(), &expression).expect_err("two entries have one name");
    let written = fs::read_dir(dir.path().join("outside")).expect("a directory").count();
    assert_eq!(written, 0, "nothing goes through the link");
}

#[test]
fn a_flake_has_the_inputs_of_its_lock_file() {
    let dir = tempfile::tempdir().expect("a directory");
    package(dir.path());
    let flake = dir.path().join("flake");
    fs::create_dir(&flake).expect("a directory");
    let text = r#"{ inputs.pkg = { url = "path:/pkg"; flake = false; };
      outputs = { self, pkg }: { x = (import pkg).x + 1; names = builtins.attrNames self.inputs; }; }"#;
    fs::write(flake.join("flake.nix"), text).expect("a file");
    let said = value(dir.path(), r#"(builtins.getFlake "path:@/flake").x"#).expect_err("no lock file");
    assert!(said.contains("inputs that its lock file does not have: pkg"), "{said}");
    let path = dir.path().join("pkg");
    let locked = serde_json::json!({ "type": "path", "path": path, "narHash": PACKAGE_HASH });
    let lock = serde_json::json!({ "version": 7, "root": "root", "nodes": {
        "root": { "inputs": { "pkg": "pkg" } },
        "pkg": { "flake": false, "locked": locked, "original": locked },
    } });
    fs::write(flake.join("flake.lock"), lock.to_string()).expect("a file");
    let found = value(dir.path(), r#"let f = builtins.getFlake "path:@/flake"; in [ f.x f.names f._type ]"#);
    assert_eq!(found.expect("a flake"), serde_json::json!([2, ["pkg"], "flake"]));
    fs::write(dir.path().join("pkg/default.nix"), "{ x = 5; }\n").expect("a file");
    run(buildc(&dir.path().join("store")).arg("prune")).expect("pruned");
    let said = value(dir.path(), r#"(builtins.getFlake "path:@/flake").x"#).expect_err("another tree");
    assert!(said.contains("NAR hash mismatch in input"), "{said}");
}

#[test]
fn build_files_fetch_through_the_lock() {
    let dir = tempfile::tempdir().expect("a directory");
    let url = repository(dir.path());
    let (port, asked) = serve(fs::read(dir.path().join("pkg.tgz")).expect("the archive"));
    let project = dir.path().join("project");
    fs::create_dir(&project).expect("a directory");
    let text = format!(
        r#"{{ buildc }}: let
          package = fetchTarball "http://127.0.0.1:{port}/pkg.tgz";
          source = fetchGit {{ url = "{url}"; ref = "main"; }};
          version = toString (import package).x;
        in buildc.write (buildc.copy (buildc.copy buildc.scratch {{ from = "${{package}}"; include = "run.sh"; to = "/bin/"; }})
          {{ from = source; include = "two"; to = "/"; }}) {{ path = "/version"; text = version; }}"#
    );
    fs::write(project.join("build.nix"), text).expect("a build file");
    let store = dir.path().join("store");
    let call = |words: &[&str]| run(buildc(&store).args(words).arg(&project));
    let said = call(&["plan", "--locked"]).expect_err("there is no lock");
    assert!(said.contains("lock::missing"), "{said}");
    call(&["lock"]).expect("locked");
    let lock: Value =
        serde_json::from_slice(&fs::read(project.join("buildc.lock")).expect("a lock")).expect("JSON");
    assert!(lock["urls"][format!("http://127.0.0.1:{port}/pkg.tgz")].is_string(), "{lock}");
    let commit = git(&dir.path().join("repo"), &["rev-parse", "main"]);
    assert_eq!(lock["git"][format!("{url}#main")], commit.trim(), "{lock}");

    let before = asked.load(Ordering::SeqCst);
    let (first, second) = (dir.path().join("first"), dir.path().join("second"));
    let out = |path: &Path| format!("type=local,dest={}", path.display());
    call(&["build", "--locked", "-q", "-o", &out(&first)]).expect("built");
    assert_eq!(asked.load(Ordering::SeqCst), before, "what was fetched for the lock is kept");
    assert_eq!(fs::read_to_string(first.join("version")).expect("a file"), "1");
    assert_eq!(fs::read_to_string(first.join("two")).expect("a file"), "2\n");
    let mode = fs::metadata(first.join("bin/run.sh")).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o755);

    fs::write(dir.path().join("repo/two"), "3\n").expect("a file");
    git(&dir.path().join("repo"), &["commit", "-qam", "three"]);
    call(&["build", "--locked", "-q", "-o", &out(&second)]).expect("built");
    assert_eq!(fs::read_to_string(second.join("two")).expect("a file"), "2\n", "the pin holds");
    let said = call(&["lock", "--update", &url]).expect("updated");
    assert!(said.contains("moved"), "{said}");
    call(&["build", "--locked", "-q", "-o", &out(&second)]).expect("built");
    assert_eq!(fs::read_to_string(second.join("two")).expect("a file"), "3\n");
}

#[test]
fn a_file_of_this_machine_is_pinned_and_copied() {
    let dir = tempfile::tempdir().expect("a directory");
    let project = dir.path().join("project");
    fs::create_dir(&project).expect("a directory");
    let file = dir.path().join("a file");
    fs::write(&file, "1\n").expect("a file");
    let url = format!("file://{}", file.display()).replace(' ', "%20");
    let text = format!(
        r#"{{ buildc }}: buildc.copy buildc.scratch
          {{ from = builtins.fetchurl {{ url = "{url}"; name = "one"; }}; to = "/one"; }}"#
    );
    fs::write(project.join("build.nix"), text).expect("a build file");
    let out = dir.path().join("out");
    let store = dir.path().join("store");
    let call = |words: &[&str]| run(buildc(&store).args(words).arg(&project));
    call(&["lock"]).expect("locked");
    let lock = fs::read_to_string(project.join("buildc.lock")).expect("a lock");
    assert!(lock.contains(&url), "{lock}");
    let dest = format!("type=local,dest={}", out.display());
    call(&["build", "--locked", "-q", "-o", &dest]).expect("built");
    assert_eq!(fs::read_to_string(out.join("one")).expect("a file"), "1\n");
    fs::write(&file, "2\n").expect("a file");
    run(buildc(&store).args(["prune", "--all"])).expect("pruned");
    let said = call(&["plan", "--locked"]).expect_err("another file");
    assert!(said.contains("its sha256 is"), "{said}");
}

#[test]
fn a_repository_without_working_tree_is_at_the_commit_of_the_lock() {
    let dir = tempfile::tempdir().expect("a directory");
    repository(dir.path());
    git(dir.path(), &["clone", "-q", "--bare", "repo", "bare.git"]);
    let project = dir.path().join("project");
    fs::create_dir(&project).expect("a directory");
    let path = dir.path().join("bare.git");
    let text = format!(
        r#"{{ buildc }}: buildc.copy buildc.scratch {{ from = fetchGit {}; include = "two"; to = "/"; }}"#,
        path.display()
    );
    fs::write(project.join("build.nix"), text).expect("a build file");
    let call = |words: &[&str]| run(buildc(&dir.path().join("store")).args(words).arg(&project));
    let commit = git(&dir.path().join("repo"), &["rev-parse", "main"]);
    call(&["lock"]).expect("locked");
    let lock: Value =
        serde_json::from_slice(&fs::read(project.join("buildc.lock")).expect("a lock")).expect("JSON");
    assert_eq!(lock["git"][format!("file://{}#", path.display())], commit.trim(), "{lock}");
    fs::write(project.join("buildc.lock"), r#"{ "version": 1 }"#).expect("a lock");
    let said = call(&["plan", "--locked"]).expect_err("it is not pinned");
    assert!(said.contains("bare.git"), "{said}");
}

#[test]
fn addresses_may_have_blanks_and_be_long_and_what_was_left_is_swept() {
    let dir = tempfile::tempdir().expect("a directory");
    repository(dir.path());
    fs::rename(dir.path().join("repo"), dir.path().join("a repo")).expect("renamed");
    let value = |expression: &str| value(dir.path(), expression);
    assert_eq!(value(r#"(fetchGit "@/a repo").revCount"#).expect("a tree"), 2);
    assert_eq!(value(r#"(fetchGit "file://@/a%20repo").revCount"#).expect("a tree"), 2);
    let left = dir.path().join("store/sources/.new-left");
    fs::create_dir(&left).expect("a directory");
    let (port, _) = serve("x");
    let long = "a".repeat(300);
    let text = format!(
        r#"builtins.readFile (builtins.fetchurl {{ url = "http://127.0.0.1:{port}/x?{long}"; name = "x"; }})"#
    );
    assert_eq!(value(&text).expect("a file"), "x");
    assert!(!left.exists(), "nobody was fetching");
    let said = value(r#"fetchTarball "@/pkg.tgz""#).expect_err("no scheme");
    assert!(said.contains("pkg.tgz' doesn't have a scheme"), "{said}");
    let said = value(r#"builtins.fetchurl "ftp://forge.example/x""#).expect_err("another protocol");
    assert!(said.contains("is not an http address") && !said.contains("registry"), "{said}");
}
