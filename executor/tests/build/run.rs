//! RUN: namespaces, mounts, output, failure and cancellation.

use std::path::Path;
use std::time::{Duration, Instant};

use buildc_executor::Cancel;
use buildc_executor::build::{BuildError, FailureKind, SecretSource};
use buildc_ir::step::{Mount, MountSource, Role, Sharing};

use crate::bench::{Bench, Recipe, can_run};

fn mount(target: &str, source: MountSource) -> Mount {
    Mount { target: target.to_owned(), source, readonly: false }
}

#[test]
fn a_command_changes_its_layer_and_nothing_else() {
    if !can_run() {
        return;
    }
    let bench = Bench::new();
    let recipe =
        Recipe::busybox(&bench).run("echo hi > /out; busybox cat /etc/hosts > /hosts; busybox hostname");
    let built = bench.build(recipe);
    assert_eq!(built.text("out").as_deref(), Some("hi\n"));
    assert!(built.text("hosts").unwrap().starts_with("127.0.0.1\tlocalhost"));
    assert_eq!(built.top_layer(), ["hosts", "out"], "mount points leave no trace");
    assert_eq!(built.output(), "buildkitsandbox\n");
}

#[test]
fn a_command_leaves_the_mount_points_that_its_base_lacks() {
    if !can_run() {
        return;
    }
    let bench = Bench::new();
    let recipe = || {
        let whole = Recipe::busybox(&bench);
        std::fs::remove_dir(bench.context_dir().join(".base/proc")).unwrap();
        std::fs::remove_dir(bench.context_dir().join(".base/sys")).unwrap();
        whole.run("echo hi > /out")
    };
    let built = bench.build(recipe());
    assert_eq!(built.top_layer(), ["out", "proc", "sys"]);
    let proc = built.tree().get(b"proc").unwrap().unwrap().entry;
    assert_eq!((proc.mode, proc.uid, proc.gid), (0o755, 0, 0));
}

#[test]
fn a_link_in_the_way_of_a_mount_point_does_not_lead_to_the_host() {
    if !can_run() {
        return;
    }
    let bench = Bench::new();
    let host = tempfile::tempdir().unwrap();
    std::fs::create_dir(host.path().join("empty")).unwrap();
    let script = format!("busybox mv /x /z; busybox ln -s {} /x", host.path().display());
    let recipe = Recipe::busybox(&bench).exec(&script, |e| {
        e.mounts = vec![mount("/x/empty", MountSource::Tmpfs { size_bytes: None })];
    });
    assert!(bench.build(recipe).result.is_ok());
    assert!(host.path().join("empty").is_dir(), "what the link leads to is none of the step's");
}

#[test]
fn users_homes_and_groups_come_from_the_image() {
    if !can_run() {
        return;
    }
    let bench = Bench::new();
    let who = |user: &str| {
        let base = Recipe::busybox(&bench);
        bench.build(base.exec("echo $(busybox id -u):$(busybox id -G) $HOME", |e| e.user = user.to_owned()))
    };
    for (user, want) in [
        ("", "0:0 /root\n"),
        ("app", "1000:1001 50 /home/app\n"),
        ("app:staff", "1000:50 /home/app\n"),
        ("7:8", "7:8 /\n"),
    ] {
        assert_eq!(who(user).output(), want, "{user}");
    }
    let error = who("nobody").result.unwrap_err();
    assert_eq!((error.code(), error.kind()), ("step::unknown_user", FailureKind::Input));
}

#[test]
fn a_failure_tells_status_and_end_of_the_output() {
    if !can_run() {
        return;
    }
    let bench = Bench::new();
    let built = bench
        .build(Recipe::busybox(&bench).run("for i in $(busybox seq 30); do echo line $i; done; exit 42"));
    let Err(BuildError::Step { exit_status, tail, message, kind, .. }) = built.result else {
        panic!("no failure")
    };
    assert_eq!((exit_status, kind), (Some(42), FailureKind::Step));
    assert_eq!(
        (tail.len(), tail.first().unwrap().as_str(), tail.last().unwrap().as_str()),
        (20, "line 11", "line 30")
    );
    assert!(message.contains("exit status 42"), "{message}");
    let missing = Recipe::busybox(&bench).exec("", |e| e.args = vec!["nosuch".to_owned()]);
    let Err(BuildError::Step { exit_status, .. }) = bench.build(missing).result else { panic!("no failure") };
    assert_eq!(exit_status, Some(127));
}

