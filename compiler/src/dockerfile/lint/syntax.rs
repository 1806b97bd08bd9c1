//! Rules about how instructions are written: casing, stage names, old forms, comments. No word is expanded.

use std::collections::BTreeSet;

use super::{Edit, Lint, rule};
use crate::dockerfile::ast::{Dockerfile, From, Instruction, Kind, Pairs};
use crate::dockerfile::quote;

/// Names that mean something else where a stage could be named.
const RESERVED: [&str; 2] = ["context", "scratch"];

/// Looks at a whole file.
pub fn check(ast: &Dockerfile, lint: &mut Lint) {
    let mut casing = Casing::default();
    let mut names = BTreeSet::new();
    let mut in_stage = false;
    for instruction in &ast.instructions {
        in_stage |= matches!(instruction.kind, Kind::From(_));
        if in_stage {
            casing.count(&instruction.name.text);
        }
    }
    in_stage = false;
    for instruction in &ast.instructions {
        lint.enter(&instruction.comments);
        in_stage |= matches!(instruction.kind, Kind::From(_));
        if in_stage {
            casing.check(instruction, lint);
        }
        blank_lines(instruction, lint);
        match &instruction.kind {
            Kind::From(from) => {
                from_casing(instruction, from, lint);
                stage_name(instruction, from, &mut names, lint);
                let name = from.name.iter().map(|n| n.text.as_str());
                description(instruction, "FROM", &name.collect::<Vec<_>>(), lint);
            }
            Kind::Arg(args) => {
                let names: Vec<_> = args.iter().map(|a| a.name.text.as_str()).collect();
                description(instruction, "ARG", &names, lint);
            }
            Kind::Maintainer(_) => maintainer(instruction, ast.directives.escape, lint),
            Kind::Env(pairs) | Kind::Label(pairs) if pairs.legacy => {
                legacy(instruction, pairs, ast.directives.escape, lint);
            }
            _ => {}
        }
    }
}

/// How many instructions are written in which case.
#[derive(Default)]
struct Casing {
    lower: usize,
    upper: usize,
}

impl Casing {
    fn count(&mut self, name: &str) {
        self.lower += usize::from(name == name.to_lowercase());
        self.upper += usize::from(name == name.to_uppercase());
    }

    /// All instructions follow the majority, upper case where there is none.
    fn check(&self, instruction: &Instruction, lint: &mut Lint) {
        let name = &instruction.name.text;
        let (wanted, casing) = match self.lower > self.upper {
            true => (name.to_lowercase(), "lowercase"),
            false => (name.to_uppercase(), "uppercase"),
        };
        if *name != wanted {
            let message =
                format!("Command '{name}' should match the case of the command majority ({casing})");
            let edits = vec![Edit::new(instruction.name.span, wanted)];
            lint.find_fixable(rule::CONSISTENT_INSTRUCTION_CASING, instruction.span, message, edits);
        }
    }
}

/// BuildKit names the last line of the instruction.
fn blank_lines(instruction: &Instruction, lint: &mut Lint) {
    if !instruction.blank_lines.is_empty() {
        let edits = instruction.blank_lines.iter().map(|span| Edit::new(*span, String::new())).collect();
        let message = "Empty continuation line".to_owned();
        lint.find_fixable(rule::NO_EMPTY_CONTINUATION, instruction.last_line, message, edits);
    }
}

fn from_casing(instruction: &Instruction, from: &From, lint: &mut Lint) {
    if let Some(name) = &from.written_name
        && name.text != name.text.to_lowercase()
    {
        let message = format!("Stage name '{}' should be lowercase", name.text);
        let edits = vec![Edit::new(name.span, name.text.to_lowercase())];
        lint.find_fixable(rule::STAGE_NAME_CASING, instruction.span, message, edits);
    }
    let (Some(keyword), command) = (&from.keyword, &instruction.name.text) else { return };
    let wanted = if *command == command.to_lowercase() {
        "as"
    } else if *command == command.to_uppercase() {
        "AS"
    } else {
        return;
    };
    if keyword.text != wanted {
        let message = format!("'{}' and '{command}' keywords' casing do not match", keyword.text);
        let edits = vec![Edit::new(keyword.span, wanted.to_owned())];
        lint.find_fixable(rule::FROM_AS_CASING, instruction.span, message, edits);
    }
}

