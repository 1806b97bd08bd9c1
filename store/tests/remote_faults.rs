//! A real registry behind a connection that breaks, lies or limits: what is repeated and what is refused.

#![allow(clippy::unwrap_used)]

mod peers;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use buildc_digest::Digest;
use buildc_store::oci::Platform;
use buildc_store::remote::{RemoteError, Watch};
use peers::{Place, Registry, client, have, remote_digest, run, seed};

const TOOLS: [&str; 3] = ["docker-registry", "skopeo", "umoci"];

/// What a proxy does to one answer.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// Closes after so many bytes of the answer.
    CutAfter(usize),
    /// Changes the last byte.
    FlipLast,
    /// Answers 503 with Retry-After: 0.
    Busy,
    /// Answers 429 with a message.
    Limited,
}

/// A proxy before a registry; `decide` sees each request line and how often it came.
fn proxy(upstream: &str, decide: impl Fn(&str, usize) -> Fault + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let (upstream, decide) = (upstream.to_owned(), Arc::new(decide));
    let seen: Arc<std::sync::Mutex<std::collections::HashMap<String, usize>>> = Arc::default();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (upstream, decide, seen) = (upstream.clone(), Arc::clone(&decide), Arc::clone(&seen));
            std::thread::spawn(move || {
                let decide = |line: &str| {
                    let mut seen = seen.lock().unwrap();
                    let count = seen.entry(line.to_owned()).or_default();
                    *count += 1;
                    decide(line, *count)
                };
                let _ = serve(stream, &upstream, &decide);
            });
        }
    });
    host
}

fn serve(mut down: TcpStream, upstream: &str, decide: &dyn Fn(&str) -> Fault) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        // A TLS greeting is no request: close, as a plain http port that knows nothing of TLS may.
        if down.read(&mut byte)? == 0 || (head.is_empty() && byte[0] == 0x16) {
            return Ok(());
        }
        head.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let line = text.lines().next().unwrap_or_default().to_owned();
    let fault = decide(&line);
    let canned = match fault {
        Fault::Busy => {
            "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        }
        Fault::Limited => {
            "HTTP/1.1 429 Slow\r\nRetry-After: 0\r\nContent-Length: 59\r\nConnection: close\r\n\r\n\
             {\"errors\":[{\"code\":\"TOOMANYREQUESTS\",\"message\":\"slow down\"}]}"
        }
        _ => "",
    };
    if !canned.is_empty() {
        return down.write_all(canned.as_bytes());
    }
    let mut up = TcpStream::connect(upstream)?;
    up.write_all(text.replacen("\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1).as_bytes())?;
    let mut answer = Vec::new();
    up.read_to_end(&mut answer)?;
    match fault {
        Fault::CutAfter(len) => answer.truncate(len),
        Fault::FlipLast => {
            if let Some(last) = answer.last_mut() {
                *last ^= 1;
            }
        }
        _ => {}
    }
    down.write_all(&answer)
}

#[test]
fn a_broken_download_goes_on_where_it_stopped() {
    if !have(&TOOLS) {
        return;
    }
    let (registry, place) = (Registry::plain(), Place::new());
    seed(&registry, place.dir.path(), "app:1");
    let host = proxy(&registry.host, |line, count| match line.contains("/blobs/") && count == 1 {
        true => Fault::CutAfter(700),
        false => Fault::None,
    });
    let client = client(place.dir.path());
    let image =
        client.pull(&place.store, &format!("{host}/app:1"), &Platform::host(), Watch::SILENT).unwrap();
    assert_eq!(image.manifest.to_string(), remote_digest(&registry.name("app:1")));
    assert!(registry.requests("206") >= 1, "the rest was asked for by Range");
}

#[test]
fn bytes_that_never_come_or_are_others_are_refused_and_not_kept() {
    if !have(&TOOLS) {
        return;
    }
    let (registry, place) = (Registry::plain(), Place::new());
    seed(&registry, place.dir.path(), "app:1");
    let is_layer = |line: &str, count: usize| line.contains("/blobs/") && count > 0;
    let pull = |host: String| {
        client(place.dir.path()).pull(
            &place.store,
            &format!("{host}/app:1"),
            &Platform::host(),
            Watch::SILENT,
        )
    };
    let cut = pull(proxy(&registry.host, move |line, n| match is_layer(line, n) {
        true => Fault::CutAfter(120),
        false => Fault::None,
    }));
    assert!(matches!(cut, Err(RemoteError::Truncated { .. } | RemoteError::Unreachable { .. })), "{cut:?}");
    let lying = pull(proxy(&registry.host, move |line, n| match is_layer(line, n) {
        true => Fault::FlipLast,
        false => Fault::None,
    }))
    .unwrap_err();
    assert_eq!(lying.code(), "registry::digest_mismatch");
    let lying = pull(proxy(&registry.host, |line, _| match line.contains("/manifests/") {
        true => Fault::CutAfter(10_000_000),
        false => Fault::None,
    }));
    assert!(lying.is_ok(), "an unaltered manifest is fine");
    let name = format!("app@{}", remote_digest(&registry.name("app:1")));
    let host = proxy(&registry.host, |line, _| match line.contains("/manifests/") {
        true => Fault::FlipLast,
        false => Fault::None,
    });
    let altered =
        client(place.dir.path()).resolve_remote(&format!("{host}/{name}"), &Platform::host(), Watch::SILENT);
    assert_eq!(altered.unwrap_err().code(), "registry::digest_mismatch");
}

/// Writes an OCI layout of one image, tag `t`, whose layer is a text.
fn layout_of_a_text(dir: &Path) -> PathBuf {
    let layout = dir.join("text");
    let blobs = layout.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).unwrap();
    let blob = |bytes: &[u8]| {
        let digest = Digest::of(bytes).to_string();
        std::fs::write(blobs.join(digest.rsplit(':').next().unwrap()), bytes).unwrap();
        (digest, bytes.len())
    };
    let (layer, layer_size) = blob(&b"This is no tar. ".repeat(100));
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","config":{{}},"rootfs":{{"type":"layers","diff_ids":["{layer}"]}}}}"#
    );
    let (config, config_size) = blob(config.as_bytes());
    let kind = "application/vnd.oci.image";
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{kind}.manifest.v1+json","config":{{"mediaType":"{kind}.config.v1+json","digest":"{config}","size":{config_size}}},"layers":[{{"mediaType":"{kind}.layer.v1.tar","digest":"{layer}","size":{layer_size}}}]}}"#
    );
    let (manifest, size) = blob(manifest.as_bytes());
    let index = format!(
        r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"{kind}.manifest.v1+json","digest":"{manifest}","size":{size},"annotations":{{"org.opencontainers.image.ref.name":"t"}}}}]}}"#
    );
    std::fs::write(layout.join("index.json"), index).unwrap();
    std::fs::write(layout.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    layout
}

