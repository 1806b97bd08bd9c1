//! Programs that mean harm: `buildc eval` ends with an error in Nix's words or with a value, in bounded stack and memory.
//!
//! The words are those of C++ Nix 2.34 for the same programs.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};

fn eval(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_buildc"));
    command.arg("eval").args(words).env("NO_COLOR", "1").env_remove("NIX_PATH");
    command
}

/// What evaluating a source file gives; it may not end by a signal.
fn file(words: &[&str], source: &[u8]) -> Output {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("hostile.nix");
    fs::write(&path, source).expect("a file");
    let output = eval(words).arg(&path).output().expect("buildc runs");
    assert_eq!(output.status.signal(), None, "{}", end(&output));
    output
}

fn end(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    said.chars().take(2000).collect()
}

/// Asserts that a program fails with status 1 and says this.
fn fails(words: &[&str], source: &[u8], wanted: &str) {
    let output = file(words, source);
    assert_eq!(output.status.code(), Some(1), "{}", end(&output));
    assert!(end(&output).contains(wanted), "no `{wanted}` in:\n{}", end(&output));
}

/// Asserts that a program has this value.
fn gives(source: &[u8], wanted: &str) {
    let output = file(&[], source);
    assert!(output.status.success(), "{}", end(&output));
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.trim_end() == wanted, "{} bytes: {:.100}", shown.len(), shown);
}

#[test]
fn what_is_not_ended_is_told_where_the_source_ends() {
    fails(&[], b"\"abc", "syntax error, unexpected end of file, expecting '\"'");
    fails(&[], b"''abc", "syntax error, unexpected end of file, expecting indented string or '${'");
    fails(&[], b"\"${", "syntax error, unexpected end of file");
    fails(&[], b"\"a${\"b", "syntax error, unexpected end of file, expecting '\"'");
    fails(&[], b"/* abc", "syntax error, unexpected '/'");
    for open in ["(", "[", "{ a = ", "let x = "] {
        fails(&[], open.repeat(100_000).as_bytes(), "unexpected end of file");
    }
}

#[test]
fn bytes_that_are_not_utf8_are_strings_and_nothing_else() {
    let output = file(&[], b"\"\xff\xfe\"");
    assert_eq!(output.stdout, b"\"\xff\xfe\"\n");
    fails(&[], b"\xff", "syntax error, unexpected invalid token");
    fails(&["--json"], b"\"\xff\"", "JSON serialization error");
    fails(&[], b"\"a\0b\"", "cannot be represented as Nix string because it contains null bytes");
}

/// `open` and `close` around `inner`, 100,000 times.
fn nested(open: &str, inner: &str, close: &str) -> Vec<u8> {
    [open.repeat(100_000), inner.to_owned(), close.repeat(100_000)].concat().into_bytes()
}

#[test]
fn nesting_of_a_hundred_thousand_is_evaluated() {
    gives(&nested("(", "1", ")"), "1");
    gives(&nested("[", "", "]"), "[ <CODE> ]");
    gives(&nested("{a=", "1", ";}"), "{ a = <CODE>; }");
    gives(&nested("rec {a=", "1", ";}"), "{ a = <CODE>; }");
    gives(&nested("x: ", "1", ""), "<LAMBDA>");
    gives(&nested("{x}: ", "1", ""), "<LAMBDA>");
    gives(&nested("if true then ", "1", " else 2"), "1");
    gives(&nested("!", "true", ""), "true");
    gives(&nested("with {}; ", "1", ""), "1");
    gives(&nested("assert true; ", "1", ""), "1");
    gives(&nested("1+(", "1", ")"), "100001");
    gives(&nested("", "1", "+1"), "100001");
    gives(&nested("", "[]", "++[]"), "[ ]");
    gives(&nested("(true==", "true", ")"), "true");
}

#[test]
fn nesting_of_a_hundred_thousand_is_printed_as_it_was_parsed() {
    for (open, inner, close) in
        [("[", "", "]"), ("let a=1; in ", "a", ""), ("\"${", "\"x\"", "}\""), ("((x: x) ", "1", ")")]
    {
        let output = file(&["--parse"], &nested(open, inner, close));
        assert!(output.status.success(), "{}", end(&output));
        assert!(output.stdout.len() > 200_000, "{open}");
    }
}

