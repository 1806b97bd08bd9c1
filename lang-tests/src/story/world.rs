//! A world in memory: files, images, results of steps. Answers the plan's questions, and builds in the plainest way
//! there is, so that what a plan says can be compared with what happens.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use buildc_digest::{ContentDigest, Digest, Key};
use buildc_ir::git::GitRemote;
use buildc_ir::graph::Node;
use buildc_ir::keys;
use buildc_ir::pattern::{PatternSet, SelectionQuery};
use buildc_ir::reads::{Aspect, Fingerprint};
use buildc_ir::step::{Exec, From};
use buildc_ir::world::{
    BuildRecord, Effects, Facts, ResolvedImage, Resolver, SelectError, Selected, Traced, WorldError,
};
use buildc_ir::{Graph, ImageConfig, Platform, Reference, StepId, StepKind};

use super::sketch::Images;

#[derive(Default)]
pub struct World {
    files: BTreeMap<String, String>,
    ignore: PatternSet,
    pub images: Images,
    not_pulled: HashSet<Digest>,
    results: HashMap<Key, Vec<ContentDigest>>,
    /// What was recorded for which step, so that it can be forgotten.
    keys_of: BTreeMap<String, Vec<Key>>,
    /// Counts up, for steps that never give the same twice.
    runs: u64,
    pub record: Option<BuildRecord>,
    /// The keys that traces of the commands which ran are kept under, by label, and what is said of their effects.
    trace_keys: BTreeMap<String, Key>,
    effects: HashMap<Key, Effects>,
    listings: RefCell<HashMap<ContentDigest, BTreeMap<String, String>>>,
}

impl World {
    /// One line of a `world` section.
    pub fn change(&mut self, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (name, value) = rest.split_once(" = ").unwrap_or((rest, ""));
        match word {
            "" => {}
            "file" => {
                self.files.insert(name.to_owned(), value.to_owned());
            }
            "remove" => {
                self.files.remove(name);
            }
            "ignore" => self.ignore = PatternSet::parse(&rest.replace(" | ", "\n")).expect("ignore rules"),
            "image" => {
                self.images.insert(name.to_owned(), Digest::of(format!("{name} {value}").as_bytes()));
            }
            "unpull" => {
                self.not_pulled.insert(Digest::of(rest.as_bytes()));
            }
            "forget" => self.forget(rest),
            "trace" => self.trace(name, value),
            other => panic!("the world has no `{other}`"),
        }
    }

    /// Says what the command whose label holds this text does: `reads PATH`, `lists PATH`, `misses PATH`, `writes PATH`,
    /// with commas between.
    fn trace(&mut self, text: &str, effects: &str) {
        let found = self.trace_keys.iter().find(|(label, _)| label.contains(text));
        let key = *found.expect("a command that has run").1;
        let mut traced = Effects { duration_ms: 1500, ..Effects::default() };
        let seen = Fingerprint([0; 16]);
        for effect in effects.split(", ") {
            let (word, path) = effect.split_once(' ').expect("WORD PATH");
            let path = path.as_bytes();
            match word {
                "reads" => traced.reads.saw(path, Aspect::Content, seen),
                "lists" => traced.reads.saw(path, Aspect::Listing, seen),
                "misses" => traced.reads.absent(path),
                "writes" => drop(traced.writes.insert(path.to_vec())),
                other => panic!("no effect `{other}`"),
            }
        }
        self.effects.insert(key, traced);
    }

    /// Drops the results of steps whose label holds this text.
    fn forget(&mut self, text: &str) {
        let (gone, kept) =
            std::mem::take(&mut self.keys_of).into_iter().partition(|(label, _)| label.contains(text));
        self.keys_of = kept;
        let gone: BTreeMap<String, Vec<Key>> = gone;
        for key in gone.values().flatten() {
            self.results.remove(key);
        }
    }

    fn find(&self, pattern: &str) -> Result<BTreeMap<String, String>, SelectError> {
        let below =
            |path: &str| pattern.is_empty() || path == pattern || path.starts_with(&format!("{pattern}/"));
        let mut found = self.files.clone();
        found.retain(|path, _| below(path));
        let verdict = self.ignore.judge_path(pattern.as_bytes());
        let hidden = found.iter().next().is_some() && verdict.excluded;
        found.retain(|path, _| !self.ignore.judge_path(path.as_bytes()).excluded);
        if !found.is_empty() || pattern.is_empty() {
            return Ok(found);
        }
        let rule = self.ignore.rule(&verdict).filter(|_| hidden);
        let similar = self.files.keys().filter(|path| path.starts_with(pattern.get(..2).unwrap_or(pattern)));
        Err(SelectError::NotFound {
            pattern: pattern.to_owned(),
            ignored_by: rule.map(|rule| (".dockerignore".to_owned(), rule.line, rule.text.clone())),
            similar: if hidden { Vec::new() } else { similar.cloned().collect() },
        })
    }
}

