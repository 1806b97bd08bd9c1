//! The rules of COPY and ADD, without any privilege in use.

use buildc_executor::context::Context;

use crate::bench::{Bench, Recipe};

#[test]
fn a_file_goes_into_a_directory_or_becomes_the_destination() {
    let bench = Bench::new();
    bench.write("a.txt", "a");
    let cases = [("/x", "x"), ("/x/", "x/a.txt"), ("/d", "d/a.txt"), ("/new/deep/f", "new/deep/f")];
    for (dest, want) in cases {
        let base = Recipe::scratch().copy(&["a.txt"], "/d/there");
        let built = bench.build(base.copy(&["a.txt"], dest));
        assert_eq!(built.text(want).as_deref(), Some("a"), "{dest}");
    }
}

#[test]
fn a_directory_gives_its_contents_and_keeps_the_destination() {
    let bench = Bench::new();
    bench.write("src/sub/b", "bb");
    bench.write("src/a", "a");
    let mode = |path: &str, mode| {
        let path = bench.context_dir().join(path);
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    mode("src", 0o700);
    mode("src/sub", 0o711);
    mode("src/a", 0o4755);
    mode("src/sub/b", 0o644);
    std::os::unix::fs::symlink("a", bench.context_dir().join("src/link")).unwrap();
    let built = bench.build(Recipe::scratch().copy(&["src"], "/new"));
    let want = ["4755 0:0 f1 new/a", "777 0:0 la new/link", "711 0:0 d new/sub", "644 0:0 f2 new/sub/b"];
    assert_eq!(built.list("new"), want);
    assert_eq!(built.list("")[0], "755 0:0 d new");
}

#[test]
fn a_destination_has_the_time_of_the_last_directory_or_change() {
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
    let bench = Bench::new();
    bench.write("src/a", "a");
    bench.write("b", "b");
    let old = Timespec { tv_sec: 1000, tv_nsec: 0 };
    let times = Timestamps { last_access: old, last_modification: old };
    utimensat(CWD, bench.context_dir().join("src"), &times, AtFlags::empty()).unwrap();
    let mtime = |sources: &[&str]| {
        let base = Recipe::scratch().copy(&["src"], "/d");
        let built = bench.build(base.copy(sources, "/d/"));
        built.tree().get(b"d").unwrap().unwrap().entry.mtime.0
    };
    assert_eq!(mtime(&["src"]), 1000);
    assert_eq!(mtime(&["b", "src"]), 1000);
    assert!(mtime(&["src", "b"]) > 1000);
    assert!(mtime(&["b"]) > 1000);
}

#[test]
fn flags_set_owner_and_mode() {
    let bench = Bench::new();
    bench.write("s/f", "f");
    let built = bench.build(Recipe::scratch().copy_with(&["s"], "/p/q", |c| {
        c.chown = Some("5:6".to_owned());
        c.chmod = Some("640".to_owned());
    }));
    assert_eq!(built.list(""), ["640 5:6 d p", "640 5:6 d p/q", "640 5:6 f1 p/q/f"]);
    let built =
        bench.build(Recipe::scratch().copy_with(&["s"], "/p", |c| c.chmod = Some("u=rwX,go=".to_owned())));
    assert_eq!(built.list(""), ["755 0:0 d p", "600 0:0 f1 p/f"]);
}

#[test]
fn links_on_the_way_to_the_destination_are_followed_inside_the_root() {
    let bench = Bench::new();
    bench.write("f", "new");
    bench.write("t/real/old", "old");
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(target, bench.context_dir().join("t").join(name)).unwrap();
    };
    link("/real", "dir");
    link("../../../../real/file", "climbs");
    link("nowhere", "dangling");
    let base = Recipe::scratch().copy(&["t"], "/");
    for (dest, want) in
        [("/dir/f", "real/f"), ("/climbs", "real/file"), ("/dangling", "nowhere"), ("/dir/", "real/f")]
    {
        let built = bench.build(base.clone().copy(&["f"], dest));
        assert_eq!(built.text(want).as_deref(), Some("new"), "{dest}");
        assert_eq!(built.top_layer().last().map(String::as_str), Some(want), "{dest}");
    }
}