#[test]
fn recursion_without_end_is_an_error() {
    fails(&[], b"let x = x; in x", "infinite recursion encountered");
    fails(&[], b"rec { a = b; b = a; }.a", "infinite recursion encountered");
    let deep = "stack overflow; max-call-depth exceeded";
    fails(&[], b"let f = x: f x; in f 1", deep);
    fails(&[], b"let f = n: if n == 0 then 0 else 1 + f (n - 1); in f 10001", deep);
    gives(b"let f = n: if n == 0 then 0 else 1 + f (n - 1); in f 9990", "9990");
    fails(&["--max-call-depth", "20"], b"let f = n: if n == 0 then 0 else 1 + f (n - 1); in f 30", deep);
    let calls = b"let f = n: 1 + f (n + 1); in f 0";
    fails(&["--max-call-depth", "100000000"], calls, "stack overflow (possible infinite recursion)");
    fails(&[], b"let x = [ x ]; in builtins.toJSON x", deep);
    fails(&[], b"let x = [ x ]; in builtins.toJSON x", "(9999 duplicate frames omitted)");
    fails(&[], b"let x = { a = x; }; in builtins.toXML x", deep);
    fails(&[], b"let x = [ x ]; in toString x", deep);
    fails(&[], b"let x = [ x ]; y = [ y ]; in x == y", deep);
    fails(&[], b"let f = n: [ (f (n + 1)) ]; in builtins.deepSeq (f 0) 1", deep);
    fails(&["--strict"], b"let f = n: { a = f (n + 1); }; in f 0", deep);
}

#[test]
fn files_that_import_each_other_are_an_error() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("a.nix"), "import ./b.nix").expect("a file");
    fs::write(directory.path().join("b.nix"), "import ./a.nix").expect("a file");
    let output = eval(&[]).arg(directory.path().join("a.nix")).output().expect("buildc runs");
    assert_eq!(output.status.code(), Some(1));
    let said = end(&output);
    assert!(said.contains("while evaluating the file '"), "{said}");
    assert!(said.contains("(stack trace truncated; use '--show-trace'"), "{said}");
    assert!(said.ends_with("error: infinite recursion encountered\n"), "{said}");
}