fn stage_name<'a>(instruction: &Instruction, from: &'a From, names: &mut BTreeSet<&'a str>, lint: &mut Lint) {
    let Some(name) = from.name.as_ref().map(|n| n.text.as_str()) else { return };
    let quoted = quote::go(name);
    if RESERVED.contains(&name) {
        let message = format!("Stage name should not use the same name as reserved stage {quoted}");
        lint.find(rule::RESERVED_STAGE_NAME, instruction.span, message);
    }
    if !names.insert(name) {
        let message = format!("Duplicate stage name {quoted}, stage names should be unique");
        lint.find(rule::DUPLICATE_STAGE_NAME, instruction.span, message);
    }
}

/// A comment directly above FROM or ARG is its description and begins with the name.
fn description(instruction: &Instruction, command: &str, names: &[&str], lint: &mut Lint) {
    let (Some(comment), Some(first)) = (instruction.comments.last(), names.first()) else { return };
    let begins_with = comment.split(' ').next().unwrap_or_default();
    if !names.contains(&begins_with) {
        let name = if names.len() > 1 { "<arg_key>" } else { first };
        let message = format!("Comment for {command} should follow the format: `# {name} <description>`");
        lint.find(rule::INVALID_DEFINITION_DESCRIPTION, instruction.span, message);
    }
}

fn maintainer(instruction: &Instruction, escape: char, lint: &mut Lint) {
    let message = "Maintainer instruction is deprecated in favor of using label".to_owned();
    let mut edits = Vec::new();
    if let Kind::Maintainer(word) = &instruction.kind {
        let mut value = String::new();
        for c in word.text.chars() {
            value.extend(['"', '$', escape].contains(&c).then_some(escape));
            value.push(c);
        }
        let lower = instruction.name.text == instruction.name.text.to_lowercase();
        let label = if lower { "label" } else { "LABEL" };
        let text = format!("{label} org.opencontainers.image.authors=\"{value}\"");
        edits.push(Edit::new(instruction.span, text));
    }
    lint.find_fixable(rule::MAINTAINER_DEPRECATED, instruction.span, message, edits);
}

fn legacy(instruction: &Instruction, pairs: &Pairs, escape: char, lint: &mut Lint) {
    let name = &instruction.name.text;
    let message =
        format!("\"{name} key=value\" should be used instead of legacy \"{name} key value\" format");
    let mut edits = Vec::new();
    if let [(key, value)] = pairs.pairs.as_slice() {
        let length = (value.span.end - value.span.start) as usize;
        // A value over several lines would lose its line ends.
        if length == value.text.len() {
            let text = format!("{}={}", key.text, one_word(&value.text, escape));
            edits.push(Edit::new(key.span.to(value.span), text));
        }
    }
    lint.find_fixable(rule::LEGACY_KEY_VALUE_FORMAT, instruction.span, message, edits);
}

/// A value whose blanks keep it together: as it is where they are quoted or escaped, else in double quotes or escaped.
fn one_word(value: &str, escape: char) -> String {
    let plain = !value.contains(['"', '\'', escape]);
    match value.contains(char::is_whitespace) {
        true if plain => format!("\"{value}\""),
        true => escape_blanks(value, escape),
        false => value.to_owned(),
    }
}

fn escape_blanks(value: &str, escape: char) -> String {
    let mut out = String::new();
    let mut quote = None;
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, c) if c.is_whitespace() => out.push(escape),
            _ => {}
        }
        out.push(c);
        if c == escape && quote != Some('\'') {
            out.extend(chars.next());
        }
    }
    out
}
