//! Every diagnostic of the Dockerfile frontend: code, message and remedy in one place (spec/errors).
//!
//! Owns: the wording. The callers own the decision.

use buildc_ir::world::WorldError;
use buildc_ir::{Diagnostic, Severity, Span};

/// The names that an unknown instruction is compared with.
pub const INSTRUCTIONS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// The candidate that is nearest to what was written, if one is near enough to be a slip of the pen.
pub fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written = written.to_lowercase();
    let limit = (written.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(&written, &c.to_lowercase()), c))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c)
}

/// Most changes between a variable and the one that a finding suggests.
const MOST_CHANGES: usize = 2;

/// The first of the variables that are nearest to what was written, as BuildKit has it: in its case, and however short it is.
pub fn nearest_variable<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let measured = candidates.into_iter().map(|name| (strsim::levenshtein(written, name), name));
    let near = measured.filter(|(changes, _)| *changes <= MOST_CHANGES);
    near.min_by_key(|(changes, _)| *changes).map(|(_, name)| name)
}

fn did_you_mean<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>, else_say: &str) -> String {
    match nearest(written, candidates) {
        Some(best) => format!("Did you mean `{best}`?"),
        None => else_say.to_owned(),
    }
}

/// A name that is no instruction.
pub fn unknown_instruction(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("dockerfile::unknown_instruction", format!("Unknown instruction `{name}`"))
        .label(span, "not an instruction")
        .help(did_you_mean(name, INSTRUCTIONS, "Every line starts with an instruction such as RUN or COPY; a command that goes on over the line end needs a `\\` there"))
}

/// A flag that the instruction does not have.
pub fn unknown_flag(instruction: &str, flag: &str, known: &[&str], span: Span) -> Diagnostic {
    let list = known.iter().map(|k| format!("--{k}")).collect::<Vec<_>>().join(", ");
    let list = if list.is_empty() {
        format!("{instruction} takes no flags")
    } else {
        format!("{instruction} takes {list}")
    };
    let help = match nearest(flag, known.iter().copied()) {
        Some(best) => format!("Did you mean `--{best}`?"),
        None => list,
    };
    Diagnostic::error("dockerfile::unknown_flag", format!("{instruction} has no flag `--{flag}`"))
        .label(span, "unknown flag")
        .help(help)
}

/// A flag that is known but written wrongly.
pub fn bad_flag(message: impl Into<String>, span: Span, help: impl Into<String>) -> Diagnostic {
    Diagnostic::error("dockerfile::bad_flag", message).label(span, "here").help(help)
}

/// Something beyond the sandbox that the user has not allowed.
pub fn not_entitled(what: &str, entitlement: &str, span: Span) -> Diagnostic {
    Diagnostic::error("dockerfile::not_entitled", format!("{what} is not allowed"))
        .label(span, "leaves the sandbox")
        .help(format!("Build with `--allow {entitlement}` if you trust this Dockerfile"))
}

/// An instruction with too few, too many or malformed arguments.
pub fn bad_arguments(message: impl Into<String>, span: Span, help: impl Into<String>) -> Diagnostic {
    Diagnostic::error("dockerfile::bad_arguments", message).label(span, "here").help(help)
}

/// A JSON array with something else than strings in it, or no JSON where only JSON will do.
pub fn bad_json(message: impl Into<String>, span: Span) -> Diagnostic {
    Diagnostic::error("dockerfile::bad_json", message)
        .label(span, "JSON form")
        .help("Write a JSON array of double-quoted strings, for example `[\"executable\", \"argument\"]`")
}

/// Text that starts like the JSON form and is none: single quotes, a comma too many, a quote too few.
pub fn near_json(instruction: &str, span: Span) -> Diagnostic {
    let message = format!("This is no valid JSON, so {instruction} takes it as plain text");
    Diagnostic::warning("dockerfile::near_json", message)
        .label(span, "looks like the JSON form")
        .help("Write double-quoted strings with one comma between them, for example `[\"executable\", \"argument\"]`")
}

/// RUN without a command, which the shell takes for a script without a line.
pub fn empty_run(span: Span) -> Diagnostic {
    Diagnostic::warning("dockerfile::empty_run", "RUN has no command and does nothing")
        .label(span, "nothing follows")
        .help("Write `RUN command`, or remove the line")
}

/// What is wrong with an instruction that only a child image will run.
pub fn of_trigger(found: Diagnostic) -> Diagnostic {
    if found.severity == Severity::Warning {
        return found;
    }
    let message = format!("This trigger will fail where it fires: {}", found.message);
    Diagnostic { severity: Severity::Warning, code: "dockerfile::bad_trigger", message, ..found }
}

