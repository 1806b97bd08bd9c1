//! Contexts that are no directory: archives in files, on standard input and behind addresses, git repositories; and
//! what `--build-context` can name. Everything is on this machine.
#![allow(clippy::print_stderr)]

#[path = "fixture/mod.rs"]
mod fixture;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use fixture::buildc;

struct Here {
    dir: tempfile::TempDir,
}

impl Here {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A context with a Dockerfile, an ignore file and what is copied.
    fn files(&self, name: &str) -> PathBuf {
        let dir = self.path(name);
        fs::create_dir_all(dir.join("sub")).expect("a directory");
        fs::write(dir.join("Dockerfile"), "FROM scratch\nCOPY . /\n").expect("a file");
        fs::write(dir.join("sub/Dockerfile"), "FROM scratch\nCOPY word /from-sub\n").expect("a file");
        fs::write(dir.join("sub/word"), "below\n").expect("a file");
        fs::write(dir.join(".dockerignore"), "hidden\n").expect("a file");
        fs::write(dir.join("hidden"), "hidden\n").expect("a file");
        fs::write(dir.join("word"), "seen\n").expect("a file");
        dir
    }

    fn archive(&self, dir: &Path, flags: &str) -> Vec<u8> {
        let output =
            Command::new("tar").arg("-C").arg(dir).args([flags, "-", "."]).output().expect("tar runs");
        assert!(output.status.success(), "{output:?}");
        output.stdout
    }

    /// Builds into a directory and gives it.
    fn build(&self, words: &[&str], stdin: &[u8]) -> Result<PathBuf, String> {
        self.build_with(&[], words, stdin)
    }

    /// The same with variables of the environment.
    fn build_with(
        &self,
        variables: &[(&str, &str)],
        words: &[&str],
        stdin: &[u8],
    ) -> Result<PathBuf, String> {
        let out = tempfile::tempdir_in(self.dir.path()).expect("a directory").keep();
        let mut command = buildc(&self.path("store"));
        command.args(["build", "-q", "-o"]).arg(&out).args(words).current_dir(self.dir.path());
        // As in a hook of git's: the index of another repository, which is not to be touched.
        command.env("GIT_INDEX_FILE", self.path("index-of-the-caller"));
        command.envs(variables.iter().copied());
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("buildc runs");
        // A build that reads nothing closes its end.
        let _ = child.stdin.take().expect("a pipe").write_all(stdin);
        let output = child.wait_with_output().expect("buildc ends");
        if output.status.success() { Ok(out) } else { Err(String::from_utf8_lossy(&output.stderr).into()) }
    }
}

fn text(path: PathBuf) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// The address of a server that answers every request with the same bytes.
fn serve(bytes: Vec<u8>) -> String {
    format!("http://127.0.0.1:{}", fixture::serve(bytes).0)
}

#[test]
fn an_archive_is_a_context_from_a_file_and_from_standard_input() {
    let here = Here::new();
    let files = here.files("files");
    for flags in ["-cf", "-czf", "-cJf"] {
        let bytes = here.archive(&files, flags);
        let out = here.build(&["-"], &bytes).expect("a build");
        assert_eq!(text(out.join("word")).as_deref(), Some("seen\n"));
        assert!(!out.join("hidden").exists(), "the ignore file of the archive applies");
        let out = here.build(&["-f", "sub/Dockerfile", "-"], &bytes);
        assert_eq!(text(out.expect("a build").join("from-sub")).as_deref(), Some("seen\n"));
    }
    fs::write(here.path("context.tar"), here.archive(&files, "-cf")).expect("a file");
    let out = here.build(&["context.tar"], b"").expect("a build");
    assert_eq!(text(out.join("word")).as_deref(), Some("seen\n"));
}