#[test]
fn the_working_directory_is_made_and_mount_points_are_not() {
    if !can_run() {
        return;
    }
    let bench = Bench::new();
    let tmpfs = mount("/mnt/deep/x", MountSource::Tmpfs { size_bytes: None });
    let recipe = Recipe::busybox(&bench).exec("echo 1 > /mnt/deep/x/gone", |e| {
        e.cwd = "/work/dir".to_owned();
        e.mounts = vec![tmpfs];
    });
    assert_eq!(bench.build(recipe).top_layer(), ["work", "work/dir"]);
}

#[test]
fn a_mount_point_below_a_directory_of_the_base_leaves_nothing() {
    if !can_run() {
        return;
    }
    let bench = Bench::new();
    let tmpfs = || vec![mount("/deep/er/x/y", MountSource::Tmpfs { size_bytes: None })];
    let recipe = |bench: &Bench, command| {
        Recipe::busybox(bench).run("busybox mkdir -p /deep/er").mounted(command, tmpfs())
    };
    assert_eq!(bench.build(recipe(&bench, "true")).top_layer(), Vec::<String>::new());
    let changed = bench.build(recipe(&bench, "busybox chmod 700 /deep/er"));
    assert_eq!(changed.top_layer(), ["deep", "deep/er"]);
}

#[test]
fn cache_mounts_outlive_builds_and_stay_out_of_layers() {
    if !can_run() {
        return;
    }
    let bench = Bench::new();
    let cache = || {
        let source = MountSource::Cache {
            id: "c".to_owned(),
            sharing: Sharing::Locked,
            initial: None,
            mode: 0o755,
            uid: 0,
            gid: 0,
        };
        vec![mount("/cache", source)]
    };
    let recipe = |n: u32| {
        Recipe::busybox(&bench).mounted(&format!("echo {n} >> /cache/log; busybox cat /cache/log"), cache())
    };
    assert_eq!(bench.build(recipe(1)).output(), "1\n");
    let built = bench.build(recipe(2));
    assert_eq!(built.output(), "1\n2\n");
    assert_eq!(built.top_layer(), Vec::<String>::new());
}

#[test]
fn secrets_are_shown_and_kept_nowhere() {
    if !can_run() {
        return;
    }
    let mut bench = Bench::new();
    let secret = |required| {
        let source = MountSource::Secret {
            id: "token".to_owned(),
            env: Some("TOKEN".to_owned()),
            file: true,
            mode: 0o400,
            uid: 0,
            gid: 0,
            required,
        };
        vec![mount("/run/secrets/token", source)]
    };
    let recipe = |bench: &Bench, required| {
        let command = "test \"$(busybox cat /run/secrets/token 2>/dev/null)\" = \"$TOKEN\"";
        Recipe::busybox(bench).mounted(command, secret(required))
    };
    let error = bench.build(recipe(&bench, true)).result.unwrap_err();
    assert_eq!(error.code(), "step::no_secret");
    assert_eq!(bench.build(recipe(&bench, false)).tally().0, 1);
    let file = bench.dir.path().join("value");
    std::fs::write(&file, "very-secret-value").unwrap();
    bench.options.secrets.insert("token".to_owned(), SecretSource::File(file));
    let built = bench.build(recipe(&bench, true));
    assert_eq!(built.top_layer(), Vec::<String>::new());
    let again = bench.build(recipe(&bench, true));
    assert_eq!(again.tally().0, 0, "the value is in no key");
    let mut grep = std::process::Command::new("grep");
    let found = grep.args(["-rq", "very-secret-value"]).arg(bench.store.root()).status().unwrap();
    assert!(!found.success(), "the value is in the store");
}

