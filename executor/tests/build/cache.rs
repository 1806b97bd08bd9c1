//! What is built again and what is not.

use std::fs::FileTimes;
use std::time::{Duration, SystemTime};

use crate::bench::{Bench, Recipe, can_run};

fn touch(path: &std::path::Path, time: SystemTime) {
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_times(FileTimes::new().set_modified(time)).unwrap();
}

#[test]
fn a_touched_file_is_a_hit_and_other_content_of_the_same_size_and_time_is_not() {
    let bench = Bench::new();
    let path = bench.write("f", "one");
    let old = SystemTime::now() - Duration::from_secs(1000);
    touch(&path, old);
    let recipe = || Recipe::scratch().copy(&["f"], "/f");
    assert_eq!(bench.build(recipe()).tally(), (1, 0));
    touch(&path, old + Duration::from_secs(5));
    assert_eq!(bench.build(recipe()).tally(), (0, 1));
    std::fs::write(&path, "two").unwrap();
    touch(&path, old + Duration::from_secs(5));
    let built = bench.build(recipe());
    assert_eq!(built.tally(), (1, 0));
    assert_eq!(built.text("f").as_deref(), Some("two"));
}

#[test]
fn a_file_that_nobody_selects_is_no_reason() {
    let bench = Bench::new();
    bench.write("used/f", "1");
    bench.write("unused", "1");
    let recipe = || Recipe::scratch().copy(&["used"], "/");
    assert_eq!(bench.build(recipe()).tally(), (1, 0));
    bench.write("unused", "2");
    assert_eq!(bench.build(recipe()).tally(), (0, 1));
    bench.write("used/new", "3");
    assert_eq!(bench.build(recipe()).tally(), (1, 0));
}

#[test]
fn a_file_that_changes_after_planning_is_copied_as_it_is_and_cached_as_such() {
    let bench = Bench::new();
    bench.write("f", "planned");
    let contexts = bench.contexts();
    let recipe = Recipe::scratch().copy(&["f"], "/f");
    let plan = recipe.plan(&bench.store, &contexts);
    bench.write("f", "changed");
    let built = bench.run(&plan, &contexts);
    assert_eq!(built.text("f").as_deref(), Some("changed"));
    bench.write("f", "planned");
    let again = bench.build(Recipe::scratch().copy(&["f"], "/f"));
    assert_eq!((again.tally(), again.text("f").as_deref()), ((1, 0), Some("planned")));
    bench.write("f", "changed");
    assert_eq!(bench.build(Recipe::scratch().copy(&["f"], "/f")).tally(), (0, 1));
}

#[test]
fn equal_content_from_another_step_cuts_the_rest_off() {
    if !can_run() {
        return;
    }
    let bench = Bench::new();
    let below = |first: &str| Recipe::busybox(&bench).run(first).run("cat /v > /w");
    assert_eq!(bench.build(below("echo 1 > /v")).tally(), (3, 0));
    let built = bench.build(below("echo $((3 - 2)) > /v"));
    assert_eq!(built.tally(), (1, 2), "only the first command ran again");
    assert_eq!(bench.build(below("echo $((3 - 2)) > /v")).tally(), (0, 3));
}

#[test]
fn a_cached_image_is_the_same_to_the_byte() {
    let bench = Bench::new();
    bench.write("f", "1");
    let recipe = || Recipe::scratch().copy(&["f"], "/f");
    let first = bench.build(recipe()).outcome().images[0].1.id;
    std::thread::sleep(Duration::from_millis(1100));
    assert_eq!(bench.build(recipe()).outcome().images[0].1.id, first);
}

#[test]
fn nothing_is_looked_up_without_cache() {
    let mut bench = Bench::new();
    bench.write("f", "1");
    bench.options.no_cache = true;
    for _ in 0..2 {
        assert_eq!(bench.build(Recipe::scratch().copy(&["f"], "/f")).tally(), (1, 0));
    }
}

#[test]
fn many_files_come_through_the_parallel_copy_whole() {
    let bench = Bench::new();
    for n in 0..300 {
        bench.write(&format!("t/d{}/f{n}", n % 7), format!("{n}").repeat(n));
    }
    bench.write("t/large", vec![7; 3 << 20]);
    bench.write("t/larger", vec![9; (5 << 20) + 1]);
    let built = bench.build(Recipe::scratch().copy(&["t"], "/t"));
    let files = |dir: &std::path::Path| {
        let mut all = Vec::new();
        let mut todo = vec![dir.to_owned()];
        while let Some(dir) = todo.pop() {
            for entry in std::fs::read_dir(dir).unwrap().flatten() {
                if entry.path().is_dir() { todo.push(entry.path()) } else { all.push(entry.path()) }
            }
        }
        all
    };
    let source = bench.context_dir();
    for path in files(&source.join("t")) {
        let name = path.strip_prefix(&source).unwrap().to_str().unwrap();
        let found = built.tree().get(name.as_bytes()).unwrap().unwrap();
        assert_eq!(std::fs::read(found.disk_path).unwrap(), std::fs::read(&path).unwrap(), "{name}");
    }
    // What the copier hashed on the way is what the store makes again out of the entries.
    bench.assert_own_tar(&built.outcome().images[0].1.layers[0]);
}
