//! Build files on the command line: steps shared with Dockerfiles, sets of images, interpolated steps, errors in place.
#![allow(clippy::print_stderr)]

#[path = "fixture/mod.rs"]
mod fixture;

use std::fs;
use std::path::{Path, PathBuf};

use fixture::{buildc, root_and_busybox, run, store_with_base};

/// A directory with a build file and two files to copy.
fn project(dir: &Path, text: &str) -> PathBuf {
    let project = dir.join("project");
    fs::create_dir_all(project.join("site")).expect("a directory");
    fs::write(project.join("app.js"), "1\n").expect("a file");
    fs::write(project.join("site/page"), "2\n").expect("a file");
    fs::write(project.join("build.nix"), text).expect("a build file");
    project
}

fn plan(store: &Path, words: &[&str], project: &Path) -> String {
    run(buildc(store).arg("plan").args(words).arg(project)).expect("a plan")
}

/// What a failing `plan` says.
fn refusal(text: &str) -> String {
    let dir = tempfile::tempdir().expect("a directory");
    let project = project(dir.path(), text);
    let output = buildc(&dir.path().join("store")).arg("plan").arg(project).output().expect("buildc runs");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_dockerfile_and_a_build_file_share_their_steps() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = dir.path().join("store");
    let project = project(
        dir.path(),
        r#"{ buildc }:
        let page = buildc.copy buildc.scratch { from = ./site; include = "page"; to = "/srv/"; };
        in buildc.copy page { from = ./.; include = [ "*.js" ]; to = "/app/"; chown = "1:2"; }"#,
    );
    let dockerfile = project.join("site/Dockerfile.same");
    fs::write(&dockerfile, "FROM scratch\nCOPY page /srv/\nCOPY --from=up --chown=1:2 *.js /app/\n")
        .expect("a file");
    let up = format!("up={}", project.display());
    run(buildc(&store)
        .args(["build", "-q", "--build-context", &up, "-f"])
        .arg(&dockerfile)
        .arg(project.join("site")))
    .expect("the Dockerfile builds");
    let plan = plan(&store, &[], &project);
    assert!(plan.starts_with("Plan of 3 steps: 3 cached"), "{plan}");
}

#[test]
fn a_linked_copy_for_an_owners_name_is_the_same_step_in_both_languages() {
    if !root_and_busybox("a base image with accounts") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = store_with_base(dir.path());
    let project = project(
        dir.path(),
        r#"{ buildc }: buildc.copy (buildc.from "localhost/busybox") {
          from = ./.; include = "app.js"; to = "/app/"; chown = "app"; link = true; }"#,
    );
    fs::write(project.join("Dockerfile"), "FROM localhost/busybox\nCOPY --link --chown=app app.js /app/\n")
        .expect("a file");
    run(buildc(&store).args(["build", "-q", "-f"]).arg(project.join("Dockerfile")).arg(&project))
        .expect("the Dockerfile builds");
    let plan = plan(&store, &["-f", &project.join("build.nix").to_string_lossy()], &project);
    assert!(plan.starts_with("Plan of 2 steps: 2 cached"), "{plan}");
}

#[test]
fn a_set_of_images_is_built_in_one_graph_and_named_by_the_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = dir.path().join("store");
    let project = project(
        dir.path(),
        r#"{ buildc, version ? "dev" }:
        let
          shared = buildc.copy buildc.scratch { from = ./.; include = "app.js"; to = "/"; };
          image = name: buildc.image {
            name = "t/${name}:${version}";
            rootfs = buildc.write shared { path = "/name"; text = name; chmod = 755; };
            config = { Cmd = [ "/name" ]; Env.NAME = name; };
          };
        in { one = image "one"; more.two = image "two"; }"#,
    );
    let ids =
        run(buildc(&store).args(["build", "-q", "--argstr", "version", "7"]).arg(&project)).expect("a build");
    assert_eq!(ids.lines().count(), 2, "{ids}");
    let env = |name: &str| {
        run(buildc(&store).args(["inspect", "--format", "{{json .Config.Env}}", name])).expect("an image")
    };
    assert!(env("t/one:7").contains("NAME=one") && env("t/two:7").contains("NAME=two"));
    let alone = plan(&store, &["-A", "more.two", "--argstr", "version", "7"], &project);
    assert!(alone.contains("Target `more.two`") && alone.contains("3 cached"), "{alone}");
    for (words, code, wanted) in [
        (["build", "--no-cache", "-tx"], 2, "--tag names one image"),
        (["build", "--no-cache", "-oout"], 2, "--output writes one image"),
        (["run", "--rm", "--name=x"], 125, "A container has one image"),
    ] {
        let output = buildc(&store).args(words).arg(&project).output().expect("buildc runs");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.contains(wanted) && text.contains("more.two, one"), "{text}");
        assert!(!text.contains("DONE"), "nothing is built before: {text}");
    }
}

