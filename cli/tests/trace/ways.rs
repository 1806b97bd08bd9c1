//! Every way of looking at a file counts, also those that ask the kernel for nothing but what it knows already.
//!
//! Perl makes the system calls that no program of the base makes.

use crate::story::{Fate, Story, assert_same, fate};

/// Puts perl there, with its libraries.
const PERL: &str = "cp /usr/bin/perl bin/perl; \
    for lib in $(ldd /usr/bin/perl | grep -o '/[^ ]*'); do mkdir -p .${lib%/*}; cp -L $lib .$lib; done";

/// System calls by name, as they are numbered here; empty where they are numbered otherwise.
fn number(name: &str) -> Option<u32> {
    let (x86_64, aarch64) = match name {
        "sendfile" => (40, 71),
        "mmap" => (9, 222),
        "faccessat" => (269, 48),
        "openat2" => (437, 437),
        "statx" => (332, 291),
        "name_to_handle_at" => (303, 264),
        "getxattr" => (191, 8),
        "setxattr" => (188, 5),
        "statfs" => (137, 43),
        "inotify_init1" => (294, 26),
        "inotify_add_watch" => (254, 27),
        _ => return None,
    };
    let number = match std::env::consts::ARCH {
        "x86_64" => x86_64,
        "aarch64" => aarch64,
        _ => 0,
    };
    (number > 0).then_some(number)
}

/// A perl program with `@NAME` for the numbers of system calls; none where one of them is not to be had.
fn perl(program: &str) -> Option<String> {
    let mut out = String::new();
    for (at, part) in program.split('@').enumerate() {
        if at == 0 {
            out.push_str(part);
            continue;
        }
        let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(part.len());
        out.push_str(&format!("{}{}", number(&part[..end])?, &part[end..]));
    }
    // System calls may write into their strings, so perl wants variables.
    let names = "$f=\"/app/f\"; $g=\"/app/g\"; $x=\"/app/x\"; $t=\"/f\"; $e=\"\"; $n=\"user.note\"; ";
    Some(format!("perl -e '{names}{out}' >/out"))
}

/// What a command did after an edit of /app, and that what was found for it is what it would make.
fn again(story: &Story, command: &str, before: &str, after: &str) -> Fate {
    story.edit("rm -rf ./*").dockerfile(&format!("COPY . /app\nRUN {command}"));
    story.edit(before);
    assert_eq!(fate(&story.build(), "RUN"), Fate::Ran, "{command}");
    story.edit(after);
    let found = fate(&story.build(), "RUN");
    let found_tree = story.tree(&[]);
    assert_same(&found_tree, &story.tree(&["--trace=off", "--no-cache"]), command);
    found
}

#[test]
fn what_is_told_without_a_question_to_the_base_counts_as_read() {
    if !crate::able() {
        return;
    }
    let story = Story::new("");
    let cases = [
        // busybox's cat takes sendfile, for which an empty file needs no read.
        ("cat /app/f >/out", ">f", "echo 1 >f"),
        ("cat /app/f >/out", "echo 1 >f", ">f"),
        ("wc -c </app/f >/out", ">f", "echo 1 >f"),
        ("test -s /app/f && echo some >/out || true", ">f", "echo 1 >f"),
        ("cat /app/a /app/b >/out", ">a; ln a b", ">a; echo 1 >b"),
        ("stat -c %h /app/f >/out", "echo 1 >f; ln f g", "rm g"),
        ("cat /proc/self/root/app/f >/out", "echo 1 >f", "echo 2 >f"),
        ("chroot /app /busybox cat /f >/out", "cp /bin/busybox .; echo 1 >f", "echo 2 >f"),
        ("cd /app && find . -type f -empty >/out", ">f", "echo 1 >f"),
        ("cp -a /app/d /d", "mkdir d; >d/f", "echo 1 >d/f"),
        ("tar -C /app -cf - . | tar -tvf - | wc -l >/out", ">f", ">g"),
        ("mkdir /app/d || echo is >/out", ":>g", "mkdir d"),
        ("ln -s x /app/l || echo is >/out", ":>g", "ln -s y l"),
        ("rmdir /app/d || echo full >/out", "mkdir d", ">d/f"),
        ("echo /app/* >/out", ">f", ">g"),
        ("mkfifo /app/p || echo is >/out", ":>g", "mkfifo p"),
        ("test -p /app/p && echo yes >/out || true", "mkfifo p", "rm p; >p"),
        ("chmod 600 /app/f", "echo 1 >f", "echo 2 >f"),
        ("touch -d @1 /app/f", "echo 1 >f", "echo 2 >f"),
        ("truncate -s 1 /app/f", "echo 12 >f", "echo 34 >f"),
        ("mv /app/d /e", "mkdir d; >d/f", "echo 1 >d/f"),
    ];
    for (number, (command, before, after)) in cases.into_iter().enumerate() {
        let command = format!("{command} # {number}");
        assert_eq!(again(&story, &command, before, after), Fate::Ran, "{command}: {before} / {after}");
    }
}

