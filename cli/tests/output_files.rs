//! Files that leave by `--output type=local` and `type=tar`: whose they are, and what time they have.
#![allow(clippy::print_stderr)]

#[path = "fixture/mod.rs"]
mod fixture;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use fixture::{buildc, run};

/// A second that lies between the times of the base image.
const EPOCH: i64 = 1_000_000_000;

/// A base image with every kind of file, some older than [`EPOCH`] and some newer, and with directories that its archive
/// does not name; above it, files of other owners and of now.
const BASE: &str = r#"set -e; umask 022; mkdir -p "$1/base/old" "$1/base/deep/er"
    cd "$1/base"
    echo old >old/file; ln old/file old/twin; ln -s file old/link; mkfifo old/pipe
    echo tool >old/tool; chmod 6755 old/tool; echo new >deep/er/file; echo later >later
    setfattr -n user.kind -v mine later 2>/dev/null || :
    touch -h -d @900000000 old/file old/link old/pipe old/tool old
    touch -d @1800000000.5 deep/er/file; touch -h -d @2000000000 later
    tar --numeric-owner --owner=77 --group=88 --sort=name --xattrs -cf ../base.tar old later deep/er/file"#;

const DOCKERFILE: &str = "FROM localhost/base\n\
    COPY --chown=1234:4321 Dockerfile /owned/by/\n\
    WORKDIR /work/place\n";

struct Site {
    dir: tempfile::TempDir,
    store: PathBuf,
    context: PathBuf,
}

impl Site {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        run(Command::new("sh").args(["-c", BASE, "sh"]).arg(dir.path())).expect("an archive");
        let store = dir.path().join("store");
        run(buildc(&store).arg("import").arg(dir.path().join("base.tar")).arg("localhost/base"))
            .expect("the base is imported");
        let context = fixture::context(dir.path(), "context", DOCKERFILE);
        Self { store, context, dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Builds with an output; the variable is empty where it is not given.
    fn build(&self, output: &str, words: &[&str], epoch: &str) -> Result<String, String> {
        let mut command = buildc(&self.store);
        command.args(["build", "-q", "-o", output]).args(words).arg(&self.context);
        run(command.env("SOURCE_DATE_EPOCH", epoch))
    }

    fn local(&self, name: &str, words: &[&str], epoch: &str) -> PathBuf {
        let out = self.path(name);
        self.build(&format!("type=local,dest={}", out.display()), words, epoch).expect("it is built");
        out
    }

    /// What GNU tar lists of an output of `type=tar`: modes, owners, UTC times and names.
    fn listed(&self, words: &[&str], epoch: &str) -> Vec<String> {
        let tar = self.path("out.tar");
        self.build(&format!("type=tar,dest={}", tar.display()), words, epoch).expect("it is built");
        let list = ["--utc", "--numeric-owner", "--full-time", "-tvf"];
        let text = run(Command::new("tar").args(list).arg(&tar)).expect("a tar");
        text.lines().map(str::to_owned).collect()
    }
}

/// Everything below a directory, with what `lstat` says of it.
fn below(root: &Path) -> Vec<(String, fs::Metadata)> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).expect("a directory").flatten() {
            let metadata = entry.path().symlink_metadata().expect("it is there");
            if metadata.is_dir() {
                open.push(entry.path());
            }
            let name = entry.path().strip_prefix(root).expect("it is below").display().to_string();
            found.push((name, metadata));
        }
    }
    found
}

