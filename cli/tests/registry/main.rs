//! Images through a real registry (Debian's docker-registry) and through Debian's other tools, by the command line.
#![allow(clippy::print_stderr)]

mod cache;
mod download;
#[path = "../fixture/mod.rs"]
mod fixture;
mod release;
mod s3;
mod server;
mod silent;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fixture::{buildc, context, root_and_busybox, run, store_with_base};
use server::Registry;

/// A store with `localhost/app`, an image of a few layers.
fn store_with_app(dir: &Path) -> PathBuf {
    let store = store_with_base(dir);
    let text = "FROM localhost/busybox\nRUN mkdir /d && echo one > /d/one\nRUN rm -r /d && echo two > /two\n\
                LABEL who=me\nCMD [\"cat\", \"/two\"]\n";
    let context = context(dir, "app", text);
    run(buildc(&store).args(["build", "-t", "localhost/app"]).arg(context)).expect("the app is built");
    store
}

fn ready(what: &str, programs: &[&str]) -> bool {
    if !root_and_busybox(what) {
        return false;
    }
    let missing: Vec<_> =
        programs.iter().filter(|p| Command::new(p).arg("--version").output().is_err()).collect();
    if !missing.is_empty() {
        assert!(std::env::var_os("BUILDC_TEST_REQUIRE_ALL").is_none(), "{what} needs {missing:?}");
        eprintln!("SKIP: {what} needs {missing:?}");
    }
    missing.is_empty()
}

