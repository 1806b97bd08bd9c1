//! What is made before its turn: it saves time where it can, and nothing of it counts that the written order would not give.

use crate::able;
use crate::story::{Story, assert_same, order};

/// Two commands that run again whenever the base says another mode. What the second does then is the case's.
fn story(second: &str) -> Story {
    let first = "RUN cat /etc/mode && sleep 1 && echo 1 >/first && rm -rf /dir && ln -s /other /dir";
    Story::new(&format!("{first}\nRUN case $(cat /etc/mode) in off) ;; *) {second} ;; esac"))
}

/// The base in which the second command does nothing that has to do with the first one.
const OFF: &str = "mkdir -p etc dir other; echo off >etc/mode";
/// Both commands run again.
const ON: &str = "mkdir -p etc dir other; echo on >etc/mode";

fn at(events: &[(String, String)], event: &str, text: &str) -> Option<usize> {
    events.iter().position(|(e, label)| e == event && label.starts_with(text))
}

/// Builds with the base off, then on, and gives what the second build told. Its tree is the in-order one.
fn told(second: &str) -> Vec<(String, String)> {
    let story = story(second);
    story.change_base(OFF);
    story.events(&[]);
    story.change_base(ON);
    let plan = story.plan(&["--jobs", "2"]);
    let last = plan["steps"].as_array().and_then(|steps| steps.last()).expect("a step");
    assert!(last["early"]["over"].is_string(), "{last}");
    let told = order(&story.events(&["--jobs", "2"]));
    let early = story.tree(&[]);
    let in_order = story.tree(&["--no-cache", "--trace=off", "--optimise=-reorder,-link"]);
    assert_same(&early, &in_order, second);
    told
}

#[test]
fn a_command_that_has_nothing_to_do_with_the_one_before_it_runs_beside_it() {
    if !able() {
        return;
    }
    let told = told("echo 2 >/second");
    let second = at(&told, "started", "RUN case").expect("it starts");
    assert!(second < at(&told, "done", "RUN cat").expect("the first ends"), "{told:?}");
    assert_eq!(at(&told, "discarded", "RUN case"), None, "{told:?}");
}

#[test]
fn what_reads_writes_or_misses_what_it_moved_past_runs_again_in_its_turn() {
    if !able() {
        return;
    }
    for (what, second) in [
        ("reads", "cat /first >/second 2>&1 || true"),
        ("writes", "echo 2 >/first"),
        ("lists", "ls / >/second"),
        ("is below what became a link", "echo 2 >/dir/second"),
        ("fails", "cat /first"),
        ("waits for ever", "until test -e /first; do sleep 0.1; done"),
        ("removes", "rm -f /first"),
    ] {
        let told = told(second);
        let discarded = at(&told, "discarded", "RUN case");
        assert!(discarded.is_some(), "{what}: {told:?}");
        assert!(at(&told, "done", "RUN cat") < discarded, "{what}: {told:?}");
        assert!(discarded < at(&told, "done", "RUN case"), "{what}: {told:?}");
    }
}

#[test]
fn what_is_known_to_depend_on_what_is_before_it_is_not_moved() {
    if !able() {
        return;
    }
    let story = Story::new(
        "RUN cat /etc/mode >/first\nRUN cat /etc/mode /first >/second\nCOPY f /d/\nRUN cat /etc/mode /d/f",
    );
    story.write("f", "f");
    story.change_base(OFF);
    story.events(&[]);
    story.change_base(ON);
    let plan = story.plan(&["--jobs", "2"]);
    let steps = plan["steps"].as_array().expect("steps");
    let early = |text: &str| {
        let step = steps.iter().find(|s| s["label"].as_str().is_some_and(|l| l.contains(text)));
        !step.expect(text)["early"].is_null()
    };
    assert!(!early("RUN cat /etc/mode >/first"));
    assert!(!early("RUN cat /etc/mode /first"));
    assert!(!early("RUN cat /etc/mode /d/f"));
    // A copy only needs to be laid out again.
    assert!(early("COPY f /d/"));
}

#[test]
fn a_copy_is_prepared_while_a_command_runs_and_fits_or_is_made_again() {
    if !able() {
        return;
    }
    let story = Story::new("RUN sleep 1; mkdir -m 700 /made\nCOPY f /free/f\nCOPY f /dir/f\nCOPY f /made/f");
    story.change_base(OFF);
    story.write("f", "f");
    let told = order(&story.events(&["--jobs", "2"]));
    let first = at(&told, "done", "RUN").expect("the command ends");
    for copy in ["COPY f /free", "COPY f /dir", "COPY f /made"] {
        assert!(at(&told, "started", copy).expect("it starts") < first, "{told:?}");
    }
    assert_eq!(at(&told, "discarded", "COPY f /free"), None);
    assert_eq!(at(&told, "discarded", "COPY f /dir"), None);
    assert!(at(&told, "discarded", "COPY f /made").is_some(), "a directory with another mode: {told:?}");
    let early = story.tree(&[]);
    assert_same(&early, &story.tree(&["--no-cache", "--optimise=-link"]), "copies");
    let told = order(&story.events(&["--jobs", "2", "--no-cache", "--optimise=-link"]));
    assert!(at(&told, "done", "RUN") < at(&told, "started", "COPY f /free"), "{told:?}");
}

#[test]
fn a_copy_that_finds_a_link_or_a_file_in_its_way_says_what_it_says_in_order() {
    if !able() {
        return;
    }
    let story = Story::new(
        "RUN sleep 1; rm -rf /dir; ln -s /other /dir\nCOPY f /dir/f\nRUN sleep 1; echo >/file\nCOPY f /late/f",
    );
    story.change_base(OFF);
    story.write("f", "f");
    let told = order(&story.events(&["--jobs", "2"]));
    assert!(at(&told, "discarded", "COPY f /dir/f").is_some(), "{told:?}");
    assert_eq!(story.run("cat /other/f"), "f");
    story.dockerfile("RUN sleep 1; rm -rf /dir; echo >/dir\nCOPY f /dir/f");
    let mut command = crate::fixture::buildc(&story.store);
    let output = command.args(["build", "--jobs", "2"]).arg(story.path("")).output().expect("buildc runs");
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("copy::"), "{message}");
}
