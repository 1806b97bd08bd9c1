//! A file that was edited is never taken for unchanged, however fast and however its times were set; one that was not
//! edited is not read again.

use std::fs::{File, FileTimes};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use buildc_digest::ContentDigest;
use buildc_executor::facts::StoreFacts;
use buildc_ir::pattern::SelectionQuery;
use buildc_ir::world::Facts;
use rustix::fs::inotify;

use crate::bench::{Bench, Recipe};

/// What a new process would find the context to be.
fn digest(bench: &Bench) -> ContentDigest {
    let contexts = bench.contexts();
    let query = SelectionQuery { patterns: vec![String::new()], ..SelectionQuery::default() };
    StoreFacts::new(&bench.store, &contexts, "").select_context("", &query).unwrap().digest
}

/// Long enough that no stamp is young any more.
fn age() {
    std::thread::sleep(Duration::from_millis(60));
}

#[test]
fn edits_of_the_same_size_within_one_tick_are_seen() {
    let bench = Bench::new();
    bench.write("f", "0000");
    let mut same_stamp = 0;
    for n in 1..400 {
        let before = digest(&bench);
        let stamp = |path: &Path| path.metadata().map(|m| (m.mtime(), m.mtime_nsec(), m.ino())).unwrap();
        let old = stamp(&bench.context_dir().join("f"));
        let path = bench.write("f", format!("{n:04}"));
        same_stamp += usize::from(stamp(&path) == old);
        assert_ne!(digest(&bench), before, "edit {n}");
    }
    // Kernels with fine-grained stamps tell all of them apart; on others this is what the rule is for.
    eprintln!("{same_stamp} edits left the times as they were");
}

#[test]
fn an_edit_that_keeps_size_and_mtime_is_seen() {
    let bench = Bench::new();
    let path = bench.write("f", "one");
    let model = bench.dir.path().join("model");
    std::fs::copy(&path, &model).unwrap();
    run("touch", &["-d", "2020-01-01 00:00:00.5"], &[&path]);
    run("touch", &["-r"], &[&path, &model]);
    age();
    let before = digest(&bench);
    std::fs::write(&path, "two").unwrap();
    run("touch", &["-r"], &[&model, &path]);
    assert_eq!(path.metadata().unwrap().mtime(), model.metadata().unwrap().mtime());
    assert_ne!(digest(&bench), before);
}

#[test]
fn what_is_copied_or_renamed_over_with_its_mtime_is_seen() {
    let bench = Bench::new();
    let path = bench.write("f", "one");
    run("touch", &["-d", "2020-01-01 00:00:00.5"], &[&path]);
    age();
    let one = digest(&bench);
    let other = bench.dir.path().join("other");
    std::fs::write(&other, "two").unwrap();
    run("touch", &["-r"], &[&path, &other]);
    age();
    run("cp", &["-p"], &[&other, &path]);
    let two = digest(&bench);
    assert_ne!(one, two, "cp -p");
    age();
    assert_eq!(digest(&bench), two);
    std::fs::write(&other, "six").unwrap();
    run("touch", &["-r"], &[&path, &other]);
    age();
    std::fs::rename(&other, &path).unwrap();
    assert_ne!(digest(&bench), two, "mv");
}

#[test]
fn a_file_whose_times_are_in_the_future_is_read_every_time() {
    let bench = Bench::new();
    let path = bench.write("f", "one");
    let future = std::time::SystemTime::now() + Duration::from_secs(3600);
    for text in ["one", "two"] {
        std::fs::write(&path, text).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_times(FileTimes::new().set_modified(future)).unwrap();
        age();
        assert_eq!(opened(&bench), ["f"], "{text}");
        assert_eq!(opened(&bench), ["f"], "{text}");
    }
}

#[test]
fn what_has_aged_is_read_once() {
    let bench = Bench::new();
    for name in ["a", "b", "c"] {
        bench.write(name, name);
    }
    age();
    assert_eq!(opened(&bench), ["a", "b", "c"]);
    assert_eq!(opened(&bench), [""; 0]);
    bench.write("b", "B");
    assert_eq!(opened(&bench), ["b"]);
    age();
    // It was young when it was read: once more, and then never again.
    assert!(opened(&bench).len() <= 1);
    assert_eq!(opened(&bench), [""; 0]);
}

#[test]
fn a_young_file_that_changed_since_it_was_hashed_is_not_stored_under_the_old_key() {
    let bench = Bench::new();
    for n in 0..50 {
        let old = format!("old {n:02}");
        bench.write("f", &old);
        let contexts = bench.contexts();
        let recipe = Recipe::scratch().copy(&["f"], "/f");
        let plan = recipe.plan(&bench.store, &contexts);
        bench.write("f", format!("new {n:02}"));
        let built = bench.run(&plan, &contexts);
        assert_eq!(built.text("f"), Some(format!("new {n:02}")));
        bench.write("f", &old);
        assert_eq!(bench.build(recipe).text("f"), Some(old));
    }
}

fn run(program: &str, options: &[&str], paths: &[&Path]) {
    assert!(Command::new(program).args(options).args(paths).status().unwrap().success());
}

/// Names of the files in the context's directory that a new process opens to find its digest.
fn opened(bench: &Bench) -> Vec<String> {
    let watch = inotify::init(inotify::CreateFlags::NONBLOCK).unwrap();
    inotify::add_watch(&watch, bench.context_dir(), inotify::WatchFlags::OPEN).unwrap();
    digest(bench);
    let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
    let mut reader = inotify::Reader::new(&watch, &mut buffer);
    let mut names = Vec::new();
    while let Ok(event) = reader.next() {
        if let Some(name) = event.file_name() {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    names.dedup();
    names
}
