//! Real peers for the tests of images in and out: Debian's docker-registry, skopeo, umoci, podman, buildah.
#![allow(dead_code, clippy::print_stderr, clippy::unwrap_used)]

use std::ffi::OsStr;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use buildc_store::remote::{Client, CredentialFiles, Registries};
use buildc_store::{OpenOptions, Store};
use tempfile::TempDir;

/// Says whether programs are there; a missing one skips the test loudly, or fails it when all are required.
pub fn have(programs: &[&str]) -> bool {
    let missing = |p: &&&str| {
        Command::new("sh")
            .args(["-c", &format!("command -v {p} >/dev/null")])
            .status()
            .map_or(true, |s| !s.success())
    };
    let missing: Vec<_> = programs.iter().filter(missing).collect();
    if missing.is_empty() {
        return true;
    }
    assert!(std::env::var_os("BUILDC_TEST_REQUIRE_ALL").is_none(), "missing programs: {missing:?}");
    eprintln!("SKIP: missing programs {missing:?}");
    false
}

/// Runs a program that must succeed and gives its output.
pub fn run<S: AsRef<OsStr>>(program: &str, args: &[S]) -> String {
    let output = Command::new(program).args(args).output().unwrap_or_else(|e| panic!("{program}: {e}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let args: Vec<_> = args.iter().map(|a| a.as_ref().to_string_lossy()).collect();
    assert!(
        output.status.success(),
        "{program} {args:?}: {}\n{text}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

/// A docker-registry of its own on a free loopback port, ended with the value.
pub struct Registry {
    child: Child,
    pub host: String,
    pub dir: TempDir,
}

/// What a registry is started with.
#[derive(Default)]
pub struct RegistryOptions<'o> {
    /// User and password for basic authentication.
    pub login: Option<(&'o str, &'o str)>,
    /// Certificate and key for https.
    pub tls: Option<(&'o Path, &'o Path)>,
    /// Further lines of the `auth` section.
    pub auth: Option<String>,
}

impl Registry {
    pub fn start(options: &RegistryOptions<'_>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let host = format!("127.0.0.1:{port}");
        let config = dir.path().join("config.yml");
        fs::write(&config, config_text(dir.path(), &host, options)).unwrap();
        let log = fs::File::create(dir.path().join("log")).unwrap();
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let end = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(&host).is_err() {
            assert!(Instant::now() < end, "docker-registry does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, host, dir }
    }

    pub fn plain() -> Self {
        Self::start(&RegistryOptions::default())
    }

    pub fn name(&self, rest: &str) -> String {
        format!("{}/{rest}", self.host)
    }

    /// Requests in the access log that contain a text.
    pub fn requests(&self, text: &str) -> usize {
        let log = fs::read_to_string(self.dir.path().join("log")).unwrap();
        log.lines().filter(|line| line.starts_with("127.0.0.1") && line.contains(text)).count()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn config_text(dir: &Path, host: &str, options: &RegistryOptions<'_>) -> String {
    let mut text = format!(
        "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\n  delete:\n    enabled: true\nhttp:\n  addr: {host}\n",
        dir.join("data").display()
    );
    if let Some((certificate, key)) = options.tls {
        text += &format!("  tls:\n    certificate: {}\n    key: {}\n", certificate.display(), key.display());
    }
    if let Some((user, password)) = options.login {
        let file = dir.join("htpasswd");
        fs::write(&file, run("htpasswd", &["-Bbn", user, password])).unwrap();
        text += &format!("auth:\n  htpasswd:\n    realm: test\n    path: {}\n", file.display());
    }
    text + options.auth.as_deref().unwrap_or_default()
}

/// A store in a directory of its own.
pub struct Place {
    pub dir: TempDir,
    pub store: Store,
}

impl Place {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("store"), OpenOptions::default()).unwrap();
        Self { dir, store }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// A client that knows nothing of this machine's configuration; logins go to `dir/config.json`.
pub fn client(dir: &Path) -> Client {
    Client::new(Registries::default(), CredentialFiles::at(vec![dir.join("config.json")]))
        .with_certificate_dirs(vec![dir.join("certs.d")])
}

/// Makes an OCI layout with one image `t` of two layers by hand of tar and umoci, and gives its path.
pub fn umoci_layout(dir: &Path) -> PathBuf {
    let layout = dir.join("layout");
    let image = format!("{}:t", layout.display());
    run("umoci", &["init", "--layout", &layout.display().to_string()]);
    run("umoci", &["new", "--image", &image]);
    for (n, (path, text)) in
        [("etc/greeting", "hello"), ("usr/share/big", &"0123456789abcdef".repeat(40_000))]
            .into_iter()
            .enumerate()
    {
        let tree = dir.join(format!("tree{n}"));
        fs::create_dir_all(tree.join(path).parent().unwrap()).unwrap();
        fs::write(tree.join(path), text).unwrap();
        std::os::unix::fs::symlink("target", tree.join(format!("link{n}"))).unwrap();
        let tar = dir.join(format!("layer{n}.tar"));
        run(
            "tar",
            &[
                "-C",
                &tree.display().to_string(),
                "--owner=0",
                "--group=0",
                "-cf",
                &tar.display().to_string(),
                ".",
            ],
        );
        run("umoci", &["raw", "add-layer", "--image", &image, &tar.display().to_string()]);
    }
    run("umoci", &["config", "--image", &image, "--config.cmd", "/bin/true", "--config.env", "A=b"]);
    layout
}

/// Puts the image of [`umoci_layout`] into a registry with skopeo.
pub fn seed(registry: &Registry, dir: &Path, name: &str) {
    let layout = umoci_layout(dir);
    let target = format!("docker://{}", registry.name(name));
    run(
        "skopeo",
        &["copy", "-q", "--dest-tls-verify=false", &format!("oci:{}:t", layout.display()), &target],
    );
}

/// The digest that a registry has for a name, as skopeo sees it.
pub fn remote_digest(name: &str) -> String {
    let format = "{{.Digest}}";
    run("skopeo", &["inspect", "--tls-verify=false", "--format", format, &format!("docker://{name}")])
        .trim()
        .to_owned()
}
