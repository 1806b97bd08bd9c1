//! The file system of a container: overlays, mounts, masks and paths that try to get out.

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use buildc_launch::{Exit, MountSpec, RootFs};
use support::{Fixture, can_launch, run, try_run};

buildc_launch::init_before_tests!();

fn bind(source: &Path, target: &str, readonly: bool) -> MountSpec {
    MountSpec::Bind {
        source: source.to_owned(),
        target: target.into(),
        readonly,
        recursive: true,
        propagation: None,
    }
}

#[test]
fn writes_land_in_the_upper_directory_and_nothing_stays_mounted() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    run(&fixture.shell("echo hello > /new; ls / | wc -l"));
    assert_eq!(fs::read_to_string(fixture.path("upper/new")).expect("the file"), "hello\n");
    assert!(!fixture.path("lower/new").exists());
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mounts");
    assert!(!mounts.contains(fixture.dir.path().to_str().expect("text")), "{mounts}");
}

#[test]
fn what_was_made_for_mounts_is_reported() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    let mut spec = fixture.shell("pwd");
    spec.process.cwd = "/work/dir".into();
    spec.mounts = vec![MountSpec::File {
        target: "/etc/hosts".into(),
        data: b"127.0.0.1 localhost\n".to_vec(),
        mode: 0o644,
        uid: 0,
        gid: 0,
    }];
    let (exit, output, process) = try_run(&spec).expect("it starts");
    assert_eq!((exit, output.as_str()), (Exit::Code(0), "/work/dir\n"));
    let made = ["/proc", "/dev", "/sys", "/etc/hosts", "/work", "/work/dir"].map(PathBuf::from);
    assert_eq!(process.created, made);
}

#[test]
fn no_device_works_but_the_standard_ones() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    let shared = fixture.path("shared");
    fs::create_dir(&shared).expect("a directory");
    let script = "for dir in / /dev /shared /scratch; do \
        if mknod $dir/node c 1 5; then head -c 1 $dir/node && echo $dir works; rm $dir/node; fi; \
        done 2>/dev/null; head -c 2 /dev/zero | wc -c; echo fine > /dev/null && echo done";
    let mut spec = fixture.shell(script);
    let (options, target) = (String::new(), "/scratch".into());
    let scratch = MountSpec::Tmpfs { target, options, size_bytes: None, mode: Some(0o755) };
    spec.mounts = vec![bind(&shared, "/shared", false), scratch];
    let (exit, output, _) = try_run(&spec).expect("it starts");
    assert_eq!((exit, output.as_str()), (Exit::Code(0), "2\ndone\n"));
}

#[test]
fn a_directory_serves_as_root_and_can_be_read_only() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    let mut spec = fixture.shell("touch /new && echo made; touch /dev/shm/x && echo shm");
    spec.rootfs = RootFs::Directory(fixture.path("lower"));
    assert_eq!(run(&spec), "made\nshm\n");
    fs::remove_file(fixture.path("lower/new")).expect("the file");
    spec.readonly_root = true;
    let output = run(&spec);
    assert!(output.contains("Read-only file system") && output.ends_with("shm\n"), "{output}");
}

#[test]
fn many_layers_with_long_names_are_mounted() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    let mut lowers: Vec<PathBuf> = (0..120)
        .map(|index| {
            let layer = fixture.path(&format!("{}{index:0>180}", "long,name:with\\signs"));
            fs::create_dir(&layer).expect("a layer");
            fs::write(layer.join(format!("file{index}")), "x").expect("a file");
            layer
        })
        .collect();
    lowers.push("lower".into());
    let mut spec = fixture.shell("ls /file* | wc -l");
    if let RootFs::Overlay { lowers: place, .. } = &mut spec.rootfs {
        *place = lowers;
    }
    assert_eq!(run(&spec), "120\n");
}

#[test]
fn a_layer_that_is_missing_is_named() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    let mut spec = fixture.shell("true");
    if let RootFs::Overlay { lowers, .. } = &mut spec.rootfs {
        lowers.insert(0, "no-such-layer".into());
    }
    let error = try_run(&spec).map(|(exit, ..)| exit).expect_err("no layer");
    assert!(error.to_string().contains("no-such-layer"), "{error}");
    assert_eq!(error.exit_code(), 125);
}

#[test]
fn binds_follow_their_mode() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    fs::create_dir(fixture.path("data")).expect("data");
    fs::write(fixture.path("data/file"), "content\n").expect("file");
    let mut spec = fixture.shell("cat /ro/file /one; touch /rw/made; touch /ro/no; ls /rw");
    spec.mounts = vec![
        bind(&fixture.path("data"), "/ro", true),
        bind(&fixture.path("data"), "/rw", false),
        bind(&fixture.path("data/file"), "/one", true),
    ];
    let output = run(&spec);
    assert!(output.starts_with("content\ncontent\n"), "{output}");
    assert!(output.contains("Read-only") && output.ends_with("file\nmade\n"), "{output}");
}

