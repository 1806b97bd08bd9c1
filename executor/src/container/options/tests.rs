use super::*;

fn port(text: &str) -> Vec<(Option<String>, u16, u16, u16, Protocol)> {
    publish(text)
        .unwrap_or_default()
        .into_iter()
        .map(|p| {
            (p.host_ip.map(|ip| ip.to_string()), p.host_port, p.host_port_end, p.container_port, p.protocol)
        })
        .collect()
}

#[test]
fn ports() {
    use Protocol::{Tcp, Udp};
    let ip = |text: &str| Some(text.to_owned());
    assert_eq!(port("8080:80"), [(None, 8080, 8080, 80, Tcp)]);
    assert_eq!(port("127.0.0.1:8080:80/udp"), [(ip("127.0.0.1"), 8080, 8080, 80, Udp)]);
    assert_eq!(port("80"), [(None, 0, 0, 80, Tcp)]);
    assert_eq!(port(":80"), [(None, 0, 0, 80, Tcp)]);
    assert_eq!(port("127.0.0.1::80"), [(ip("127.0.0.1"), 0, 0, 80, Tcp)]);
    assert_eq!(port("0:80"), port("80"));
    assert_eq!(port("127.0.0.1:0:80"), port("127.0.0.1::80"));
    assert_eq!(port("[::1]:81:80"), [(ip("::1"), 81, 81, 80, Tcp)]);
    assert_eq!(port("8000-8001:9000-9001"), [(None, 8000, 8000, 9000, Tcp), (None, 8001, 8001, 9001, Tcp)]);
    assert_eq!(port("8000-8010:80"), [(None, 8000, 8010, 80, Tcp)]);
    for bad in ["", "0", "80:0", "x:80", "80/sctp", "8000-8002:1-2", "70000", "9-8:80", "1.2.3:80:80"] {
        assert!(publish(bad).is_err(), "{bad}");
    }
}

#[test]
fn volumes() {
    let read = |text| volume(text, std::path::Path::new("/here")).ok();
    let bind = |path: &str, target: &str, readonly| {
        let source =
            MountSource::Bind { path: path.into(), create: true, propagation: None, recursive: true };
        Some(Mount { source, target: target.to_owned(), readonly })
    };
    let named = |name: Option<&str>, nocopy| MountSource::Volume { name: name.map(str::to_owned), nocopy };
    assert_eq!(read("/a/../b:/c:ro"), bind("/b", "/c", true));
    assert_eq!(read("./x:/c/"), bind("/here/x", "/c", false));
    assert_eq!(read("data:/d:nocopy").map(|m| m.source), Some(named(Some("data"), true)));
    assert_eq!(read("/d").map(|m| m.source), Some(named(None, false)));
    for bad in ["", ":/v", "a:b", "/a:/", "/a:/b:nocopy", "d:/b:rslave", "a/b:/c", "/a:/b:ro:x", "/a:/b:what"]
    {
        assert_eq!(read(bad), None, "{bad}");
    }
}

