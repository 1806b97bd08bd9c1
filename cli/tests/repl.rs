//! `buildc repl` as it is piped to, and on a real terminal.
//!
//! What it prints is what `nix repl` prints, but for the prompt and the documentation of builtins.
#![allow(clippy::print_stderr)]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use nix::pty::openpty;

fn repl(directory: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_buildc"));
    command.arg("repl").args(words).current_dir(directory);
    command.env("NO_COLOR", "1").env("HOME", directory).env_remove("XDG_STATE_HOME").env_remove("NIX_PATH");
    command
}

/// What a session says to lines.
fn answers(directory: &Path, words: &[&str], lines: &str) -> Output {
    let mut command = repl(directory, words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("buildc runs");
    child.stdin.take().expect("a pipe").write_all(lines.as_bytes()).expect("lines are taken");
    child.wait_with_output().expect("buildc ends")
}

/// What a session without files answers on standard output; it must end well.
fn says(lines: &str) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let output = answers(directory.path(), &[], lines);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// The same for standard error.
fn complains(lines: &str) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let output = answers(directory.path(), &[], lines);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn values_are_printed_one_level_deep_and_whole_with_p() {
    assert_eq!(says("1 + 1\n"), "2\n");
    assert_eq!(says("{ a = 1; b.c = 2; }\n"), "{\n  a = 1;\n  b = { ... };\n}\n");
    assert_eq!(says("{ a = 1; }\n[ 1 ]\n{ }\n[ ]\n"), "{ a = 1; }\n[ 1 ]\n{ }\n[ ]\n");
    assert_eq!(says(":p [ 1 [ 2 [ 3 ] ] ]\n"), "[\n  1\n  [\n    2\n    [ 3 ]\n  ]\n]\n");
    assert_eq!(says("\"a\\nb\"\n:p \"a\\nb\"\n"), "\"a\\nb\"\na\nb\n");
    assert_eq!(says(":p let x = { a = x; }; in x\n"), "{\n  a = «repeated»;\n}\n");
}

#[test]
fn a_derivation_is_shown_by_its_path() {
    let shown = says("derivation { name = \"a\"; system = \"b\"; builder = \"c\"; }\n");
    assert_eq!(shown, "«derivation /nix/store/ncvzg25n0l41lmwbnxc7fcrkrajq3pvw-a.drv»\n");
}

#[test]
fn bindings_see_what_was_bound_before_them() {
    assert_eq!(says("x = 5\nx = x + 1\nx\n"), "6\n");
    assert_eq!(says("a = 1; b.c = 2;\n[ a b.c ]\n"), "[\n  1\n  2\n]\n");
    assert_eq!(says("inherit (builtins) map;\nmap\n"), "«primop map»\n");
    assert_eq!(says("lazy = throw \"no\"\n1\n"), "1\n");
}

#[test]
fn a_configuration_that_is_wrong_is_told_before_the_first_line() {
    let directory = tempfile::tempdir().expect("a directory");
    let output =
        repl(directory.path(), &["--impure"]).env("NIX_CONFIG", "zz=2").output().expect("buildc runs");
    let wanted = "error: syntax error in configuration line 'zz=2' in \"NIX_CONFIG\"\nTry 'nix --help' for more information.\n";
    assert_eq!((output.status.code(), &output.stderr[..]), (Some(1), wanted.as_bytes()));
}

#[test]
fn input_goes_on_until_it_is_whole() {
    assert_eq!(says("let\n  z = 3;\nin z\n"), "3\n");
    assert_eq!(says("\"a\nb\"\n"), "\"a\\nb\"\n");
    assert_eq!(says("y = (\n  2 +\n3)\ny\n"), "5\n");
    assert_eq!(says(":p [ 1\n]\n"), "[ 1 ]\n");
    assert!(complains("1 +").contains("unexpected end of file"));
}

#[test]
fn an_error_is_told_in_the_form_of_the_language_and_ends_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let output = answers(directory.path(), &[], "nope\nthrow \"oops\"\n1 2\n)\n:foo\n7\n");
    assert_eq!(output.stdout, b"7\n");
    let said = String::from_utf8(output.stderr).expect("text");
    let wanted =
        "error: undefined variable 'nope'\n       at «string»:1:1:\n            1| nope\n             | ^\n";
    assert!(said.starts_with(wanted), "{said}");
    for part in ["error: oops", "attempt to call something which is not a function", "unexpected ')'"] {
        assert!(said.contains(part), "{said}");
    }
    assert!(said.ends_with("error: unknown command ':foo'\n"), "{said}");
}

