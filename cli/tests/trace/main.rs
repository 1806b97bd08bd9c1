//! Commands that read nothing of what changed below them are not executed again, and those that do are.

#![allow(clippy::print_stderr)]

#[path = "../fixture/mod.rs"]
mod fixture;
mod linker;
mod order;
mod story;
mod ways;

use story::{Fate, Story, assert_same, fate};

/// Whether commands can be traced here: root, busybox and `/dev/fuse`.
fn able() -> bool {
    fixture::root_and_busybox("tracing commands") && buildc_executor::trace::support().is_ok()
}

/// A script that cannot be looked up by accident in another test's store.
const INDEPENDENT: &str =
    "RUN cp /bin/busybox /tool && echo made >/made && mkdir -p /opt/a/b && rm /etc/group";

#[test]
fn a_command_that_does_not_read_the_changed_file_is_not_executed() {
    if !able() {
        return;
    }
    let story =
        Story::new(&format!("WORKDIR /app\nCOPY app.js .\n{INDEPENDENT}\nRUN cat /made /app/app.js >/both"));
    story.write("app.js", "one");
    assert_eq!(fate(&story.build(), "RUN cp"), Fate::Ran);
    assert_eq!(fate(&story.build(), "RUN cp"), Fate::Cached);
    story.write("app.js", "two");
    let fates = story.build();
    assert_eq!(fate(&fates, "COPY"), Fate::Ran);
    assert_eq!(fate(&fates, "RUN cp"), Fate::Traced);
    assert_eq!(fate(&fates, "RUN cat"), Fate::Ran);
    assert_eq!(
        story.run("cat /both; cmp /tool /bin/busybox && test -e /etc/group || ls /opt"),
        "made\ntwoa\n"
    );
    // Found by a trace once, by its keys from then on.
    let fates = story.build();
    assert!(fates.values().all(|fate| *fate == Fate::Cached), "{fates:?}");
    // Both bases are known now.
    story.write("app.js", "one");
    let fates = story.build();
    assert!(fates.values().all(|fate| *fate == Fate::Cached), "{fates:?}");
}

#[test]
fn what_a_command_cannot_see_is_no_reason_with_traces_or_without() {
    if !able() {
        return;
    }
    for (name, trace) in [("on", "--trace=on"), ("off", "--trace=off")] {
        let write = |story: &Story, label: &str, late: &str| {
            let before =
                format!("LABEL a={label}\nCMD [\"{label}\"]\nEXPOSE {label}\n{INDEPENDENT} # {name}");
            story.dockerfile(&format!("{before}\nARG LATE={late}\nENV LATER=$LATE\nRUN echo $LATER >/late"));
        };
        let story = Story::new("");
        write(&story, "1", "1");
        assert_eq!(fate(&story.build_with(&[trace]), "RUN cp"), Fate::Ran);
        write(&story, "2", "2");
        let fates = story.build_with(&[trace]);
        assert_eq!((fate(&fates, "RUN cp"), fate(&fates, "RUN echo")), (Fate::Cached, Fate::Ran), "{name}");
        assert_eq!(story.run("cat /late"), "2\n");
    }
}

#[test]
fn a_file_that_came_along_with_the_others_does_not_matter() {
    if !able() {
        return;
    }
    let make = "RUN for f in src/*.c; do cat $f; done >out && test -e Makefile && ls src >names";
    let story = Story::new(&format!("WORKDIR /app\nCOPY . .\n{make}"));
    story.write("README.md", "one").write("src/a.c", "a").write("src/b.c", "b").write("Makefile", "all:");
    assert_eq!(fate(&story.build(), "RUN for"), Fate::Ran);
    story
        .write("README.md", "two")
        .write("docs/more.md", "more")
        .edit("touch -d 2001-01-01 src/a.c Makefile");
    assert_eq!(fate(&story.build(), "RUN for"), Fate::Traced);
    assert_eq!(story.run("cat /app/README.md /app/out"), "twoab");
    story.write("src/c.c", "c");
    assert_eq!(fate(&story.build(), "RUN for"), Fate::Ran);
}