#[test]
fn what_is_pushed_is_pulled_runs_and_is_read_by_skopeo() {
    if !ready("a registry", &["docker-registry", "skopeo"]) {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = store_with_app(dir.path());
    let registry = Registry::start(&dir.path().join("registry"), None);
    let name = format!("{}/team/app:1", registry.address);
    run(buildc(&store).args(["tag", "localhost/app", &name])).expect("tag");
    run(buildc(&store).args(["push", &name])).expect("push");
    let again = run(buildc(&store).args(["push", &name]).stderr(Stdio::inherit())).expect("push again");
    drop(again);
    let inspected =
        run(Command::new("skopeo").args(["inspect", "--tls-verify=false"]).arg(format!("docker://{name}")))
            .expect("skopeo reads it");
    assert!(inspected.contains("\"who\": \"me\""), "{inspected}");

    let other = dir.path().join("other");
    run(buildc(&other).args(["pull", &name])).expect("pull into an empty store");
    let text = run(buildc(&other).args(["run", "--rm", "--network", "none", &name]));
    assert_eq!(text.as_deref(), Ok("two\n"));
    let from = context(dir.path(), "child", &format!("FROM {name}\nRUN cat /two > /three\n"));
    let third = dir.path().join("third");
    run(buildc(&third).args(["build", "-t", "localhost/child"]).arg(from)).expect("FROM pulls by itself");
    // What was pulled is pushed with the bytes that were pulled.
    let copy = format!("{}/team/copy:1", registry.address);
    run(buildc(&other).args(["tag", &name, &copy])).expect("tag");
    run(buildc(&other).args(["push", &copy])).expect("push of a pulled image");
    assert_eq!(registry.manifest("team/app", "1"), registry.manifest("team/copy", "1"));
}

#[test]
fn login_is_needed_where_the_registry_wants_it() {
    if !ready("a registry with passwords", &["docker-registry", "htpasswd"]) {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = store_with_app(dir.path());
    let registry = Registry::start(&dir.path().join("registry"), Some(("me", "secret")));
    let name = format!("{}/app", registry.address);
    let docker_config = dir.path().join("docker");
    let buildc = || {
        let mut command = buildc(&store);
        command.env("DOCKER_CONFIG", &docker_config).env("HOME", dir.path());
        command
    };
    run(buildc().args(["tag", "localhost/app", &name])).expect("tag");
    let error = run(buildc().args(["push", &name])).expect_err("nobody is logged in");
    assert!(error.contains("buildc login"), "{error}");
    let login = |password: &str| {
        let mut child = buildc()
            .args(["login", "-u", "me", "--password-stdin", &registry.address])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("login starts");
        std::io::Write::write_all(&mut child.stdin.take().expect("stdin"), password.as_bytes())
            .expect("password");
        child.wait_with_output().expect("login ends")
    };
    assert!(!login("wrong").status.success());
    let right = login("secret\n");
    assert!(right.status.success(), "{right:?}");
    run(buildc().args(["push", &name])).expect("push after login");
    run(buildc().args(["logout", &registry.address])).expect("logout");
    run(buildc().args(["push", &name])).expect_err("logged out");
}

#[test]
fn a_registry_that_is_down_or_lies_is_named_and_nothing_is_kept() {
    if !ready("a broken registry", &["docker-registry"]) {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = store_with_app(dir.path());
    let registry = Registry::start(&dir.path().join("registry"), None);
    let name = format!("{}/app:1", registry.address);
    run(buildc(&store).args(["tag", "localhost/app", &name])).expect("tag");
    run(buildc(&store).args(["push", &name])).expect("push");
    let empty = dir.path().join("empty");

    let missing = format!("{}/nothing:1", registry.address);
    let error = run(buildc(&empty).args(["pull", &missing])).expect_err("there is no such image");
    assert!(error.contains("nothing"), "{error}");

    registry.damage_largest_blob(|bytes| bytes.truncate(bytes.len() / 2));
    let error = run(buildc(&empty).args(["pull", &name])).expect_err("a truncated blob");
    assert!(error.contains("registry::truncated") && error.contains(&registry.address), "{error}");
    registry.damage_largest_blob(|bytes| {
        if let Some(byte) = bytes.last_mut() {
            *byte ^= 1;
        }
    });
    run(buildc(&empty).args(["pull", &name])).expect_err("a wrong digest");
    assert_eq!(run(buildc(&empty).args(["images", "-q"])).as_deref(), Ok(""));
    run(buildc(&empty).arg("fsck")).expect("the store is whole");

    let address = registry.address.clone();
    drop(registry);
    let error = run(buildc(&empty).args(["pull", &name])).expect_err("nobody listens");
    assert!(error.contains(&address), "{error}");
}

#[test]
fn short_names_follow_registries_conf() {
    if !ready("registries.conf", &["docker-registry"]) {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = store_with_app(dir.path());
    let registry = Registry::start(&dir.path().join("registry"), None);
    let name = format!("{}/library/thing:latest", registry.address);
    run(buildc(&store).args(["tag", "localhost/app", &name])).expect("tag");
    run(buildc(&store).args(["push", &name])).expect("push");
    let file = dir.path().join("registries.conf");
    let pull = |text: String, image: &str, into: &str| {
        fs::write(&file, text).expect("registries.conf");
        let mut command = buildc(&dir.path().join(into));
        run(command.env("CONTAINERS_REGISTRIES_CONF", &file).args(["pull", image]))
    };
    let address = &registry.address;
    let mirror = format!(
        "[[registry]]\nlocation = \"docker.io\"\n[[registry.mirror]]\nlocation = \"{address}\"\ninsecure = true\n"
    );
    pull(mirror, "thing", "mirrored").expect("a mirror of docker.io answers for a short name");
    let search = format!("unqualified-search-registries = [\"{address}\"]\n");
    pull(search, "library/thing", "searched").expect("the search list answers");
    let blocked = "[[registry]]\nlocation = \"docker.io\"\nblocked = true\n".to_owned();
    let error = pull(blocked, "thing", "blocked").expect_err("docker.io is blocked");
    assert!(error.contains("blocked"), "{error}");
}

#[test]
fn archives_travel_between_all_tools() {
    if !ready("other tools", &["skopeo", "umoci", "buildah", "podman"]) {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = store_with_app(dir.path());
    let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    run(buildc(&store).args(["save", "-o", &path("docker.tar"), "localhost/app"])).expect("save");
    let save = ["save", "--format", "oci-archive", "-o", &path("oci.tar"), "localhost/app"];
    run(buildc(&store).args(save)).expect("save as OCI archive");
    let save = ["save", "--format", "oci-dir", "-o", &path("oci"), "localhost/app"];
    run(buildc(&store).args(save)).expect("save as OCI layout");

    for source in ["docker-archive:docker.tar", "oci-archive:oci.tar", "oci:oci"] {
        let (transport, file) = source.split_once(':').expect("a transport");
        let from = format!("{transport}:{}", path(file));
        let to = format!("oci:{}:x", path(&format!("copy-{transport}")));
        run(Command::new("skopeo").args(["copy", "--quiet", &from, &to])).expect("skopeo accepts it");
    }
    let unpack = ["unpack", "--image", &format!("{}:x", path("copy-oci")), &path("bundle")];
    run(Command::new("umoci").args(unpack)).expect("umoci accepts it");
    assert_eq!(fs::read_to_string(dir.path().join("bundle/rootfs/two")).expect("two"), "two\n");
    let storage = |program: &str| {
        let mut command = Command::new(program);
        command.args([
            "--root",
            &path("peer/root"),
            "--runroot",
            &path("peer/run"),
            "--storage-driver",
            "vfs",
        ]);
        command
    };
    run(storage("podman").args(["load", "-i", &path("docker.tar")])).expect("podman accepts it");
    run(storage("buildah").args(["pull", &format!("oci-archive:{}", path("oci.tar"))]))
        .expect("buildah accepts it");

    // And back: what they write is accepted here.
    let saved = ["save", "--format", "docker-archive", "-o", &path("podman.tar"), "localhost/app"];
    run(storage("podman").args(saved)).expect("podman saves");
    let saved = ["push", "localhost/app", &format!("oci-archive:{}:localhost/app:oci", path("buildah.tar"))];
    run(storage("buildah").args(saved)).expect("buildah saves");
    run(Command::new("gzip").arg("-k").arg(path("podman.tar"))).expect("gzip");
    for (into, file) in [("a", "podman.tar"), ("b", "buildah.tar"), ("c", "podman.tar.gz"), ("d", "copy-oci")]
    {
        let other = dir.path().join(into);
        let said = run(buildc(&other).args(["load", "-i", &path(file)])).expect("load");
        assert!(said.contains("Loaded image"), "{said}");
        // The last one has only the tag `x`, which names no image, so its id is told.
        let named = said.trim().rsplit(' ').next().unwrap_or_default();
        assert_eq!(named.starts_with("sha256:"), file == "copy-oci", "{said}");
        let text = run(buildc(&other).args(["run", "--rm", "--network", "none", named]));
        assert_eq!(text.as_deref(), Ok("two\n"), "{file}");
    }
}