#[test]
fn a_layer_that_is_no_tar_is_named() {
    if !have(&TOOLS) {
        return;
    }
    let (registry, place) = (Registry::plain(), Place::new());
    let from = format!("oci:{}:t", layout_of_a_text(place.dir.path()).display());
    let to = registry.name("text:1");
    run("skopeo", &["copy", "-q", "--dest-tls-verify=false", &from, &format!("docker://{to}")]);
    let pulled = client(place.dir.path()).pull(&place.store, &to, &Platform::host(), Watch::SILENT);
    let error = pulled.unwrap_err();
    assert_eq!(error.code(), "store::tar");
    assert!(error.to_string().starts_with("Layer `sha256:"), "{error}");
    assert!(!error.to_string().contains("no tar"), "its bytes are not shown: {error}");
}

#[test]
fn busy_servers_are_asked_again_and_limits_are_named() {
    if !have(&TOOLS) {
        return;
    }
    let (registry, place) = (Registry::plain(), Place::new());
    seed(&registry, place.dir.path(), "app:1");
    let busy = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&busy);
    let host = proxy(&registry.host, move |_, n| match n <= 2 {
        true => {
            count.fetch_add(1, Ordering::SeqCst);
            Fault::Busy
        }
        false => Fault::None,
    });
    let client = client(place.dir.path());
    client.pull(&place.store, &format!("{host}/app:1"), &Platform::host(), Watch::SILENT).unwrap();
    assert!(busy.load(Ordering::SeqCst) >= 4);
    let host = proxy(&registry.host, |_, _| Fault::Limited);
    let limited =
        client.resolve_remote(&format!("{host}/app:1"), &Platform::host(), Watch::SILENT).unwrap_err();
    assert_eq!(limited.code(), "registry::rate_limited");
    assert!(limited.to_string().contains("slow down"), "{limited}");
}