/// An ONBUILD text of an image that is not exactly one instruction.
pub fn trigger_is_not_one(span: Span) -> Diagnostic {
    Diagnostic::error("dockerfile::bad_trigger", "An ONBUILD trigger must be one instruction other than FROM")
        .label(span, "the trigger of the base")
        .help("Build the base image again with a trigger that is one instruction")
}

/// A parser directive that cannot be used.
pub fn bad_directive(message: impl Into<String>, span: Span, help: impl Into<String>) -> Diagnostic {
    Diagnostic::error("dockerfile::bad_directive", message).label(span, "directive").help(help)
}

/// A heredoc whose terminator never comes.
pub fn unterminated_heredoc(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("dockerfile::unterminated_heredoc", format!("Unterminated heredoc `{name}`"))
        .label(span, "starts here")
        .help(format!("Add a line that holds only `{name}`"))
}

/// A heredoc where none can be.
pub fn bad_heredoc(message: impl Into<String>, span: Span, help: impl Into<String>) -> Diagnostic {
    Diagnostic::error("dockerfile::bad_heredoc", message).label(span, "here").help(help)
}

/// Bytes that would not be what they were.
pub fn foreign_bytes(instruction: &str, span: Span) -> Diagnostic {
    Diagnostic::error("input::not_utf8", format!("{instruction} has bytes that are not UTF-8 text"))
        .label(span, "the first of them")
        .help("Save the file as UTF-8, for example with `iconv -f latin1 -t utf-8`")
}

/// Bytes in whose place an image has another character.
pub fn foreign_bytes_replaced(instruction: &str, span: Span) -> Diagnostic {
    let message = format!("{instruction} has bytes that are not UTF-8 text; U+FFFD takes their place");
    Diagnostic::warning("input::not_utf8", message)
        .label(span, "the first of them")
        .help("Save the file as UTF-8, for example with `iconv -f latin1 -t utf-8`")
}

/// A line that is too long to be meant.
pub fn line_too_long(span: Span) -> Diagnostic {
    Diagnostic::error("dockerfile::line_too_long", "Line is longer than 65535 bytes")
        .label(span, "this line")
        .help("Split it with continuations, or copy a file instead of writing it in the Dockerfile")
}

/// A file without instructions.
pub fn no_instructions(span: Span) -> Diagnostic {
    Diagnostic::error("dockerfile::no_instructions", "File has no instructions")
        .label(span, "")
        .help("Start with `FROM` and the image to build on")
}

/// A file without FROM.
pub fn no_stage(span: Span) -> Diagnostic {
    Diagnostic::error("dockerfile::no_stage", "File has no stage to build")
        .label(span, "")
        .help("Add a `FROM` line")
}

/// An instruction before the first FROM.
pub fn before_from(instruction: &str, span: Span) -> Diagnostic {
    Diagnostic::error("dockerfile::before_from", format!("{instruction} stands before the first FROM"))
        .label(span, "no stage yet")
        .help("Only ARG may stand before the first FROM")
}

/// `ENV NAME` or `LABEL NAME` without a value.
pub fn missing_value(instruction: &str, span: Span) -> Diagnostic {
    Diagnostic::error("dockerfile::missing_value", format!("{instruction} needs a name and a value"))
        .label(span, "no value")
        .help(format!("Write `{instruction} NAME=value`; an empty value is `NAME=`"))
}

/// A word in a key=value list without `=`.
pub fn missing_equals(instruction: &str, word: &str, span: Span) -> Diagnostic {
    Diagnostic::error("dockerfile::missing_equals", format!("No `=` in `{word}`"))
        .label(span, "must be NAME=value")
        .help(format!("Put a value with blanks in double quotes: `{instruction} NAME=\"two words\"`"))
}

/// A word that cannot be expanded.
pub fn bad_expansion(reason: &super::expand::ExpandError, word: &str, span: Span) -> Diagnostic {
    Diagnostic::error("dockerfile::bad_expansion", format!("`{word}` cannot be expanded: {reason}"))
        .label(span, "in this word")
        .help(reason.help())
}