#[test]
fn conflicts_between_files_and_directories_are_errors() {
    let bench = Bench::new();
    bench.write("tree/x/inner", "1");
    bench.write("other/x", "2");
    let base = Recipe::scratch().copy(&["tree"], "/");
    let failed = |recipe: Recipe| bench.build(recipe).result.unwrap_err();
    assert_eq!(failed(base.clone().copy(&["other"], "/")).code(), "copy::is_a_directory");
    assert_eq!(failed(base.copy(&["tree"], "/x/inner")).code(), "copy::not_a_directory");
}

#[test]
fn wildcards_take_what_matches_and_nothing_is_fine() {
    let bench = Bench::new();
    for name in ["a.js", "b.json", ".hidden.js", "sub/c.js"] {
        bench.write(name, name);
    }
    let built = bench.build(Recipe::scratch().copy(&["*.js*"], "/x/"));
    assert_eq!(built.list("x").len(), 3);
    assert_eq!(bench.build(Recipe::scratch().copy(&["*.none"], "/x/")).list(""), Vec::<String>::new());
}

#[test]
fn hard_links_stay_together_and_whole_trees_are_copied_between_stages() {
    let bench = Bench::new();
    bench.write("t/a", "data");
    std::fs::hard_link(bench.context_dir().join("t/a"), bench.context_dir().join("t/b")).unwrap();
    let first = Recipe::scratch().copy(&["t"], "/from");
    let from = first.top();
    let built = bench.build(first.step(buildc_ir::StepKind::Scratch, &[]).copy_from(from, &["from"], "/to"));
    let found = built.tree().get(b"to/b").unwrap().unwrap();
    assert_eq!(found.link_to.as_deref(), Some(&b"to/a"[..]));
    assert_eq!(built.text("to/b").as_deref(), Some("data"));
}

#[test]
fn what_the_ignore_file_hides_is_not_there_and_the_rule_is_named() {
    use buildc_ir::pattern::SelectionQuery;
    use buildc_ir::world::{Facts, SelectError};
    let mut bench = Bench::new();
    for name in ["keep", "logs/a.log", "logs/keep.log", "node_modules/x/y"] {
        bench.write(name, "1");
    }
    bench.ignore = Some("# c\nnode_modules\n**/*.log\n!logs/keep.log\n".to_owned());
    let built = bench.build(Recipe::scratch().copy(&[""], "/"));
    let names: Vec<String> = built.tree().walk(b"").unwrap().iter().map(|f| text(&f.entry.path)).collect();
    assert_eq!(names, ["keep", "logs", "logs/keep.log"]);
    let contexts = bench.contexts();
    let facts = buildc_executor::facts::StoreFacts::new(&bench.store, &contexts, "");
    let query = |p: &str| SelectionQuery { patterns: vec![p.to_owned()], ..SelectionQuery::default() };
    let hidden = facts.select_context("", &query("logs/a.log")).unwrap_err();
    let rule = (".dockerignore".to_owned(), 3, "**/*.log".to_owned());
    let pattern = "logs/a.log".to_owned();
    assert_eq!(hidden, SelectError::NotFound { pattern, ignored_by: Some(rule), similar: vec![] });
    let SelectError::NotFound { similar, .. } = facts.select_context("", &query("kepe")).unwrap_err() else {
        panic!("another error")
    };
    assert_eq!(similar, ["keep"]);
}

fn text(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

#[test]
fn source_links_are_followed_but_never_out_of_the_context() {
    let bench = Bench::new();
    bench.write("real/f", "inside");
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(target, bench.context_dir().join(name)).unwrap();
    };
    link("real", "dir");
    link("/real/f", "absolute");
    link("../../../../etc/passwd", "out");
    let built = bench.build(Recipe::scratch().copy(&["dir"], "/d/").copy(&["absolute"], "/a"));
    assert_eq!(built.text("d/f").as_deref(), Some("inside"));
    assert_eq!(built.text("a").as_deref(), Some("inside"));
    let contexts = bench.contexts();
    let facts = buildc_executor::facts::StoreFacts::new(&bench.store, &contexts, "");
    let query = buildc_ir::pattern::SelectionQuery { patterns: vec!["out".to_owned()], ..Default::default() };
    assert!(buildc_ir::world::Facts::select_context(&facts, "", &query).is_err());
}