#[test]
fn a_dockerfile_on_standard_input_has_an_empty_context() {
    let here = Here::new();
    let out = here.build(&["-"], b"FROM scratch\nCOPY <<E /x\nhere\nE\n").expect("a build");
    assert_eq!(text(out.join("x")).as_deref(), Some("here\n"));
    let error = here.build(&["-"], b"FROM scratch\nCOPY word /x\n").expect_err("no context");
    assert!(error.contains("`word` does not exist"), "{error}");
    let files = here.files("files");
    let words = ["-f", "-", files.to_str().expect("text")];
    let out = here.build(&words, b"FROM scratch\nCOPY word /x\n").expect("a build");
    assert_eq!(text(out.join("x")).as_deref(), Some("seen\n"));
    let error = here.build(&["-f", "-", "-"], b"").expect_err("one stream for two things");
    assert!(error.contains("both the context and the Dockerfile"), "{error}");
}

#[test]
fn an_address_holds_an_archive_or_a_dockerfile() {
    let here = Here::new();
    let files = here.files("files");
    let archive = serve(here.archive(&files, "-czf"));
    let out = here.build(&[&format!("{archive}/context.tar.gz")], b"").expect("a build");
    assert_eq!(text(out.join("word")).as_deref(), Some("seen\n"));
    let dockerfile = serve(b"FROM scratch\nCOPY <<E /x\nfar\nE\nCOPY --from=more word /y\n".to_vec());
    let more = format!("more={archive}/more.tar");
    let out = here.build(&["--build-context", &more, &format!("{dockerfile}/Dockerfile")], b"");
    let out = out.expect("a build");
    assert_eq!(text(out.join("x")).as_deref(), Some("far\n"));
    assert_eq!(text(out.join("y")).as_deref(), Some("seen\n"));
    let local = serve(b"FROM scratch\nCOPY word /z\n".to_vec());
    let out =
        here.build(&["-f", &format!("{local}/D"), files.to_str().expect("text")], b"").expect("a build");
    assert_eq!(text(out.join("z")).as_deref(), Some("seen\n"));
}

#[test]
fn an_archive_does_not_write_outside_its_directory() {
    let here = Here::new();
    let dir = here.path("evil");
    fs::create_dir_all(&dir).expect("a directory");
    fs::write(dir.join("Dockerfile"), "FROM scratch\nCOPY . /\n").expect("a file");
    fs::write(here.path("outside"), "from outside\n").expect("a file");
    let words = ["-C", dir.to_str().expect("text"), "-P", "-cf", "-", "Dockerfile", "../outside"];
    let bytes = Command::new("tar").args(words).output().expect("tar runs").stdout;
    fs::write(here.path("outside"), "untouched\n").expect("a file");
    let error = here.build(&["-"], &bytes).expect_err("an entry that leads out");
    assert!(error.contains("context::incoming") && error.contains("`../outside`"), "{error}");
    assert_eq!(text(here.path("outside")).as_deref(), Some("untouched\n"));
}

/// `git daemon` over a directory of repositories; ends when dropped.
struct Daemon {
    child: Child,
    port: u16,
}

