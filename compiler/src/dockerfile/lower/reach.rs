//! What the target reaches: stages, images, and the ONBUILD triggers that images and stages bring along.
//!
//! Owns: asking the resolver, once per image and platform, and only for what is needed.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use buildc_ir::world::{ResolvedImage, Resolver};
use buildc_ir::{Diagnostic, Platform, SourceMap, Span};

use super::link::{Fired, Linked, Origin, needed};
use crate::dockerfile::ast::Kind;
use crate::dockerfile::{parse, problem};

/// Images by full reference and platform.
pub type Images = BTreeMap<(String, Platform), ResolvedImage>;

/// The part of a file that is lowered.
#[derive(Debug)]
pub struct Reached<'a> {
    /// All stages; those in `stages` have their triggers in front.
    pub linked: Linked<'a>,
    /// The stages that are lowered, in file order.
    pub stages: BTreeSet<usize>,
    /// What the resolver said.
    pub images: Images,
}

/// Follows all needs from the target.
pub fn reach<'a>(
    mut linked: Linked<'a>,
    target: usize,
    sources: &mut SourceMap,
    resolver: &dyn Resolver,
    problems: &mut Vec<Diagnostic>,
) -> Reached<'a> {
    let mut images = Images::new();
    let mut reached = BTreeSet::new();
    let mut todo = vec![target];
    while let Some(index) = todo.pop() {
        if !reached.insert(index) {
            continue;
        }
        let Some(stage) = linked.stages.get(index) else { continue };
        if let Some(base @ Origin::Image(..)) = &stage.base {
            resolve(&linked, base, stage.written.span, &stage.written.text, &mut images, resolver, problems);
        }
        if !matches!(stage.base, Some(Origin::Context(_))) || stage.name.is_none() {
            fire_triggers(&mut linked, index, &images, sources, problems);
        }
        let Some(stage) = linked.stages.get(index) else { continue };
        for fired in &stage.body {
            for need in fired.needs.iter().flatten().filter(|n| matches!(n, Origin::Image(..))) {
                let span = fired.instruction.span;
                resolve(&linked, need, span, "", &mut images, resolver, problems);
            }
        }
        for (other, span) in needed(stage) {
            match linked.stages.get(other) {
                Some(later) if other >= index => {
                    problems.push(problem::later_stage(&linked.display_name(other), span, later.span));
                }
                _ => todo.push(other),
            }
        }
    }
    Reached { linked, stages: reached, images }
}

fn resolve(
    linked: &Linked<'_>,
    origin: &Origin,
    span: Span,
    written: &str,
    images: &mut Images,
    resolver: &dyn Resolver,
    problems: &mut Vec<Diagnostic>,
) {
    let Origin::Image(reference, platform) = origin else { return };
    let key = (reference.to_string(), platform.clone());
    if images.contains_key(&key) {
        return;
    }
    match resolver.resolve(reference, platform) {
        Ok(image) => {
            images.insert(key, image);
        }
        Err(error) => {
            let stages: Vec<&str> = linked.stages.iter().filter_map(|s| s.name.as_deref()).collect();
            problems.push(problem::unresolved(&error, written, &stages, span));
        }
    }
}

/// Puts the triggers of a stage's base in front of its own instructions.
fn fire_triggers(
    linked: &mut Linked<'_>,
    index: usize,
    images: &Images,
    sources: &mut SourceMap,
    problems: &mut Vec<Diagnostic>,
) {
    let Some(stage) = linked.stages.get(index) else { return };
    let triggers = match &stage.base {
        Some(Origin::Image(reference, platform)) => images
            .get(&(reference.to_string(), platform.clone()))
            .map(|image| image.config.on_build.clone())
            .unwrap_or_default(),
        Some(Origin::Stage(base)) => stage_triggers(linked, *base),
        _ => Vec::new(),
    };
    let name = format!("ONBUILD of {}", stage.written.text);
    let mut fired: Vec<Fired<'_>> = Vec::new();
    for trigger in triggers {
        let file = sources.add(&*name, &*trigger);
        let (ast, found) = parse(file, &trigger);
        problems.extend(found);
        for instruction in ast.instructions {
            fired.push(linked.fired(Cow::Owned(instruction), true, problems));
        }
    }
    linked.several |= fired.iter().flat_map(|f| &f.needs).any(|n| matches!(n, Some(Origin::Image(..))));
    if let Some(stage) = linked.stages.get_mut(index) {
        stage.body.splice(0..0, fired);
    }
}

/// Triggers that a stage itself writes; those that fired in it are not passed on.
fn stage_triggers(linked: &Linked<'_>, index: usize) -> Vec<String> {
    let Some(stage) = linked.stages.get(index) else { return Vec::new() };
    let own = stage.body.iter().filter(|f| !f.onbuild);
    own.filter_map(|f| match &f.instruction.kind {
        Kind::Onbuild(trigger) => Some(trigger.text.clone()),
        _ => None,
    })
    .collect()
}
