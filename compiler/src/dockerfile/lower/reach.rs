//! What the target reaches: stages, images, and the ONBUILD triggers that images and stages bring along.
//!
//! Owns: asking the resolver, once per image and platform, and only for what is needed.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use buildc_digest::Digest;
use buildc_ir::world::{ResolvedImage, Resolver};
use buildc_ir::{Diagnostic, ImageConfig, Platform, Severity, SourceMap, Span};

use super::link::{Fired, Linked, Origin, needed};
use crate::dockerfile::ast::{Instruction, Kind};
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
    /// Images that are not known, where that is tolerated; `images` has empty ones in their place.
    pub unknown: BTreeSet<(String, Platform)>,
}

/// Follows all needs from some stages. With `tolerant` an image that cannot be resolved is taken for an empty one.
pub fn reach<'a>(
    linked: Linked<'a>,
    mut todo: Vec<usize>,
    tolerant: bool,
    sources: &mut SourceMap,
    resolver: &dyn Resolver,
    problems: &mut Vec<Diagnostic>,
) -> Reached<'a> {
    let (stages, images, unknown) = (BTreeSet::new(), Images::new(), BTreeSet::new());
    let reached = Reached { linked, stages, images, unknown };
    let mut walk = Walk { reached, tolerant, refused: BTreeSet::new(), resolver, sources, problems };
    while let Some(index) = todo.pop() {
        if walk.reached.stages.insert(index) {
            todo.extend(walk.visit(index));
        }
    }
    walk.reached
}

/// The walk from the target, with what it needs on the way.
struct Walk<'a, 'w> {
    reached: Reached<'a>,
    tolerant: bool,
    /// Images that the resolver does not have; asked once, reported once.
    refused: BTreeSet<(String, Platform)>,
    resolver: &'w dyn Resolver,
    sources: &'w mut SourceMap,
    problems: &'w mut Vec<Diagnostic>,
}

impl Walk<'_, '_> {
    /// Resolves what a stage needs, fires its triggers, and gives the stages to visit next.
    fn visit(&mut self, index: usize) -> Vec<usize> {
        let Some(stage) = self.reached.linked.stages.get(index) else { return Vec::new() };
        let (base, written) = (stage.base.clone(), stage.written.clone());
        if let Some(base) = &base {
            self.resolve(base, written.span, &written.text);
        }
        fire_triggers(&mut self.reached.linked, index, &self.reached.images, self.sources, self.problems);
        let Some(stage) = self.reached.linked.stages.get(index) else { return Vec::new() };
        let needs: Vec<(Origin, Span)> =
            stage.body.iter().flat_map(Fired::needs).map(|(need, span)| (need.clone(), span)).collect();
        for (need, span) in needs {
            let name = match &need {
                Origin::Image(reference, _) => reference.familiar(),
                _ => String::new(),
            };
            // Nobody writes the tag that a name without one means.
            self.resolve(&need, span, name.strip_suffix(":latest").unwrap_or(&name));
        }
        self.next(index)
    }

    fn next(&mut self, index: usize) -> Vec<usize> {
        let linked = &self.reached.linked;
        let mut next = Vec::new();
        for (other, span) in linked.stages.get(index).into_iter().flat_map(needed) {
            match linked.stages.get(other) {
                Some(later) if other >= index => {
                    self.problems.push(problem::later_stage(&linked.display_name(other), span, later.span));
                }
                _ => next.push(other),
            }
        }
        next
    }

    fn resolve(&mut self, origin: &Origin, span: Span, written: &str) {
        let Origin::Image(reference, platform) = origin else { return };
        let key = (reference.to_string(), platform.clone());
        if self.reached.images.contains_key(&key) || self.refused.contains(&key) {
            return;
        }
        match self.resolver.resolve(reference, platform) {
            Ok(image) => drop(self.reached.images.insert(key, image)),
            Err(error) if self.tolerant => {
                self.problems.push(problem::unchecked(&error, span));
                self.reached.unknown.insert(key.clone());
                let config = ImageConfig::scratch(platform.clone());
                let nothing = ResolvedImage { manifest: Digest::of(b""), config, history: Vec::new() };
                self.reached.images.insert(key, nothing);
            }
            Err(error) => {
                let stages: Vec<&str> =
                    self.reached.linked.stages.iter().filter_map(|s| s.name.as_deref()).collect();
                self.problems.push(problem::unresolved(&error, written, &stages, span));
                self.refused.insert(key);
            }
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
        Some(Origin::Build(build, at)) => linked.triggers_of_build(build, *at),
        _ => Vec::new(),
    };
    let name = format!("ONBUILD of {}", stage.written.text);
    let mut fired: Vec<Fired<'_>> = Vec::new();
    for trigger in triggers {
        let file = sources.add(&*name, &*trigger);
        let (ast, found) = parse(file, &trigger);
        let understood = found.iter().all(|p| p.severity != Severity::Error);
        problems.extend(found);
        match <[Instruction; 1]>::try_from(ast.instructions) {
            Ok([instruction]) if !matches!(instruction.kind, Kind::From(_)) => {
                fired.push(linked.fired(Cow::Owned(instruction), true, problems));
            }
            _ if understood => problems.push(problem::trigger_is_not_one(Span::new(file, 0, trigger.len()))),
            _ => {}
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