#[test]
fn an_interpolated_step_is_mounted_where_the_string_says() {
    if !root_and_busybox("running a step of a build file") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = store_with_base(dir.path());
    let project = project(
        dir.path(),
        r##"{ buildc }:
        let
          base = buildc.from "localhost/busybox";
          tool = buildc.write buildc.scratch { path = "/bin/mk"; text = "#!/bin/sh\necho made by $0\n"; chmod = 755; };
          old = buildc.dockerfile {
            context = ./.; file = "old.dockerfile"; args.V = 3;
            contexts = { up = buildc.write base { path = "/up"; text = "up\n"; }; inherit tool; site = ./site; };
          };
          made = buildc.run base ''
            ${tool}/bin/mk > /made
            cat ${old}/v ${old}/up ${old}/page >> /made
            ${old}/mk >> /made
          '';
          new = buildc.diff base made;
        in buildc.copy buildc.scratch { from = new; to = "/"; }"##,
    );
    fs::write(
        project.join("old.dockerfile"),
        "FROM up\nARG V\nRUN echo v$V > /v\nCOPY --from=tool /bin/mk /\nCOPY --from=site page /\n",
    )
    .expect("a file");
    let out = dir.path().join("out");
    run(buildc(&store).args(["build", "-o"]).arg(&out).arg(&project)).expect("a build");
    let made = fs::read_to_string(out.join("made")).expect("the file");
    assert!(
        made.starts_with("made by /run/buildc/") && made.contains("/bin/mk\nv3\nup\n2\nmade by /run"),
        "{made}"
    );
    let names: Vec<_> = fs::read_dir(&out).expect("a directory").flatten().map(|e| e.file_name()).collect();
    assert_eq!(names, ["made"], "nothing of the base and no mount point is left");
}

#[test]
fn merged_trees_share_their_base_and_keep_the_changes_of_each() {
    if !root_and_busybox("running steps of a build file") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = store_with_base(dir.path());
    let project = project(
        dir.path(),
        r#"{ buildc }:
        let
          base = buildc.run (buildc.from "localhost/busybox") "mkdir /d; for f in a b both; do echo 0 > /d/$f; done";
          one = buildc.run base "mkdir /new; echo 1 > /new/one; echo 1 > /d/a; echo 1 > /d/both";
          two = buildc.run base { script = "mkdir /new; echo 2 > /new/two; rm /d/b; echo 2 > /d/both"; env.LOST = "1"; };
          more = buildc.run two "echo 3 > /new/more";
          alone = buildc.write buildc.scratch { path = "/new/alone"; text = "4\n"; };
          first = buildc.config one { Env.KEPT = "1"; };
          merged = buildc.merge [ first two more alone ];
        in {
          steps = buildc.image { name = "t/steps"; rootfs = merged; };
          nested = buildc.image { name = "t/nested"; rootfs = buildc.merge [ (buildc.merge [ first two ]) more alone ]; };
          above = buildc.image { name = "t/above"; rootfs = buildc.run merged "cat /new/* > /all"; };
          whole = buildc.image { name = "t/whole"; rootfs = buildc.merge [ alone base ]; };
          diff = buildc.image { name = "t/diff"; rootfs = buildc.merge [ base (buildc.diff base one) ]; };
          same = buildc.image { name = "t/one"; rootfs = buildc.merge [ base one (buildc.image { rootfs = one; }) base ]; };
        }"#,
    );
    run(buildc(&store).args(["build", "-q"]).arg(&project)).expect("a build");
    let of = |image: &str, script: &str| {
        run(buildc(&store).args(["run", "--rm", "--network", "none", image, "sh", "-c", script]))
            .expect("a run")
    };
    let shown = "cd /new; echo *; cat *; cd /d; echo *; cat *; echo $KEPT";
    assert_eq!(of("t/steps", shown), "alone more one two\n4\n3\n1\n2\na both\n1\n2\n1\n");
    assert_eq!(of("t/above", "cat /all"), "4\n3\n1\n2\n");
    let inspect = |image: &str, what: &str| {
        run(buildc(&store).args(["inspect", "--format", &format!("{{{{json {what}}}}}"), image]))
            .expect("an image")
    };
    let layers = |image: &str| inspect(image, ".RootFS.Layers").matches("sha256:").count();
    // The base image, its step, and one of each: none is there twice.
    assert_eq!((layers("t/steps"), layers("t/above"), layers("t/whole"), layers("t/one")), (6, 7, 3, 3));
    assert_eq!(inspect("t/steps", ".RootFS.Layers"), inspect("t/nested", ".RootFS.Layers"));
    assert_eq!(inspect("t/diff", ".RootFS.Layers"), inspect("t/one", ".RootFS.Layers"));
    assert!(!inspect("t/steps", ".Config.Env").contains("LOST"));
    let history = run(buildc(&store).args(["history", "--no-trunc", "t/steps"])).expect("a history");
    assert_eq!(history.matches("RUN /bin/sh").count() + history.matches("COPY").count(), 5, "{history}");
    let planned = plan(&store, &[], &project);
    assert!(planned.contains("MERGE RUN echo 3 > /new/more") && !planned.contains("will run"), "{planned}");
}

