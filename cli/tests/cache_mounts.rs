//! Cache mounts that are carried from one store to another.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[path = "fixture/mod.rs"]
mod fixture;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// Counts in a cache how often it was run.
const COUNT: &str = "ARG AGAIN
RUN --mount=type=cache,id=counter,target=/c,uid=5,mode=0750 \
     echo x >>/c/runs && mkdir -p /c/deep/er && ln -sf ../runs /c/deep/link && chown 7:8 /c/runs && wc -l </c/runs >/count";

struct Place {
    dir: tempfile::TempDir,
    first: PathBuf,
    second: PathBuf,
}

impl Place {
    fn new() -> Option<Self> {
        if !fixture::root_and_busybox("cache mounts") {
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let first = fixture::store_with_base(dir.path());
        let second = dir.path().join("second");
        let import = ["import", &dir.path().join("base.tar").to_string_lossy(), "localhost/busybox"]
            .map(str::to_owned);
        fixture::run(fixture::buildc(&second).args(import)).unwrap();
        Some(Self { dir, first, second })
    }

    /// Builds the counter again in a store, and gives what it counted.
    fn count(&self, store: &Path) -> String {
        let context =
            fixture::context(self.dir.path(), "context", &format!("FROM localhost/busybox\n{COUNT}\n"));
        let out = self.dir.path().join("out");
        let mut build = fixture::buildc(store);
        // Without the cache it would begin empty.
        let again = tempfile::tempdir_in(self.dir.path()).unwrap();
        build.args(["build", "-q", "--build-arg"]).arg(format!("AGAIN={}", again.path().display()));
        build.arg("-o").arg(&out).arg(context);
        fixture::run(&mut build).unwrap();
        fs::read_to_string(out.join("count")).unwrap().trim().to_owned()
    }

    fn archive(&self) -> PathBuf {
        self.dir.path().join("caches.tar")
    }

    fn save(&self, ids: &[&str]) -> Result<String, String> {
        fixture::run(fixture::buildc(&self.first).args(["cache", "save", "-o"]).arg(self.archive()).args(ids))
    }

    fn load(&self, options: &[&str]) -> Result<String, String> {
        fixture::run(
            fixture::buildc(&self.second).args(["cache", "load", "-i"]).arg(self.archive()).args(options),
        )
    }
}

fn listed(store: &Path) -> Vec<Value> {
    let text = fixture::run(fixture::buildc(store).args(["cache", "ls", "--format", "json"])).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_cache_goes_on_in_another_store() {
    let Some(place) = Place::new() else { return };
    assert_eq!(place.count(&place.first), "1");
    assert_eq!(place.count(&place.first), "2");
    let caches = listed(&place.first);
    assert_eq!((caches.len(), &caches[0]["ID"]), (1, &"counter".into()));

    assert_eq!(place.count(&place.second), "1");
    place.save(&["counter"]).unwrap();
    // The one that is there stays unless it is said otherwise.
    assert_eq!(place.load(&[]).unwrap(), "");
    assert_eq!(place.count(&place.second), "2");
    assert_eq!(place.load(&["--replace"]).unwrap(), "Loaded cache mount: counter\n");
    assert_eq!(place.count(&place.second), "3");

    fixture::run(fixture::buildc(&place.second).args(["prune", "--all"])).unwrap();
    assert!(listed(&place.second).is_empty());
    place.save(&[]).unwrap();
    assert_eq!(place.load(&[]).unwrap(), "Loaded cache mount: counter\n");
    assert_eq!(listed(&place.second)[0]["Name"], caches[0]["Name"]);
    let find = "find \"$0\" -mindepth 1 -printf '%P %y %m %U:%G %s %l\\n' | sort";
    let tree = |store: &Path| {
        let data = store.join("cache-mounts").join(caches[0]["Name"].as_str().unwrap()).join("data");
        let mut shell = Command::new("sh");
        // Sizes of directories are the file system's affair.
        fixture::run(shell.args(["-c", find]).arg(data)).unwrap().replace(" 60 ", " ")
    };
    assert_eq!(tree(&place.first), tree(&place.second));
    assert!(fixture::run(fixture::buildc(&place.second).arg("fsck")).is_ok());
}

#[test]
fn what_is_no_archive_of_caches_is_refused_and_changes_nothing() {
    let Some(place) = Place::new() else { return };
    place.count(&place.first);
    place.save(&[]).unwrap();
    let good = fs::read(place.archive()).unwrap();
    let name = listed(&place.first)[0]["Name"].as_str().unwrap().to_owned();
    let unpacked = place.dir.path().join("unpacked");
    let pack = |script: &str| {
        let script = format!(
            "rm -rf $0; mkdir $0; cd $0; tar -xf ../good.tar; {script}; tar --numeric-owner -cf ../caches.tar *"
        );
        fixture::run(Command::new("sh").args(["-ec", &script]).arg(&unpacked)).unwrap();
    };
    fs::write(place.dir.path().join("good.tar"), &good).unwrap();
    for (script, words) in [
        (format!("sed -i s/counter/another/ {name}/about.json"), "is not what its description says"),
        (format!("mv {name} {name}-x"), "is not what its description says"),
        (format!("rm {name}/about.json"), "has no description"),
        (format!("rm {name}/about.json; ln -s /etc/passwd {name}/about.json"), "has no description"),
        (format!("rm -r {name}/data; ln -s / {name}/data"), "has no files"),
        ("rm -r *; echo text >file".to_owned(), "has no description"),
    ] {
        pack(&script);
        let error = place.load(&[]).unwrap_err();
        assert!(error.contains("cache_mount::archive") && error.contains(words), "{script}: {error}");
    }
    for bytes in [&b"no tar at all"[..], &good[..good.len() / 2 + 100], b""] {
        fs::write(place.archive(), bytes).unwrap();
        let error = place.load(&[]).unwrap_err();
        assert!(error.contains("cache_mount::archive"), "{error}");
    }
    assert!(listed(&place.second).is_empty());
    let error = place.save(&["nothing"]).unwrap_err();
    assert!(error.contains("cache_mount::not_found") && error.contains("buildc cache ls"), "{error}");
    assert!(fs::metadata(place.archive()).is_err(), "what fails half-way leaves no file");
}

#[test]
fn a_cache_in_use_is_neither_saved_nor_replaced() {
    let Some(place) = Place::new() else { return };
    place.count(&place.first);
    place.count(&place.second);
    place.save(&[]).unwrap();
    let name = listed(&place.first)[0]["Name"].as_str().unwrap().to_owned();
    for store in [&place.first, &place.second] {
        let lock = store.join("cache-mounts").join(&name).join("lock");
        let mut holder = Command::new("flock");
        let mut holder = holder.arg("-s").arg(lock).args(["sh", "-c", "echo held; read end"]);
        holder = holder.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut held = holder.spawn().unwrap();
        let mut word = [0; 5];
        std::io::Read::read_exact(held.stdout.as_mut().unwrap(), &mut word).unwrap();
        let error =
            if *store == place.first { place.save(&[]) } else { place.load(&["--replace"]) }.unwrap_err();
        assert!(error.contains("cache_mount::in_use"), "{error}");
        drop(held.stdin.take());
        held.wait().unwrap();
        if *store == place.first {
            place.save(&[]).unwrap();
        }
    }
}