#[test]
fn another_base_image_does_not_matter_where_nothing_of_the_difference_is_read() {
    if !able() {
        return;
    }
    let story = Story::new(INDEPENDENT);
    assert_eq!(fate(&story.build(), "RUN cp"), Fate::Ran);
    story.change_base(
        "mkdir -p usr/lib/jq var/lib/pkg; echo x >usr/bin/jq; chmod 755 usr/bin/jq; echo jq >var/lib/pkg/list",
    );
    let plan = story.plan(&[]);
    let step = plan["steps"].as_array().expect("steps").last().expect("the command").clone();
    assert_eq!(step["state"]["is"], "cached", "{step}");
    assert_eq!(step["reason"]["is"], "same-reads");
    assert!(story.plan_text(&[]).contains("reads nothing of what changed below it"));
    assert_eq!(fate(&story.build(), "RUN cp"), Fate::Traced);
    assert_eq!(story.run("cat /usr/bin/jq /made"), "x\nmade\n");
    assert_eq!(fate(&story.build(), "RUN cp"), Fate::Cached);
}

/// Whether a command runs again after an edit of what was copied to /app.
fn again(story: &Story, command: &str, before: &str, after: &str) -> Fate {
    story.edit("rm -rf ./*").dockerfile(&format!("COPY . /app\n{command}"));
    story.edit(before);
    assert_eq!(fate(&story.build(), "RUN"), Fate::Ran);
    story.edit(after);
    let found = fate(&story.build(), "RUN");
    let found_tree = story.tree(&[]);
    let clean = story.tree(&["--trace=off", "--no-cache"]);
    assert_same(&found_tree, &clean, command);
    found
}

#[test]
fn every_kind_of_read_counts() {
    if !able() {
        return;
    }
    let story = Story::new("");
    let cases = [
        ("cat /app/f >/out", "echo 1 >f", "echo 2 >f", Fate::Ran),
        ("stat -c %a /app/f >/out", "echo 1 >f; chmod 600 f", "chmod 640 f", Fate::Ran),
        ("stat -c %s /app/f >/out", "echo 1 >f", "echo 10 >f", Fate::Ran),
        ("test -e /app/f || echo no >/out", "echo 1 >g", "echo 2 >f", Fate::Ran),
        ("test -d /app/f || echo no >/out", "mkdir f; echo >f/x", "rm -r f; echo >f", Fate::Ran),
        ("ls /app >/out", "echo 1 >f", "echo 2 >g", Fate::Ran),
        ("readlink /app/l >/out", "ln -s a l", "ln -sfn b l", Fate::Ran),
        ("cat /app/l/f >/out", "mkdir a b; echo 1 >a/f; echo 2 >b/f; ln -s a l", "ln -sfn b l", Fate::Ran),
        ("/app/f >/out", "printf '#!/bin/sh\\necho 1' >f; chmod 755 f", "sed -i s/1/2/ f", Fate::Ran),
        ("rm -rf /app/d", "mkdir d; echo >d/f", "echo >d/g", Fate::Ran),
        ("echo 3 >>/app/f", "echo 1 >f", "echo 2 >f", Fate::Ran),
        ("mv /app/f /f", "echo 1 >f", "echo 2 >f", Fate::Ran),
        ("ln /app/f /f", "echo 1 >f", "echo 2 >f", Fate::Ran),
        ("mkdir -p /app/d && echo >/app/d/x", "mkdir d; echo >d/y", "chmod 700 d", Fate::Ran),
        ("cd /app/d && pwd -P >/out", "mkdir d e", "rm -r d; ln -s e d", Fate::Ran),
        // And what only looks like one.
        ("echo 3 >/app/new", "echo 1 >f", "echo 2 >f; echo 3 >g", Fate::Traced),
        ("mkdir -p /app/d && echo >/app/d/x", "mkdir d; echo >d/y", "echo 2 >d/y; echo >d/z", Fate::Traced),
        ("cat /app/d/f >/out", "mkdir d; echo 1 >d/f", "echo 2 >d/g; touch d/f", Fate::Traced),
        ("test -d /app && echo yes >/out", "echo 1 >f", "echo 2 >g; rm f", Fate::Traced),
        ("rm -f /app/none; test -x /app/d", "mkdir d; echo >d/f", "rm d/f; echo >d/g", Fate::Traced),
    ];
    for (number, (command, before, after, expected)) in cases.into_iter().enumerate() {
        // A comment keeps equal commands apart.
        let command = format!("RUN {command} # {number}");
        assert_eq!(again(&story, &command, before, after), expected, "{command}: {before} / {after}");
    }
}