#[test]
fn a_document_larger_than_the_limit_is_written_as_it_is_made() {
    // 400 MB, most of it indentation.
    let words = ["--memory-limit", "64m", "--strict", "--xml", "-E", "let a = { b = a; }; in a"];
    let output = eval(&words).output().expect("buildc runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(end(&output).starts_with("error: stack overflow; max-call-depth exceeded\n"), "{}", end(&output));
    assert!(output.stdout.len() > 300_000_000, "{} bytes", output.stdout.len());
    assert!(output.stdout.ends_with(b"\n  </attrs>\n</expr>\n"), "all elements are closed");
}

#[test]
fn what_cannot_be_written_is_an_error() {
    for form in ["--raw", "--json", "--xml", "--strict", "--parse"] {
        let full = File::options().write(true).open("/dev/full").expect("a full device");
        let output = eval(&[form, "-E", "\"short\""]).stdout(full).output().expect("buildc runs");
        assert_eq!(output.status.code(), Some(3), "{form}: {}", end(&output));
        assert!(end(&output).contains("Cannot write to standard output"), "{form}: {}", end(&output));
    }
}

#[test]
fn a_list_that_no_memory_holds_is_refused_at_once() {
    for length in ["9223372036854775807", "10000000000"] {
        let output = file(&[], format!("builtins.genList (x: x) {length}").as_bytes());
        assert_eq!((output.status.code(), end(&output).as_str()), (Some(1), "error: out of memory\n"));
    }
}

#[test]
fn memory_that_the_system_refuses_is_an_error() {
    let program = "builtins.foldl' (sum: n: sum + builtins.length (builtins.genList (x: x) 1000000)) 0 (builtins.genList (x: x) 200)";
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v 1000000; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_buildc")]);
    let output = command.args(["eval", "-E", program]).output().expect("a shell runs");
    assert_eq!((output.status.code(), end(&output).as_str()), (Some(1), "error: out of memory\n"));
}

#[test]
fn memory_is_bounded_by_the_flag() {
    let doubled = |step: &str, start: &str, use_of: &str| {
        format!("let f = n: x: if n == 0 then x else f (n - 1) ({step}); in {use_of} (f 62 ({start}))")
    };
    let programs = [
        doubled("x + x", "\"ab\"", "builtins.stringLength"),
        doubled("\"${x}${x}\"", "\"ab\"", "builtins.stringLength"),
        doubled("x ++ x", "[ 1 2 ]", "builtins.length"),
        doubled("builtins.concatLists [ x x ]", "[ 1 2 ]", "builtins.length"),
        doubled("[ x x ]", "1", "builtins.toJSON"),
        doubled("[ x x ]", "1", "builtins.toXML"),
        "builtins.length (builtins.genList (x: x) 2000000000)".to_owned(),
        "let f = n: [ n ] ++ f (n + 1); in builtins.elemAt (builtins.foldl' (a: n: a ++ [ n ]) [ ] (builtins.genList (n: n) 5000000)) 7".to_owned(),
        "let s = builtins.concatStringsSep \"\" (builtins.genList (x: \"abcdefgh\") 9999); in builtins.replaceStrings [ \"\" ] [ s ] s"
            .to_owned(),
    ];
    for program in programs {
        let output = eval(&["--memory-limit", "24m", "-E", &program]).output().expect("buildc runs");
        assert_eq!(output.status.code(), Some(1), "{program}: {}", end(&output));
        let wanted =
            "error: evaluation takes more than the 25165824 bytes of memory allowed (--memory-limit)\n";
        assert_eq!(end(&output), wanted, "{program}");
    }
    // What fails for want of memory cannot be caught.
    let program = "builtins.tryEval (builtins.length (builtins.genList (x: x) 2000000000))";
    let output = eval(&["--memory-limit", "24m", "-E", program]).output().expect("buildc runs");
    assert_eq!(output.status.code(), Some(1));
}

/// A source of a hundred megabytes: `before`, many times `piece`, `after`.
fn large(path: &Path, before: &str, piece: &str, after: &str) {
    let mut out = BufWriter::new(File::create(path).expect("a file"));
    let pieces = piece.repeat(1000);
    out.write_all(before.as_bytes()).expect("written");
    for _ in 0..100_000_000 / pieces.len() {
        out.write_all(pieces.as_bytes()).expect("written");
    }
    out.write_all(after.as_bytes()).expect("written");
}

#[test]
fn a_source_of_a_hundred_megabytes_is_read_within_the_limit_or_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("large.nix");
    large(&path, "builtins.stringLength \"", "abcdefgh", "\"");
    let output = eval(&["--memory-limit", "1g"]).arg(&path).output().expect("buildc runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "100000000\n", "{}", end(&output));
    large(&path, "", "# a comment of some length that says nothing\n", "1");
    let output = eval(&[]).arg(&path).output().expect("buildc runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1\n", "{}", end(&output));
    let output = eval(&["--memory-limit", "50m"]).arg(&path).output().expect("buildc runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(end(&output).contains("bytes of memory allowed"), "{}", end(&output));
}

/// Address space of a process, in KiB: the gibibyte that is set aside for the stack, and what a tree of a few dozen megabytes
/// of source would not fit in.
const ADDRESS_SPACE: &str = "1900000";

#[test]
fn the_tree_of_a_source_is_within_the_limit_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("flat.nix");
    let wanted = "error: evaluation takes more than the 67108864 bytes of memory allowed (--memory-limit)\n";
    let flat = [
        ("[", " 1", "]"),
        ("{", "a=1;", "}"),
        ("x:x", " x", ""),
        ("\"", "${\"\"}", "\""),
        ("''", "${x}", "''"),
        ("x: x", ".y", ""),
        ("{", "x,", "}:1"),
        ("[", "/** */x", "]"),
        ("let inherit({})", " x", ";in 1"),
    ];
    for (before, piece, after) in flat {
        let mut source = before.to_owned();
        // Names must differ where they are defined.
        if piece.contains('=') || piece.contains(',') || before.contains("inherit") {
            for number in 0..3_000_000 {
                let named = piece.replace(['a', 'x'], &format!("n{number}"));
                source.push_str(&named);
            }
        } else {
            source.push_str(&piece.repeat(30_000_000 / piece.len()));
        }
        source.push_str(after);
        fs::write(&path, source).expect("a file");
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -v \"$0\"; exec \"$@\"", ADDRESS_SPACE, env!("CARGO_BIN_EXE_buildc")]);
        command.args(["eval", "--memory-limit", "64m"]).arg(&path).env("NO_COLOR", "1");
        let output = command.output().expect("a shell runs");
        assert_eq!(end(&output), wanted, "{before}{piece}: {}", output.status);
        assert_eq!(output.status.code(), Some(1), "{before}{piece}");
    }
}

#[test]
fn files_without_end_are_read_no_further_than_the_limit() {
    for words in [
        &["/dev/zero"][..],
        &["-E", "builtins.readFile /dev/zero"],
        &["-E", "import /dev/zero"],
        &["-E", "{ x }: x", "--arg-from-file", "x", "/dev/zero"],
    ] {
        let output = eval(&["--memory-limit", "64m"]).args(words).output().expect("buildc runs");
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        assert!(end(&output).contains("bytes of memory allowed"), "{words:?}: {}", end(&output));
    }
    let endless = File::open("/dev/zero").expect("a device");
    let output = eval(&["--memory-limit", "64m", "-"]).stdin(endless).output().expect("buildc runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(end(&output).contains("bytes of memory allowed"), "{}", end(&output));
}

#[test]
fn a_wrong_command_line_ends_with_1_as_for_nix_instantiate() {
    for words in [&["--no-such-flag"][..], &["--arg", "x"], &["--memory-limit", "much", "-E", "1"]] {
        let output = eval(words).output().expect("buildc runs");
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        assert!(output.stdout.is_empty());
    }
}
