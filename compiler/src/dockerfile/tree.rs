//! The typed tree as text: one line per instruction (spec/dockerfile.md, Text forms). Golden tests pin it.

use std::fmt::Write;

use super::ast::{Command, Dockerfile, Instruction, Kind, Pairs, Transfer, Word};

/// Renders a parsed file.
pub fn render(ast: &Dockerfile) -> String {
    let mut out = String::new();
    for (name, word) in [("syntax", &ast.directives.syntax), ("check", &ast.directives.check)] {
        if let Some(word) = word {
            line(&mut out, &[atom("directive"), atom(name), quote(&word.text)]);
        }
    }
    if ast.directives.escape != '\\' {
        line(&mut out, &[atom("directive"), atom("escape"), quote(&ast.directives.escape.to_string())]);
    }
    for instruction in &ast.instructions {
        let mut items = items(instruction);
        items.insert(0, atom(&instruction.name.text.to_lowercase()));
        for heredoc in &instruction.heredocs {
            let mode = if heredoc.expand { "heredoc" } else { "raw-heredoc" };
            items.push(list(&[atom(mode), quote(&heredoc.name), quote(&heredoc.content())]));
        }
        line(&mut out, &items);
    }
    out
}

fn line(out: &mut String, items: &[String]) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "({})", items.join(" "));
}

fn atom(text: &str) -> String {
    text.to_owned()
}

fn quote(text: &str) -> String {
    format!("{text:?}")
}

fn list(items: &[String]) -> String {
    format!("({})", items.join(" "))
}

fn words(words: &[Word]) -> Vec<String> {
    words.iter().map(|w| quote(&w.text)).collect()
}

fn flag(items: &mut Vec<String>, name: &str, value: Option<&Word>) {
    if let Some(value) = value {
        items.push(list(&[atom(name), quote(&value.text)]));
    }
}

fn pairs(pairs: &Pairs) -> Vec<String> {
    pairs.pairs.iter().map(|(k, v)| list(&[quote(&k.text), quote(&v.text)])).collect()
}

fn command(command: &Command) -> String {
    match command {
        Command::Shell(text) => list(&[atom("shell"), quote(text)]),
        Command::Exec(args) => {
            list(&std::iter::once(atom("exec")).chain(args.iter().map(|a| quote(a))).collect::<Vec<_>>())
        }
    }
}

fn items(instruction: &Instruction) -> Vec<String> {
    match &instruction.kind {
        Kind::From(from) => {
            let mut items = vec![quote(&from.base.text)];
            flag(&mut items, "as", from.name.as_ref());
            flag(&mut items, "platform", from.platform.as_ref());
            items
        }
        Kind::Run(run) => {
            let mut items: Vec<_> =
                run.mounts.iter().map(|m| list(&[atom("mount"), quote(&m.text)])).collect();
            items.extend(
                run.network.map(|n| list(&[atom("network"), atom(&format!("{n:?}").to_lowercase())])),
            );
            items.extend(run.insecure.then(|| atom("insecure")));
            items.push(command(&run.command));
            items
        }
        Kind::Transfer(transfer) => transfer_items(transfer),
        Kind::Env(list) | Kind::Label(list) => pairs(list),
        Kind::Arg(args) => args
            .iter()
            .map(|a| match &a.default {
                Some(default) => list(&[quote(&a.name.text), quote(&default.text)]),
                None => quote(&a.name.text),
            })
            .collect(),
        Kind::User(word) | Kind::Workdir(word) | Kind::Stopsignal(word) | Kind::Maintainer(word) => {
            vec![quote(&word.text)]
        }
        Kind::Expose(list) | Kind::Volume(list) => words(list),
        Kind::Cmd(c) | Kind::Entrypoint(c) => vec![command(c)],
        Kind::Shell(args) => args.iter().map(|a| quote(a)).collect(),
        Kind::Healthcheck(check) => {
            let mut items: Vec<_> = check.test.iter().map(|t| quote(t)).collect();
            let times = [check.interval_ns, check.timeout_ns, check.start_period_ns, check.start_interval_ns];
            items.push(list(&times.map(|n| n.to_string())));
            items.push(check.retries.to_string());
            items
        }
        Kind::Onbuild(trigger) => vec![quote(&trigger.text)],
    }
}

fn transfer_items(transfer: &Transfer) -> Vec<String> {
    let flags = &transfer.flags;
    let mut items = Vec::new();
    flag(&mut items, "from", flags.from.as_ref());
    flag(&mut items, "chown", flags.chown.as_ref());
    flag(&mut items, "chmod", flags.chmod.as_ref());
    flag(&mut items, "checksum", flags.checksum.as_ref());
    for exclude in &flags.exclude {
        flag(&mut items, "exclude", Some(exclude));
    }
    items.extend(flags.link.then(|| atom("link")));
    items.extend(flags.parents.then(|| atom("parents")));
    items.extend(flags.keep_git_dir.map(|b| list(&[atom("keep-git-dir"), b.to_string()])));
    items.extend(flags.unpack.map(|b| list(&[atom("unpack"), b.to_string()])));
    items.extend(words(&transfer.sources));
    items.push(list(&[atom("to"), quote(&transfer.dest.text)]));
    items
}