#[test]
fn no_system_call_looks_at_the_base_unseen() {
    if !crate::able() || !std::path::Path::new("/usr/bin/perl").exists() {
        return;
    }
    let story = Story::new("");
    story.change_base(PERL);
    let open = "open(F, \"<\", \"/app/f\") or die; ";
    let cases = [
        // The size, from what a look-up told: no time stamps, nothing at all, of a descriptor.
        ("$b=\"\\0\"x256; syscall(@statx, -100, $f, 0x4000, 0x7ff, $b); print unpack(\"x40Q\", $b)", 1),
        ("$b=\"\\0\"x256; syscall(@statx, -100, $f, 0, 0, $b); print unpack(\"x40Q\", $b)", 1),
        (
            "{open}$b=\"\\0\"x256; syscall(@statx, fileno(F), $e, 0x5000, 0x7ff, $b); print unpack(\"x40Q\", $b)",
            1,
        ),
        ("{open}$b=\"\\0\"x4; ioctl(F, 0x541B, $b); print unpack(\"i\", $b)", 1),
        ("{open}print sysseek(F, 0, 2)", 1),
        ("{open}print sysseek(F, 0, 4)", 1),
        ("{open}print sysseek(F, 0, 3) ? 1 : 0", 1),
        ("{open}print -s F", 1),
        // The bytes.
        ("{open}print syscall(@sendfile, 1, fileno(F), 0, 99)", 1),
        (
            "{open}$a = syscall(@mmap, 0, 4096, 1, 2, fileno(F), 0); print unpack(\"P1\", pack(\"J\", $a)) if -s F",
            1,
        ),
        (
            "$h = pack(\"QQQ\", 0, 0, 0); $d = syscall(@openat2, -100, $f, $h, 24); open(G, \"<&=$d\"); print <G>",
            1,
        ),
        ("opendir(D, \"/app\"); chdir(D); open(F, \"<\", \"f\"); print <F>", 1),
        ("exec { \"/app/f\" } \"f\"; print \"none\"", 1),
        // Whether it is there.
        ("print syscall(@faccessat, -100, $g, 0, 0)", 2),
        ("print syscall(@inotify_add_watch, syscall(@inotify_init1, 0), $g, 0xfff)", 2),
        ("$s = \"\\0\"x256; print syscall(@statfs, $g, $s)", 2),
        (
            "$h = pack(\"II\", 128, 0) . (\"\\0\"x128); $m = \"\\0\"x8; print syscall(@name_to_handle_at, -100, $g, $h, $m, 0) < 0 && $! == 2 ? 0 : 1",
            2,
        ),
        ("sysopen(F, \"/app/g\", 0x200000) and print 1", 2),
        ("link(\"/etc/passwd\", \"/app/g\") or print \"is\"", 2),
        ("print rename(\"/app/f\", \"/app/g\") ? 1 : 0", 2),
        // What it is.
        ("print readlink(\"/app/l\")", 3),
        ("print syscall(@faccessat, -100, $x, 1, 0)", 4),
        ("print join \",\", (stat(\"/app/x\"))[2, 4, 5]", 4),
    ];
    for (at, (program, change)) in cases.into_iter().enumerate() {
        let Some(command) = perl(&program.replace("{open}", open)) else { continue };
        let (before, after) = match change {
            1 => (">f; chmod 755 f", "printf '#!/bin/busybox echo\\n' >f"),
            2 => (">f", ">g"),
            3 => ("ln -s a l", "ln -sfn b l"),
            _ => ("echo 1 >x; chmod 700 x", "chmod 600 x"),
        };
        let command = format!("{command} # {at}");
        assert_eq!(again(&story, &command, before, after), Fate::Ran, "{command}: {before} / {after}");
    }
}

#[test]
fn extended_attributes_and_owners_of_the_base_count() {
    if !crate::able() || !std::path::Path::new("/usr/bin/perl").exists() {
        return;
    }
    let story = Story::new("");
    story.change_base(PERL);
    let Some(set) = perl("$v = \"NOTE\"; syscall(@setxattr, $t, $n, $v, 4, 0)") else { return };
    let Some(get) = perl("$v = \"\\0\"x9; print syscall(@getxattr, $t, $n, $v, 9), $v") else { return };
    let reads = format!("RUN {}", get.replace("/out", "/read"));
    for (what, first, second) in [
        ("an attribute", set.clone(), set.replace("NOTE", "XXXX")),
        ("none", "true".to_owned(), set.clone()),
        ("an owner", "chown 5 /f".to_owned(), "chown 6 /f".to_owned()),
    ] {
        let write = |command: &str| {
            story.dockerfile(&format!(
                "RUN echo >/f # {what}\nRUN {command} # changed {what}\n{reads} # {what}"
            ));
        };
        write(&first);
        assert_eq!(fate(&story.build(), &reads), Fate::Ran, "{what}");
        write(&second);
        assert_eq!(fate(&story.build(), &reads), Fate::Ran, "{what}");
        assert_same(&story.tree(&[]), &story.tree(&["--trace=off", "--no-cache"]), what);
    }
}

#[test]
fn without_traces_every_change_below_is_a_reason() {
    if !crate::able() {
        return;
    }
    let story = Story::new("COPY . /app\nRUN echo 1 >/out");
    let off = ["--trace=off"];
    story.edit("echo 1 >f");
    assert_eq!(fate(&story.build_with(&off), "RUN"), Fate::Ran);
    for edit in ["echo 2 >f", "chmod 600 f", ">g", "ln -s f l", "mkdir d", "rm f"] {
        story.edit(edit);
        assert_eq!(fate(&story.build_with(&off), "RUN"), Fate::Ran, "{edit}");
    }
    story.edit("touch -d @1 g");
    assert_eq!(fate(&story.build_with(&off), "RUN"), Fate::Cached);
}
