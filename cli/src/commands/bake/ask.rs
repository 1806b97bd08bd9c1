//! What is asked of a bake file's targets with `--call`, and all answers as one.

use buildc_compiler::bake::Baked;
use serde_json::{Map, Value};

use super::words::Target;
use crate::commands::Shell;
use crate::commands::call::Call;
use crate::failure::{Failure, Outcome};
use crate::output;

/// Answers in the order of the targets' names: as one document where all want JSON, else each behind its name and what the
/// target is for.
pub fn answer(mut asked: Vec<(Target, Call)>, baked: &Baked, shell: &Shell) -> Outcome {
    asked.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    if !asked.is_empty() && asked.iter().all(|(_, call)| call.is_json()) {
        return document(&asked, baked, shell);
    }
    let mut code = 0;
    for (at, (target, call)) in asked.iter().enumerate() {
        if !call.is_json() {
            let gap = if at > 0 { "\n" } else { "" };
            let what = target.description.as_deref().map(|text| format!("{text}\n")).unwrap_or_default();
            output::data(&format!("{gap}{}\n{what}\n", target.name))?;
        }
        code = code.max(call.run(&target.args.source, shell)?);
    }
    Ok(code)
}

/// The document of `--print` with each target's fields below `build` and its answer beside them, as buildx has it.
fn document(asked: &[(Target, Call)], baked: &Baked, shell: &Shell) -> Outcome {
    let mut document = baked.document().map_err(|why| Failure::new("bake::invalid", why))?;
    let mut verdict = Ok(0);
    let mut targets = Map::new();
    for (target, call) in asked {
        let mut build = document["target"][&target.name].take();
        build["call"] = Value::from(if call.name() == "check" { "lint" } else { call.name() });
        let answer = call.answer(&target.args.source, shell)?;
        let mut told = Map::new();
        told.insert("build".to_owned(), build);
        told.insert(call.name().to_owned(), answer.value);
        targets.insert(target.name.clone(), Value::Object(told));
        verdict = worse(verdict, answer.verdict);
    }
    document["target"] = Value::Object(targets);
    output::json(&document)?;
    verdict
}

/// The first failure, else the greater code.
fn worse(one: Outcome, other: Outcome) -> Outcome {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok(one.max(other)),
        (Err(failure), _) | (_, Err(failure)) => Err(failure),
    }
}
