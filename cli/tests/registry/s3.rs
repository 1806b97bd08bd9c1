//! `type=s3`: caches in a bucket of a real S3 server.

use std::net::SocketAddr;
use std::path::Path;

use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;

use crate::cache::{Bench, ran};
use crate::ready;

const KEY: (&str, &str) = ("AKIDEXAMPLE", "not-a-secret");

/// Serves a directory, whose directories are buckets, on a thread of its own for as long as the tests run.
fn serve(root: &Path) -> SocketAddr {
    let files = s3s_fs::FileSystem::new(root).expect("a directory to serve");
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_auth(SimpleAuth::from_single(KEY.0, KEY.1));
    let service = builder.build();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    listener.set_nonblocking(true).expect("a listener for tokio");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            while let Ok((socket, _)) = listener.accept().await {
                let http = hyper_util::server::conn::auto::Builder::new(hyper_util::rt::TokioExecutor::new());
                let service = service.clone();
                tokio::spawn(async move {
                    // Whoever hangs up has what it wanted.
                    let _ = http.serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
    });
    address
}

#[test]
fn an_empty_store_takes_results_from_a_bucket() {
    if !ready("caches", &["docker-registry"]) {
        return;
    }
    let bench = Bench::new();
    let root = bench.path("s3");
    std::fs::create_dir_all(root.join("bucket")).expect("a bucket");
    let address = serve(&root);
    let (id, secret) = KEY;
    let place = |more: &str| {
        format!(
            "type=s3,bucket=bucket,region=here,endpoint_url=http://{address},use_path_style=true,prefix=ci/{more}"
        )
    };
    let keys = format!(",access_key_id={id},secret_access_key={secret}");
    let to = place(&format!("{keys},mode=max,name=main;branch"));
    let (_, first) = bench.build("first", &["--cache-to", &to]);
    for name in ["manifests/main", "manifests/branch", "blobs"] {
        assert!(root.join("bucket/ci").join(name).exists(), "{name}");
    }
    let (said, left) = bench.build("second", &["--cache-from", &place(&format!("{keys},name=branch"))]);
    assert_eq!(left, first, "{said}");
    assert_eq!(ran(&said), 0, "{said}");

    // A second time nothing but documents is sent, and what is not there is said.
    bench.build("first", &["--cache-to", &to]);
    let (said, _) = bench.build("third", &["--cache-from", &place(&format!("{keys},name=nothing"))]);
    assert!(said.contains("is not used") && said.contains("s3://bucket/ci/manifests/nothing"), "{said}");

    // Neither the secret nor a signature is ever shown.
    let wrong = place(&format!(",access_key_id={id},secret_access_key=wrong-word"));
    let (said, _) = bench
        .build("fourth", &["--cache-from", &wrong, "--cache-to", &(wrong.clone() + ",ignore-error=true")]);
    assert!(said.contains("denies access") || said.contains("refuses"), "{said}");
    assert!(!said.contains("wrong-word") && !said.contains("X-Amz"), "{said}");

    // A layer that was changed in the bucket is refused, and made again.
    for entry in std::fs::read_dir(root.join("bucket/ci/blobs")).expect("the blobs") {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("a blob");
        if !bytes.starts_with(b"{") {
            std::fs::write(&path, vec![b'x'; bytes.len()]).expect("a blob");
        }
    }
    let (said, left) = bench.build("fifth", &["--cache-from", &place(&format!("{keys},name=main"))]);
    assert!(said.contains("is not used") && left != first, "{said}");
}
