//! What the words on the command line of `buildc eval` mean: files, names to be looked for, standard input, and `--eval`.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A directory with `default.nix`, `two.nix` and `shelf/book.nix`.
fn directory() -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).expect("a file");
    fs::create_dir(directory.path().join("shelf")).expect("a directory");
    write("default.nix", "\"default\"");
    write("two.nix", "1 + 1");
    write("shelf/book.nix", "\"book\"");
    directory
}

/// Runs `buildc eval` in a directory, with a text on standard input.
fn eval(directory: &Path, words: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_buildc"))
        .arg("eval")
        .args(words)
        .current_dir(directory)
        .env_clear()
        .envs([("NO_COLOR", "1"), ("HOME", "/somebody"), ("NIX_STORE_DIR", "/var/shop")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("buildc starts");
    // Whoever does not read leaves a closed pipe behind.
    let _ = child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes()));
    child.wait_with_output().expect("buildc ends")
}

fn prints(words: &[&str], input: &str, wanted: &str) {
    let directory = directory();
    let output = eval(directory.path(), words, input);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words:?}: {said}");
    let path = directory.path().to_string_lossy().into_owned();
    assert_eq!(String::from_utf8_lossy(&output.stdout).replace(&path, "DIR"), wanted, "{words:?}: {said}");
}

fn fails(words: &[&str], wanted: &str) {
    let output = eval(directory().path(), words, "");
    assert_eq!(output.status.code(), Some(1), "{words:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), wanted, "{words:?}");
}

#[test]
fn standard_input_comes_once_and_first() {
    prints(&["two.nix", "-", "-"], "\"input\"", "\"input\"\n2\n");
    prints(&["-E", "3", "-"], "\"input\"", "\"input\"\n3\n");
    prints(&["--parse", "two.nix", "-"], "x: x", "(x: x)\n(1 + 1)\n");
}

#[test]
fn without_a_file_it_is_standard_input_or_as_nix_does_default_nix() {
    prints(&[], "\"input\"", "\"input\"\n");
    prints(&["--eval"], "\"input\"", "\"default\"\n");
    prints(&["-E"], "\"input\"", "");
}

#[test]
fn names_in_angle_brackets_are_looked_for() {
    prints(&["<book.nix>", "-I", "shelf"], "", "\"book\"\n");
    prints(&["--parse", "<s/book.nix>", "-I", "s=shelf"], "", "\"book\"\n");
    let missing = "was not found in the Nix search path (add it using $NIX_PATH or -I)";
    fails(&["<s/pen.nix>", "-I", "s=shelf"], &format!("error: file 's/pen.nix' {missing}\n"));
}

#[test]
fn find_file_tells_where_names_are() {
    prints(
        &["--find-file", "book.nix", "s", "-I", "shelf", "-I", "s=two.nix"],
        "",
        "DIR/shelf/book.nix\nDIR/two.nix\n",
    );
    let missing = "was not found in the Nix search path (add it using $NIX_PATH or -I)";
    fails(&["--find-file", "pen.nix", "-I", "shelf"], &format!("error: file 'pen.nix' {missing}\n"));
}

#[test]
fn with_nixs_own_word_programs_see_what_nix_shows_them() {
    let seen = "[ (builtins ? currentTime) (builtins.getEnv \"HOME\") builtins.storeDir ]";
    prints(&["--strict", "-E", seen], "", "[ false \"\" \"/nix/store\" ]\n");
    prints(&["--eval", "--strict", "-E", seen], "", "[ true \"/somebody\" \"/var/shop\" ]\n");
    prints(&["--eval", "--pure-eval", "--strict", "-E", seen], "", "[ false \"\" \"/nix/store\" ]\n");
    prints(&["--eval", "--store-dir", "/s/", "--strict", "-E", "builtins.storeDir"], "", "\"/s\"\n");
}

#[test]
fn a_program_that_is_only_shown_may_name_the_home_directory() {
    prints(&["--parse", "-E", "~/x"], "", "/somebody/x\n");
    fails(&["-E", "~/x"], "error: the path '~/x' can not be resolved in pure mode\n");
}

#[test]
fn an_unknown_flag_is_refused_in_nixs_words_where_nix_is_meant() {
    let wanted = "error: unrecognised flag '--colour'\nTry 'nix-instantiate --help' for more information.\n";
    fails(&["--eval", "--colour", "-E", "1"], wanted);
}

/// What restricted evaluation says of a place it may not see.
fn forbidden(what: &str) -> String {
    format!("error: access to {what} is forbidden in restricted mode\n")
}

#[test]
fn restricted_programs_see_their_search_path_and_fetch_what_is_allowed() {
    let read = "builtins.readFile /etc/passwd";
    for how in [&["--restrict-eval"][..], &["--option", "restrict-eval", "true"]] {
        let words = [how, &["--eval", "-E", read]].concat();
        let output = eval(directory().path(), &words, "");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        assert!(said.ends_with(&forbidden("absolute path '/etc/passwd'")), "{said}");
    }
    let seen = "[ (builtins.pathExists /etc/passwd) (builtins.getEnv \"HOME\") (import <two.nix>) ]";
    prints(&["--restrict-eval", "-I", ".", "--strict", "-E", seen], "", "[ false \"\" 2 ]\n");
    prints(
        &["--restrict-eval", "-I", "/etc/passwd", "-E", "builtins.readDir /etc"],
        "",
        "{ passwd = \"regular\"; }\n",
    );
    prints(&["--restrict-eval", "--no-restrict-eval", "two.nix"], "", "2\n");
    let fetch = "builtins.fetchGit { url = \"https://a.example.net/b\"; }";
    let words = ["--eval", "--restrict-eval", "--allowed-uris", "git+https://a.example", "-E", fetch];
    let output = eval(directory().path(), &words, "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.ends_with(&forbidden("URI 'git+https://a.example.net/b?exportIgnore=1'")), "{said}");
}

#[test]
fn a_setting_that_there_is_not_is_warned_about() {
    let words = ["--option", "nope", "1", "--option", "max-jobs", "1", "--option", "nope", "2", "-E", "1"];
    let output = eval(directory().path(), &words, "");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "warning: unknown setting 'nope'\n");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1\n");
}

#[test]
fn derivation_is_shown_as_the_function_it_is() {
    let seen = "builtins.intersectAttrs { derivation = 1; map = 1; } builtins";
    prints(&["-E", seen], "", "{ derivation = <LAMBDA>; map = <PRIMOP>; }\n");
}