#[test]
fn who_a_command_runs_as_counts() {
    if !able() {
        return;
    }
    let story = Story::new("COPY passwd /etc/passwd\nUSER app\nRUN true");
    story.write("passwd", "root:x:0:0::/root:/bin/sh\napp:x:5:6::/home:/bin/sh\n");
    assert_eq!(fate(&story.build(), "RUN"), Fate::Ran);
    story.write("passwd", "root:x:0:0::/root:/bin/sh\nmore:x:7:8::/:/bin/sh\napp:x:5:6::/home:/bin/sh\n");
    assert_eq!(fate(&story.build(), "RUN"), Fate::Traced);
    story.write("passwd", "root:x:0:0::/root:/bin/sh\napp:x:5:6::/other:/bin/sh\n");
    assert_eq!(fate(&story.build(), "RUN"), Fate::Ran);
}

#[test]
fn mounts_count_by_their_content_or_make_the_step_untraceable() {
    if !able() {
        return;
    }
    let story = Story::new("COPY app /app\nRUN --mount=type=bind,source=lib,target=/lib2 cat /lib2/f >/out");
    story.write("app", "1").write("lib/f", "1");
    assert_eq!(fate(&story.build(), "RUN"), Fate::Ran);
    story.write("app", "2");
    assert_eq!(fate(&story.build(), "RUN"), Fate::Traced);
    story.write("lib/f", "2");
    assert_eq!(fate(&story.build(), "RUN"), Fate::Ran);
    for mount in ["type=cache,target=/cache", "type=secret,id=none", "type=ssh"] {
        story.dockerfile(&format!("COPY app /app\nRUN --mount={mount} echo >/out"));
        story.write("app", "1");
        assert_eq!(fate(&story.build(), "RUN"), Fate::Ran, "{mount}");
        story.write("app", "2");
        assert_eq!(fate(&story.build(), "RUN"), Fate::Ran, "{mount}");
    }
}

#[test]
fn tracing_can_be_switched_off_and_the_plan_says_so() {
    if !able() {
        return;
    }
    let story = Story::new(&format!("COPY app /app\n{INDEPENDENT}"));
    story.write("app", "1");
    assert_eq!(fate(&story.build_with(&["--trace=off"]), "RUN"), Fate::Ran);
    story.write("app", "2");
    // Without a trace there is nothing to find.
    assert_eq!(fate(&story.build(), "RUN"), Fate::Ran);
    story.write("app", "3");
    assert_eq!(story.plan(&["--trace=off"])["traces"]["is"], "off");
    assert!(story.plan_text(&["--trace=off"]).contains("--trace=off"));
    assert_eq!(fate(&story.build_with(&["--trace=off"]), "RUN"), Fate::Ran);
    story.write("app", "4");
    assert_eq!(fate(&story.build_with(&["--no-cache"]), "RUN"), Fate::Ran);
    story.write("app", "5");
    assert_eq!(story.plan(&[])["traces"]["is"], "on");
    assert_eq!(fate(&story.build(), "RUN"), Fate::Traced);
}

#[test]
fn a_command_that_its_mounts_keep_from_being_traced_is_named() {
    if !able() {
        return;
    }
    let story = Story::new(
        "RUN --mount=type=cache,target=/c --mount=type=cache,target=/d --mount=type=secret,id=x touch /c/f\n\
         RUN --mount=type=tmpfs,target=/t touch /t/f",
    );
    let told = "not traced because of its mounts (cache, secret)";
    let plan = story.plan_text(&[]);
    assert_eq!(plan.matches("not traced").count(), 1, "{plan}");
    let at = plan.find("touch /c/f").expect("the step");
    assert!(plan[at..].lines().take(3).any(|line| line.trim() == told), "{plan}");
    assert_eq!(story.plan(&[])["steps"][1]["untraced"], told);
    assert!(!story.plan_text(&["--trace=off"]).contains("its mounts"), "nothing is traced then");
    let mut build = fixture::buildc(&story.store);
    build.args(["build", "--trace=on", "--progress", "plain"]).arg(story.path(""));
    let said = build.output().expect("buildc runs").stderr;
    let said = String::from_utf8_lossy(&said);
    assert_eq!(
        said.lines().filter(|line| line.ends_with(&format!("touch /c/f ({told})"))).count(),
        1,
        "{said}"
    );
    assert_eq!(said.matches("not traced").count(), 1, "{said}");
    assert!(!story.plan_text(&[]).contains("not traced"), "what is cached need not be");
}
