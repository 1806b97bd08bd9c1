//! What `--help` says, compared with golden files (UPDATE_EXPECT=1 writes them).

use std::path::Path;
use std::process::{Command, Output};

const COMMANDS: [&str; 50] = [
    "",
    "build",
    "plan",
    "why",
    "shell",
    "check",
    "parse",
    "run",
    "create",
    "start",
    "stop",
    "restart",
    "kill",
    "rm",
    "wait",
    "ps",
    "rename",
    "port",
    "top",
    "logs",
    "exec",
    "cp",
    "inspect",
    "images",
    "tag",
    "rmi",
    "history",
    "pull",
    "push",
    "login",
    "logout",
    "load",
    "save",
    "import",
    "cache",
    "cache ls",
    "cache save",
    "cache load",
    "volume",
    "volume create",
    "volume ls",
    "system",
    "system df",
    "prune",
    "fsck",
    "eval",
    "repl",
    "completions",
    "version",
    "info",
];

fn buildc(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_buildc"));
    command.args(words).env("NO_COLOR", "1").env("COLUMNS", "100").env_remove("BUILDC_ROOT");
    command.output().expect("buildc runs")
}

fn golden(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::create_dir_all(file.parent().expect("a directory")).expect("a directory");
        std::fs::write(&file, text).expect("the golden file is written");
        return;
    }
    let wanted = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(text, wanted, "{name} differs; UPDATE_EXPECT=1 accepts the new text");
}

#[test]
fn help_is_as_agreed() {
    for command in COMMANDS {
        let mut words: Vec<&str> = command.split_whitespace().collect();
        words.push("--help");
        let output = buildc(&words);
        assert_eq!(output.status.code(), Some(0), "{command}");
        let name = if command.is_empty() { "buildc".to_owned() } else { command.replace(' ', "-") };
        golden(&format!("help/{name}.txt"), &String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn help_fits_the_screen_and_names_every_option() {
    for command in COMMANDS {
        let mut words: Vec<&str> = command.split_whitespace().collect();
        words.push("--help");
        let text = String::from_utf8_lossy(&buildc(&words).stdout).into_owned();
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{command}: {line}");
        }
        let bare = text.lines().filter(|l| l.trim_start().starts_with('-') && !l.contains("  ")).count();
        assert_eq!(bare, 0, "{command} has an option without words");
    }
}

#[test]
fn slips_are_answered_with_what_was_meant() {
    for (words, code, part) in [
        (&["buidl", "."][..], 2, "'build'"),
        (&["build", "--taget", "x", "."], 2, "'--target'"),
        (&["tag", "only-one"], 2, "required"),
        (&["ps", "--filter"], 2, "--filter"),
        (&["run", "--nmae", "x", "img"], 125, "'--name'"),
        (&["plan", "--format", "yaml", "."], 2, "text, json, dot"),
    ] {
        let output = buildc(words);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {text}");
        assert!(text.contains(part), "{words:?}: {text}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn completions_name_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let text = String::from_utf8_lossy(&buildc(&["completions", shell]).stdout).into_owned();
        assert!(text.contains("build-arg") && text.contains("fsck"), "{shell}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let program = env!("CARGO_BIN_EXE_buildc");
    let script = format!("'{program}' completions bash | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}");
    let output = Command::new("bash").args(["-c", &script]).output().expect("bash runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "0");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}