#[test]
fn a_symlink_of_the_image_leads_nowhere_outside() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    let outside = fixture.path("outside");
    fs::create_dir(&outside).expect("outside");
    symlink(&outside, fixture.path("lower/absolute")).expect("a link");
    symlink("../../../../../../../../../..", fixture.path("lower/up")).expect("a link");
    fs::create_dir(fixture.path("data")).expect("data");
    fs::write(fixture.path("data/file"), "content\n").expect("file");
    let mut spec = fixture.shell("cat /absolute/deep/file /up/top/file");
    spec.mounts = vec![
        bind(&fixture.path("data"), "/absolute/deep", true),
        bind(&fixture.path("data"), "/up/top", true),
    ];
    assert_eq!(run(&spec), "content\ncontent\n");
    assert_eq!(fs::read_dir(&outside).expect("outside").count(), 0);
    assert!(fixture.path("upper/top").is_dir() && !Path::new("/top").exists());
}

/// While anything on the machine is renamed or mounted, the kernel asks to repeat what resolves a `..`.
#[test]
fn renames_elsewhere_do_not_disturb_the_mounts() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    symlink("../../..", fixture.path("lower/up")).expect("a link");
    fs::create_dir(fixture.path("data")).expect("data");
    let targets = (0..200).map(|number| format!("/up/../up/../up/top{number}"));
    let mut spec = fixture.shell("echo done");
    spec.mounts = targets.map(|target| bind(&fixture.path("data"), &target, true)).collect();
    let busy = std::sync::atomic::AtomicBool::new(true);
    let [here, there] = ["here", "there"].map(|name| fixture.path(name));
    fs::write(&here, "").expect("a file");
    let output = std::thread::scope(|scope| {
        scope.spawn(|| {
            while busy.load(std::sync::atomic::Ordering::Relaxed) {
                fs::rename(&here, &there).and_then(|()| fs::rename(&there, &here)).expect("renamed");
            }
        });
        let output = try_run(&spec).map(|(_, output, _)| output);
        busy.store(false, std::sync::atomic::Ordering::Relaxed);
        output
    });
    assert_eq!(output.expect("it starts"), "done\n");
}

#[test]
fn trees_are_shown_and_their_writes_forgotten() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    for (layer, file) in [("a", "below"), ("b", "above")] {
        fs::create_dir_all(fixture.path(layer).join("sub")).expect("a layer");
        fs::write(fixture.path(layer).join("sub").join(file), file).expect("a file");
    }
    let tree = |lowers: &[&str], target: &str, subpath: &str, readonly| MountSpec::Tree {
        base: fixture.dir.path().to_owned(),
        lowers: lowers.iter().map(PathBuf::from).collect(),
        subpath: subpath.into(),
        target: target.into(),
        readonly,
    };
    let mut spec = fixture.shell("ls /rw /ro; cat /one; echo; touch /rw/new && echo wrote; touch /ro/new");
    spec.mounts = vec![
        tree(&["b", "a"], "/rw", "/sub", false),
        tree(&["a"], "/ro", "sub", true),
        tree(&["b", "a"], "/one", "sub/above", true),
    ];
    let (_, output, _) = try_run(&spec).expect("it starts");
    let expected = "/ro:\nbelow\n\n/rw:\nabove\nbelow\nabove\nwrote\n";
    assert!(output.starts_with(expected) && output.contains("Read-only"), "{output}");
    assert!(!fixture.path("b/sub/new").exists() && !fixture.path("a/sub/new").exists());
}

#[test]
fn tmpfs_and_files_have_their_options() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    let mut spec =
        fixture.shell("grep ' /scratch ' /proc/mounts; stat -c %a,%u /secret; cat /secret; echo x > /secret");
    spec.mounts = vec![
        MountSpec::Tmpfs {
            target: "/scratch".into(),
            options: "noexec,nosuid,uid=5".to_owned(),
            size_bytes: Some(1 << 20),
            mode: Some(0o1777),
        },
        MountSpec::File {
            target: "/secret".into(),
            data: b"\xff\0s\n".to_vec(),
            mode: 0o400,
            uid: 7,
            gid: 0,
        },
    ];
    let (reader, stdio) = support::piped();
    let mut process = buildc_launch::launch(&spec, stdio).expect("it starts");
    let output: Vec<u8> = std::io::Read::bytes(reader).map(|byte| byte.expect("output")).collect();
    process.wait().expect("the end");
    let text = String::from_utf8_lossy(&output);
    assert!(
        text.contains("nosuid,nodev,noexec") && text.contains("size=1024k") && text.contains("uid=5"),
        "{text}"
    );
    assert!(text.contains("400,7\n") && text.contains("Read-only"), "{text}");
    assert!(output.windows(4).any(|part| part == b"\xff\0s\n"));
}

