//! What the words on the command line of `buildc eval` mean: files, names to be looked for, standard input, and `--eval`.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
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

/// `buildc eval` in a directory.
fn command(directory: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_buildc"));
    command.arg("eval").args(words).current_dir(directory).env_clear();
    command.envs([("NO_COLOR", "1"), ("HOME", "/somebody"), ("NIX_STORE_DIR", "/var/shop")]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs `buildc eval` in a directory, with a text on standard input.
fn eval(directory: &Path, words: &[&str], input: &str) -> Output {
    let mut child = command(directory, words).spawn().expect("buildc starts");
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
fn to_parse_is_nixs_word_too() {
    prints(&["--parse"], "\"input\"", "\"default\"\n");
    prints(&["--parse-only", "two.nix"], "", "(1 + 1)\n");
    prints(&["--parse", "-", "two.nix"], "x: x", "(x: x)\n(1 + 1)\n");
    fails(
        &["--parse", "--nope"],
        "error: unrecognised flag '--nope'\nTry 'nix-instantiate --help' for more information.\n",
    );
    let many = (0..65536).map(|number| format!("a{number}")).collect::<Vec<_>>().join(", ");
    let output = eval(directory().path(), &["--parse", "-"], &format!("1 + ({{ {many} }}: 1)"));
    let said = String::from_utf8_lossy(&output.stderr);
    let wanted = "error: too many formal arguments, implementation supports at most 65535\n       at \u{ab}stdin\u{bb}:1:6:\n";
    assert!(said.starts_with(wanted), "{}", &said[..said.len().min(200)]);
}

#[test]
fn arguments_come_from_files_and_standard_input_too() {
    prints(&["--eval", "--arg-from-stdin", "y", "-E", "{ y }: y"], "in\n", "\"in\\n\"\n");
    prints(&["--eval", "--arg-from-file", "y", "two.nix", "-E", "{ y }: y"], "", "\"1 + 1\"\n");
    let words = ["--eval", "--arg-from-file", "y", "nope", "-E", "{ y }: y"];
    fails(&words, "error: opening file \"nope\": No such file or directory\n");
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

/// What Nix adds where it points to its help.
const TRY: &str = "Try 'nix-instantiate --help' for more information.\n";

#[test]
fn flags_that_are_wrong_are_told_in_nixs_words() {
    for (words, wanted) in [
        (&["--arg", "y"][..], "flag '--arg' requires 2 argument(s), but only 1 were given"),
        (&["--option", "system"], "flag '--option' requires 2 argument(s), but only 1 were given"),
        (&["--strict=1"], "unrecognised flag '--strict=1'"),
        (&["-A"], "'-A' requires an argument"),
        (&["--max-call-depth", "x"], "setting 'max-call-depth' has invalid value 'x'"),
        (
            &["--lint-url-literals", "x"],
            "option 'lint-url-literals' has invalid value 'x' (expected 'ignore', 'warn', or 'fatal')",
        ),
        (&["--timeout", "2x"], "invalid unit specifier 'X'"),
    ] {
        fails(&[&["--eval", "-E", "1"], words].concat(), &format!("error: {wanted}\n{TRY}"));
    }
    fails(&["--eval", "--log-format", "x"], "error: option 'log-format' has an invalid value 'x'\n");
}

#[test]
fn flags_of_nix_are_taken_as_nix_takes_them() {
    prints(
        &["--eval", "-E1", "-j3", "--no-sandbox", "--log-lines", "3", "--max-call-depth", "1k"],
        "",
        "1\n",
    );
    prints(&["--eval", "--version", "--colour"], "", "nix-instantiate (Nix) 2.34.8\n");
    prints(&["--eval", "--strict", "-E", "<b>", "--extra-nix-path", "b=two.nix"], "", "DIR/two.nix\n");
    prints(&["--eval", "--pure-eval", "--impure", "-E", "builtins ? currentTime"], "", "true\n");
    prints(&["--eval", "--memory-limit=1g", "--root", "x", "--", "-E", "1"], "", "1\n");
}

/// What an evaluation says on standard error, with the directory's path as DIR.
fn remarks(words: &[&str]) -> String {
    let directory = directory();
    let output = eval(directory.path(), words, "");
    let path = directory.path().to_string_lossy().into_owned();
    String::from_utf8_lossy(&output.stderr).replace(&path, "DIR")
}

#[test]
fn v_says_what_is_done_and_quiet_keeps_warnings_back() {
    let first = "evaluating file '«nix-internal»/derivation-internal.nix'\n";
    let program = "import ./two.nix + import ./two.nix";
    assert_eq!(remarks(&["--eval", "-v", "-E", program]), format!("{first}evaluating file 'DIR/two.nix'\n"));
    let program = "(derivation { name = \"q\"; system = \"x\"; builder = \"y\"; }).drvPath";
    let made = "instantiated 'q' -> '/var/shop/";
    assert!(remarks(&["--eval", "-vv", "-E", program]).starts_with(&format!("{first}{made}")));
    assert_eq!(remarks(&["--eval", "-v", "--quiet", "-E", "1"]), "");
    let words = ["--eval", "-E", "builtins.warn \"a\" 1", "--quiet", "--quiet", "--quiet"];
    assert_eq!(remarks(&words[..5]), "evaluation warning: a\n");
    assert_eq!(remarks(&words), "");
}

#[test]
fn what_is_said_can_be_json() {
    let said = remarks(&["--eval", "--log-format", "internal-json", "-E", "builtins.trace 1 ({ }.a)"]);
    let lines: Vec<&str> = said.lines().collect();
    let [traced, failed] = lines[..] else { panic!("{said}") };
    assert_eq!(traced, r#"@nix {"action":"msg","level":0,"msg":"trace: 1"}"#);
    let begin =
        r#"@nix {"action":"msg","column":19,"file":"«string»:1:19","level":0,"line":1,"msg":"error:\n "#;
    assert!(
        failed.starts_with(begin) && failed.ends_with(r#","raw_msg":"attribute 'a' missing"}"#),
        "{failed}"
    );
}

#[test]
fn an_archive_is_fetched_and_evaluated_where_the_machine_may_be_seen() {
    let directory = directory();
    let archive = directory.path().join("two.tar");
    fs::write(directory.path().join("shelf/default.nix"), "{ x = 41 + 1; }").expect("a file");
    let packed =
        Command::new("tar").arg("-C").arg(directory.path()).arg("-cf").arg(&archive).arg("shelf").status();
    assert!(packed.expect("tar runs").success());
    let url = format!("file://{}", archive.display());
    let root = directory.path().join("root").display().to_string();
    let output = eval(directory.path(), &["--eval", "--root", &root, &url, "-A", "x"], "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "42\n", "{output:?}");
    let output = eval(directory.path(), &["--root", &root, &url], "");
    let wanted =
        format!("error: cannot fetch '{url}' in pure evaluation mode (use '--impure' to override)\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), wanted);
    let disabled = "experimental Nix feature 'flakes' is disabled; add '--extra-experimental-features flakes' to enable it";
    fails(&["--eval", "flake:a"], &format!("error: {disabled}\n"));
}

#[test]
fn the_search_path_may_name_archives_and_each_entry_is_looked_for_once() {
    let directory = directory();
    let archive = directory.path().join("shelf.tgz");
    let made = Command::new("tar")
        .arg("-czf")
        .arg(&archive)
        .args(["-C", &directory.path().to_string_lossy(), "shelf"])
        .status();
    assert!(made.expect("tar runs").success());
    let (here, gone) =
        (format!("s=file://{}", archive.display()), format!("g=file://{}.gone", archive.display()));
    let root = directory.path().join("store").display().to_string();
    let program = "[ (import <s/book.nix>) (baseNameOf (toString <s>)) (builtins.tryEval <g>).success (builtins.tryEval <g/x>).success (builtins.tryEval <n>).success (builtins.tryEval <n>).success ]";
    let words =
        ["--root", &root, "--impure", "--strict", "-I", &here, "-I", &gone, "-I", "n=nowhere", "-E", program];
    let output = eval(directory.path(), &words, "");
    let (shown, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(
        shown.starts_with("[ \"book\" \"") && shown.ends_with("-source\" false false false false ]\n"),
        "{shown}{said}"
    );
    assert_eq!(said.matches(".gone' cannot be downloaded, ignoring\n").count(), 1, "{said}");
    assert_eq!(said.matches(".gone' does not exist, ignoring\n").count(), 1, "{said}");
    assert_eq!(
        said.matches("warning: Nix search path entry 'nowhere' does not exist, ignoring\n").count(),
        1,
        "{said}"
    );
}

/// What an evaluation with NIX_CONFIG says: on standard output and standard error, and with its exit code.
fn configured(config: &str, words: &[&str]) -> (String, String, Option<i32>) {
    let directory = directory();
    let output = command(directory.path(), words).env("NIX_CONFIG", config).output().expect("buildc runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (text(output.stdout), text(output.stderr), output.status.code())
}

#[test]
fn nix_config_is_read_as_nix_reads_it() {
    let words = ["--eval", "-E", "builtins.currentSystem"];
    for (config, wanted) in [
        ("zz=2", "error: syntax error in configuration line 'zz=2' in \"NIX_CONFIG\"\n"),
        ("a = 1\nsystem", "error: syntax error in configuration line 'system' in \"NIX_CONFIG\"\n"),
        ("restrict-eval = on", "error: Boolean setting 'restrict-eval' has invalid value 'on'\n"),
        ("build-cores = -1", "error: setting 'cores' has invalid value '-1'\n"),
    ] {
        assert_eq!(configured(config, &words), (String::new(), format!("{wanted}{TRY}"), Some(1)));
    }
    let lost = "error: file \"/nowhere\" included from \"NIX_CONFIG\" not found\n".to_owned();
    assert_eq!(configured("include /nowhere", &words), (String::new(), lost, Some(1)));
    let config = "zz = 2\n# b\n\tsystem = a   b # c\n!include /nowhere";
    let warned = "warning: unknown setting 'zz'\n".to_owned();
    assert_eq!(configured(config, &words), ("\"a b\"\n".to_owned(), warned, Some(0)));
    // Who does not stand in for Nix and may not see the environment does not see this.
    assert_eq!(configured("zz=2", &["-E", "1"]), ("1\n".to_owned(), String::new(), Some(0)));
}

#[test]
fn ctrl_c_ends_an_evaluation_at_once() {
    let directory = directory();
    for program in [
        "builtins.foldl' builtins.add 0 (builtins.genList (x: x) 50000000)",
        "let f = n: if n == 0 then 0 else f (n - 1); in map (x: f 9000) (builtins.genList (x: x) 1000000)",
    ] {
        for signal in [Signal::SIGINT, Signal::SIGTERM] {
            let words = ["--eval", "--strict", "--max-call-depth", "10000", "-E", program];
            let child = command(directory.path(), &words).spawn().expect("buildc starts");
            std::thread::sleep(Duration::from_millis(300));
            let asked = Instant::now();
            kill(Pid::from_raw(child.id() as i32), signal).expect("a signal");
            let output = child.wait_with_output().expect("buildc ends");
            assert_eq!(String::from_utf8_lossy(&output.stderr), "error: interrupted by the user\n");
            assert_eq!((output.status.code(), output.stdout), (Some(1), Vec::new()));
            assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
        }
    }
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
fn restricted_programs_follow_no_link_out_of_what_they_may_see() {
    let directory = directory();
    let place = |name: &str| directory.path().join(name);
    for name in ["seen", "seen/inside", "hidden"] {
        fs::create_dir(place(name)).expect("a directory");
    }
    fs::write(place("hidden/secret.nix"), "\"secret\"").expect("a file");
    fs::write(place("seen/inside/default.nix"), "\"inside\"").expect("a file");
    let links = [
        ("../hidden", "seen/away"),
        ("../hidden/secret.nix", "seen/file.nix"),
        ("../../hidden/secret.nix", "seen/inside/leads.nix"),
        ("inside", "seen/again"),
    ];
    for (target, link) in links {
        symlink(target, place(link)).expect("a link");
    }
    let root = directory.path().canonicalize().expect("a directory");
    let (root, hidden) = (root.display(), format!("{}/hidden/secret.nix", root.display()));
    let restricted = |program: &str| {
        eval(directory.path(), &["--eval", "--restrict-eval", "-I", "s=seen", "--strict", "-E", program], "")
    };
    for program in [
        "import ./seen/away/secret.nix",
        "import ./seen/file.nix",
        "import ./seen/inside/leads.nix",
        "import <s/file.nix>",
        "<s/away/secret.nix>",
        "scopedImport { } ./seen/file.nix",
        "builtins.readFile ./seen/file.nix",
        "builtins.hashFile \"sha256\" ./seen/away/secret.nix",
        "\"${./seen/away/secret.nix}\"",
    ] {
        let output = restricted(program);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), &output.stdout[..]), (Some(1), &b""[..]), "{program}: {said}");
        assert!(said.ends_with(&forbidden(&format!("absolute path '{hidden}'"))), "{program}: {said}");
    }
    let seen =
        "[ (import ./seen/again) (import <s/again>) <s/again> (builtins.pathExists ./seen/away/secret.nix) ]";
    let output = restricted(seen);
    let wanted = format!("[ \"inside\" \"inside\" {root}/seen/inside false ]\n");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        wanted,
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn of_the_store_programs_see_what_they_have_strings_for() {
    let directory = directory();
    fs::write(directory.path().join("passer-by"), "secret").expect("a file");
    let store = directory.path().canonicalize().expect("a directory");
    let store = store.to_string_lossy();
    for how in ["--restrict-eval", "--pure-eval"] {
        let read = |program: &str| {
            let output = eval(directory.path(), &["--store-dir", &store, how, "-E", program], "");
            assert_eq!((output.status.code(), &output.stdout[..]), (Some(1), &b""[..]), "{program}");
            String::from_utf8_lossy(&output.stderr).into_owned()
        };
        let said = read("builtins.readFile ./passer-by");
        assert!(
            said.contains(&format!("access to absolute path '{store}/passer-by' is forbidden")),
            "{said}"
        );
        let said = read("builtins.readFile (builtins.toFile \"a\" \"b\")");
        assert!(said.ends_with("-a' is not valid\n"), "{said}");
    }
    let program = "let made = builtins.toFile \"a\" \"b\"; in [ made (builtins.readFile made) ]";
    let words = ["--store-dir", &store, "--restrict-eval", "--strict", "-E"];
    let named = eval(directory.path(), &[&words[..], &["builtins.toFile \"a\" \"b\""]].concat(), "");
    let named = String::from_utf8_lossy(&named.stdout).trim().trim_matches('"').to_owned();
    fs::write(&named, "b").expect("a file of the store");
    let output = eval(directory.path(), &[&words[..], &[program]].concat(), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("[ \"{named}\" \"b\" ]\n"));
}

#[test]
fn a_search_path_leads_through_links_to_the_place_itself() {
    let directory = directory();
    for (target, link) in [("two.nix", "link.nix"), (".", "here"), ("nowhere", "lost")] {
        symlink(target, directory.path().join(link)).expect("a link");
    }
    let root = directory.path().canonicalize().expect("a directory");
    let found = |words: &[&str]| {
        let output = eval(directory.path(), &[&["--eval"], words].concat(), "");
        (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let place = format!("{}/two.nix\n", root.display());
    assert_eq!(found(&["-I", "here", "-E", "<link.nix>"]), (place.clone(), String::new()));
    assert_eq!(found(&["-I", "a=link.nix", "-E", "<a>"]), (place, String::new()));
    let (printed, said) = found(&["-I", "a=lost", "-E", "<a>"]);
    assert_eq!(printed, "");
    assert!(said.starts_with("warning: Nix search path entry 'lost' does not exist, ignoring\n"), "{said}");
    let (_, said) = found(&["-E", "builtins.readFileType ./here/two.nix"]);
    assert!(said.ends_with(&format!("error: path '{}/here' is a symlink\n", root.display())), "{said}");
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
