//! Who may ask: logins, https with a private CA, token services, plain http.

#![allow(clippy::unwrap_used)]

mod peers;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use buildc_store::oci::Platform;
use buildc_store::remote::{StoredIn, Watch};
use peers::{Place, Registry, RegistryOptions, client, have, run, seed, umoci_layout};

#[test]
fn a_login_is_checked_kept_used_and_forgotten() {
    if !have(&["docker-registry", "skopeo", "umoci", "htpasswd"]) {
        return;
    }
    let place = Place::new();
    let registry = Registry::start(&RegistryOptions { login: Some(("me", "se:cret")), ..Default::default() });
    let layout = umoci_layout(place.dir.path());
    run(
        "skopeo",
        &[
            "copy",
            "-q",
            "--dest-tls-verify=false",
            "--dest-creds",
            "me:se:cret",
            &format!("oci:{}:t", layout.display()),
            &format!("docker://{}", registry.name("app:1")),
        ],
    );
    let (name, config) = (registry.name("app:1"), place.path("config.json"));
    let pull = || client(place.dir.path()).pull(&place.store, &name, &Platform::host(), Watch::SILENT);

    let anonymous = pull().unwrap_err();
    assert_eq!(anonymous.code(), "registry::unauthorized");
    assert!(anonymous.help().unwrap().contains("buildc login"));
    let wrong = client(place.dir.path()).login(&registry.host, "me", "wrong").unwrap_err();
    assert_eq!(wrong.code(), "registry::unauthorized");
    assert!(wrong.to_string().contains("this login of `me`"), "{wrong}");
    assert!(wrong.help().unwrap().contains("password"));
    assert!(!config.exists(), "a refused login is not kept");

    let kept = client(place.dir.path()).login(&registry.host, "me", "se:cret").unwrap();
    assert_eq!(kept, StoredIn::File(config.clone()));
    pull().unwrap();
    client(place.dir.path()).push(&place.store, &name, &registry.name("b:2"), Watch::SILENT).unwrap();
    // What we keep is what skopeo reads.
    run(
        "skopeo",
        &[
            "inspect",
            "--tls-verify=false",
            "--authfile",
            &config.display().to_string(),
            &format!("docker://{}", registry.name("b:2")),
        ],
    );
    assert!(client(place.dir.path()).logout(&registry.host).unwrap());
    assert!(!client(place.dir.path()).logout(&registry.host).unwrap());
    assert_eq!(pull().unwrap_err().code(), "registry::unauthorized");
}