#[test]
fn proc_and_sys_are_masked_and_protected() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    let script = "wc -c < /proc/keys; wc -c < /proc/timer_list; ls /proc/acpi /sys/firmware | grep -v : | wc -w; \
                  echo 1 > /proc/sys/kernel/msgmax; touch /sys/x";
    let (_, output, _) = try_run(&fixture.shell(script)).expect("it starts");
    assert!(output.starts_with("0\n0\n0\n"), "{output}");
    assert_eq!(output.matches("Read-only file system").count(), 2, "{output}");
}

#[test]
fn proc_cannot_be_covered() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    symlink("/proc", fixture.path("lower/elsewhere")).expect("a link");
    fs::create_dir(fixture.path("fake")).expect("a directory");
    fs::write(fixture.path("report"), "fake\n").expect("a file");
    let bind = |source: &str, target: &str| MountSpec::Bind {
        source: fixture.path(source),
        target: target.into(),
        readonly: false,
        recursive: true,
        propagation: None,
    };
    let tmpfs = MountSpec::Tmpfs {
        target: "/proc/sys".into(),
        options: String::new(),
        size_bytes: None,
        mode: Some(0o755),
    };
    let refused = [
        bind("fake", "/proc"),
        bind("fake", "/elsewhere"),
        bind("fake", "/elsewhere/sys"),
        bind("report", "/proc/self/attr/exec"),
        bind("report", "/elsewhere/uptime"),
        tmpfs,
    ];
    for mount in refused {
        let mut spec = fixture.shell("true");
        spec.mounts = vec![mount.clone()];
        let error = try_run(&spec).map(|(_, output, _)| output).expect_err("it covers /proc");
        assert!(error.exit_code() == 125 && error.to_string().contains("inside"), "{mount:?}: {error}");
    }
    let mut spec = fixture.shell("cat /proc/uptime; ls -d /proc/1");
    spec.mounts = vec![bind("report", "/proc/uptime")];
    assert_eq!(run(&spec), "fake\n/proc/1\n", "lxcfs does this");
    spec.mounts = vec![bind("../../proc", "/proc")];
    assert!(run(&spec).ends_with("/proc/1\n"), "the host's own proc");
}

#[test]
fn dev_has_the_usual_devices() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    let script = "cd /dev; stat -c %n:%t,%T:%a null zero full random urandom tty; for n in ptmx fd stdout; do readlink $n; done; \
                  echo x > null; head -c 3 zero | wc -c; ls";
    let output = run(&fixture.shell(script));
    let expected = "null:1,3:666\nzero:1,5:666\nfull:1,7:666\nrandom:1,8:666\nurandom:1,9:666\ntty:5,0:666\n\
                    pts/ptmx\n/proc/self/fd\n/proc/self/fd/1\n3\n";
    assert!(output.starts_with(expected), "{output}");
    assert!(!output.contains("console"), "{output}");
}

#[test]
fn a_working_directory_outside_is_refused() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    symlink("/proc/self/cwd/../../..", fixture.path("lower/escape")).expect("a link");
    let descriptors = (0..32).map(|number| format!("/proc/self/fd/{number}"));
    for cwd in
        descriptors.chain(["/escape".to_owned(), "/proc/self/cwd".to_owned(), "/proc/1/root".to_owned()])
    {
        let mut spec = fixture.shell("pwd");
        spec.process.cwd = cwd.clone().into();
        let error = try_run(&spec).map(|(_, output, _)| output).expect_err(&cwd);
        assert_eq!(error.exit_code(), 125, "{cwd}: {error}");
    }
    let mut spec = fixture.shell("pwd");
    spec.process.cwd = "/../../../etc".into();
    assert_eq!(run(&spec), "/etc\n");
}

#[test]
fn no_descriptor_leaks() {
    if !can_launch() {
        return;
    }
    let fixture = Fixture::new();
    // Inheritable on purpose, as a careless parent's are.
    let file = fs::File::open("/").expect("a directory");
    let leaked = rustix::io::fcntl_dupfd_cloexec(&file, 50).expect("a descriptor");
    rustix::io::fcntl_setfd(&leaked, rustix::io::FdFlags::empty()).expect("inheritable");
    let output =
        run(&fixture.shell("ls /proc/$$/fd | sort -n | tail -1; ls -l /proc/$$/fd | grep -c dir || true"));
    let highest: u32 = output.lines().next().and_then(|line| line.parse().ok()).unwrap_or(99);
    assert!(highest <= 10, "{output}");
    let modes = fs::metadata(fixture.path("lower")).expect("lower").permissions().mode();
    assert_eq!(modes & 0o777, 0o755);
}