impl Facts for World {
    fn result(&self, key: &Key) -> Option<Vec<ContentDigest>> {
        self.results.get(key).cloned()
    }

    fn image_layers(&self, manifest: &Digest) -> Option<Vec<ContentDigest>> {
        (!self.not_pulled.contains(manifest)).then(|| vec![ContentDigest::of(manifest.as_bytes())])
    }

    fn select_context(&self, _: &str, query: &SelectionQuery) -> Result<Selected, SelectError> {
        let mut listing = BTreeMap::new();
        for pattern in &query.patterns {
            listing.extend(self.find(pattern)?);
        }
        let digest = ContentDigest::of(format!("{query:?} {listing:?}").as_bytes());
        let (entries, bytes) = (listing.len() as u64, listing.values().map(|text| text.len() as u64).sum());
        self.listings.borrow_mut().insert(digest, listing);
        Ok(Selected { digest, entries, bytes })
    }

    fn select_tree(&self, layers: &[ContentDigest], query: &SelectionQuery) -> Result<Selected, SelectError> {
        if let Some(pattern) = query.patterns.iter().find(|p| p.contains("missing")) {
            let (ignored_by, similar) = (None, Vec::new());
            return Err(SelectError::NotFound { pattern: pattern.clone(), ignored_by, similar });
        }
        let digest = ContentDigest::of(format!("{query:?} {layers:?}").as_bytes());
        Ok(Selected { digest, entries: 1, bytes: 1 })
    }

    fn traced(&self, _: &Key, _: &Exec, _: &[ContentDigest]) -> Traced {
        Traced::Never
    }

    fn effects(&self, key: &Key) -> Option<Effects> {
        self.effects.get(key).cloned()
    }

    fn selection_diff(
        &self,
        before: &ContentDigest,
        now: &ContentDigest,
        limit: usize,
    ) -> (Vec<String>, u64) {
        let listings = self.listings.borrow();
        let (Some(before), Some(now)) = (listings.get(before), listings.get(now)) else {
            return (Vec::new(), 0);
        };
        let paths: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
        let change = |path: &&String| match (before.get(*path), now.get(*path)) {
            (None, _) => Some(format!("+ {path}")),
            (_, None) => Some(format!("- {path}")),
            (before, now) => (before != now).then(|| format!("~ {path}")),
        };
        let changes: Vec<String> = paths.iter().filter_map(change).collect();
        let total = changes.len() as u64;
        (changes.into_iter().take(limit).collect(), total)
    }

    fn previous(&self) -> Option<BuildRecord> {
        self.record.clone()
    }
}

impl Resolver for World {
    fn resolve(&self, reference: &Reference, platform: &Platform) -> Result<ResolvedImage, WorldError> {
        let name = reference.familiar();
        let manifest = self.images.get(&name).copied().unwrap_or_else(|| Digest::of(name.as_bytes()));
        let config = ImageConfig::scratch(platform.clone());
        Ok(ResolvedImage { manifest, config, history: Vec::new() })
    }

    fn commit(&self, remote: &GitRemote) -> Result<String, WorldError> {
        let name = format!("{}#{}", remote.url, remote.reference);
        Ok(Digest::of(name.as_bytes()).to_string().chars().rev().take(40).collect())
    }
}

/// What became of a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    Cached,
    Ran,
}

/// A build in the plainest way: one step after the other, recursively, on demand.
pub struct Build<'a> {
    pub world: &'a mut World,
    pub graph: &'a Graph,
    pub no_cache: bool,
    /// Layers of every tree that was asked for.
    trees: HashMap<StepId, Vec<ContentDigest>>,
    pub fates: HashMap<StepId, Fate>,
    /// Steps whose trees were known before anything ran: only over those a placed key decides.
    settled: HashSet<StepId>,
}

impl<'a> Build<'a> {
    pub fn new(world: &'a mut World, graph: &'a Graph, no_cache: bool) -> Self {
        Self { world, graph, no_cache, trees: HashMap::new(), fates: HashMap::new(), settled: HashSet::new() }
    }