/// A CA and a certificate for 127.0.0.1, made with openssl.
fn certificate(dir: &Path) -> (PathBuf, PathBuf, PathBuf) {
    let file = |name: &str| dir.join(name);
    let text = |path: &PathBuf| path.display().to_string();
    let (ca, ca_key, key, request, certificate) =
        (file("ca.crt"), file("ca.key"), file("s.key"), file("s.csr"), file("s.crt"));
    run(
        "openssl",
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=test CA",
            "-keyout",
            &text(&ca_key),
            "-out",
            &text(&ca),
        ],
    );
    run(
        "openssl",
        &[
            "req",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=registry",
            "-keyout",
            &text(&key),
            "-out",
            &text(&request),
        ],
    );
    fs::write(file("ext"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n").unwrap();
    run(
        "openssl",
        &[
            "x509",
            "-req",
            "-in",
            &text(&request),
            "-CA",
            &text(&ca),
            "-CAkey",
            &text(&ca_key),
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            &text(&file("ext")),
            "-out",
            &text(&certificate),
        ],
    );
    (ca, certificate, key)
}

#[test]
fn https_needs_a_trusted_ca_and_takes_it_from_certs_d() {
    if !have(&["docker-registry", "skopeo", "umoci", "openssl"]) {
        return;
    }
    let place = Place::new();
    let (ca, certificate, key) = certificate(place.dir.path());
    let registry =
        Registry::start(&RegistryOptions { tls: Some((&certificate, &key)), ..Default::default() });
    seed(&registry, place.dir.path(), "app:1");
    let pull = || {
        let name = registry.name("app:1");
        client(place.dir.path()).pull(&place.store, &name, &Platform::host(), Watch::SILENT)
    };
    let untrusted = pull().unwrap_err();
    assert_eq!(untrusted.code(), "registry::tls");
    assert!(untrusted.to_string().contains("https://127.0.0.1"), "{untrusted}");
    assert!(untrusted.help().unwrap().contains("certs.d"));

    let certs = place.path("certs.d").join(&registry.host);
    fs::create_dir_all(&certs).unwrap();
    fs::copy(&ca, certs.join("ca.crt")).unwrap();
    let image = pull().unwrap();
    client(place.dir.path())
        .push(&place.store, &image.id.to_string(), &registry.name("over-tls:1"), Watch::SILENT)
        .unwrap();
}

/// `openssl req -x509` makes a CA's certificate, and Docker's manual has registries show it as their own.
#[test]
fn a_registry_s_own_certificate_in_certs_d_is_trusted() {
    if !have(&["docker-registry", "skopeo", "umoci", "openssl"]) {
        return;
    }
    let place = Place::new();
    let own = |name: &str, names: &str| {
        let file = |end: &str| place.path(&format!("{name}.{end}"));
        let (certificate, key) = (file("crt"), file("key"));
        let (out, keyout) = (certificate.display().to_string(), key.display().to_string());
        let names = format!("subjectAltName={names}");
        let kind = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=registry"];
        let words = ["-days", "2", "-addext", &names, "-out", &out, "-keyout", &keyout];
        run("openssl", &[&kind[..], &words[..]].concat());
        (certificate, key)
    };
    let (certificate, key) = own("shown", "IP:127.0.0.1");
    let registry =
        Registry::start(&RegistryOptions { tls: Some((&certificate, &key)), ..Default::default() });
    seed(&registry, place.dir.path(), "app:1");
    let certs = place.path("certs.d").join(&registry.host);
    fs::create_dir_all(&certs).unwrap();
    let pull = || {
        let name = registry.name("app:1");
        client(place.dir.path()).pull(&place.store, &name, &Platform::host(), Watch::SILENT)
    };
    // Another one of the same names vouches for nothing.
    let (other, _) = own("other", "IP:127.0.0.1");
    fs::copy(&other, certs.join("ca.crt")).unwrap();
    let untrusted = pull().unwrap_err();
    assert_eq!(untrusted.code(), "registry::tls");
    assert!(untrusted.to_string().contains("UnknownIssuer"), "{untrusted}");
    assert!(untrusted.help().unwrap().contains("own one"), "{untrusted}");
    fs::copy(&certificate, certs.join("ca.crt")).unwrap();
    pull().unwrap();

    // One that is trusted is trusted for its names and its time alone.
    let misnamed = own("elsewhere", "DNS:registry.example");
    let (certificate, key) = own("late", "IP:127.0.0.1");
    let expired = place.path("expired.crt");
    let [from, to, out] = [&certificate, &key, &expired].map(|path| path.to_str().unwrap());
    run("openssl", &["x509", "-in", from, "-signkey", to, "-days", "-1", "-out", out]);
    for ((certificate, key), why) in [(misnamed, "not valid for name"), ((expired, key), "Expired")] {
        let registry =
            Registry::start(&RegistryOptions { tls: Some((&certificate, &key)), ..Default::default() });
        let certs = place.path("certs.d").join(&registry.host);
        fs::create_dir_all(&certs).unwrap();
        fs::copy(&certificate, certs.join("ca.crt")).unwrap();
        let name = registry.name("app:1");
        let client = client(place.dir.path());
        let refused = client.pull(&place.store, &name, &Platform::host(), Watch::SILENT).unwrap_err();
        assert_eq!(refused.code(), "registry::tls");
        assert!(refused.to_string().contains(why), "{refused}");
    }
}

/// A token service whose tokens a real registry believes: it trusts the certificate that signs them.
fn token_service(dir: &Path, certificate: &Path, key: &Path) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let realm = format!("http://{}/token", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let (count, dir) = (Arc::clone(&asked), dir.to_owned());
    let (certificate, key) = (certificate.to_owned(), key.to_owned());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 8192];
            let len = stream.read(&mut request).unwrap();
            let request = String::from_utf8_lossy(&request[..len]).into_owned();
            count.fetch_add(1, Ordering::SeqCst);
            // Basic dTpw is u:p; only it may push.
            let push = request.contains("Basic dTpw");
            let token = signed_token(&dir, &certificate, &key, &request, push);
            let body = format!("{{\"token\":\"{token}\",\"expires_in\":300}}");
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            )
            .unwrap();
        }
    });
    (realm, asked)
}

