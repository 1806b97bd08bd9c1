//! Debian's docker-registry on a free port of the loopback interface, for as long as the value lives.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub struct Registry {
    pub address: String,
    dir: PathBuf,
    child: Child,
}

impl Registry {
    pub fn start(dir: &Path, password: Option<(&str, &str)>) -> Self {
        fs::create_dir_all(dir).expect("a directory");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let address = format!("127.0.0.1:{port}");
        let mut config = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: '{}'}}}}\nhttp: {{addr: '{address}'}}\n",
            dir.join("data").display()
        );
        if let Some((user, secret)) = password {
            let file = dir.join("htpasswd");
            let line = Command::new("htpasswd").args(["-Bbn", user, secret]).output().expect("htpasswd");
            fs::write(&file, line.stdout).expect("a password file");
            config.push_str(&format!("auth: {{htpasswd: {{realm: test, path: '{}'}}}}\n", file.display()));
        }
        let file = dir.join("config.yml");
        fs::write(&file, config).expect("a configuration");
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the registry starts");
        let registry = Self { address, dir: dir.to_owned(), child };
        registry.wait_until_up();
        registry
    }

    fn wait_until_up(&self) {
        for _ in 0..200 {
            if TcpStream::connect(&self.address).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the registry did not come up");
    }

    /// The bytes of a manifest as the registry serves them.
    pub fn manifest(&self, name: &str, tag: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        let accept = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
        let request = format!(
            "GET /v2/{name}/manifests/{tag} HTTP/1.1\r\nHost: {}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n",
            self.address
        );
        stream.write_all(request.as_bytes()).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        body.to_owned()
    }

    /// Changes the largest blob on the registry's disk.
    pub fn damage_largest_blob(&self, change: impl FnOnce(&mut Vec<u8>)) {
        let mut files = Vec::new();
        find(&self.dir.join("data"), &mut files);
        let (_, largest) = files.into_iter().max().expect("there are blobs");
        let mut bytes = fs::read(&largest).expect("a blob");
        change(&mut bytes);
        fs::write(&largest, bytes).expect("the blob is damaged");
    }
}

fn find(dir: &Path, files: &mut Vec<(u64, PathBuf)>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.metadata() {
            Ok(meta) if meta.is_dir() => find(&path, files),
            Ok(meta) if path.ends_with("data") => files.push((meta.len(), path)),
            _ => {}
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
