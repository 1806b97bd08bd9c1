//! The test vectors of spec/step-graph.md and spec/cache-keys.md: a key that changes loses every user's cache, so it
//! must not change by accident. `UPDATE_EXPECT=1` writes them anew; do that together with `KEY_VERSION`.

use std::path::{Path, PathBuf};

use buildc_digest::{ContentDigest, Digest, Key};
use buildc_ir::encode::Encoder;
use buildc_ir::keys;
use buildc_ir::step::{
    ConfigChange, Copy, CopySource, Exec, From, GitSource, HttpSource, ImageSource, Input, Mkdir, Mount,
    MountSource, Network, Role, Sharing, StepKind, Unpack,
};
use buildc_ir::{Platform, Step, StepId};

fn linux() -> Platform {
    Platform::normalised("linux", "arm64", None)
}

fn exec() -> Exec {
    Exec {
        args: ["/bin/sh", "-c", "make"].map(str::to_owned).to_vec(),
        env: vec![("PATH".to_owned(), "/bin".to_owned()), ("V".to_owned(), "1".to_owned())],
        unkeyed_env: vec![("http_proxy".to_owned(), "not in the key".to_owned())],
        cwd: "/src".to_owned(),
        user: "1000:1000".to_owned(),
        mounts: Vec::new(),
        network: Network::None,
        insecure: false,
        extra_hosts: vec![("host".to_owned(), "127.0.0.1".to_owned())],
        platform: linux(),
    }
}

fn mounts() -> Vec<Mount> {
    let (mode, uid, gid) = (0o755, 1, 2);
    let cache = MountSource::Cache {
        id: "c".to_owned(),
        sharing: Sharing::Locked,
        initial: Some((From::Input(1), "p".to_owned())),
        mode,
        uid,
        gid,
    };
    let secret =
        MountSource::Secret { id: "s".to_owned(), env: None, file: true, mode, uid, gid, required: true };
    let sources = [
        MountSource::Bind { from: From::Context(String::new()), path: "/a".to_owned() },
        cache,
        MountSource::Tmpfs { size_bytes: Some(4096) },
        secret,
        MountSource::Ssh { id: "default".to_owned(), mode, uid, gid, required: false },
        MountSource::Inline { data: "#!/bin/sh\n".to_owned() },
    ];
    sources.into_iter().map(|source| Mount { target: "/m".to_owned(), source, readonly: true }).collect()
}

fn copy(sources: Vec<CopySource>) -> Copy {
    Copy {
        sources,
        dest: "/app".to_owned(),
        dest_is_dir: true,
        chown: Some("node".to_owned()),
        chmod: None,
        exclude: vec!["*.md".to_owned()],
        parents: false,
        link: false,
        unpack: Unpack::Never,
    }
}

fn path(from: From, pattern: &str) -> CopySource {
    CopySource::Path { from, pattern: pattern.to_owned() }
}

