//! `--cache-to` and `--cache-from`: a build with an empty store takes results from elsewhere instead of running steps.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fixture::{buildc, context, run, store_with_base};
use crate::ready;
use crate::server::Registry;

/// A registry with a base image, and a context whose steps come out differently each time they run.
pub struct Bench {
    dir: tempfile::TempDir,
    registry: Registry,
    context: PathBuf,
}

impl Bench {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let store = store_with_base(dir.path());
        let registry = Registry::start(&dir.path().join("registry"), None);
        let base = format!("{}/base", registry.address);
        run(buildc(&store).args(["tag", "localhost/busybox", &base])).expect("tag");
        run(buildc(&store).args(["push", &base])).expect("push");
        let text = format!(
            "FROM {base} AS made\nCOPY input /\nRUN cat /proc/sys/kernel/random/uuid > /made\n\
             FROM {base}\nCOPY --from=made /made /\nRUN cat /proc/sys/kernel/random/uuid > /run\n"
        );
        let context = context(dir.path(), "cached", &text);
        fs::write(context.join("input"), "one").expect("an input");
        Self { dir, registry, context }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Builds in a store of its own; what it said, and what its steps left.
    pub fn build(&self, store: &str, args: &[&str]) -> (String, String) {
        let out = self.path("out");
        let mut command = buildc(&self.path(store));
        command.args(["build", "--progress=plain", "-o"]).arg(&out).args(args).arg(&self.context);
        let output = command.output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        let read = |name: &str| fs::read_to_string(out.join(name)).expect("a file");
        (said, read("made") + &read("run"))
    }
}

fn image_id(said: &str) -> String {
    said.lines().find(|line| line.contains("image id")).expect("it is told").to_owned()
}

pub fn ran(said: &str) -> usize {
    said.lines().filter(|line| line.contains("RUN cat") && line.contains("done")).count()
}

#[test]
fn an_empty_store_takes_results_from_a_directory_and_a_registry() {
    if !ready("caches", &["docker-registry", "skopeo"]) {
        return;
    }
    let bench = Bench::new();
    let name = format!("{}/cache:main", bench.registry.address);
    let local = bench.path("cache");
    let (to_dir, to_registry) = (
        format!("type=local,dest={},mode=max", local.display()),
        format!("type=registry,ref={name},mode=min"),
    );
    let (said, first) = bench.build("first", &["--cache-to", &to_dir, "--cache-to", &to_registry]);
    let image = image_id(&said);
    // In another second an image has another `created`, unless it takes the time of its layers.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    for (store, from) in
        [("from-dir", format!("type=local,src={}", local.display())), ("from-registry", name.clone())]
    {
        let (said, left) = bench.build(store, &["--cache-from", &from]);
        assert_eq!(left, first, "{from}: {said}");
        assert_eq!(image_id(&said), image, "{from}: {said}");
        // What came is kept: the next build needs no cache.
        assert_eq!(bench.build(store, &[]).1, first, "{from}");
    }
    run(Command::new("skopeo").args(["inspect", "--raw"]).arg(format!("oci:{}:latest", local.display())))
        .expect("skopeo reads the layout");

    // Another input misses in the first stage, and so in all that follows from it.
    fs::write(bench.context.join("input"), "two").expect("an input");
    let (said, left) = bench.build("changed", &["--cache-from", &name]);
    assert_ne!(left, first, "{said}");
    let missing = format!("{}/nothing:here", bench.registry.address);
    let (said, _) = bench.build("changed", &["--cache-from", &missing]);
    assert!(said.contains("is not used"), "{said}");
    assert_eq!(ran(&said), 0, "{said}");
}

#[test]
fn an_image_may_carry_the_cache_of_its_own_layers() {
    if !ready("inline caches", &["docker-registry"]) {
        return;
    }
    let bench = Bench::new();
    let name = format!("{}/app:1", bench.registry.address);
    let (_, first) = bench.build("first", &["-t", &name, "--push", "--cache-to", "type=inline"]);
    let (said, left) = bench.build("second", &["--cache-from", &name]);
    assert_eq!(left, first, "{said}");
    let plain = format!("{}/base", bench.registry.address);
    let (said, left) = bench.build("third", &["--cache-from", &plain]);
    assert!(left != first && said.contains("it holds no results of steps"), "{said}");
}

#[test]
fn a_cache_that_lies_is_not_used() {
    if !ready("damaged caches", &["docker-registry"]) {
        return;
    }
    let bench = Bench::new();
    let local = bench.path("cache");
    let to = format!("type=local,dest={},mode=max", local.display());
    let (_, first) = bench.build("first", &["--cache-to", &to]);
    let blobs = fs::read_dir(local.join("blobs/sha256")).expect("blobs").flatten();
    for blob in blobs.map(|blob| blob.path()).filter(|path| is_layer(path)) {
        let mut bytes = fs::read(&blob).expect("a blob");
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&blob, bytes).expect("a damaged blob");
    }
    let from = format!("type=local,src={}", local.display());
    let (said, left) = bench.build("second", &["--cache-from", &from]);
    assert!(left != first && said.contains("has digest"), "{said}");
    fs::write(local.join("index.json"), "{").expect("a damaged index");
    let (said, _) = bench.build("third", &["--cache-from", &from]);
    assert!(said.contains("is not used"), "{said}");
}

fn is_layer(path: &Path) -> bool {
    fs::read(path).is_ok_and(|bytes| bytes.starts_with(&[0x1f, 0x8b]))
}

#[test]
fn an_image_of_a_layout_is_a_context() {
    if !ready("oci-layout contexts", &["skopeo"]) {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = store_with_base(dir.path());
    let layout = dir.path().join("layout");
    let saved = dir.path().join("base.tar");
    run(buildc(&store).args(["save", "--format", "oci-archive", "-o"]).arg(&saved).arg("localhost/busybox"))
        .expect("it is saved");
    run(Command::new("skopeo")
        .arg("copy")
        .arg(format!("oci-archive:{}", saved.display()))
        .arg(format!("oci:{}:v1", layout.display())))
    .expect("skopeo copies it");
    let text = "FROM base\nRUN echo here > /here\nFROM scratch\nCOPY --from=base /bin/busybox /\n\
                COPY --from=0 /here /\n";
    let context = context(dir.path(), "layout-user", text);
    let out = dir.path().join("out");
    let build = |value: String| {
        let other = dir.path().join("other");
        let mut command = buildc(&other);
        command.args(["build", "-o"]).arg(&out).args(["--build-context", &value]).arg(&context);
        run(&mut command)
    };
    build(format!("base=oci-layout://{}:v1", layout.display())).expect("by tag");
    assert_eq!(fs::read_to_string(out.join("here")).expect("a file"), "here\n");
    let index: serde_json::Value =
        serde_json::from_slice(&fs::read(layout.join("index.json")).expect("an index")).expect("json");
    let digest = index["manifests"][0]["digest"].as_str().expect("a digest");
    build(format!("base=oci-layout://{}@{digest}", layout.display())).expect("by digest");
    build(format!("base=oci-layout://{}", layout.display())).expect("the only one");
    let error = build(format!("base=oci-layout://{}:v2", layout.display())).expect_err("no such tag");
    assert!(error.contains("v2"), "{error}");
}