fn metadata(path: PathBuf) -> fs::Metadata {
    path.symlink_metadata().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn local_files_belong_to_who_asked_and_keep_all_else() {
    let site = Site::new();
    // A directory that hands its group on, with one that another owner left in it.
    let out = site.path("out");
    fs::create_dir_all(out.join("old")).expect("a directory");
    let me = (nix::unistd::getuid().as_raw(), nix::unistd::getgid().as_raw());
    if me.0 == 0 {
        std::os::unix::fs::chown(&out, Some(9), Some(9)).expect("an owner");
        std::os::unix::fs::chown(out.join("old"), Some(9), Some(9)).expect("an owner");
        fs::set_permissions(&out, fs::Permissions::from_mode(0o2777)).expect("a mode");
    }
    for round in ["into a new directory", "over what is there"] {
        site.local("out", &[], "");
        let files = below(&out);
        assert!(files.len() > 14, "{files:?}");
        for (name, found) in &files {
            assert_eq!((found.uid(), found.gid()), me, "{round}: {name}");
        }
        let tool = metadata(out.join("old/tool"));
        assert_eq!((tool.mode() & 0o7777, tool.mtime()), (0o6755, 900_000_000));
        assert_eq!(metadata(out.join("old/file")).nlink(), 2);
        assert_eq!(metadata(out.join("old/link")).mtime(), 900_000_000, "a link has a time too");
        assert_eq!(fs::read_link(out.join("old/link")).expect("a link"), Path::new("file"));
        assert_eq!(metadata(out.join("old")).mtime(), 900_000_000);
        assert_eq!(metadata(out.join("later")).mtime(), 2_000_000_000);
    }
    if me.0 == 0 {
        let root = metadata(out);
        assert_eq!(
            (root.uid(), root.mode() & 0o7777),
            (9, 0o2777),
            "the directory itself is the caller's affair"
        );
    }
}

#[test]
fn tars_keep_the_owners_of_the_image() {
    let site = Site::new();
    let listed = site.listed(&[], "");
    let has = |owner: &str, name: &str| listed.iter().any(|l| l.contains(owner) && l.ends_with(name));
    assert!(has("1234/4321", "owned/by/Dockerfile") && has("77/88", "old/tool"), "{listed:?}");
    assert!(listed.iter().any(|l| l.starts_with("-rwsr-sr-x") && l.ends_with("old/tool")), "{listed:?}");
}

#[test]
fn extended_attributes_leave_with_their_files() {
    let site = Site::new();
    let attribute =
        |file: &Path| run(Command::new("getfattr").args(["-n", "user.kind", "--only-values"]).arg(file));
    let Ok(want) = attribute(&site.path("base/later")) else {
        eprintln!("SKIP: attributes need getfattr and a file system that has them");
        return;
    };
    assert_eq!(attribute(&site.local("out", &[], "").join("later")), Ok(want));
}

#[test]
fn every_file_that_leaves_has_the_time_that_is_asked_for() {
    let site = Site::new();
    let second = EPOCH.to_string();
    let argument = format!("SOURCE_DATE_EPOCH={second}");
    let given: [(&[&str], &str); 3] = [
        (&[], &second),
        (&["--build-arg", &argument], "5"),
        (&["--build-arg", &argument, "--reproducible"], ""),
    ];
    let stamp = " 2001-09-09 01:46:40 ";
    for (round, (words, epoch)) in given.into_iter().enumerate() {
        for (name, found) in below(&site.local(&format!("out{round}"), words, epoch)) {
            assert_eq!((found.mtime(), found.mtime_nsec()), (EPOCH, 0), "{words:?}: {name}");
        }
        let listed = site.listed(words, epoch);
        assert!(listed.len() > 14 && listed.iter().all(|line| line.contains(stamp)), "{words:?}: {listed:?}");
    }
    fs::write(site.context.join("Dockerfile"), format!("ARG {argument}\n{DOCKERFILE}")).expect("a file");
    let listed = site.listed(&[], "");
    assert!(listed.iter().all(|line| line.contains(stamp)), "an ARG's default: {listed:?}");
    let listed = site.listed(&[], "1100000000");
    assert!(listed.iter().all(|line| line.contains(" 2004-11-09 11:33:20 ")), "the variable: {listed:?}");
}

#[test]
fn directories_of_platforms_have_the_time_too() {
    let site = Site::new();
    fs::write(site.context.join("Dockerfile"), "FROM scratch\nCOPY Dockerfile /a/\n").expect("a file");
    let (words, second) = (["--platform", "linux/amd64,linux/arm64"], EPOCH.to_string());
    let files = below(&site.local("out", &words, &second));
    assert_eq!(files.len(), 6, "{files:?}");
    for (name, found) in files {
        assert_eq!(found.mtime(), EPOCH, "{name}");
    }
    let mode = |name: &str| metadata(site.path("out").join(name)).mode() & 0o7777;
    assert_eq!(
        (mode(""), mode("linux_amd64")),
        (0o700, 0o755),
        "what is not the image's is as BuildKit makes it"
    );
    let listed = site.listed(&words, &second);
    assert!(listed.len() == 6 && listed.iter().all(|l| l.contains(" 2001-09-09 01:46:40 ")), "{listed:?}");
}

const BOTH: [&str; 2] = ["--platform", "linux/amd64,linux/arm64"];

#[test]
fn a_link_in_the_place_of_a_platforms_directory_is_replaced() {
    let site = Site::new();
    fs::write(site.context.join("Dockerfile"), "FROM scratch\nCOPY Dockerfile /a/\n").expect("a file");
    for mode in ["copy", "delete"] {
        let (out, precious) = (site.path(&format!("out-{mode}")), site.path(&format!("precious-{mode}")));
        fs::create_dir_all(&out).expect("a directory");
        fs::create_dir(&precious).expect("a directory");
        fs::write(precious.join("data"), "mine").expect("a file");
        fs::set_permissions(&precious, fs::Permissions::from_mode(0o700)).expect("a mode");
        std::os::unix::fs::symlink(&precious, out.join("linux_amd64")).expect("a link");
        site.build(&format!("type=local,dest={},mode={mode}", out.display()), &BOTH, "")
            .expect("it is built");
        assert!(metadata(out.join("linux_amd64")).is_dir() && out.join("linux_amd64/a/Dockerfile").is_file());
        assert_eq!(below(&precious).len(), 1, "{mode}: nothing came and nothing went");
        assert_eq!(metadata(precious).mode() & 0o7777, 0o700, "{mode}");
    }
}

#[test]
fn platforms_share_a_directory_only_where_they_do_not_meet() {
    let site = Site::new();
    let dockerfile = |text: &str| fs::write(site.context.join("Dockerfile"), text).expect("a file");
    let output = |name: &str, more: &str| {
        format!("type=local,dest={},platform-split=false{more}", site.path(name).display())
    };
    dockerfile("FROM scratch\nCOPY Dockerfile /a/\n");
    let refused = site.build(&output("met", ""), &BOTH, "").expect_err("both have /a/Dockerfile");
    assert!(refused.contains("more than one platform has `/a/Dockerfile`"), "{refused}");
    assert!(!site.path("met").exists());
    dockerfile("FROM scratch\nARG TARGETARCH\nCOPY Dockerfile /a/$TARGETARCH\n");
    let refused =
        site.build(&output("gone", ",mode=delete"), &BOTH, "").expect_err("the last one would stay");
    assert!(refused.contains("mode=delete"), "{refused}");
    site.build(&output("apart", ""), &BOTH, "").expect("it is built");
    let names: Vec<String> = below(&site.path("apart")).into_iter().map(|(name, _)| name).collect();
    assert!(
        names.iter().any(|n| n.ends_with("a/amd64")) && names.iter().any(|n| n.ends_with("a/arm64")),
        "{names:?}"
    );
}

#[test]
fn a_single_platform_has_a_directory_where_that_is_wanted() {
    let site = Site::new();
    fs::write(site.context.join("Dockerfile"), "FROM scratch\nCOPY Dockerfile /a/\n").expect("a file");
    let many = ["--build-arg", "BUILDKIT_MULTI_PLATFORM=1"];
    for (name, split, words, below) in [
        ("plain", "", &[][..], ""),
        ("split", ",platform-split=true", &[][..], "linux_amd64/"),
        ("many", "", &many[..], "linux_amd64/"),
        ("flat", ",platform-split=false", &many[..], ""),
    ] {
        let words = [words, &["--platform", "linux/amd64"]].concat();
        let out = site.path(name);
        site.build(&format!("type=local,dest={}{split}", out.display()), &words, "").expect("it is built");
        assert!(out.join(format!("{below}a/Dockerfile")).is_file(), "{name}");
    }
}

#[test]
fn bake_writes_files_as_build_does() {
    let site = Site::new();
    let out = site.path("out");
    let target = format!(
        "target \"default\" {{\n  context = \"{}\"\n  args = {{ SOURCE_DATE_EPOCH = \"{EPOCH}\" }}\n  \
         output = [\"type=local,dest={}\"]\n}}\n",
        site.context.display(),
        out.display()
    );
    let file = site.path("docker-bake.hcl");
    fs::write(&file, target).expect("a file");
    run(buildc(&site.store).args(["bake", "-f"]).arg(&file).env_remove("SOURCE_DATE_EPOCH"))
        .expect("it is built");
    let files = below(&out);
    assert!(files.len() > 14, "{files:?}");
    for (name, found) in files {
        assert_eq!((found.uid(), found.mtime()), (nix::unistd::getuid().as_raw(), EPOCH), "{name}");
    }
}

#[test]
fn switches_of_outputs_are_words_that_go_reads() {
    let site = Site::new();
    for (word, is_file) in
        [("T", true), ("True", true), ("", true), ("F", false), ("FALSE", false), ("f", false)]
    {
        let place = site.path(&format!("image-{word}"));
        site.build(&format!("type=oci,dest={},tar={word}", place.display()), &[], "").expect("it is built");
        assert_eq!((place.is_file(), place.is_dir()), (is_file, !is_file), "{word}");
    }
    for (key, kind) in [
        ("tar", "oci"),
        ("push", "image"),
        ("unpack", "image"),
        ("store", "image"),
        ("platform-split", "local"),
        ("rewrite-timestamp", "image"),
        ("oci-mediatypes", "oci"),
        ("force-compression", "oci"),
    ] {
        let output = format!("type={kind},dest={},{key}=yes", site.path("never").display());
        let refused = site.build(&output, &[], "").expect_err(&output);
        assert!(refused.contains(&format!("{key}=`yes`")) && refused.contains("true or false"), "{refused}");
    }
    assert!(!site.path("never").exists());
}

#[test]
fn arguments_that_switch_the_builder_are_such_words_too() {
    let site = Site::new();
    let index = |word: &str| {
        let place = site.path(&format!("index-{word}"));
        let output = format!("type=oci,tar=false,dest={}", place.display());
        let argument = format!("BUILDKIT_MULTI_PLATFORM={word}");
        site.build(&output, &["--build-arg", &argument], "")?;
        let text = fs::read_to_string(place.join("index.json")).map_err(|error| error.to_string())?;
        Ok::<_, String>(text.contains("image.index"))
    };
    let nested = |word: &str| index(word).map(|nested| (word.to_owned(), nested));
    assert_eq!(nested("T"), Ok(("T".to_owned(), true)));
    assert_eq!(nested("0").map(|(_, nested)| nested), nested("").map(|(_, nested)| nested));
    let refused = index("yes").expect_err("it is no word of Go's");
    assert!(refused.contains("BUILDKIT_MULTI_PLATFORM is `yes`"), "{refused}");
    let platforms = ["--build-arg", "BUILDKIT_MULTI_PLATFORM=F", "--platform", "linux/amd64,linux/arm64"];
    fs::write(site.context.join("Dockerfile"), "FROM scratch\nCOPY Dockerfile /a/\n").expect("a file");
    let refused = site.build("type=cacheonly", &platforms, "").expect_err("two platforms are an index");
    assert!(refused.contains("BUILDKIT_MULTI_PLATFORM"), "{refused}");
}
