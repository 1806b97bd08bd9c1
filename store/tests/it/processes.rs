//! Several processes on one store, and processes that are killed.
//!
//! The processes are this test program itself, started again for one ignored test that does the work.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use buildc_digest::Key;
use buildc_store::{FsckOptions, OpenOptions, Store};

use crate::Fixture;
use crate::basics::layer_with;

fn start_writer(fixture: &Fixture, name: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::writer", "--ignored", "--nocapture"])
        .env("BUILDC_TEST_STORE", &fixture.root)
        .env("BUILDC_TEST_WRITER", name)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Not a test: the body of a started process. Writes layers, results, blobs and images until it has done a hundred.
#[test]
#[ignore = "a process that other tests start"]
fn writer() {
    let (Ok(root), Ok(name)) = (std::env::var("BUILDC_TEST_STORE"), std::env::var("BUILDC_TEST_WRITER"))
    else {
        return;
    };
    let store = Store::open(root.as_ref(), OpenOptions::default()).unwrap();
    for n in 0..100 {
        let key = Key::of(format!("{n}").as_bytes());
        let _lock = store.lock_key(&key, &|| false).unwrap().unwrap();
        if store.lookup_results(&[key]).unwrap()[0].is_some() {
            continue;
        }
        let layer = layer_with(&store, &format!("file-{n}"), &format!("{name} wrote {n}").repeat(500));
        store.record_result(&[key], &[layer.id], 1).unwrap();
        let image =
            store.put_image(name.as_bytes(), "t", format!("{name} {n}").as_bytes(), &[layer.id]).unwrap();
        store.tag(&format!("image:{n}"), &image.id).unwrap();
    }
}

#[test]
fn equal_work_in_two_processes_is_done_once() {
    let fixture = Fixture::new();
    let mut writers: Vec<Child> = ["a", "b"].map(|name| start_writer(&fixture, name)).into();
    for writer in &mut writers {
        assert!(writer.wait().unwrap().success());
    }
    let store = fixture.store();
    assert_eq!(store.images().unwrap().len(), 100);
    let keys: Vec<Key> = (0..100).map(|n| Key::of(format!("{n}").as_bytes())).collect();
    assert!(store.lookup_results(&keys).unwrap().iter().all(Option::is_some));
    assert_eq!(std::fs::read_dir(fixture.root.join("l")).unwrap().count(), 100);
    assert_eq!(std::fs::read_dir(fixture.root.join("locks")).unwrap().count(), 0);
    assert!(store.fsck(FsckOptions { repair: false, rehash: true }).unwrap().problems.is_empty());
}

#[test]
fn a_killed_process_loses_only_what_it_was_doing() {
    let fixture = Fixture::new();
    for round in 0..25u64 {
        let mut writer = start_writer(&fixture, &format!("round {round}"));
        std::thread::sleep(Duration::from_micros(2000 + round * 3700));
        writer.kill().unwrap();
        writer.wait().unwrap();
        let store = fixture.store();
        let report = store.fsck(FsckOptions { repair: true, rehash: true }).unwrap();
        // A directory or blob without a row is what a kill between rename and commit leaves; anything else is a loss.
        for problem in &report.problems {
            assert!(problem.problem.starts_with("it is not in the index"), "round {round}: {problem:?}");
        }
        assert!(store.fsck(FsckOptions { repair: false, rehash: true }).unwrap().problems.is_empty());
    }
    assert!(start_writer(&fixture, "last").wait().unwrap().success());
    let store = fixture.store();
    let keys: Vec<Key> = (0..100).map(|n| Key::of(format!("{n}").as_bytes())).collect();
    assert!(store.lookup_results(&keys).unwrap().iter().all(Option::is_some));
    // A kill between sealing and recording leaves one layer that nothing refers to; prune takes it.
    let layers = std::fs::read_dir(fixture.root.join("l")).unwrap().count();
    assert!((100..=125).contains(&layers), "{layers}");
    layer_with(&store, "sweep", "the dead are swept when somebody writes");
    assert_eq!(std::fs::read_dir(fixture.root.join("tmp")).unwrap().count(), 2, "this process's own");
}

#[test]
fn a_lock_that_is_waited_for_can_be_cancelled() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let key = Key::of(b"k");
    let held = store.lock_key(&key, &|| false).unwrap().unwrap();
    assert!(store.lock_key(&key, &|| true).unwrap().is_none());
    drop(held);
    assert!(store.lock_key(&key, &|| true).unwrap().is_some());
}

#[test]
fn many_processes_may_make_the_store_at_once() {
    let fixture = Fixture::new();
    let mut writers: Vec<Child> = (0..4).map(|n| start_writer(&fixture, &n.to_string())).collect();
    for writer in &mut writers {
        assert!(writer.wait().unwrap().success());
    }
    assert_eq!(fixture.store().images().unwrap().len(), 100);
}