#[test]
fn what_was_fetched_is_mounted_where_a_script_says() {
    if !root_and_busybox("running a step that reads what was fetched") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = store_with_base(dir.path());
    let file = dir.path().join("file");
    fs::write(&file, "fetched\n").expect("a file");
    let url = format!("file://{}", file.display());
    let project = project(
        dir.path(),
        &format!(
            r#"{{ buildc }}:
            let base = buildc.from "localhost/busybox"; file = builtins.fetchurl "{url}";
            in buildc.copy buildc.scratch {{ from = buildc.run base "cat ${{file}} > /out"; paths = "/out"; to = "/"; }}"#
        ),
    );
    let out = dir.path().join("out");
    let dest = format!("type=local,dest={}", out.display());
    run(buildc(&store).args(["build", "-q", "-o", &dest]).arg(&project)).expect("built");
    assert_eq!(fs::read_to_string(out.join("out")).expect("a file"), "fetched\n");
    let said = refusal(r#"{ buildc }: buildc.run buildc.scratch "cat ${./app.js}""#);
    assert!(said.contains("-app.js' does not exist: only what is fetched is there"), "{said}");
}

#[test]
fn an_image_of_a_build_file_is_built_and_run() {
    if !root_and_busybox("running an image of a build file") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = store_with_base(dir.path());
    let project = project(
        dir.path(),
        r#"{ buildc, word ? "first" }:
        let image = word: buildc.image {
          rootfs = buildc.from "localhost/busybox";
          config = { Cmd = [ "echo" word ]; ExposedPorts = [ 80 "53/udp" ]; };
        };
        in { one = image word; two = image "second"; }"#,
    );
    let file = project.join("build.nix");
    let by_file = |words: &[&str]| {
        run(buildc(&store).args(["run", "--rm", "--network", "none", "-f"]).arg(&file).args(words))
    };
    assert_eq!(by_file(&["-A", "two"]).expect("a run").trim(), "second");
    assert_eq!(by_file(&["-A", "one", "echo", "other"]).expect("a run").trim(), "other");
    assert_eq!(by_file(&["-A", "one", "--argstr", "word", "given"]).expect("a run").trim(), "given");
    assert_eq!(by_file(&["-A", "one", "--arg", "word", "toString (1 + 1)"]).expect("a run").trim(), "2");
    assert_eq!(by_file(&["-A", "one", "--build-arg", "word=third"]).expect("a run").trim(), "third");
    let by_directory =
        run(buildc(&store).args(["run", "--rm", "--network", "none", "-A", "one"]).arg(&project));
    assert_eq!(by_directory.expect("a run").trim(), "first");
    let several = by_file(&[]).expect_err("two images are not one");
    assert!(several.to_string().contains("-A"), "{several}");
}

#[test]
fn errors_point_at_the_line_of_the_author() {
    let unknown = refusal("{ buildc }:\n  buildc.run buildc.scratch { scrip = \"x\"; }\n");
    assert!(unknown.contains("build.nix:2:3"), "{unknown}");
    assert!(unknown.contains("buildc.run: there is no attribute 'scrip'; it takes args,"), "{unknown}");
    let mistyped = refusal("{ buildc }: buildc.image { rootfs = buildc.scratch; config.Cmd = { }; }");
    assert!(mistyped.contains("buildc.image: config: attribute 'Cmd' must be"), "{mistyped}");
    let missing = refusal(
        "{ buildc }:\nbuildc.copy buildc.scratch {\n  from = ./.; include = \"nope.txt\"; to = \"/\"; }",
    );
    assert!(missing.contains("`nope.txt` does not exist") && missing.contains("build.nix:2:1"), "{missing}");
    let argument = refusal("{ buildc, wanted }: buildc.scratch");
    assert!(argument.contains("argument without a value ('wanted')"), "{argument}");
    let no_image = refusal("{ buildc }: { a = buildc.scratch; b = 3; }");
    assert!(no_image.contains("expected an image but found an integer: 3"), "{no_image}");
}

#[test]
fn the_place_of_a_step_is_refused_where_nothing_is_mounted() {
    let made = "let tool = buildc.write buildc.scratch { path = \"/a\"; text = \"a\"; }; in\n";
    let cases = [
        (
            "buildc.write buildc.scratch { path = \"/b\"; text = \"see ${tool}/a\"; }",
            "buildc.write: attribute 'text' holds",
        ),
        ("buildc.config tool { Cmd = [ \"run\" \"${tool}/a\" ]; }", "buildc.config: attribute 'Cmd.1' holds"),
        (
            "buildc.image { rootfs = tool; config.Env.A = \"${tool}\"; }",
            "buildc.image: attribute 'Env.A' holds",
        ),
        ("buildc.mkdir tool \"${tool}/a\"", "buildc.mkdir: attribute 'path' holds"),
        ("buildc.copy tool { from = tool; to = \"${tool}/\"; }", "buildc.copy: attribute 'to' holds"),
    ];
    for (expression, wanted) in cases {
        let said = refusal(&format!("{{ buildc }}: {made}{expression}"));
        assert!(said.contains(wanted) && said.contains("Copy it into the tree"), "{expression}: {said}");
        assert!(said.contains("build.nix:2:1"), "{expression}: {said}");
    }
}

#[test]
fn errors_show_the_innermost_call_of_the_author_and_nothing_of_the_library() {
    let within = |what: &str| {
        format!(
            "{{ buildc }}: {{\n  a = buildc.run buildc.scratch {{ script = \"x\"; mounts = [\n    ({what}) ]; }}; }}"
        )
    };
    let cases = [
        ("buildc.mount.cache { targt = \"/x\"; }", "there is no attribute 'targt'", "Did you mean target?"),
        (
            "buildc.mount.bind { from = 3; target = \"/x\"; }",
            "attribute 'from' must be",
            "it is the number 3",
        ),
        ("buildc.mount.secret { }", "attribute 'id' is missing", "buildc.mount.secret"),
    ];
    for (call, wanted, and) in cases {
        let said = refusal(&within(call));
        assert!(said.contains(wanted) && said.contains(and), "{call}: {said}");
        assert!(!said.contains("\u{ab}buildc\u{bb}") && !said.contains("truncated"), "{call}: {said}");
        let (outer, inner) = said.split_once("error: buildc.mount").expect("the error itself");
        assert!(
            outer.contains("while calling 'buildc.run'") && outer.contains("build.nix:2:7"),
            "{call}: {said}"
        );
        assert!(inner.contains("build.nix:3:6"), "{call}: {said}");
    }
    let dir = tempfile::tempdir().expect("a directory");
    let project = project(dir.path(), &within("buildc.mount.secret { }"));
    let all = run(buildc(&dir.path().join("store")).args(["plan", "--show-trace"]).arg(project));
    assert!(all.expect_err("it is refused").contains("\u{ab}buildc\u{bb}"), "asked for, all is shown");
    let own = refusal("{ buildc }: buildc.run buildc.scratch \"x${toString (1 + null)}\"");
    assert!(
        own.contains("error: cannot add null to an integer\n") && own.contains("build.nix:1:57"),
        "{own}"
    );
}

#[test]
fn errors_name_the_element_that_is_wrong() {
    let cases = [
        (
            "run buildc.scratch [ \"a\" 3 ]",
            "buildc.run: element 1 of attribute 'args' must be a string, but it is the number 3",
        ),
        (
            "run buildc.scratch { script = \"x\"; env.A = [ ]; }",
            "buildc.run: 'A' of attribute 'env' must be a string, but it is a list",
        ),
        (
            "run buildc.scratch { script = \"x\"; env = [ \"A=1\" 5 ]; }",
            "buildc.run: element 1 of attribute 'env' must be a string, but it is the number 5",
        ),
        (
            "run buildc.scratch { script = \"x\"; env = [ \"A\" ]; }",
            "buildc.run: \"A\" is not of the form NAME=VALUE",
        ),
        ("merge [ buildc.scratch 3 ]", "buildc.merge: element 1 of the argument must be a step"),
        ("config buildc.scratch { cmd = \"x\"; }", "buildc.config: there is no attribute 'cmd'"),
        (
            "image { rootfs = buildc.scratch; tags = [ \"a\" null ]; }",
            "buildc.image: element 1 of attribute 'tags' must be a string, but it is null",
        ),
        (
            "image { rootfs = buildc.scratch; name = \"A B\"; }",
            "buildc.image: `A B` is not a valid image name",
        ),
        ("image { rootfs = buildc.diff buildc.scratch; }", "a function (does it lack an argument?)"),
        ("diff buildc.scratch", "found the partially applied built-in function 'buildc.diff'"),
        ("run buildc.scratch [ ]", "buildc.run: attribute 'args' is empty"),
        (
            "config buildc.scratch { ExposedPorts = [ \"x\" ]; }",
            "buildc.config: ExposedPorts: `x` is not a port",
        ),
        ("step { }", "buildc.step: attribute 'kind' is missing"),
        ("config buildc.scratch { Env.\"A=B\" = 1; }", "buildc.config: \"A=B\" is no name"),
        (
            "dockerfile { context = ./.; contexts.a = \"x\"; }",
            "'a' of attribute 'contexts' must be a path or a step, but it is the string \"x\"",
        ),
        (
            "dockerfile { context = ./.; contexts.a = ./app.js; }",
            "buildc.dockerfile: attribute 'contexts.a': '",
        ),
        ("dockerfile { context = ./nope; }", "buildc.dockerfile: attribute 'context': path '"),
        (
            "run buildc.scratch \"${derivation { name = \"x\"; system = \"y\"; builder = \"z\"; }}\"",
            "-x.drv', which buildc does not build; make what it would make with buildc.run",
        ),
        ("step { kind = \"x\"; }", "buildc.step: this describes no step of the kind \"x\""),
    ];
    for (expression, wanted) in cases {
        let said = refusal(&format!("{{ buildc }}: buildc.{expression}"));
        assert!(said.contains(wanted), "{expression}: {said}");
    }
}

#[test]
fn two_images_of_one_name_are_refused_unless_they_are_one_image() {
    let images = |second: &str| {
        format!(
            "{{ buildc }}: let image = name: text: buildc.image {{ inherit name; rootfs = buildc.write buildc.scratch {{ \
             path = \"/a\"; inherit text; }}; }}; in {{ a = image \"x\" \"1\"; b = image \"x:latest\" \"{second}\"; }}"
        )
    };
    let said = refusal(&images("2"));
    assert!(said.contains("the images `a` and `b` both have the name `x`"), "{said}");
    let dir = tempfile::tempdir().expect("a directory");
    plan(&dir.path().join("store"), &[], &project(dir.path(), &images("1")));
}

#[test]
fn what_a_step_makes_cannot_be_read_while_evaluating() {
    for read in ["builtins.readFile", "import", "builtins.readDir", "builtins.pathExists"] {
        let text = refusal(&format!(
            "{{ buildc }}: buildc.write buildc.scratch {{ path = \"/x\"; text = toString ({read} \"${{buildc.scratch}}/x\"); }}"
        ));
        assert!(text.contains("cannot read the output of a step during evaluation"), "{read}: {text}");
    }
}

#[test]
fn steps_that_are_made_alike_are_equal_and_an_image_stands_for_its_tree() {
    let dir = tempfile::tempdir().expect("a directory");
    let project = project(
        dir.path(),
        r#"{ buildc }:
        let
          made = text: buildc.write (buildc.from "scratch") { path = "/a"; inherit text; };
          image = buildc.image { rootfs = made "1"; config.Env.A = "1"; };
        in
        assert made "1" == made "1" && made "1" != made "2" && buildc.from "scratch" == buildc.scratch;
        assert buildc.config (made "1") { User = "1"; } != made "1";
        buildc.write (buildc.copy (buildc.merge [ image (made "2") ]) { from = image; to = "/b/"; }) { path = "/c"; text = ""; }"#,
    );
    let planned = plan(&dir.path().join("store"), &[], &project);
    assert!(planned.contains("Plan of 6 steps") && planned.contains("MERGE COPY <<a /a"), "{planned}");
}

#[test]
fn the_primitive_is_no_builtin_of_plain_evaluation() {
    let dir = tempfile::tempdir().expect("a directory");
    let has =
        run(buildc(&dir.path().join("store")).args(["eval", "-E", "builtins ? step || builtins ? buildc"]));
    assert_eq!(has.expect("a value"), "false\n");
}