#[test]
fn a_context_that_is_no_directory_is_named() {
    let bench = Bench::new();
    let missing = bench.dir.path().join("missing");
    let error = Context::open(&bench.store, "", &missing, None).unwrap_err();
    assert_eq!(error.code(), "context::unreadable");
    assert!(error.to_string().contains("missing"));
}

/// Inode number of a path in the top layer, on disk.
fn inode(built: &crate::bench::Built, path: &str) -> u64 {
    let layer = built.outcome().images[0].1.layers.last().unwrap();
    std::os::unix::fs::MetadataExt::ino(&layer.dir.join(path).symlink_metadata().unwrap())
}

#[test]
fn what_did_not_change_is_shared_with_the_layer_before_at_the_same_path_only() {
    let bench = Bench::new();
    for n in 0..100 {
        bench.write(&format!("t/d{}/f{n}", n % 3), format!("{n}"));
    }
    bench.write("t/large", vec![7; 1 << 20]);
    bench.write("t/linked", "x");
    std::fs::hard_link(bench.context_dir().join("t/linked"), bench.context_dir().join("t/other")).unwrap();
    let recipe = || Recipe::scratch().copy(&["t"], "/t");
    let first = bench.build(recipe());
    bench.write("t/d1/f1", "changed");
    std::fs::rename(bench.context_dir().join("t/d2/f2"), bench.context_dir().join("t/d2/moved")).unwrap();
    std::fs::set_permissions(
        bench.context_dir().join("t/d0/f3"),
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    let second = bench.build(recipe());
    assert_eq!(second.tally(), (1, 0));
    for (path, shared) in
        [("t/d0/f0", true), ("t/large", true), ("t/d1/f1", false), ("t/d0/f3", false), ("t/linked", false)]
    {
        assert_eq!(inode(&first, path) == inode(&second, path), shared, "{path}");
    }
    assert_ne!(inode(&first, "t/d2/f2"), inode(&second, "t/d2/moved"));
    assert_eq!(inode(&second, "t/linked"), inode(&second, "t/other"));
    assert_eq!(second.text("t/d1/f1").as_deref(), Some("changed"));
    assert_eq!(second.text("t/d0/f0").as_deref(), Some("0"));
    let problems = bench.store.fsck(buildc_store::FsckOptions::default()).unwrap().problems;
    assert!(problems.is_empty(), "{problems:?}");
    for built in [&first, &second] {
        bench.assert_own_tar(&built.outcome().images[0].1.layers[0]);
    }
}

#[test]
fn a_layer_that_shares_files_outlives_the_one_it_took_them_from() {
    let mut bench = Bench::new();
    for n in 0..100 {
        bench.write(&format!("t/f{n}"), format!("{n}"));
    }
    let recipe = || Recipe::scratch().copy(&["t"], "/t");
    let image = |bench: &Bench| bench.build(recipe()).outcome().images[0].1.clone();
    let old = image(&bench);
    bench.write("t/f1", "changed");
    let new = image(&bench);
    // A process that has ended holds nothing any more.
    bench.store = buildc_store::Store::open(bench.store.root(), Default::default()).unwrap();
    bench.store.tag("localhost/kept:1", &new.id).unwrap();
    bench.store.remove_image(&old.id).unwrap();
    bench.store.prune(&Default::default()).unwrap();
    assert!(!old.layers[0].dir.exists());
    assert_eq!(std::fs::read(new.layers[0].dir.join("t/f99")).unwrap(), b"99");
    bench.write("t/f1", "again");
    assert_eq!(bench.build(recipe()).text("t/f98").as_deref(), Some("98"));
    // Its own donor may go too.
    std::fs::remove_dir_all(&new.layers[0].dir).unwrap();
    bench.write("t/f1", "once more");
    assert_eq!(bench.build(recipe()).text("t/f98").as_deref(), Some("98"));
}