/// A `--target` that no stage has.
pub fn unknown_target<'a>(
    name: &str,
    stages: impl IntoIterator<Item = &'a str> + Clone,
    span: Span,
) -> Diagnostic {
    let named = stages.clone().into_iter().collect::<Vec<_>>();
    let else_say = match named.as_slice() {
        [] => "No stage of this file has a name; add `AS name` to its FROM".to_owned(),
        [only] => format!("The only stage with a name is `{only}`"),
        several => format!("The stages are `{}`", several.join("`, `")),
    };
    Diagnostic::error("dockerfile::unknown_target", format!("There is no stage `{name}` to build"))
        .label(span, "in this file")
        .help(did_you_mean(name, stages, &else_say))
}

/// `--from=N` with no such stage.
pub fn unknown_stage_index(index: &str, count: usize, span: Span) -> Diagnostic {
    Diagnostic::error("dockerfile::unknown_stage", format!("There is no stage number {index}"))
        .label(span, "stage index")
        .help(format!("Stages are counted from 0; this file has {count}"))
}

/// A stage that needs one defined after it.
pub fn later_stage(name: &str, span: Span, defined: Span) -> Diagnostic {
    Diagnostic::error("dockerfile::later_stage", format!("Stage `{name}` is defined later than it is used"))
        .label(span, "used here")
        .label(defined, "defined here")
        .help("Move the stage that is used above the one that uses it")
}

/// Stages that need each other.
pub fn stage_cycle(names: &[String], span: Span) -> Diagnostic {
    Diagnostic::error("dockerfile::stage_cycle", format!("Stages need each other: {}", names.join(" → ")))
        .label(span, "closes the circle")
        .help("Copy from a stage that does not itself copy from this one")
}

/// FROM that expands to nothing.
pub fn blank_base(written: &str, span: Span) -> Diagnostic {
    Diagnostic::error("dockerfile::blank_base", format!("Base name `{written}` expands to nothing"))
        .label(span, "empty after expansion")
        .help("Declare the ARG before the first FROM and give it a default, or pass `--build-arg`")
}

/// A reference or platform that cannot be read.
pub fn bad_reference(reason: impl std::fmt::Display, span: Span) -> Diagnostic {
    Diagnostic::error("dockerfile::bad_reference", upper_first(&reason.to_string()))
        .label(span, "image reference")
        .help("Write `name`, `name:tag` or `registry.example.com/path/name:tag`; a stage must be defined above its use")
}

/// A platform that cannot be read.
pub fn bad_platform(reason: impl std::fmt::Display, span: Span) -> Diagnostic {
    Diagnostic::error("dockerfile::bad_platform", upper_first(&reason.to_string()))
        .label(span, "platform")
        .help("Write for example `--platform=linux/amd64`")
}

/// A base that the world does not have.
pub fn unresolved(error: &WorldError, written: &str, stages: &[&str], span: Span) -> Diagnostic {
    let similar = nearest(written, stages.iter().copied()).map(|stage| match stage == written {
        true => format!("The stage `{stage}` comes later in the file: move it above this instruction"),
        false => format!("Did you mean the stage `{stage}`?"),
    });
    let diagnostic = Diagnostic::error(error.code, upper_first(&error.message)).label(span, "needed here");
    match similar.or_else(|| error.help.clone()) {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

/// A mount that cannot be understood.
pub fn bad_mount(message: impl Into<String>, span: Span, help: impl Into<String>) -> Diagnostic {
    Diagnostic::error("dockerfile::bad_mount", message).label(span, "mount").help(help)
}

/// Something that buildc does not do yet.
pub fn unsupported(what: &str, span: Span, help: &str) -> Diagnostic {
    Diagnostic::error("dockerfile::unsupported", format!("{what} is not supported yet"))
        .label(span, "here")
        .help(help)
}

/// Rules that are broken in a file that wants none broken.
pub fn rules_broken(rules: &[&str], span: Span) -> Diagnostic {
    let message = format!("Lint violation found for rules: {}", rules.join(", "));
    Diagnostic::error("dockerfile::rules_broken", message)
        .label(span, "")
        .help("`error=true` of the check options makes findings errors; comply, or skip the rules")
}

/// A base that could not be looked at in a check.
pub fn unchecked(error: &WorldError, span: Span) -> Diagnostic {
    let message = format!("What depends on the base was not checked: {}", error.message);
    Diagnostic::warning("dockerfile::unchecked_base", message)
        .label(span, "not resolved")
        .help("Pull or load the image, and check again")
}

/// An internal contradiction; carries the fact for a report.
pub fn internal(fact: impl std::fmt::Display, span: Span) -> Diagnostic {
    Diagnostic::error("dockerfile::internal", format!("Internal contradiction: {fact}"))
        .label(span, "while lowering this")
        .help("This is a fault of buildc; please report it with the Dockerfile")
}

fn upper_first(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}