fn base64url(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// A JSON web token (distribution's "Token Authentication Implementation"), signed by openssl.
fn signed_token(dir: &Path, certificate: &Path, key: &Path, request: &str, push: bool) -> String {
    let query = request.split(' ').nth(1).unwrap_or_default().split('?').nth(1).unwrap_or_default();
    let scopes = query.split('&').filter_map(|pair| pair.strip_prefix("scope=repository:"));
    let access: Vec<String> = scopes
        .map(|scope| {
            let name = scope.rsplit_once(':').map_or(scope, |(name, _)| name);
            let actions = if push { r#""pull","push""# } else { r#""pull""# };
            format!(r#"{{"type":"repository","name":"{name}","actions":[{actions}]}}"#)
        })
        .collect();
    let pem = fs::read_to_string(certificate).unwrap();
    let der: String = pem.lines().filter(|line| !line.starts_with("---")).collect();
    let header = format!(r#"{{"typ":"JWT","alg":"RS256","x5c":["{der}"]}}"#);
    let claims = format!(
        r#"{{"iss":"test","sub":"u","aud":"svc","exp":4000000000,"nbf":1,"iat":1,"jti":"1","access":[{}]}}"#,
        access.join(",")
    );
    let signed = format!("{}.{}", base64url(header.as_bytes()), base64url(claims.as_bytes()));
    let (input, output) = (dir.join("token-input"), dir.join("token-signature"));
    fs::write(&input, &signed).unwrap();
    run(
        "openssl",
        &[
            "dgst",
            "-sha256",
            "-sign",
            &key.display().to_string(),
            "-out",
            &output.display().to_string(),
            &input.display().to_string(),
        ],
    );
    format!("{signed}.{}", base64url(&fs::read(&output).unwrap()))
}

#[test]
fn tokens_are_fetched_for_the_scope_once_and_reused() {
    if !have(&["docker-registry", "skopeo", "umoci", "openssl"]) {
        return;
    }
    let place = Place::new();
    let (_, certificate, key) = certificate(place.dir.path());
    let (realm, asked) = token_service(place.dir.path(), &certificate, &key);
    let auth = format!(
        "auth:\n  token:\n    realm: {realm}\n    service: svc\n    issuer: test\n    rootcertbundle: {}\n",
        certificate.display()
    );
    let registry = Registry::start(&RegistryOptions { auth: Some(auth), ..Default::default() });
    let local = Registry::plain();
    seed(&local, place.dir.path(), "app:1");
    let anonymous = client(place.dir.path());
    anonymous.pull(&place.store, &local.name("app:1"), &Platform::host(), Watch::SILENT).unwrap();
    let push = |client: &buildc_store::remote::Client| {
        client.push(&place.store, &local.name("app:1"), &registry.name("app:1"), Watch::SILENT)
    };
    let refused = push(&anonymous).unwrap_err();
    assert!(matches!(refused.code(), "registry::unauthorized" | "registry::denied"), "{refused}");

    fs::write(place.path("config.json"), format!(r#"{{"auths":{{"{}":{{"auth":"dTpw"}}}}}}"#, registry.host))
        .unwrap();
    let known = client(place.dir.path());
    let before = asked.load(Ordering::SeqCst);
    push(&known).unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), before + 1, "one token serves the whole push");
    let fresh = Place::new();
    known.pull(&fresh.store, &registry.name("app:1"), &Platform::host(), Watch::SILENT).unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), before + 2);
}
