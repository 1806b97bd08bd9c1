//! What leaves: forms of layers, annotations, indexes of several platforms; read by skopeo and umoci.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::fixture::{buildc, context, run};
use crate::ready;
use crate::server::Registry;

/// A context whose Dockerfile runs nothing, so that it can be built for any machine.
fn foreign_context(dir: &Path) -> std::path::PathBuf {
    let text = "FROM scratch AS base\nARG TARGETARCH\nCOPY file /\nFROM base\nARG TARGETARCH\n\
                COPY <<EOF /arch\n$TARGETARCH\nEOF\nLABEL arch=$TARGETARCH\n";
    let context = context(dir, "foreign", text);
    fs::write(context.join("file"), "x".repeat(100_000)).expect("a file");
    context
}

/// A document that skopeo reads without looking into it.
fn raw(name: &str) -> serde_json::Value {
    let text = run(Command::new("skopeo").args(["inspect", "--raw", "--tls-verify=false", name]));
    serde_json::from_str(&text.expect("skopeo reads it")).expect("json")
}

#[test]
fn several_platforms_are_pushed_and_saved_as_an_index() {
    if !ready("an index", &["docker-registry", "skopeo", "umoci"]) {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let (store, context) = (dir.path().join("store"), foreign_context(dir.path()));
    let registry = Registry::start(&dir.path().join("registry"), None);
    let name = format!("{}/multi:1", registry.address);
    let layout = dir.path().join("layout");
    let metadata = dir.path().join("metadata");
    let platforms = "linux/amd64,linux/arm64,linux/arm/v7";
    run(buildc(&store)
        .args(["build", "--platform", platforms, "-t", &name, "--push", "--annotation", "index:a.b=c"])
        .args(["--annotation", "manifest[linux/arm64]:only=arm"])
        .arg("-o")
        .arg(format!("type=oci,tar=false,dest={}", layout.display()))
        .arg("--metadata-file")
        .arg(&metadata)
        .arg(&context))
    .expect("it is built and pushed");
    let index = raw(&format!("docker://{name}"));
    assert_eq!(index["mediaType"], "application/vnd.oci.image.index.v1+json");
    assert_eq!(index["annotations"]["a.b"], "c");
    let platforms: Vec<String> = index["manifests"]
        .as_array()
        .expect("manifests")
        .iter()
        .map(|m| format!("{} {}", m["platform"]["architecture"], m["platform"]["variant"]))
        .collect();
    assert_eq!(platforms, ["\"amd64\" null", "\"arm64\" null", "\"arm\" \"v7\""]);
    let arm =
        format!("docker://{}/multi@{}", registry.address, index["manifests"][1]["digest"].as_str().unwrap());
    assert_eq!(raw(&arm)["annotations"]["only"], "arm");
    let told: serde_json::Value = serde_json::from_slice(&fs::read(&metadata).unwrap()).unwrap();
    let descriptor = &told["containerimage.descriptor"];
    assert_eq!(descriptor["mediaType"], "application/vnd.oci.image.index.v1+json");
    let sent = run(Command::new("skopeo")
        .args(["inspect", "--raw", "--tls-verify=false"])
        .arg(format!("docker://{name}")));
    assert_eq!(descriptor["size"], sent.expect("it is there").trim_end().len());

    // Each platform's image is whole, in the registry and in the layout.
    for arch in ["arm64", "amd64"] {
        let to = dir.path().join(format!("dir-{arch}"));
        run(Command::new("skopeo")
            .args(["copy", "--src-tls-verify=false", "--override-arch", arch])
            .arg(format!("docker://{name}"))
            .arg(format!("dir:{}", to.display())))
        .expect("skopeo copies it");
        let shown = run(Command::new("skopeo")
            .args(["inspect", "--override-arch", arch])
            .arg(format!("oci:{}:1", layout.display())));
        assert!(shown.expect("skopeo reads the layout").contains(&format!("\"arch\": \"{arch}\"")));
    }
    run(Command::new("umoci").args(["ls", "--layout"]).arg(&layout)).expect("umoci reads the layout");
    let other = dir.path().join("other");
    run(buildc(&other).args(["pull", "--platform", "linux/arm64", &name]))
        .expect("buildc pulls one platform");
    let text = run(buildc(&other).args(["inspect", "-f", "{{.Architecture}}", &name]));
    assert_eq!(text.as_deref(), Ok("arm64\n"));
    // What is to run is of the asked platform, and the name stays with the image that has it.
    let create = |more: &[&str]| {
        run(buildc(&other).arg("create").args(more).args(["--platform", "linux/amd64", &name, "true"]))
    };
    let refused = create(&["--pull", "never"]).expect_err("there is none in the store");
    for part in ["image::wrong_platform", "linux/arm64", "linux/amd64", "125"] {
        assert!(refused.contains(part), "no `{part}` in {refused}");
    }
    let id = create(&[]).expect("it is pulled");
    let image = run(buildc(&other).args(["inspect", "-f", "{{.Image}}", id.trim()])).expect("inspect");
    for (image, arch) in [(image.trim(), "amd64\n"), (&name, "arm64\n")] {
        let text = run(buildc(&other).args(["inspect", "-f", "{{.Architecture}}", image]));
        assert_eq!(text.as_deref(), Ok(arch));
    }
}

#[test]
fn layers_leave_in_the_form_that_is_asked_for() {
    if !ready("forms of layers", &["docker-registry", "skopeo", "umoci"]) {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let (store, context) = (dir.path().join("store"), foreign_context(dir.path()));
    let registry = Registry::start(&dir.path().join("registry"), None);
    for (at, (form, media_type)) in [
        ("compression=zstd,compression-level=9", "application/vnd.oci.image.layer.v1.tar+zstd"),
        ("compression=uncompressed", "application/vnd.oci.image.layer.v1.tar"),
        ("compression=gzip,compression-level=1", "application/vnd.oci.image.layer.v1.tar+gzip"),
        ("oci-mediatypes=false", "application/vnd.docker.image.rootfs.diff.tar.gzip"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("{}/form:{}", registry.address, at);
        run(buildc(&store)
            .arg("build")
            .arg("-o")
            .arg(format!("type=registry,name={name},{form}"))
            .arg(&context))
        .expect("it is pushed");
        let manifest = raw(&format!("docker://{name}"));
        assert_eq!(manifest["layers"][0]["mediaType"], media_type, "{form}");
        let to = dir.path().join(format!("copy-{}", at));
        // For a directory of its own skopeo reads every layer as its media type says.
        run(Command::new("skopeo")
            .args(["copy", "--src-tls-verify=false", "--dest-decompress"])
            .arg(format!("docker://{name}"))
            .arg(format!("dir:{}.dir", to.display())))
        .expect("skopeo decompresses it");
        run(Command::new("skopeo")
            .args(["copy", "--src-tls-verify=false"])
            .arg(format!("docker://{name}"))
            .arg(format!("oci:{}:x", to.display())))
        .expect("skopeo takes it");
        // Debian's umoci does not know zstd.
        if !form.contains("zstd") {
            run(Command::new("umoci")
                .args(["unpack", "--rootless", "--image"])
                .arg(format!("{}:x", to.display()))
                .arg(to.join("bundle")))
            .expect("umoci unpacks it");
            assert!(to.join("bundle/rootfs/arch").exists());
        }
        // What was pulled in a form keeps it, unless that is forced.
        let other = dir.path().join(format!("other-{}", at));
        run(buildc(&other).args(["pull", &name])).expect("buildc takes it");
    }
    let error = run(buildc(&store)
        .args(["build", "-o", "type=oci,dest=/dev/null,compression=zstd,compression-level=99"])
        .arg(&context))
    .expect_err("no such level");
    assert!(error.contains("between 0 and 22"), "{error}");
}

#[test]
fn a_local_output_may_be_exact_and_is_split_by_platform() {
    if !ready("local outputs", &[]) {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let (store, context) = (dir.path().join("store"), foreign_context(dir.path()));
    let (out, outside) = (dir.path().join("out"), dir.path().join("outside"));
    fs::create_dir_all(out.join("stale/deep")).unwrap();
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join("kept"), "").unwrap();
    std::os::unix::fs::symlink(&outside, out.join("link")).unwrap();
    let build = |output: String, more: &[&str]| {
        run(buildc(&store).arg("build").args(more).arg("-o").arg(output).arg(&context)).expect("it is built");
    };
    let names = || {
        let mut names: Vec<_> = fs::read_dir(&out).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    build(format!("type=local,dest={}", out.display()), &[]);
    assert_eq!(names(), ["arch", "file", "link", "stale"]);
    build(format!("type=local,dest={},mode=delete", out.display()), &[]);
    assert_eq!(names(), ["arch", "file"]);
    assert!(outside.join("kept").exists(), "a link is removed, not what it points at");
    let platforms = ["--platform", "linux/amd64,linux/arm64"];
    build(format!("type=local,dest={},mode=delete", out.display()), &platforms);
    assert_eq!(names(), ["linux_amd64", "linux_arm64"]);
    assert_eq!(fs::read_to_string(out.join("linux_arm64/arch")).unwrap(), "arm64\n");
    let (tar, unpacked) = (dir.path().join("out.tar"), dir.path().join("unpacked"));
    build(format!("type=tar,dest={}", tar.display()), &platforms);
    fs::create_dir(&unpacked).unwrap();
    run(std::process::Command::new("tar").arg("-C").arg(&unpacked).arg("-xf").arg(&tar)).expect("a tar");
    assert_eq!(fs::read_to_string(unpacked.join("linux_arm64/arch")).unwrap(), "arm64\n");
    assert_eq!(fs::read_to_string(unpacked.join("linux_amd64/arch")).unwrap(), "amd64\n");
}

#[test]
fn the_cache_of_single_stages_can_be_left_out() {
    if !ready("--no-cache-filter", &[]) {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = crate::fixture::store_with_base(dir.path());
    let text = "FROM localhost/busybox AS one\nRUN echo one > /one\nFROM localhost/busybox AS two\n\
                COPY --from=one /one /\nRUN echo two > /two\n";
    let context = context(dir.path(), "stages", text);
    run(buildc(&store).arg("build").arg(&context)).expect("it is built");
    let plan =
        run(buildc(&store).args(["plan", "--format", "json", "--no-cache-filter", "TWO"]).arg(&context));
    let plan: serde_json::Value = serde_json::from_str(&plan.expect("a plan")).expect("json");
    let text = plan.to_string();
    assert_eq!(text.matches("\"no-cache\"").count(), 2, "{text}");
    let build =
        buildc(&store).args(["build", "--progress=plain", "--no-cache-filter", "two"]).arg(&context).output();
    let said = String::from_utf8_lossy(&build.expect("a build").stderr).into_owned();
    assert!(said.contains("2 ran"), "{said}");
}

#[test]
fn attestations_hang_on_the_image_they_speak_of() {
    if !ready("attestations", &["docker-registry", "skopeo"]) {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = dir.path().join("store");
    let text = "FROM scratch\nARG SECRETISH=1\nCOPY status /var/lib/dpkg/status\nCOPY os-release /etc/\n";
    let context = context(dir.path(), "attested", text);
    let status = "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2-1+b2\n";
    fs::write(context.join("status"), status).expect("a file");
    fs::write(context.join("os-release"), "ID=debian\n").expect("a file");
    let registry = Registry::start(&dir.path().join("registry"), None);
    let name = format!("{}/attested:1", registry.address);
    run(buildc(&store)
        .args([
            "build",
            "-t",
            &name,
            "--push",
            "--sbom",
            "--provenance=mode=max",
            "--build-arg",
            "SECRETISH=2",
        ])
        .arg(&context))
    .expect("it is pushed");
    let index = raw(&format!("docker://{name}"));
    let [image, attestation] = &index["manifests"].as_array().expect("manifests")[..] else {
        panic!("{index}");
    };
    assert_eq!(attestation["platform"]["os"], "unknown");
    assert_eq!(attestation["annotations"]["vnd.docker.reference.type"], "attestation-manifest");
    assert_eq!(attestation["annotations"]["vnd.docker.reference.digest"], image["digest"]);
    let digest = |of: &serde_json::Value| of["digest"].as_str().expect("a digest").to_owned();
    let repository = format!("docker://{}/attested", registry.address);
    let manifest = raw(&format!("{repository}@{}", digest(attestation)));
    assert_eq!(manifest["subject"]["digest"], image["digest"]);
    let types: Vec<&str> = manifest["layers"]
        .as_array()
        .expect("layers")
        .iter()
        .map(|layer| layer["annotations"]["in-toto.io/predicate-type"].as_str().expect("a type"))
        .collect();
    assert_eq!(types, ["https://spdx.dev/Document", "https://slsa.dev/provenance/v1"]);
    // A registry without the referrers API has the list under a tag.
    let referrers = raw(&format!("{repository}:{}", digest(image).replace(':', "-")));
    assert_eq!(referrers["manifests"][0]["digest"], attestation["digest"]);

    // In a layout the statements can be read.
    let layout = dir.path().join("layout");
    run(buildc(&store)
        .args(["build", "--attest", "type=sbom", "--provenance", "-o"])
        .arg(format!("type=oci,tar=false,dest={}", layout.display()))
        .arg(&context))
    .expect("it is saved");
    let read = |digest: &str| -> serde_json::Value {
        let path = layout.join("blobs/sha256").join(digest.trim_start_matches("sha256:"));
        serde_json::from_slice(&fs::read(path).expect("a blob")).expect("json")
    };
    let top: serde_json::Value =
        serde_json::from_slice(&fs::read(layout.join("index.json")).expect("an index")).expect("json");
    let index = read(&digest(&top["manifests"][0]));
    let manifest = read(&digest(&index["manifests"][1]));
    let sbom = read(&digest(&manifest["layers"][0]));
    let package = &sbom["predicate"]["packages"][0];
    assert_eq!(package["name"], "bash");
    assert_eq!(package["externalRefs"][0]["referenceLocator"], "pkg:deb/debian/bash@5.2-1%2Bb2?arch=amd64");
    assert_eq!(
        format!("sha256:{}", sbom["subject"][0]["digest"]["sha256"].as_str().expect("a digest")),
        digest(&index["manifests"][0])
    );
    let provenance = read(&digest(&manifest["layers"][1])).to_string();
    assert!(!provenance.contains("SECRETISH\""), "arguments are for mode=max: {provenance}");
    // Readers still find the image.
    let other = dir.path().join("other");
    run(buildc(&other).args(["pull", &name])).expect("buildc pulls it");
    run(buildc(&other).args(["load", "-i"]).arg(&layout)).expect("buildc loads it");
    run(Command::new("skopeo")
        .args(["copy", "--src-tls-verify=false"])
        .arg(format!("docker://{name}"))
        .arg(format!("dir:{}", dir.path().join("copy").display())))
    .expect("skopeo finds the image");
}
