//! A git repository behind a web server that only has files to give: it can leave nothing out, and knows no commit by the
//! beginning of its name.

#![allow(clippy::print_stderr)]

#[path = "fixture/mod.rs"]
mod fixture;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use fixture::{buildc, run};

fn git(dir: &Path, words: &[&str]) -> String {
    let mut command = Command::new("git");
    command.arg("-C").arg(dir).args(["-c", "user.name=x", "-c", "user.email=x@example.com"]).args(words);
    run(&mut command).expect("git").trim().to_owned()
}

/// A repository with two commits, the first of them tagged.
fn repository(dir: &Path) -> PathBuf {
    let files = dir.join("repo");
    fs::create_dir_all(files.join("sub")).expect("a directory");
    fs::write(files.join("Dockerfile"), "FROM scratch\nCOPY . /\n").expect("a file");
    fs::write(files.join("sub/Dockerfile"), "FROM scratch\nCOPY word /from-sub\n").expect("a file");
    fs::write(files.join("sub/word"), "below\n").expect("a file");
    fs::write(files.join("word"), "seen\n").expect("a file");
    git(&files, &["init", "--quiet", "--initial-branch=main"]);
    git(&files, &["add", "-A"]);
    git(&files, &["commit", "--quiet", "-m", "one"]);
    git(&files, &["tag", "-a", "-m", "first", "v1"]);
    fs::write(files.join("word"), "later\n").expect("a file");
    git(&files, &["commit", "--quiet", "-am", "two"]);
    // What a client reads that cannot ask anything.
    git(&files, &["update-server-info"]);
    files
}

/// Gives the files of a directory until the process ends; the port.
fn serve(root: PathBuf) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let root = root.clone();
            // A client that goes away is its own affair.
            std::thread::spawn(move || drop(answer(&root, &stream)));
        }
    });
    port
}

fn answer(root: &Path, mut stream: &TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    let path = first.split(' ').nth(1).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default().trim_start_matches('/');
    let (status, body) = match fs::read(root.join(path)) {
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", Vec::new()),
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)
}

#[test]
fn a_repository_of_plain_files_is_a_context() {
    let dir = tempfile::tempdir().expect("a directory");
    let files = repository(dir.path());
    let short = git(&files, &["rev-parse", "v1^{}"])[..8].to_owned();
    let url = format!("http://127.0.0.1:{}/repo/.git", serve(dir.path().to_owned()));
    let built = |address: &str, file: &str| -> Result<PathBuf, String> {
        let out = tempfile::tempdir_in(dir.path()).expect("a directory").keep();
        let mut command = buildc(&dir.path().join("store"));
        command.args(["build", "-q", "-o"]).arg(&out).arg(address).args(["-f", file]);
        run(&mut command).map(|_| out)
    };
    let text = |path: PathBuf| fs::read_to_string(path).ok();
    for (address, word) in [
        (url.clone(), "later\n"),
        (format!("{url}#v1"), "seen\n"),
        (format!("{url}?ref=main"), "later\n"),
        (format!("{url}?tag=v1#refs/tags/v1"), "seen\n"),
        (format!("{url}?commit={short}"), "seen\n"),
    ] {
        let out = built(&address, "Dockerfile").unwrap_or_else(|error| panic!("{address}: {error}"));
        assert_eq!(text(out.join("word")).as_deref(), Some(word), "{address}");
    }
    let out = built(&format!("{url}#main:sub"), "Dockerfile").expect("a directory");
    assert_eq!(text(out.join("from-sub")).as_deref(), Some("below\n"));
    // As a ref the beginning of a commit is a name that nothing has.
    let error = built(&format!("{url}?ref={short}"), "Dockerfile").expect_err("no ref");
    assert!(error.contains(&short), "{error}");

    let own = dir.path().join("own");
    fs::create_dir(&own).expect("a directory");
    for (query, word) in [(format!("?commit={short}"), Some("seen\n")), (format!("?ref={short}"), None)] {
        fs::write(own.join("Dockerfile"), format!("FROM scratch\nADD {url}{query} /all/\n")).expect("a file");
        let found = built(&own.to_string_lossy(), &own.join("Dockerfile").to_string_lossy());
        let found = found.map(|out| text(out.join("all/word"))).ok().flatten();
        assert_eq!(found.as_deref(), word, "{query}");
    }
}
