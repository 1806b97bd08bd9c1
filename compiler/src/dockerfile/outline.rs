//! What a file offers: its targets, and for one target the arguments, secrets and agents that it asks for. The forms are
//! those of BuildKit's `frontend.targets` and `frontend.outline` requests.
//!
//! Owns: the types and their text. What is in an outline is found by `lower/outline`.

use std::fmt::Write;

use buildc_ir::{FileId, SourceMap, Span};
use serde_json::{Value, json};

use super::ast::{Dockerfile, Instruction, Kind};
use super::lint::render::data;

/// A stage that can be built.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// Its name; empty where it has none.
    pub name: String,
    /// The comment above its FROM, as far as it begins with the name.
    pub description: String,
    /// True for the stage that is built when none is named.
    pub default: bool,
    /// What it is built on, as written.
    pub base: String,
    /// `--platform`, as written.
    pub platform: String,
    /// Its FROM.
    pub span: Span,
}

/// A build argument that a target uses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// The value it would have now; empty where it has none.
    pub value: String,
    /// The comment above its ARG, as far as it begins with the name.
    pub description: String,
    /// Its ARG.
    pub span: Span,
}

/// A secret or an ssh agent that a target uses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Need {
    /// Its id.
    pub name: String,
    /// True when a build without it fails.
    pub required: bool,
    /// The RUN that uses it.
    pub span: Span,
}

/// What a target asks for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Outline {
    /// The Dockerfile.
    pub file: Option<FileId>,
    /// Name of the target; empty where it has none.
    pub name: String,
    /// The comment above its FROM, as far as it begins with the name.
    pub description: String,
    /// In the order of the file.
    pub args: Vec<Argument>,
    /// In the order of the file.
    pub secrets: Vec<Need>,
    /// In the order of the file.
    pub ssh: Vec<Need>,
    /// Ids of cache mounts, in the order of the file.
    pub cache: Vec<Need>,
}

/// The comment directly above an instruction that begins with a name, without the name.
pub fn description(instruction: &Instruction, name: &str) -> String {
    let found = instruction.comments.iter().find_map(|comment| {
        let rest = comment.strip_prefix(name)?;
        rest.starts_with(char::is_whitespace).then(|| rest.trim())
    });
    found.filter(|_| !name.is_empty()).unwrap_or_default().to_owned()
}

/// The stages of a file in order.
pub fn targets(ast: &Dockerfile) -> Vec<Target> {
    let mut found: Vec<Target> = Vec::new();
    for instruction in &ast.instructions {
        let Kind::From(from) = &instruction.kind else { continue };
        let text = |word: Option<&super::ast::Word>| word.map(|w| w.text.clone()).unwrap_or_default();
        let name = text(from.name.as_ref());
        found.push(Target {
            description: description(instruction, &name),
            name,
            default: false,
            base: from.base.text.clone(),
            platform: text(from.platform.as_ref()),
            span: instruction.span,
        });
    }
    if let Some(last) = found.last_mut() {
        last.default = true;
    }
    found
}

/// Targets as a table.
pub fn targets_text(targets: &[Target]) -> String {
    let rows = targets.iter().map(|target| {
        let name = match (target.name.as_str(), target.default) {
            ("", true) => "(default)".to_owned(),
            (name, true) => format!("{name} (default)"),
            (name, false) => name.to_owned(),
        };
        [name, target.description.clone()]
    });
    table(["TARGET", "DESCRIPTION"], rows.collect(), 1)
}

/// Targets as JSON.
pub fn targets_json(targets: &[Target], sources: &SourceMap) -> Value {
    let one = |t: &Target| {
        without_empty(json!({
            "name": t.name, "default": t.default, "description": t.description, "base": t.base,
            "platform": t.platform, "location": location(t.span, sources),
        }))
    };
    let file = targets.first().and_then(|target| sources.get(target.span.file));
    let data: Vec<String> = file.iter().map(|file| data(&file.text)).collect();
    json!({ "targets": targets.iter().map(one).collect::<Vec<_>>(), "sources": data })
}

impl Outline {
    /// As tables, one for each kind that there is.
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        if !self.description.is_empty() {
            let name = if self.name.is_empty() { "(default)" } else { &self.name };
            let _ = writeln!(out, "TARGET:      {name}\nDESCRIPTION: {}\n", self.description);
        } else if !self.name.is_empty() {
            let _ = writeln!(out, "TARGET: {}\n", self.name);
        }
        if !self.args.is_empty() {
            let row = |a: &Argument| [a.name.clone(), a.value.clone(), a.description.clone()];
            let rows = self.args.iter().map(row).collect();
            let _ = writeln!(out, "{}", table(["BUILD ARG", "VALUE", "DESCRIPTION"], rows, 3));
        }
        for (title, needs) in [("SECRET", &self.secrets), ("SSH", &self.ssh)] {
            if !needs.is_empty() {
                let required = |n: &Need| if n.required { "true" } else { "" }.to_owned();
                let rows = needs.iter().map(|n| [n.name.clone(), required(n)]).collect();
                let _ = writeln!(out, "{}", table([title, "REQUIRED"], rows, 3));
            }
        }
        out
    }

    /// As JSON.
    pub fn json(&self, sources: &SourceMap) -> Value {
        let arg = |a: &Argument| {
            without_empty(json!({
                "name": a.name, "description": a.description, "value": a.value,
                "location": location(a.span, sources),
            }))
        };
        let need = |n: &Need| {
            let place = location(n.span, sources);
            without_empty(json!({ "name": n.name, "required": n.required, "location": place }))
        };
        let cache = |n: &Need| json!({ "ID": n.name, "location": location(n.span, sources) });
        without_empty(json!({
            "name": self.name,
            "description": self.description,
            "args": self.args.iter().map(arg).collect::<Vec<_>>(),
            "secrets": self.secrets.iter().map(need).collect::<Vec<_>>(),
            "ssh": self.ssh.iter().map(need).collect::<Vec<_>>(),
            "cache": self.cache.iter().map(cache).collect::<Vec<_>>(),
            "sources": self.file.and_then(|file| sources.get(file)).iter().map(|file| data(&file.text)).collect::<Vec<_>>(),
        }))
    }
}

fn location(span: Span, sources: &SourceMap) -> Value {
    let (first, _) = sources.line_col(span.file, span.start);
    let (last, _) = sources.line_col(span.file, span.end.saturating_sub(1).max(span.start));
    json!({ "ranges": [{ "start": { "line": first }, "end": { "line": last } }] })
}

/// Fields that say nothing are left out, as Go's `omitempty` does.
fn without_empty(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.retain(|_, value| match value {
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Bool(said) => *said,
            _ => true,
        });
    }
    object
}

/// Columns padded to their widest cell and a gap, the last one not; an empty last cell leaves the blanks before it, as in buildx.
fn table<const N: usize>(head: [&str; N], rows: Vec<[String; N]>, gap: usize) -> String {
    let mut lines = vec![head.map(str::to_owned)];
    lines.extend(rows);
    let widths: Vec<usize> =
        (0..N).map(|at| lines.iter().map(|l| l[at].chars().count()).max().unwrap_or(0) + gap).collect();
    let mut out = String::new();
    for line in &lines {
        let mut text = String::new();
        for (at, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let width = if at + 1 < N { *width } else { 0 };
            let _ = write!(text, "{cell:width$}");
        }
        let _ = writeln!(out, "{text}");
    }
    out
}