#[test]
fn what_fails_inside_of_a_value_is_shown_in_its_place() {
    assert_eq!(says(":p [ (throw \"x\") 1 ]\n"), "[\n  «error: x»\n  1\n]\n");
    assert_eq!(says(":p { a = [ (throw \"x\") ]; b = 1; }\n"), "{\n  a = [ «error: x» ];\n  b = 1;\n}\n");
    assert!(complains("[ (throw \"x\") ]\n").contains("error: x"));
}

#[test]
fn a_call_that_was_too_deep_does_not_count_in_later_ones() {
    let lines = "f = x: n: if n == 0 then 0 else 1 + x x (n - 1)\n".to_owned()
        + &"f f 20000\n".repeat(3)
        + "f f 9000\n";
    assert_eq!(says(&lines), "9000\n");
}

#[test]
fn types_and_documentation() {
    assert_eq!(
        says(":t 1\n:t x: x\n:t map 1\n"),
        "an integer\na function\nthe partially applied built-in function 'map'\n"
    );
    assert!(
        says(":doc builtins.map\n").starts_with("Synopsis: builtins.map "),
        "the builtin's own words follow"
    );
    assert_eq!(complains(":doc 1\n"), "error: value does not have documentation\n");
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(
        directory.path().join("f.nix"),
        "{\n  /**\n    Doubles.\n\n      x -> y\n  */\n  dbl = n: n * 2;\n}\n",
    )
    .expect("a file");
    let output = answers(directory.path(), &["f.nix"], ":doc dbl\n");
    let text = String::from_utf8(output.stdout).expect("text");
    let place = directory.path().join("f.nix").display().to_string();
    assert_eq!(text, format!("Function dbl\n… defined at {place}:7:9\n\nDoubles.\n\n  x -> y\n"));
}

#[test]
fn files_are_loaded_and_read_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("f.nix");
    fs::write(&file, "{ n ? 1 }: { inherit n; \"a b\" = 2; }").expect("a file");
    let output =
        answers(directory.path(), &["--argstr", "n", "given"], "x = 1\n:l ./f.nix\nn\n:r\nn\nx\n:ll\n");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "\"given\"\n\"given\"\nn\na b\n");
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(
        said.starts_with("Added 2 variables.\n\"a b\", n\nLoading \"./f.nix\"...\nAdded 2 variables.\n"),
        "{said}"
    );
    assert!(said.contains("undefined variable 'x'"), "{said}");
    let output = answers(directory.path(), &[], ":l ./none.nix\n:a { q = 9; }\nq\n:a 1\n");
    assert_eq!(output.stdout, b"9\n");
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.contains("none.nix' does not exist"), "{said}");
    assert!(said.contains("expected a set but found an integer: 1"), "{said}");
}

#[test]
fn q_ends_the_session() {
    assert_eq!(says("1\n:q\n2\n"), "1\n");
}

/// What a terminal has shown so far.
struct Screen {
    terminal: File,
    shown: String,
}

impl Screen {
    /// Reads until `text` was shown so many times, or the other end is closed.
    fn wait_for(&mut self, text: &str, times: usize) {
        let mut piece = [0; 4096];
        while self.shown.matches(text).count() < times {
            match self.terminal.read(&mut piece) {
                Ok(length @ 1..) => self.shown.push_str(&String::from_utf8_lossy(&piece[..length])),
                _ => return,
            }
        }
    }