#[test]
fn bind_mounts_show_trees_and_contexts_and_forget_writes() {
    if !can_run() {
        return;
    }
    let bench = Bench::new();
    bench.write("data/f", "from the context");
    let base = Recipe::busybox(&bench);
    let other = base.clone().run("echo from the tree > /t");
    let tree = other.top();
    let bind = |from, path: &str| MountSource::Bind { from, path: path.to_owned() };
    let mounts = vec![
        mount("/c", bind(buildc_ir::step::From::Context(String::new()), "/data")),
        mount("/i", bind(buildc_ir::step::From::Input(1), "/")),
    ];
    let start = base.top();
    let recipe = other.at(start).exec_with_input(
        "busybox cat /c/f /i/t; echo 1 > /c/f; echo 1 > /i/t",
        mounts,
        (tree, Role::Mount),
    );
    let built = bench.build(recipe);
    assert_eq!(built.output(), "from the contextfrom the tree\n");
    assert_eq!(built.top_layer(), Vec::<String>::new());
    assert_eq!(std::fs::read_to_string(bench.context_dir().join("data/f")).unwrap(), "from the context");
}

#[test]
fn a_tree_with_the_same_layer_twice_can_be_mounted() {
    if !can_run() {
        return;
    }
    let bench = Bench::new();
    let base = Recipe::busybox(&bench);
    let start = base.top();
    let source = base.run("echo kept > /t").run("true").run("busybox true");
    let tree = source.top();
    for readonly in [true, false] {
        let from = MountSource::Bind { from: buildc_ir::step::From::Input(1), path: "/".into() };
        let mounts = vec![Mount { readonly, ..mount("/i", from) }];
        let recipe =
            source.clone().at(start).exec_with_input("busybox cat /i/t", mounts, (tree, Role::Mount));
        assert_eq!(bench.build(recipe).output(), "kept\n");
    }
}

#[test]
fn independent_steps_run_at_once() {
    if !can_run() {
        return;
    }
    let mut bench = Bench::new();
    bench.options.jobs = 2;
    let base = Recipe::busybox(&bench);
    let start = base.top();
    let a = base.run("busybox sleep 1; echo a > /a");
    let (one, a) = (a.top(), a.at(start));
    let b = a.run("busybox sleep 1; echo b > /b");
    let (two, b) = (b.top(), b.at(start));
    let recipe = b.copy_from(one, &["a"], "/").copy_from(two, &["b"], "/");
    let begun = Instant::now();
    let built = bench.build(recipe);
    assert_eq!((built.text("a").as_deref(), built.text("b").as_deref()), (Some("a\n"), Some("b\n")));
    assert!(begun.elapsed() < Duration::from_millis(1900), "{:?}", begun.elapsed());
}

#[test]
fn cancelling_ends_everything_and_leaves_nothing_mounted() {
    if !can_run() {
        return;
    }
    let mut bench = Bench::new();
    bench.options.cancel = Cancel::new();
    let cancel = bench.options.cancel.clone();
    let waker = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        cancel.cancel();
    });
    let begun = Instant::now();
    let built = bench.build(Recipe::busybox(&bench).run("busybox sleep 71"));
    waker.join().unwrap();
    assert!(matches!(built.result, Err(BuildError::Cancelled)));
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_nothing_left(bench.dir.path(), "71");
}

fn assert_nothing_left(dir: &Path, argument: &str) {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(!mounts.contains(dir.to_str().unwrap()), "{mounts}");
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let command = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        assert!(!command.ends_with(format!("sleep\0{argument}\0").as_bytes()), "{:?}", process.path());
    }
}

#[test]
fn a_failure_stops_the_other_steps() {
    if !can_run() {
        return;
    }
    let mut bench = Bench::new();
    bench.options.jobs = 2;
    let base = Recipe::busybox(&bench);
    let start = base.top();
    let a = base.run("busybox sleep 72");
    let (one, a) = (a.top(), a.at(start));
    let recipe = a.run("busybox sleep 0.3; exit 3").copy_from(one, &["bin"], "/x");
    let begun = Instant::now();
    let error = bench.build(recipe).result.unwrap_err();
    assert_eq!(error.code(), "step::command_failed");
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_nothing_left(bench.dir.path(), "72");
}

#[test]
fn equal_steps_of_two_builds_at_once_run_once() {
    if !can_run() {
        return;
    }
    let bench = Bench::new();
    let recipe = Recipe::busybox(&bench).run("busybox sleep 1; echo x > /x");
    let both: Vec<(u32, u32)> = std::thread::scope(|scope| {
        let run = || scope.spawn(|| bench.build(recipe.clone()).tally());
        [run(), run()].into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert_eq!(both.iter().map(|(ran, _)| ran).sum::<u32>(), 2, "{both:?}: each step ran once");
}