#[test]
fn mounts_with_keys() {
    let read = |text: &str| mount(text, std::path::Path::new("/here")).map_err(|e| e.to_string());
    let bind = read("type=bind,\"src=/a,b\",dst=/c,readonly").expect("a bind");
    assert!(bind.readonly);
    for (word, readonly) in [("T", true), ("TRUE", true), ("0", false), ("F", false)] {
        let bind = read(&format!("type=bind,src=/a,dst=/c,ro={word}")).expect("a bind");
        assert_eq!(bind.readonly, readonly, "{word}");
    }
    assert!(read("type=bind,src=/a,dst=/c,ro=yes").is_err() && read("type=bind,src=/a,dst=/c,ro=").is_err());
    assert!(matches!(bind.source, MountSource::Bind { path, create: false, .. } if path == *"/a,b"));
    let tmpfs = read("type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1777").expect("a tmpfs");
    let options = "noexec,nosuid,nodev".to_owned();
    let want = MountSource::Tmpfs { options, size_bytes: Some(1 << 20), mode: Some(0o1777) };
    assert_eq!(tmpfs.source, want);
    assert!(read("type=volume,src=v,dst=/v").is_ok());
    for bad in ["type=bind,dst=/c", "type=bind,src=/a", "type=what,dst=/c", "dst=/c,colour=red", "\"dst=/c"] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

#[test]
fn memory_file_systems() {
    let mount = tmpfs("/run:rw,size=64m,mode=755,exec").expect("a tmpfs");
    let options = "nosuid,nodev,rw,exec".to_owned();
    let want = MountSource::Tmpfs { options, size_bytes: Some(64 << 20), mode: Some(0o755) };
    assert_eq!((mount.source, mount.readonly), (want, false));
    assert!(tmpfs("run").is_err());
}

#[test]
fn sizes() {
    let read = |text| size("--memory", text).ok();
    assert_eq!(read("512m"), Some(512 << 20));
    assert_eq!(read("1.5G"), Some(3 << 29));
    assert_eq!(read("10"), Some(10));
    assert_eq!(read("1kb"), Some(1024));
    for bad in ["", "m", "-1", "1x", "1e30g", "nan"] {
        assert_eq!(read(bad), None, "{bad}");
    }
    assert_eq!(memory_swap("-1").ok(), Some(-1));
}

#[test]
fn restarts_limits_devices_hosts() {
    assert_eq!(restart("on-failure:3").ok(), Some(RestartPolicy::OnFailure(Some(3))));
    assert_eq!(restart("unless-stopped").ok(), Some(RestartPolicy::UnlessStopped));
    assert!(restart("always:3").is_err() && restart("often").is_err());
    let limit = ulimit("nofile=1024:2048").map(|l| (l.soft, l.hard)).ok();
    assert_eq!(limit, Some((1024, 2048)));
    assert_eq!(ulimit("core=-1").map(|l| l.hard).ok(), Some(u64::MAX));
    assert!(ulimit("nofile=3:2").is_err() && ulimit("files=1").is_err());
    let moved = device("/dev/sda:/dev/xvda:r").map(|d| d.container).ok();
    assert_eq!(moved, Some("/dev/xvda".into()));
    assert_eq!(device("/dev/fuse:rw").map(|d| d.container).ok(), Some("/dev/fuse".into()));
    assert!(device("fuse").is_err());
    assert_eq!(add_host("a:::1").ok(), Some(("a".to_owned(), "::1".to_owned())));
    assert_eq!(add_host("a=host-gateway").ok(), Some(("a".to_owned(), "host-gateway".to_owned())));
    assert!(add_host("a:b").is_err());
}

#[test]
fn environments() {
    let lookup = |name: &str| (name == "HOME").then(|| "/h".to_owned());
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(env("A=b=c", &lookup).ok(), Some(Some(pair("A", "b=c"))));
    assert_eq!(env("HOME", &lookup).ok(), Some(Some(pair("HOME", "/h"))));
    assert_eq!(env("NOT_SET", &lookup).ok(), Some(None));
    assert!(env("=x", &lookup).is_err());
    let file = "\u{feff}A=1\n# B=2\n\nC=\"quoted\" # kept\nHOME\nNOT_SET\n";
    let want = vec![pair("A", "1"), pair("C", "\"quoted\" # kept"), pair("HOME", "/h")];
    assert_eq!(env_file(file, &lookup).ok(), Some(want));
    let bad = env_file("C=1\nA B=1\n", &lookup).unwrap_err().to_string();
    assert!(bad.contains("`A B=1`") && bad.contains("line 2"), "{bad}");
}

#[test]
fn names_of_the_kernel() {
    assert_eq!(capability("--cap-add", "cap_net_admin").ok().as_deref(), Some("NET_ADMIN"));
    assert_eq!(capability("--cap-add", "all").ok().as_deref(), Some("ALL"));
    assert!(capability("--cap-add", "FLY").is_err());
    let signal = |text| signal("--signal", text).ok();
    for (text, number) in [
        ("term", Some(15)),
        ("SIGUSR1", Some(10)),
        ("9", Some(9)),
        ("SIGRTMIN+3", Some(37)),
        ("rtmax-1", Some(63)),
        ("RTMIN", Some(34)),
        ("37", Some(37)),
        ("RTMIN+31", None),
        ("RTMIN3", None),
        ("32", None),
        ("0", None),
        ("99", None),
        ("NOPE", None),
    ] {
        assert_eq!(signal(text), number, "{text}");
    }
    assert_eq!(signal_name(15), "SIGTERM");
    assert_eq!(signal_name(34), "SIGRTMIN");
    assert_eq!(signal_name(37), "SIGRTMIN+3");
}