    pub fn run(&mut self) {
        for target in &self.graph.targets {
            self.tree(target.root);
        }
    }

    fn tree(&mut self, id: StepId) -> Vec<ContentDigest> {
        if let Some(tree) = self.trees.get(&id) {
            return tree.clone();
        }
        let node = self.graph.get(id).expect("known step");
        let mut tree = node.step.base().map(|base| self.tree(base)).unwrap_or_default();
        let base = node.step.base().map(|_| keys::tree_digest(&tree));
        let below = node.step.base().is_none_or(|base| self.settled.contains(&base));
        let (fate, settled, layers) = self.result(id, node, base, below);
        if settled {
            self.settled.insert(id);
        }
        self.fates.insert(id, fate);
        tree.extend(layers);
        self.trees.insert(id, tree.clone());
        tree
    }

    /// What became of a step, whether that was certain before anything ran, and its layers. `below`: its base was.
    fn result(
        &mut self,
        id: StepId,
        node: &Node,
        base: Option<ContentDigest>,
        below: bool,
    ) -> (Fate, bool, Vec<ContentDigest>) {
        match &node.step.kind {
            StepKind::Scratch | StepKind::Config(_) | StepKind::Diff => {
                return (Fate::Cached, below, Vec::new());
            }
            StepKind::Image(image) => {
                let pulled = self.world.not_pulled.remove(&image.manifest);
                let layers = self.world.image_layers(&image.manifest).expect("pulled");
                return (if pulled { Fate::Ran } else { Fate::Cached }, !pulled, layers);
            }
            _ => {}
        }
        let placed = keys::placed_key(&self.definition(id), base);
        if let (true, Some(layers)) =
            (below && !self.no_cache && !self.volatile(id), self.world.result(&placed))
        {
            return (Fate::Cached, true, layers);
        }
        let selected = self.select(node);
        let content = keys::content_key(&node.step, base, &selected);
        let allowed = !self.no_cache && keys::has_content_key(&node.step.kind);
        let settled = below && node.step.inputs.iter().all(|input| self.settled.contains(&input.step));
        let (fate, layers) = match self.world.result(&content).filter(|_| allowed) {
            Some(layers) => (Fate::Cached, layers),
            None => (Fate::Ran, self.execute(node, content)),
        };
        self.world.results.extend([(placed, layers.clone()), (content, layers.clone())]);
        if let Some(key) = keys::trace_key(&node.step, &selected) {
            self.world.trace_keys.insert(node.label.clone(), key);
        }
        self.world.keys_of.entry(node.label.clone()).or_default().extend([placed, content]);
        (fate, settled && fate == Fate::Cached, layers)
    }

    fn select(&mut self, node: &Node) -> Vec<ContentDigest> {
        let mut selected = Vec::new();
        for selection in keys::selections(&node.step.kind) {
            let found = match selection.from {
                From::Context(name) => self.world.select_context(&name, &selection.query),
                From::Input(index) => {
                    let tree = self.tree(node.step.inputs[index].step);
                    self.world.select_tree(&tree, &selection.query)
                }
            };
            selected.push(found.expect("selection").digest);
        }
        selected
    }

    /// A step with `same` in its text always makes the same, one with `random` never, others what their inputs say.
    fn execute(&mut self, node: &Node, content: Key) -> Vec<ContentDigest> {
        self.world.runs += 1;
        let text = node.text();
        let made = match (text.contains("same"), text.contains("random")) {
            (true, _) => text.to_owned(),
            (_, true) => format!("{}", self.world.runs),
            _ => content.hex(),
        };
        vec![ContentDigest::of(made.as_bytes())]
    }

    fn definition(&self, id: StepId) -> Key {
        let node = self.graph.get(id).expect("known step");
        let inputs: Vec<Key> = node.step.inputs.iter().map(|input| self.definition(input.step)).collect();
        let select =
            |(context, query): &(String, _)| self.world.select_context(context, query).expect("files").digest;
        let selected: Vec<ContentDigest> =
            keys::context_selections(&node.step.kind).iter().map(select).collect();
        keys::definition_key(&node.step, &inputs, &selected)
    }

    fn volatile(&self, id: StepId) -> bool {
        let node = self.graph.get(id).expect("known step");
        keys::is_volatile(&node.step.kind) || node.step.inputs.iter().any(|input| self.volatile(input.step))
    }
}