    fn press(&mut self, keys: &str) {
        self.terminal.write_all(keys.as_bytes()).expect("keys are taken");
    }

    fn enter(&mut self, line: &str) {
        self.press(line);
        self.press("\r");
    }
}

/// Starts a command on a terminal of its own.
fn on_terminal(mut command: Command) -> (Child, Screen) {
    let pty = openpty(None, None).expect("a terminal");
    let end = || Stdio::from(File::from(pty.slave.try_clone().expect("a descriptor")));
    command.env("TERM", "xterm").stdin(end()).stdout(end()).stderr(end());
    let child = command.spawn().expect("buildc runs");
    (child, Screen { terminal: File::from(pty.master), shown: String::new() })
}

/// Each prompt switches bracketed paste on.
const PROMPT: &str = "\x1b[?2004h";

/// A session on a terminal of its own: the lines that are typed, each once the one before was answered, and what was shown.
fn typed(directory: &Path, lines: &[&str]) -> String {
    let (mut child, mut screen) = on_terminal(repl(directory, &[]));
    for (line, mark) in lines.iter().zip(1..) {
        screen.wait_for(PROMPT, mark);
        screen.enter(line);
    }
    screen.wait_for("text that nobody says", 1);
    assert!(child.wait().expect("buildc ends").success());
    screen.shown
}

#[test]
fn a_terminal_has_completion_and_a_history_that_outlives_the_session() {
    let directory = tempfile::tempdir().expect("a directory");
    // Tab completes names in scope and those of attributes.
    let shown = typed(directory.path(), &["abcset = { first = 41; }", "abcs\t.fir\t + 1", ":q"]);
    assert!(shown.contains("42"), "{shown}");
    let kept =
        fs::read_to_string(directory.path().join(".local/state/buildc/repl-history")).expect("a history");
    assert!(kept.contains("abcset.first + 1"), "{kept}");
    // The arrows bring back what the session before was told: the binding, and then the line after it.
    let shown = typed(directory.path(), &["\x1b[A\x1b[A", "\x1b[A\x1b[A", ":q"]);
    assert!(shown.contains("42"), "{shown}");
}

/// Never ends, and needs little stack and memory.
const ENDLESS: &str = "let numbers = builtins.genList (x: x) 9999; \
    loop = f: _: builtins.foldl' (a: b: f a) 0 numbers; in \
    builtins.seq (builtins.trace \"it has begun\" 1) (loop (loop (loop (loop (loop (a: a))))) 0)";

#[test]
fn ctrl_c_ends_an_answer_and_not_the_session() {
    let directory = tempfile::tempdir().expect("a directory");
    // A terminal sends signals to those that it controls.
    let session = repl(directory.path(), &[]);
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait"]).arg(session.get_program()).args(session.get_args());
    command.current_dir(directory.path());
    for (name, value) in session.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let (mut child, mut screen) = on_terminal(command);
    screen.wait_for(PROMPT, 1);
    screen.enter(&format!("endless = tried: {ENDLESS}"));
    screen.wait_for(PROMPT, 2);
    // Nothing catches it, and what would be shown in the place of a value that fails is not shown for each of them.
    let questions = ["endless 1", "builtins.tryEval (endless 1)", ":p [ (endless 1) (endless 2) ]"];
    for (question, mark) in questions.into_iter().zip(1..) {
        screen.enter(question);
        screen.wait_for("trace: it has begun", mark);
        screen.press("\x03");
        screen.wait_for("error: interrupted by the user", mark);
        screen.wait_for(PROMPT, 2 + mark);
    }
    screen.enter("40 + 2");
    screen.wait_for(PROMPT, 6);
    screen.enter(":q");
    screen.wait_for("text that nobody says", 1);
    assert!(child.wait().expect("buildc ends").success(), "{}", screen.shown);
    assert!(screen.shown.contains("42"), "{}", screen.shown);
}