impl Daemon {
    fn start(base: &Path) -> Option<Self> {
        let free = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
        // The program itself: `git daemon` would leave it behind when killed.
        let programs = Command::new("git").arg("--exec-path").output().ok()?.stdout;
        let programs = PathBuf::from(String::from_utf8_lossy(&programs).trim());
        let mut command = Command::new(programs.join("git-daemon"));
        command.args(["--reuseaddr", "--export-all", "--listen=127.0.0.1"]);
        command.arg(format!("--port={free}")).arg(format!("--base-path={}", base.display()));
        let child = command.stdin(Stdio::null()).stderr(Stdio::piped()).arg("--verbose").spawn().ok()?;
        let mut daemon = Self { child, port: free };
        let mut first = String::new();
        BufReader::new(daemon.child.stderr.as_mut()?).read_line(&mut first).ok()?;
        first.contains("Ready").then_some(daemon)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn git(dir: &Path, words: &[&str]) -> String {
    let mut command = Command::new("git");
    command.arg("-C").arg(dir).args(["-c", "user.name=x", "-c", "user.email=x@example.com"]).args(words);
    let output = command.output().expect("git runs");
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A repository with two commits, the first of them tagged, and who serves it; `None` where that cannot be.
fn served(here: &Here) -> Option<(String, String, Daemon)> {
    let files = here.files("repo");
    git(&files, &["init", "--quiet", "--initial-branch=main"]);
    git(&files, &["add", "-A"]);
    git(&files, &["commit", "--quiet", "-m", "one"]);
    let one = git(&files, &["rev-parse", "HEAD"]);
    git(&files, &["tag", "-a", "-m", "first", "v1"]);
    fs::write(files.join("word"), "later\n").expect("a file");
    git(&files, &["commit", "--quiet", "-am", "two"]);
    let daemon = Daemon::start(here.dir.path());
    if daemon.is_none() {
        assert!(std::env::var_os("BUILDC_TEST_REQUIRE_ALL").is_none(), "git daemon does not run");
        eprintln!("SKIP: git daemon does not run");
    }
    let daemon = daemon?;
    Some((format!("git://127.0.0.1:{}/repo", daemon.port), one, daemon))
}

/// As it arrives, and again unpacked: what is small on the way can be large on the disk.
#[test]
fn a_context_takes_no_more_of_the_disk_than_it_may() {
    let here = Here::new();
    let files = here.files("files");
    fs::write(files.join("zeros"), vec![0; 2 << 20]).expect("a file");
    let limited = |limit: &str, address: &str, stdin: &[u8]| {
        here.build_with(&[("BUILDC_CONTEXT_LIMIT", limit)], &[address], stdin)
    };
    let (plain, packed) = (here.archive(&files, "-cf"), here.archive(&files, "-czf"));
    assert!(packed.len() < 1 << 20);
    let addresses = [serve(plain.clone()), serve(packed.clone())];
    for refused in [
        limited("1000000", "-", &plain),
        limited("1000000", "-", &packed),
        limited("1000000", &format!("{}/c.tar", addresses[0]), b""),
        limited("1000000", &format!("{}/c.tar.gz", addresses[1]), b""),
    ] {
        let error = refused.expect_err("too large");
        assert!(error.contains("context::too_large") && error.contains("1000000 bytes"), "{error}");
    }
    let out = limited("3000000", "-", &packed).expect("enough");
    assert_eq!(fs::metadata(out.join("zeros")).map(|m| m.len()).ok(), Some(2 << 20));
    let error = limited("much", "-", &packed).expect_err("no number");
    assert!(error.contains("BUILDC_CONTEXT_LIMIT is not a number"), "{error}");
    let many: String = (0..2000).map(|n| format!("f{n} ")).collect();
    let made = format!("cd files && touch {many} && tar -cf - . | gzip");
    let many =
        Command::new("sh").args(["-c", &made]).current_dir(here.dir.path()).output().expect("sh").stdout;
    fs::remove_file(files.join("zeros")).expect("a file");
    let error = limited("1000000", "-", &many).expect_err("names take room too");
    assert!(error.contains("context::too_large"), "{error}");
    let Some((url, ..)) = served(&here) else { return };
    let error = limited("10000", &url, b"").expect_err("a repository");
    assert!(error.contains("context::too_large"), "{error}");
}

#[test]
fn a_sparse_file_of_an_archive_stays_sparse_in_the_context() {
    let here = Here::new();
    let files = here.files("files");
    let made = "cd files && truncate -s 64M big && printf end >> big && tar --sparse -cf - .";
    let archive =
        Command::new("sh").args(["-c", made]).current_dir(here.dir.path()).output().expect("sh").stdout;
    let out = here.build_with(&[("BUILDC_CONTEXT_LIMIT", "1000000")], &["-"], &archive).expect("a build");
    assert!(fs::read(out.join("big")).ok() == fs::read(files.join("big")).ok());
}

#[test]
fn a_git_repository_is_a_context_at_a_ref_and_below_a_directory() {
    let here = Here::new();
    let Some((url, one, _daemon)) = served(&here) else { return };
    let built = |address: &str| here.build(&[address], b"");
    let out = built(&url).expect("the default branch");
    assert_eq!(text(out.join("word")).as_deref(), Some("later\n"));
    assert!(!out.join(".git").exists());
    assert!(!here.path("index-of-the-caller").exists());
    let out = built(&format!("{url}#v1")).expect("a tag");
    assert_eq!(text(out.join("word")).as_deref(), Some("seen\n"));
    let out = built(&format!("{url}#main:sub")).expect("a directory");
    assert_eq!(text(out.join("from-sub")).as_deref(), Some("below\n"));
    let out = built(&format!("{url}?commit={}", &one[..12])).expect("a commit");
    assert_eq!(text(out.join("word")).as_deref(), Some("seen\n"));
    let out = built(&format!("{url}?tag=v1&commit={one}&keep-git-dir=true")).expect("all of it");
    assert!(out.join(".git").exists());
    for (word, kept) in [("1", true), ("T", true), ("TRUE", true), ("f", false), ("yes", false)] {
        let argument = format!("BUILDKIT_CONTEXT_KEEP_GIT_DIR={word}");
        let out = here.build(&["--build-arg", &argument, &url], b"").expect("all of it");
        assert_eq!(out.join(".git").exists(), kept, "{word}");
    }
    let error = built(&format!("{url}?branch=main&commit={one}")).expect_err("another commit");
    assert!(error.contains(&one), "{error}");
    let error = built(&format!("{url}#main:../..")).expect_err("outside");
    assert!(error.contains("context::incoming"), "{error}");
}

#[test]
fn a_context_says_what_times_are_clamped_to() {
    let here = Here::new();
    let dir = here.path("dated");
    let dockerfile = "ARG SOURCE_DATE_EPOCH=context\nFROM scratch\nARG SOURCE_DATE_EPOCH\nCOPY word /\n\
                      COPY <<EOF /epoch\n[$SOURCE_DATE_EPOCH]\nEOF\n";
    fs::create_dir(&dir).expect("a directory");
    fs::write(dir.join("Dockerfile"), dockerfile).expect("a file");
    fs::write(dir.join("word"), "x").expect("a file");
    let said = |words: &[&str], stdin: &[u8]| {
        let out = here.build(words, stdin).expect("it is built");
        let time = fs::metadata(out.join("word")).expect("it is there").mtime();
        (text(out.join("epoch")).expect("it is there"), time)
    };
    let mut touch = Command::new("touch");
    touch.args(["-d", "@1000000000", "word", "Dockerfile"]).current_dir(&dir);
    assert!(touch.status().expect("touch runs").success());
    assert_eq!(said(&["-"], &here.archive(&dir, "-cf")), ("[1000000000]\n".to_owned(), 1_000_000_000));
    let (word, _) = said(&["dated"], b"");
    assert_eq!(word, "[]\n", "a directory has no time");
    let given = ["--build-arg", "SOURCE_DATE_EPOCH=7", "dated"];
    assert_eq!(said(&given, b""), ("[7]\n".to_owned(), 7));
    let mut touch = Command::new("touch");
    touch.args(["-d", "@-5", "word", "Dockerfile"]).current_dir(&dir);
    assert!(touch.status().expect("touch runs").success());
    assert_eq!(said(&["-"], &here.archive(&dir, "-cf")).0, "[]\n", "a time that no image can say");

    git(&dir, &["init", "--quiet", "--initial-branch=main"]);
    git(&dir, &["add", "-A"]);
    let words = ["-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "--quiet", "-m", "one"];
    let mut commit = Command::new("git");
    commit.arg("-C").arg(&dir).args(words).env("GIT_COMMITTER_DATE", "@1100000000 +0000");
    assert!(commit.status().expect("git runs").success());
    let Some(daemon) = Daemon::start(here.dir.path()) else { return };
    let url = format!("git://127.0.0.1:{}/dated", daemon.port);
    assert_eq!(said(&[&url], b""), ("[1100000000]\n".to_owned(), 1_100_000_000));
    let asked = ["--build-arg", "SOURCE_DATE_EPOCH=context", &url];
    assert_eq!(said(&asked, b"").1, 1_100_000_000);
}

#[test]
fn a_repository_is_added_at_its_commit() {
    let here = Here::new();
    let Some((url, one, daemon)) = served(&here) else { return };
    let built = |add: &str| here.build(&["-"], format!("FROM scratch\n{add}\n").as_bytes());
    let out = built(&format!("ADD {url} /all/")).expect("the default branch");
    assert_eq!(text(out.join("all/word")).as_deref(), Some("later\n"));
    assert_eq!(text(out.join("all/hidden")).as_deref(), Some("hidden\n"), "no ignore file applies");
    assert!(!out.join("all/.git").exists());
    let out = built(&format!("ADD --keep-git-dir=true --checksum={one} {url}#v1 /all")).expect("a tag");
    assert_eq!(text(out.join("all/word")).as_deref(), Some("seen\n"));
    assert!(out.join("all/.git").exists());
    let out = built(&format!("ARG ref=main\nADD --chown=7:8 {url}#$ref:sub /below/")).expect("a directory");
    assert_eq!(text(out.join("below/word")).as_deref(), Some("below\n"));
    let error = built(&format!("ADD --checksum={one} {url} /")).expect_err("another commit");
    assert!(error.contains(&one) && error.contains("<stdin>:2"), "{error}");
    let error = built(&format!("ADD {url}#nowhere /")).expect_err("no such ref");
    assert!(error.contains("it has no ref `nowhere`"), "{error}");
    // What a commit holds never changes: it is not asked for again, whatever name it had.
    built(&format!("ADD {url}#v1 /")).expect("by its tag");
    drop(daemon);
    let out = built(&format!("ADD {url}#{one} /")).expect("from the cache");
    assert_eq!(text(out.join("word")).as_deref(), Some("seen\n"));
}

#[test]
fn a_named_context_can_be_an_image() {
    let here = Here::new();
    let files = here.files("files");
    let mut store = buildc(&here.path("store"));
    store.args(["build", "-q", "-t", "localhost/words"]).arg(&files);
    assert!(store.output().expect("buildc runs").status.success());
    let dockerfile = "FROM scratch AS words\nFROM words\nCOPY --from=words word /again\n";
    let words = ["--build-context", "words=docker-image://localhost/words", "-"];
    let out = here.build(&words, dockerfile.as_bytes()).expect("a build");
    assert_eq!(text(out.join("word")).as_deref(), Some("seen\n"));
    assert_eq!(text(out.join("again")).as_deref(), Some("seen\n"));
    let words = ["--build-context", "words=docker-image://scratch", "-"];
    let out = here.build(&words, b"FROM words\nCOPY <<E /x\nhere\nE\n").expect("the empty image");
    assert_eq!(fs::read_dir(&out).expect("a directory").count(), 1);
}

#[test]
fn a_build_file_takes_the_same_commit_as_a_dockerfile() {
    let here = Here::new();
    let Some((url, one, _daemon)) = served(&here) else { return };
    let dockerfile = format!("FROM scratch AS r\nADD {url}?tag=v1 /\n");
    here.build(&["-"], dockerfile.as_bytes()).expect("a Dockerfile");
    let file = here.path("build.nix");
    let text_of = |git: &str| {
        format!(
            "{{ buildc }}: buildc.image {{ name = \"r\"; rootfs = buildc.copy buildc.scratch {{ from = {git}; to = \"/\"; }}; }}"
        )
    };
    let git = format!("buildc.git {{ url = \"{url}\"; ref = \"refs/tags/v1\"; commit = \"{one}\"; }}");
    fs::write(&file, text_of(&git)).expect("a file");
    let mut command = buildc(&here.path("store"));
    let output = command.arg("plan").arg("-f").arg(&file).arg(here.dir.path()).output().expect("buildc runs");
    let plan = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(plan.contains("= cached      ADD git://"), "{plan}");
    fs::write(&file, text_of(&format!("buildc.git {{ url = \"{url}\"; commit = \"{}\"; }}", "0".repeat(40))))
        .expect("a file");
    let mut command = buildc(&here.path("store"));
    let output =
        command.arg("build").arg("-f").arg(&file).arg(here.dir.path()).output().expect("buildc runs");
    assert!(!output.status.success(), "{output:?}");
}