/// The steps of the vectors, by name.
fn steps() -> Vec<(&'static str, StepKind)> {
    let context = || From::Context(String::new());
    let (name, data) = ("EOF".to_owned(), "text\n".to_owned());
    let mixed = vec![
        path(context(), "a"),
        CopySource::Inline { name, data },
        CopySource::Fetched { input: 1, name: "f".to_owned() },
        path(context(), "b/*"),
    ];
    let image =
        ImageSource { reference: "not in the key".to_owned(), manifest: Digest::of(b"m"), platform: linux() };
    let http =
        |checksum| HttpSource { url: "https://example.com/f".to_owned(), checksum, name: "f".to_owned() };
    let git = GitSource {
        url: "https://example.com/r.git".to_owned(),
        commit: "c0ffee".to_owned(),
        subdirectory: "sub".to_owned(),
        submodules: true,
        keep_git_dir: false,
    };
    vec![
        ("scratch", StepKind::Scratch),
        ("image", StepKind::Image(image)),
        ("http pinned", StepKind::Http(http(Some(Digest::of(b"f"))))),
        ("http unpinned", StepKind::Http(http(None))),
        ("git", StepKind::Git(git)),
        ("exec", StepKind::Exec(exec())),
        ("exec with mounts", StepKind::Exec(Exec { mounts: mounts(), ..exec() })),
        ("copy from context", StepKind::Copy(copy(vec![path(context(), "src")]))),
        ("copy from input", StepKind::Copy(copy(vec![path(From::Input(1), "out")]))),
        ("copy mixed", StepKind::Copy(copy(mixed))),
        ("mkdir", StepKind::Mkdir(Mkdir { path: "/srv".to_owned(), user: "app".to_owned() })),
        ("config", StepKind::Config(ConfigChange { text: "ENV A=1".to_owned() })),
        ("diff", StepKind::Diff),
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn layer() -> ContentDigest {
    ContentDigest::from_bytes([0x22; 32])
}

fn encodings() -> Vec<Vec<String>> {
    let row = |(name, kind): (&str, StepKind)| {
        let mut encoder = Encoder::new();
        encoder.step_kind(&kind);
        vec![name.to_owned(), hex(&encoder.finish())]
    };
    steps().into_iter().map(row).collect()
}

fn key_row((name, kind): (&str, StepKind)) -> Vec<String> {
    let base = Key::from_bytes([0x11; 32]);
    let source =
        matches!(kind, StepKind::Scratch | StepKind::Image(_) | StepKind::Http(_) | StepKind::Git(_));
    let inputs = if source { Vec::new() } else { vec![Input { step: StepId(base), role: Role::Base }] };
    let (input_keys, tree) =
        if source { (vec![], None) } else { (vec![base], Some(keys::tree_digest(&[layer()]))) };
    let digests = |count| vec![ContentDigest::from_bytes([0x33; 32]); count];
    let contexts = digests(keys::context_selections(&kind).len());
    let selected = digests(keys::selections(&kind).len());
    let content = keys::has_content_key(&kind);
    let step = Step { kind, inputs };
    let definition = keys::definition_key(&step, &input_keys, &contexts);
    vec![
        name.to_owned(),
        keys::step_id(&step).0.hex(),
        definition.hex(),
        keys::placed_key(&definition, tree).hex(),
        if content { keys::content_key(&step, tree, &selected).hex() } else { "none".to_owned() },
    ]
}

fn trees() -> Vec<Vec<String>> {
    let row = |count: usize| vec![count.to_string(), keys::tree_digest(&vec![layer(); count]).hex()];
    (0..3).map(row).collect()
}

fn clamps() -> Vec<Vec<String>> {
    let key = Key::from_bytes([0x11; 32]);
    let row = |seconds: i64| vec![seconds.to_string(), keys::clamped(key, Some(seconds)).hex()];
    assert_eq!(keys::clamped(key, None), key);
    [0, 315_532_800, 1_700_000_000].map(row).to_vec()
}

fn dated() -> Vec<Vec<String>> {
    let key = Key::from_bytes([0x11; 32]);
    assert_eq!(keys::dated(key, false), key);
    let clamped = keys::clamped(key, Some(0));
    vec![
        vec!["not clamped".to_owned(), keys::dated(key, true).hex()],
        vec!["clamped to 0".to_owned(), keys::dated(clamped, true).hex()],
    ]
}

/// Compares the table under `header` in a page with what it should be.
fn check(page: &str, header: &str, rows: Vec<Vec<String>>) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec").join(page);
    let text = std::fs::read_to_string(&path).expect("spec page");
    let line = |row: &Vec<String>| format!("| {} |\n", row.join(" | "));
    let expected: String = rows.iter().map(line).collect();
    let start = text.find(header).unwrap_or_else(|| panic!("{page} has no table `{header}`")) + header.len();
    let start = start + text[start..].match_indices('\n').nth(1).expect("a table has a rule").0 + 1;
    let table: String =
        text[start..].lines().take_while(|l| l.starts_with('|')).map(|l| format!("{l}\n")).collect();
    if table != expected && std::env::var_os("UPDATE_EXPECT").is_some() {
        let updated = format!("{}{expected}{}", &text[..start], &text[start + table.len()..]);
        std::fs::write(&path, updated).expect("spec page");
        return;
    }
    assert_eq!(table, expected, "{page}: keys changed");
}

// One test: both tables of a page are written by the same file.
#[test]
fn vectors_hold() {
    check("step-graph.md", "| step | canonical bytes |", encodings());
    let header = "| step | step id | definition key | placed key | content key |";
    check("cache-keys.md", header, steps().into_iter().map(key_row).collect());
    check("cache-keys.md", "| layers | content digest |", trees());
    check("cache-keys.md", "| seconds | clamped key |", clamps());
    check("cache-keys.md", "| key | where times count |", dated());
}

#[test]
fn selections_are_in_the_order_the_spec_says() {
    let all = steps();
    let of = |name: &str| {
        let (_, kind) = all.iter().find(|(n, _)| *n == name).expect("a step of this name");
        keys::selections(kind).into_iter().map(|s| (s.from, s.query.patterns)).collect::<Vec<_>>()
    };
    let context = From::Context(String::new());
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    assert_eq!(of("copy mixed"), [(context.clone(), texts(&["a", "b/*"])), (From::Input(1), texts(&[""]))]);
    assert_eq!(of("exec with mounts"), [(context, texts(&["a"]))]);
    assert!(of("mkdir").is_empty());
}

#[test]
fn the_name_of_a_context_enters_no_key() {
    let step = |names: [&str; 2]| {
        let sources = names.map(|name| path(From::Context(name.to_owned()), "a")).to_vec();
        Step { kind: StepKind::Copy(copy(sources)), inputs: Vec::new() }
    };
    let digests = [ContentDigest::from_bytes([0x33; 32]), ContentDigest::from_bytes([0x44; 32])];
    let definition = |names| keys::definition_key(&step(names), &[], &digests);
    let content = |names| keys::content_key(&step(names), None, &digests);
    assert_eq!(definition(["", "site"]), definition(["x", ""]));
    assert_eq!(content(["", "site"]), content(["x", ""]));
    assert_ne!(definition(["", "site"]), definition(["", ""]), "one context is not two");
    assert_ne!(keys::step_id(&step(["", "site"])), keys::step_id(&step(["x", ""])));
}
